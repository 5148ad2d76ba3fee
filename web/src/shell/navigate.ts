import { useSyncExternalStore } from 'react';

/** This page with another query; an empty value is left out. Where one is on a page is its address's query, so links to it work. */
export function withQuery(values: Record<string, string | undefined>): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) {
    if (value) {
      query.set(name, value);
    }
  }
  const asked = query.toString();
  return asked === '' ? location.pathname : `${location.pathname}?${asked}`;
}

const moved = 'gatehouse:moved';

/** Goes to another place of the page; the browser's back leads back. */
export function go(address: string): void {
  history.pushState(null, '', address);
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

/** A link to another place of the page: a plain click moves on the page, every other is the browser's. */
export function linkTo(address: string): { href: string; onClick: (event: React.MouseEvent) => void } {
  return {
    href: address,
    onClick: (event) => {
      if (event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey) {
        event.preventDefault();
        go(address);
        window.scrollTo(0, 0);
      }
    },
  };
}
