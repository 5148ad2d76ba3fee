import type { KeyboardEvent } from 'react';

/** On the head of a row: up and down to its neighbours, Home and End to the first and last (APG, accordion). */
export function moveBetweenRows(event: KeyboardEvent<HTMLUListElement>): void {
  if (!(event.target instanceof HTMLElement) || !event.target.matches('.account-head')) {
    return;
  }
  const heads = [...event.currentTarget.querySelectorAll<HTMLElement>('.account-head')];
  const at = heads.indexOf(event.target);
  const next = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: heads.length - 1 }[event.key];
  const head = next === undefined ? undefined : heads[next];
  if (head !== undefined) {
    event.preventDefault();
    head.focus();
  }
}
