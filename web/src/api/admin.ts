import { credentials } from './portal';
import type { Credentials, Instance } from './portal';
import { request } from './request';
import { queryOf, signature } from './sign';

/** A question without a value is not asked. */
export type Query = Record<string, string | undefined>;

/**
 * The admin API as one role of the management account: what it may do is what the role's policies allow, and the audit trail names role and
 * person. The role's keys are fetched when they are needed, renewed before they end, and held by this page alone.
 */
export class AdminClient {
  #keys: Promise<Credentials> | undefined;

  constructor(
    readonly instance: Instance,
    readonly role: string,
  ) {}

  async ask<Answer>(
    method: 'GET' | 'POST',
    path: string,
    { query = {}, body, signal }: { query?: Query; body?: unknown; signal?: AbortSignal | undefined } = {},
  ): Promise<Answer> {
    const keys = await this.#current();
    const asked = Object.entries(query).filter((each): each is [string, string] => Boolean(each[1]));
    const what = {
      method,
      host: location.host,
      path: `/api/v1${path}`,
      query: asked,
      body: body === undefined ? '' : JSON.stringify(body),
    };
    const more = await signature(what, keys, this.instance.ssoRegion, 'gatehouse', new Date());
    const address = what.path + (asked.length > 0 ? `?${queryOf(asked)}` : '');
    return request<Answer>(method, address, { body, signal, more, anonymous: true });
  }

  async #current(): Promise<Credentials> {
    const held = await this.#keys?.catch(() => undefined);
    if (held === undefined || Date.parse(held.expiration) - Date.now() < 60_000) {
      this.#keys = credentials(this.instance.managementAccountId, this.role);
    }
    return this.#keys as Promise<Credentials>;
  }
}

/** An identity source. */
export interface Directory {
  id: string;
  name: string;
}

export interface ScimResult {
  /** HTTP; 0 of a gap. */
  status: number;
  outcome: string;
  scimType?: string;
  why?: string;
  change?: ScimChange;
}

export interface ScimChange {
  action: string;
  attributes?: { attribute: string; before?: unknown; after?: unknown }[];
  added?: number;
  addedIds?: string[];
  removed?: number;
  removedIds?: string[];
  cut?: boolean;
}

export interface ScimResource {
  kind?: string;
  resourceId?: string;
  externalId?: string;
  name?: string;
}

/** An entry of the log of SCIM requests. */
export interface ScimRequest extends ScimResult, ScimResource {
  id: string;
  at?: string;
  requestId?: string;
  tokenId?: string;
  clientAddress?: string;
  userAgent?: string;
  milliseconds: number;
  method?: string;
  path?: string;
  query?: string;
  contentType?: string;
  ifMatch?: string;
  ifNoneMatch?: string;
  body?: string;
  bodySize?: number;
  bodyCut?: boolean;
  bodyProblem?: string;
  partOf?: string;
  operation?: number;
  operations?: number;
  failedOperations?: number;
  lost?: number;
}

export interface ScimReplay {
  skipped?: string;
  then?: ScimResult;
  now?: ScimResult & ScimResource & { operations?: ScimRequest[] };
  same: boolean;
}

export async function directories(client: AdminClient, signal?: AbortSignal): Promise<Directory[]> {
  const answer = await client.ask<{ directories: Directory[] | null }>('GET', '/directories', { signal });
  return answer.directories ?? [];
}

const requestsOf = (directory: string) => `/directories/${encodeURIComponent(directory)}/scim-requests`;

export async function scimRequests(
  client: AdminClient,
  directory: string,
  query: Query,
  signal?: AbortSignal,
): Promise<{ requests: ScimRequest[]; next: string }> {
  const answer = await client.ask<{ requests: ScimRequest[] | null; next: string }>('GET', requestsOf(directory), {
    query,
    signal,
  });
  return { requests: answer.requests ?? [], next: answer.next };
}

export function scimRequest(
  client: AdminClient,
  directory: string,
  id: string,
  signal?: AbortSignal,
): Promise<ScimRequest> {
  return client.ask<ScimRequest>('GET', `${requestsOf(directory)}/${encodeURIComponent(id)}`, { signal });
}

/** What would become of a logged request now; nothing is changed. */
export async function replayScimRequest(client: AdminClient, directory: string, id: string): Promise<ScimReplay> {
  const answer = await client.ask<{ replays: ScimReplay[] }>('POST', `${requestsOf(directory)}/replay`, {
    body: { ids: [id] },
  });
  const [replay] = answer.replays;
  if (replay === undefined) {
    throw new Error('The server’s answer has no replay.');
  }
  return replay;
}

/** A sign-in through an identity provider that was refused. */
export interface SignInFailure {
  /** The reference that the person was shown. */
  ref: string;
  at: string;
  directory: string;
  /** Whether the identity provider had signed the message. */
  vouched: boolean;
  /** The check that failed. */
  reason: string;
  why: string;
  advice: string;
  clientAddress: string;
  requestId?: string;
  expires: string;
  /** Decoded, indented, personal values masked; never in a list. */
  message?: string;
}

export function signInFailures(
  client: AdminClient,
  query: Query,
  signal?: AbortSignal,
): Promise<{ failures: SignInFailure[]; next: string }> {
  return client.ask('GET', '/sign-in-failures', { query, signal });
}

export function signInFailure(client: AdminClient, ref: string, signal?: AbortSignal): Promise<SignInFailure> {
  return client.ask('GET', `/sign-in-failures/${encodeURIComponent(ref)}`, { signal });
}
