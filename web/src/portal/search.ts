import type { Account, Role } from '../api/portal';

/** An account that matches, with those of its roles that are worth showing. */
export interface Match {
  account: Account;
  roles: Role[];
  /** True when only the name of a role explains why the account was found. */
  byRole: boolean;
}

/** Accounts with everything that is compared made comparable once, so that each keystroke only looks. */
export type Index = Entry[];

interface Entry {
  account: Account;
  name: string;
  text: string;
  roles: { role: Role; text: string }[];
}

/** Lower case without accents: "Ünïted" is found by "united". */
export function fold(text: string): string {
  return text.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase();
}

export function index(accounts: Account[]): Index {
  return accounts.map((account) => ({
    account,
    name: fold(account.name),
    text: fold(`${account.name}\n${account.id}\n${account.email}`),
    roles: account.roles.map((role) => ({ role, text: fold(role.name) })),
  }));
}

/** The words of a query. An account number may be typed with dashes, 1234-5678-9012. */
export function terms(query: string): string[] {
  return fold(query)
    .split(/\s+/)
    .filter((word) => word !== '')
    .map((word) => (/^\d[\d-]*$/.test(word) ? word.replaceAll('-', '') : word));
}

/**
 * Every word must be found: in the account's name, number or e-mail address, or else in the name of one role that
 * has all the words left over. "payments read" thus finds the read-only role of the payments account, and shows
 * that role alone. Accounts whose names have every word come first: a digit is in many account numbers.
 */
export function search(entries: Index, query: string): Match[] {
  const words = terms(query);
  const named: Match[] = [];
  const others: Match[] = [];
  for (const entry of entries) {
    const left = words.filter((word) => !entry.text.includes(word));
    const roles = entry.roles.filter(({ text }) => left.every((word) => text.includes(word)));
    if (left.length === 0 || roles.length > 0) {
      const match = { account: entry.account, roles: roles.map(({ role }) => role), byRole: left.length > 0 };
      (words.every((word) => entry.name.includes(word)) ? named : others).push(match);
    }
  }
  return [...named, ...others];
}

/** Cuts text into pieces, the found ones marked. Where folding changes the length, nothing is marked. */
export function highlight(text: string, words: string[]): { text: string; found: boolean }[] {
  const folded = fold(text);
  if (words.length === 0 || folded.length !== text.length) {
    return [{ text, found: false }];
  }
  const marked = new Array<boolean>(text.length).fill(false);
  for (const word of words) {
    for (let at = folded.indexOf(word); at >= 0 && word !== ''; at = folded.indexOf(word, at + 1)) {
      marked.fill(true, at, at + word.length);
    }
  }
  const pieces: { text: string; found: boolean }[] = [];
  for (let i = 0; i < text.length; i++) {
    const last = pieces.at(-1);
    const found = marked[i] ?? false;
    if (last?.found === found) {
      last.text += text[i];
    } else {
      pieces.push({ text: text[i] ?? '', found });
    }
  }
  return pieces;
}
