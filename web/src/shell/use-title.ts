import { useEffect } from 'react';

/** Names the page in the browser's tab and history, and for readers of the screen. */
export function useTitle(page: string): void {
  useEffect(() => {
    document.title = `${page} · Gatehouse`;
  }, [page]);
}
