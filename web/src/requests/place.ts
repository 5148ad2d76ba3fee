import { withQuery } from '../shell/navigate';

/** Where on the page one is: which directory, what is looked for, and which request is shown. It is the address’s query. */
export interface Place {
  directory: string;
  outcome: string;
  /** What text is compared with. */
  by: By;
  text: string;
  since: string;
  /** The request that is shown; the list when undefined. */
  request: string | undefined;
}

export const ways = ['name', 'externalId', 'resource'] as const;

export type By = (typeof ways)[number];

export function placeOf(search: string): Place {
  const given = new URLSearchParams(search);
  return {
    directory: given.get('directory') ?? '',
    outcome: given.get('outcome') ?? '',
    by: ways.find((way) => way === given.get('by')) ?? 'name',
    text: given.get('text') ?? '',
    since: given.get('since') ?? '',
    request: given.get('request') || undefined,
  };
}

export function addressOf(place: Place): string {
  return withQuery({ ...place, by: place.text === '' ? '' : place.by });
}
