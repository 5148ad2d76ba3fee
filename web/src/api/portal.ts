import { Failure, request } from './request';

/** Who is signed in, until when, and the instance they signed in to. */
export interface Session {
  user: { id: string; userName: string; displayName: string; email: string };
  /** RFC 3339. */
  expiresAt: string;
  /** Whether there is a role of hers in the management account, so that she may be an administrator. */
  administers: boolean;
  instance: Instance;
}

export interface Instance {
  name: string;
  /** The identifier that the AWS CLI accepts as a start URL; not necessarily an address that answers. */
  startUrl: string;
  /** Where this server is reached. */
  portalUrl: string;
  ssoRegion: string;
  identityStoreId: string;
  /** Whose roles may administer. */
  managementAccountId: string;
}

/** An account that the signed-in person reaches, with the roles they may take there. */
export interface Account {
  /** Twelve digits. */
  id: string;
  name: string;
  email: string;
  roles: Role[];
}

export interface Role {
  /** The name of the permission set. */
  name: string;
  description: string;
  /** How long credentials of this role last, in seconds. */
  sessionSeconds: number;
  relayState: string;
}

export interface Credentials {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken: string;
  /** RFC 3339. */
  expiration: string;
  region: string;
  /** Where the account's AWS APIs answer, when that is not AWS itself. */
  endpointUrl?: string;
}

/** Fails with SignedOut when nobody is signed in. */
export function session(signal?: AbortSignal): Promise<Session> {
  return request<Session>('GET', '/api/v1/session', { signal });
}

/** Ends the session on the server, and says where the browser is to go so that the identity provider ends its own; '' for nowhere. */
export async function signOut(): Promise<string> {
  let onward = '';
  await request<undefined>('POST', '/api/v1/session/logout', {
    body: {},
    headers: (headers) => {
      onward = headers.get('X-Sign-Out-At') ?? '';
    },
  });
  return onward;
}

/** More pages than any organization fills: a server that never stops answering `next` must not fill the memory. */
const mostPages = 200;

/** All accounts of the signed-in person, sorted by name. Pages are cut between roles, so an account may be on two. */
export async function accounts(signal?: AbortSignal): Promise<Account[]> {
  const found = new Map<string, Account>();
  let cursor = '';
  for (let page = 0; page < mostPages; page++) {
    const query = new URLSearchParams({ limit: '1000', ...(cursor && { cursor }) });
    const answer = await request<{ accounts: Account[] | null; next?: string }>(
      'GET',
      `/api/v1/portal/accounts?${query.toString()}`,
      { signal },
    );
    for (const account of answer.accounts ?? []) {
      const known = found.get(account.id);
      const roles = [...(known?.roles ?? []), ...(account.roles ?? [])];
      found.set(account.id, { ...account, roles });
    }
    cursor = answer.next ?? '';
    if (!cursor) {
      return sorted([...found.values()]);
    }
  }
  throw new Failure(0, 'The server’s list of accounts does not end.');
}

/** By name as people order names: "Team 9" before "team 10". */
function sorted(accounts: Account[]): Account[] {
  const collator = new Intl.Collator(undefined, { numeric: true, sensitivity: 'base' });
  for (const account of accounts) {
    account.roles.sort((a, b) => collator.compare(a.name, b.name));
  }
  return accounts.sort((a, b) => collator.compare(a.name, b.name) || a.id.localeCompare(b.id));
}

/** Fresh credentials of one role. Fails with a Failure of status 403 when the role is no longer assigned. */
export function credentials(accountId: string, roleName: string, signal?: AbortSignal): Promise<Credentials> {
  return request<Credentials>('POST', '/api/v1/portal/credentials', { body: { accountId, roleName }, signal });
}

/** The server's page that opens the account's console in this role. */
export function consoleAddress(accountId: string, roleName: string): string {
  return `/start/console?${new URLSearchParams({ account_id: accountId, role_name: roleName }).toString()}`;
}

/** A browser session of the signed-in person, as she sees it. Times are RFC 3339. */
export interface OpenSession {
  id: string;
  /** saml, password, password+mfa, passkey. */
  method: string;
  /** The identity source that vouched; empty for the built-in directory. */
  source: string;
  createdAt: string;
  lastSeenAt: string;
  expiresAt: string;
  /** Whether it is the one that asks. */
  current?: boolean;
}

/** The person's open sessions: the present one first, then the last used. */
export async function openSessions(signal?: AbortSignal): Promise<OpenSession[]> {
  const { sessions } = await request<{ sessions: OpenSession[] | null }>('GET', '/api/v1/portal/sessions', { signal });
  const rank = (one: OpenSession) => (one.current === true ? Infinity : Date.parse(one.lastSeenAt));
  return [...(sessions ?? [])].sort((a, b) => rank(b) - rank(a));
}

/** Ends another of her sessions; one that has ended already is as good. */
export async function endSession(id: string): Promise<void> {
  try {
    await request<undefined>('DELETE', `/api/v1/portal/sessions/${encodeURIComponent(id)}`);
  } catch (cause) {
    if (!(cause instanceof Failure && cause.status === 404)) {
      throw cause;
    }
  }
}

/** Ends all of her sessions but this one, and answers how many that were. */
export async function endOtherSessions(): Promise<number> {
  return (await request<{ ended: number }>('DELETE', '/api/v1/portal/sessions')).ended;
}
