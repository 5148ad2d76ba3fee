// The API that the portal speaks, played by sixty lines, for tests of the pages alone. It serves web/dist under the
// content security policy of the real server. What it plays is chosen by the cookie `mock`: signed-out, or how many
// accounts there are (default 12). Nothing here stands for the product: the live tests do.
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { accounts } from './accounts.mjs';
import { failures } from './failures.mjs';
import { log } from './log.mjs';

const port = Number(process.env.GATEHOUSE_MOCK_PORT ?? 18380);
const dist = fileURLToPath(new URL('../../../web/dist/', import.meta.url));
const types = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
};
const policy =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self' data:; " +
  "connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

// Smaller than the page that is asked for, so that the portal has to follow `next`.
const pageSize = 400;

/** @typedef {{ status?: number, json?: unknown, html?: string, type?: string, bytes?: Buffer }} Answer */

/** @type {Record<string, (url: URL, playing: string, body: string) => Answer>} */
const routes = {
  'GET /healthz': () => ({ json: {} }),
  'GET /favicon.ico': () => ({ status: 204 }),
  'GET /api/v1/session': () => ({
    json: {
      user: {
        id: 'f81d4fae-7dec-11d0-a765-00a0c91e6bf6',
        userName: 'ada.lovelace@example.com',
        displayName: 'Ada Lovelace',
        email: 'ada.lovelace@example.com',
      },
      expiresAt: fromNow(7 * 3600 + 42 * 60),
      instance: {
        name: 'Example Industries',
        startUrl: 'https://d-9067a1b2c3.awsapps.com/start',
        portalUrl: `http://127.0.0.1:${port}/start`,
        ssoRegion: 'us-east-1',
        identityStoreId: 'd-9067a1b2c3',
        managementAccountId: '100000000000',
      },
      administers: true,
    },
  }),
  'GET /api/v1/portal/sessions': (_url, playing) => ({ json: { sessions: sessions(playing) } }),
  'DELETE /api/v1/portal/sessions': (_url, playing) => ({ json: { ended: sessions(playing).length - 1 } }),
  ...log,
  ...failures,
  'POST /api/v1/session/logout': () => ({ status: 204 }),
  'GET /api/v1/portal/accounts': (url, playing) => {
    const all = accounts(/^\d+$/.test(playing) ? Number(playing) : 12);
    const from = Number(url.searchParams.get('cursor') ?? 0);
    const next = from + pageSize < all.length ? String(from + pageSize) : '';
    return { json: { accounts: all.slice(from, from + pageSize), next } };
  },
  'POST /api/v1/portal/credentials': (_url, _playing, body) => {
    const { accountId, roleName } = JSON.parse(body);
    return {
      json: {
        accessKeyId: 'ASIAMOCK' + String(++minted).padStart(12, '0'),
        secretAccessKey: `mock/secret+${accountId}`.padEnd(40, 'x'),
        sessionToken: `mock-token-${roleName}-`.padEnd(420, 'Zm9vYmFy'),
        expiration: fromNow(3600),
        region: 'us-east-1',
      },
    };
  },
  'GET /signin': (url) => ({
    html: `<!doctype html><title>Sign in</title><h1>Sign in</h1><p id="to">${escape(url.search)}</p>`,
  }),
  'GET /start/console': (url) => ({
    html: `<!doctype html><title>Console</title><h1>Console</h1><p id="to">${escape(url.search)}</p>`,
  }),
};

let minted = 0;

createServer(async (request, response) => {
  const url = new URL(request.url ?? '/', `http://127.0.0.1:${port}`);
  let body = '';
  for await (const piece of request) {
    body += piece;
  }
  const playing = /(?:^|; )mock=([\w-]+)/.exec(request.headers.cookie ?? '')?.[1] ?? '';
  const answer = await answerTo(`${request.method} ${url.pathname}`, url, playing, body);
  response.writeHead(answer.status ?? 200, {
    'Content-Type': answer.type ?? (answer.html ? 'text/html; charset=utf-8' : 'application/json'),
    'Content-Security-Policy': policy,
    'Cache-Control': 'no-store',
  });
  response.end(answer.bytes ?? answer.html ?? (answer.json === undefined ? '' : JSON.stringify(answer.json)));
}).listen(port, '127.0.0.1');

/**
 * @param {string} what @param {URL} url @param {string} playing @param {string} body
 * @returns {Promise<Answer>}
 */
async function answerTo(what, url, playing, body) {
  if (playing === 'signed-out' && url.pathname.startsWith('/api/')) {
    return { status: 401, json: { title: 'Unauthorized', status: 401, detail: 'Nobody is signed in.' } };
  }
  const route = routes[what];
  if (route) {
    return route(url, playing, body);
  }
  if (url.pathname === '/start' || url.pathname.startsWith('/start/')) {
    const name = url.pathname.slice('/start/'.length);
    return file(['', 'sessions', 'requests', 'failures'].includes(name) ? 'index.html' : name);
  }
  return { status: 404, json: { title: 'Not Found', status: 404, detail: 'There is nothing here.' } };
}

/** @param {string} name @returns {Promise<Answer>} */
async function file(name) {
  const path = join(dist, join('/', name));
  try {
    return {
      bytes: await readFile(path),
      type: /** @type {Record<string, string>} */ (types)[extname(path)] ?? 'application/octet-stream',
    };
  } catch {
    return { status: 404, json: { title: 'Not Found', status: 404, detail: 'No such file. Is web/dist built?' } };
  }
}

/** Two browsers and a passkey's; with `alone` only this one. @param {string} playing */
function sessions(playing) {
  const one = (/** @type {object} */ more, /** @type {number} */ hours) => ({
    source: '',
    createdAt: fromNow(-hours * 3600),
    lastSeenAt: fromNow(-hours * 600),
    expiresAt: fromNow((8 - hours) * 3600),
    ...more,
  });
  const others = [
    one({ id: '00000000-0000-4000-8000-000000000002', method: 'password+mfa' }, 5),
    one({ id: '00000000-0000-4000-8000-000000000003', method: 'passkey' }, 2),
  ];
  const own = one({ id: '00000000-0000-4000-8000-000000000001', method: 'saml', source: 'entra', current: true }, 1);
  return playing === 'alone' ? [own] : [...others, own];
}

/** @param {number} seconds */
function fromNow(seconds) {
  return new Date(Date.now() + seconds * 1000).toISOString();
}

/** @param {string} text */
function escape(text) {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}
