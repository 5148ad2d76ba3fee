// Sign-ins that failed, as the admin API answers them.

/** @typedef {{ status?: number, json?: unknown }} Answer */

const at = Date.parse('2026-11-28T06:00:00Z');

const all = Array.from({ length: 60 }, (_, i) => ({
  ref: `5b0e7c1a-3a0f-4b52-9d0c-${String(100 - i).padStart(12, '0')}`,
  directory: 'entra',
  at: new Date(at - i * 61_000).toISOString(),
  expires: new Date(at + 30 * 86_400_000 - i * 61_000).toISOString(),
  clientAddress: '192.0.2.7',
  ...(i % 3 === 0
    ? {
        vouched: false,
        reason: 'bad-signature',
        why: 'The signature is not by a certificate of this identity provider.',
        advice: 'Read the metadata again if its certificate has changed.',
      }
    : {
        vouched: true,
        reason: 'unknown-user',
        why: 'The identity provider vouched for a person whom this directory does not know.',
        advice: 'Provision the person by SCIM, or make the names agree.',
      }),
}));

/** @type {Record<string, (url: URL) => Answer>} */
export const failures = {
  'GET /api/v1/sign-in-failures': (url) => {
    const from = Number(url.searchParams.get('before') || 0);
    const next = from + 50 < all.length ? String(from + 50) : '';
    return { json: { failures: all.slice(from, from + 50), next } };
  },
  [`GET /api/v1/sign-in-failures/${all[1]?.ref}`]: () => ({
    json: {
      ...all[1],
      requestId: '_8d1f',
      message: '<samlp:Response ID="_1">\n  <saml:NameID>•••</saml:NameID>\n</samlp:Response>\n',
    },
  }),
  [`GET /api/v1/sign-in-failures/${all[0]?.ref}`]: () => ({ json: all[0] }),
};
