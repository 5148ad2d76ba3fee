import { useSyncExternalStore } from 'react';

/** Where on the page one is: which directory, what is looked for, and which request is shown. It is the address's query, so links to it work. */
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
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(place) as [string, string | undefined][]) {
    if (value && !(name === 'by' && place.text === '')) {
      query.set(name, value);
    }
  }
  const asked = query.toString();
  return asked === '' ? location.pathname : `${location.pathname}?${asked}`;
}

const moved = 'gatehouse:moved';

/** Goes to another place of the page; the browser's back leads back. */
export function go(place: Place): void {
  history.pushState(null, '', addressOf(place));
  window.dispatchEvent(new Event(moved));
}

/** The address's query, as it changes. */
export function useSearch(): string {
  return useSyncExternalStore(listen, () => location.search);
}

function listen(call: () => void): () => void {
  window.addEventListener(moved, call);
  window.addEventListener('popstate', call);
  return () => {
    window.removeEventListener(moved, call);
    window.removeEventListener('popstate', call);
  };
}

/** For links: a plain click moves on the page, every other is the browser's. */
export function follow(place: Place): (event: React.MouseEvent) => void {
  return (event) => {
    if (event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey) {
      event.preventDefault();
      go(place);
      window.scrollTo(0, 0);
    }
  };
}
