// The log of SCIM requests, as the admin API answers it. These requests bring no cookie, so that nothing can be chosen here.

/** @typedef {{ status?: number, json?: unknown }} Answer */

const at = Date.parse('2026-11-28T06:00:00Z');

const all = Array.from({ length: 70 }, (_, i) => ({
  id: `r${String(100 - i)}`,
  directory: 'entra',
  at: new Date(at - i * 61_000).toISOString(),
  milliseconds: 3.2 + i,
  ...kind(i),
}));

/** @param {number} i */
function kind(i) {
  switch (i % 4) {
    case 0:
      return {
        method: 'POST',
        path: '/scim/entra/v2/Users',
        status: 409,
        outcome: 'refused',
        scimType: 'uniqueness',
        kind: 'User',
        name: 'ben@example.com',
        why: 'The user name ben@example.com is taken by a user who was made by hand.',
      };
    case 1:
      return {
        method: 'PATCH',
        path: '/scim/entra/v2/Groups/9067a1b2c3-44444444-0000-4000-8000-000000000001',
        status: 204,
        outcome: 'changed',
        kind: 'Group',
        resourceId: '9067a1b2c3-44444444-0000-4000-8000-000000000001',
        name: 'Engineering',
        change: { action: 'changed', added: 40, removed: 1 },
      };
    case 2:
      return {
        method: 'GET',
        path: '/scim/entra/v2/Users',
        query: 'filter=userName+eq+%22ada%22',
        status: 200,
        outcome: 'read',
      };
    default:
      return { outcome: 'gap', status: 0, lost: 12 };
  }
}

/** @param {URL} url @returns {Answer} */
function list(url) {
  const q = url.searchParams;
  const found = all.filter(
    (one) =>
      (!q.get('outcome') || one.outcome === q.get('outcome')) &&
      (!q.get('name') || ('name' in one && one.name === q.get('name'))),
  );
  const from = Number(q.get('before') || 0);
  const next = from + 50 < found.length ? String(from + 50) : '';
  return { json: { requests: found.slice(from, from + 50), next } };
}

/** @type {Record<string, (url: URL) => Answer>} */
export const log = {
  'GET /api/v1/directories': () => ({
    json: {
      directories: [
        { id: 'entra', name: 'Entra ID' },
        { id: 'okta', name: 'okta' },
      ],
    },
  }),
  'GET /api/v1/directories/entra/scim-requests': list,
  'GET /api/v1/directories/okta/scim-requests': () => ({ json: { requests: [], next: '' } }),
  'GET /api/v1/directories/entra/scim-requests/r99': () => ({
    json: {
      ...all[1],
      requestId: 'a1b2',
      tokenId: 't-1',
      clientAddress: '192.0.2.7',
      contentType: 'application/scim+json',
      body: '{"Operations":[{"op":"Add","path":"password","value":"•••"}]}',
      bodySize: 78,
      change: {
        action: 'changed',
        attributes: [{ attribute: 'displayName', before: 'Engineers', after: 'Engineering' }],
        added: 40,
        addedIds: ['u-1', 'u-2'],
        removed: 1,
        removedIds: ['u-3'],
      },
    },
  }),
  'GET /api/v1/directories/entra/scim-requests/r100': () => ({ json: all[0] }),
  'POST /api/v1/directories/entra/scim-requests/replay': () => ({
    json: {
      replays: [
        {
          id: 'r99',
          then: { status: 204, outcome: 'changed' },
          now: { status: 204, outcome: 'unchanged' },
          same: false,
        },
      ],
    },
  }),
};
