/** The name of a permission set, or an account's own role as role/path/Name. */
const role = /^(?:[\w+=,.@-]{1,32}|role\/(?:[\w+=,.@-]+\/)*[\w+=,.@-]{1,64})$/;

/**
 * A link made for an AWS access portal, `#/console?account_id=…&role_name=…[&destination=…]`, names an account and a
 * role; the answer is the server's page for it. Anything else after the # is not ours: undefined.
 */
export function deepLink(hash: string): string | undefined {
  const [, path, query] = /^#\/?(console)\/?\?(.*)$/.exec(hash) ?? [];
  const given = new URLSearchParams(query);
  const accountId = given.get('account_id') ?? '';
  const roleName = given.get('role_name') ?? '';
  if (path === undefined || !/^\d{12}$/.test(accountId) || !role.test(roleName)) {
    return undefined;
  }
  const wanted = new URLSearchParams({ account_id: accountId, role_name: roleName });
  const destination = given.get('destination');
  if (destination) {
    wanted.set('destination', destination);
  }
  return `/start/console?${wanted.toString()}`;
}

/** Where to sign in, and how to come back to the place one was going to. */
export function signInAddress(place: { pathname: string; search: string; hash: string }): string {
  return `/signin?${new URLSearchParams({ return_to: place.pathname + place.search + place.hash }).toString()}`;
}

export const signedOutAddress = '/signin?signed_out=1';
