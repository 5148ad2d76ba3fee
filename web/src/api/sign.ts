import type { Credentials } from './portal';

/** What is signed, besides the time and the credentials. */
export interface Signable {
  method: string;
  host: string;
  /** As it is sent, without a query. */
  path: string;
  query: [string, string][];
  body: string;
}

/**
 * The headers that sign a request with AWS Signature Version 4. Browsers have the means (WebCrypto) only on pages that came by https
 * or from this very computer.
 */
export async function signature(
  what: Signable,
  keys: Pick<Credentials, 'accessKeyId' | 'secretAccessKey' | 'sessionToken'>,
  region: string,
  service: string,
  at: Date,
): Promise<Record<string, string>> {
  const time = at.toISOString().replace(/[-:]|\.\d+/g, '');
  const headers: [string, string][] = [
    ['host', what.host],
    ['x-amz-date', time],
  ];
  if (keys.sessionToken !== '') {
    headers.push(['x-amz-security-token', keys.sessionToken]);
  }
  const names = headers.map(([name]) => name).join(';');
  const canonical = [
    what.method,
    what.path.split('/').map(encoded).join('/'),
    queryOf(what.query),
    ...headers.map(([name, value]) => `${name}:${value}`),
    '',
    names,
    hex(await digest(what.body)),
  ].join('\n');
  const scope = [time.slice(0, 8), region, service, 'aws4_request'];
  const text = ['AWS4-HMAC-SHA256', time, scope.join('/'), hex(await digest(canonical))].join('\n');
  let key: BufferSource = bytes(`AWS4${keys.secretAccessKey}`);
  for (const part of scope) {
    key = await mac(key, part);
  }
  const proof = hex(await mac(key, text));
  return {
    'X-Amz-Date': time,
    ...(keys.sessionToken !== '' && { 'X-Amz-Security-Token': keys.sessionToken }),
    Authorization: `AWS4-HMAC-SHA256 Credential=${keys.accessKeyId}/${scope.join('/')}, SignedHeaders=${names}, Signature=${proof}`,
  };
}

/** Whether this page may sign. */
export function canSign(): boolean {
  return globalThis.isSecureContext && 'subtle' in crypto;
}

/** The query as it is signed, and may be sent. */
export function queryOf(query: [string, string][]): string {
  return query
    .map(([name, value]) => [encoded(name), encoded(value)] as const)
    .sort(([a, x], [b, y]) => (a === b ? Number(x > y) - Number(x < y) : a < b ? -1 : 1))
    .map((pair) => pair.join('='))
    .join('&');
}

/** Percent-encoding of everything but letters, digits and -._~ (RFC 3986 §2.3). */
function encoded(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
}

const bytes = (text: string) => new TextEncoder().encode(text);

const digest = (text: string) => crypto.subtle.digest('SHA-256', bytes(text));

async function mac(key: BufferSource, text: string): Promise<ArrayBuffer> {
  const imported = await crypto.subtle.importKey('raw', key, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign']);
  return crypto.subtle.sign('HMAC', imported, bytes(text));
}

function hex(buffer: ArrayBuffer): string {
  return [...new Uint8Array(buffer)].map((b) => b.toString(16).padStart(2, '0')).join('');
}
