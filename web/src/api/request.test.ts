import { afterEach, expect, test, vi } from 'vitest';
import { accounts } from './portal';
import { Failure, request, SignedOut, whenItFails } from './request';

afterEach(() => vi.unstubAllGlobals());

function answering(...answers: (Response | Error)[]) {
  const fetched = vi.fn((_path: string, _options: RequestInit) => {
    const next = answers.shift();
    return next instanceof Response ? Promise.resolve(next) : Promise.reject(next ?? new Error('one request too many'));
  });
  vi.stubGlobal('fetch', fetched);
  return fetched;
}

const json = (body: unknown, status = 200) => new Response(JSON.stringify(body), { status });

test('401 is a session that is over, whatever the body', async () => {
  answering(new Response('<html>', { status: 401 }));
  await expect(request('GET', '/api/v1/session')).rejects.toBeInstanceOf(SignedOut);
});

test.each([
  ['the detail', json({ title: 'Forbidden', status: 403, detail: 'Not assigned.' }, 403), 403, 'Not assigned.'],
  ['the title', json({ title: 'Forbidden', status: 403 }, 403), 403, 'Forbidden'],
  [
    'a number',
    new Response('<html>bad gateway</html>', { status: 502 }),
    502,
    'The server answered with an error (502).',
  ],
  ['a number for nonsense', json({ detail: 7 }, 500), 500, 'The server answered with an error (500).'],
  [
    'unreachable',
    new TypeError('fetch failed'),
    0,
    'The server could not be reached. Check your connection and try again.',
  ],
  ['unreadable', new Response('{"a"', { status: 200 }), 200, 'The server’s answer could not be read.'],
])('a failure says %s', async (_, answer, status, message) => {
  answering(answer);
  const failure = await request('GET', '/x').catch((cause: unknown) => cause);
  expect(failure).toBeInstanceOf(Failure);
  expect(failure).toMatchObject({ status, message });
});

test('an abort stays an abort', async () => {
  answering(new DOMException('stopped', 'AbortError'));
  await expect(request('GET', '/x')).rejects.toMatchObject({ name: 'AbortError' });
});

test('nothing is cached, nothing leaves this origin, and a body is JSON', async () => {
  const fetched = answering(new Response(null, { status: 204 }));
  await expect(request('POST', '/x', { body: { a: 1 } })).resolves.toBeUndefined();
  expect(fetched.mock.calls[0]?.[1]).toMatchObject({
    method: 'POST',
    cache: 'no-store',
    credentials: 'same-origin',
    redirect: 'error',
    body: '{"a":1}',
    headers: { 'Content-Type': 'application/json' },
  });
});

test('accounts follow next to the end and come sorted by name', async () => {
  const one = (id: string, name: string, roles: unknown = []) => ({ id, name, email: '', roles });
  const fetched = answering(
    json({ accounts: [one('3', 'team 10'), one('2', 'Team 9', null)], next: 'a b&c' }),
    json({ accounts: null, next: 'd' }),
    json({ accounts: [one('1', 'alpha')], next: '' }),
  );
  const all = await accounts();
  expect(all.map(({ name }) => name)).toEqual(['alpha', 'Team 9', 'team 10']);
  expect(all.map(({ roles }) => roles)).toEqual([[], [], []]);
  expect(fetched.mock.calls.map(([path]) => path)).toEqual([
    '/api/v1/portal/accounts?limit=1000',
    '/api/v1/portal/accounts?limit=1000&cursor=a+b%26c',
    '/api/v1/portal/accounts?limit=1000&cursor=d',
  ]);
});

test('an account whose roles continue on the next page is one account', async () => {
  const role = (name: string) => ({ name, description: '', sessionSeconds: 3600, relayState: '' });
  answering(
    json({ accounts: [{ id: '1', name: 'A', email: '', roles: [role('x'), role('b')] }], next: 'c' }),
    json({ accounts: [{ id: '1', name: 'A', email: '', roles: [role('a')] }], next: '' }),
  );
  const all = await accounts();
  expect(all.map(({ id, roles }) => [id, ...roles.map(({ name }) => name)])).toEqual([['1', 'a', 'b', 'x']]);
});

test('a server that never stops saying next does not hold the page for ever', async () => {
  const fetched = vi.fn(() => Promise.resolve(json({ accounts: [], next: 'again' })));
  vi.stubGlobal('fetch', fetched);
  await expect(accounts()).rejects.toBeInstanceOf(Failure);
  expect(fetched.mock.calls.length).toBeLessThan(1000);
});

function told(cause: unknown, aborted = false): string[] {
  const said: string[] = [];
  const controller = new AbortController();
  if (aborted) {
    controller.abort();
  }
  whenItFails(controller.signal, () => said.push('signed out'), (why) => said.push(why))(cause);
  return said;
}

test('what failed is told once, and only while somebody waits', () => {
  expect(told(new Error('No.'))).toEqual(['No.']);
  expect(told('text')).toEqual(['Something unexpected happened.']);
  expect(told(new SignedOut())).toEqual(['signed out']);
  expect(told(new Error('No.'), true)).toEqual([]);
});
