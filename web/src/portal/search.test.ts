import { describe, expect, test } from 'vitest';
import type { Account } from '../api/portal';
import { highlight, index, search, terms } from './search';

function account(id: string, name: string, roles: string[]): Account {
  return {
    id,
    name,
    email: `${name.toLowerCase().replaceAll(' ', '.')}@example.com`,
    roles: roles.map((role) => ({ name: role, description: 'described', sessionSeconds: 3600, relayState: '' })),
  };
}

const entries = index([
  account('111111111111', 'Payments Production', ['AdministratorAccess', 'ReadOnly']),
  account('222222222222', 'Payments Sandbox', ['Developer', 'ReadOnly']),
  account('123456789012', 'Café Ledger', ['Billing']),
]);

const found = (query: string) =>
  search(entries, query).map(({ account: { name }, roles }) => [name, ...roles.map((role) => role.name)].join(' / '));

describe('search', () => {
  test.each([
    [
      '',
      [
        'Payments Production / AdministratorAccess / ReadOnly',
        'Payments Sandbox / Developer / ReadOnly',
        'Café Ledger / Billing',
      ],
    ],
    [
      '   ',
      [
        'Payments Production / AdministratorAccess / ReadOnly',
        'Payments Sandbox / Developer / ReadOnly',
        'Café Ledger / Billing',
      ],
    ],
    ['PAYMENTS', ['Payments Production / AdministratorAccess / ReadOnly', 'Payments Sandbox / Developer / ReadOnly']],
    ['sand pay', ['Payments Sandbox / Developer / ReadOnly']],
    ['cafe', ['Café Ledger / Billing']],
    ['1234-5678-9012', ['Café Ledger / Billing']],
    ['23456', ['Café Ledger / Billing']],
    ['ledger@example', ['Café Ledger / Billing']],
    ['read', ['Payments Production / ReadOnly', 'Payments Sandbox / ReadOnly']],
    ['payments read', ['Payments Production / ReadOnly', 'Payments Sandbox / ReadOnly']],
    ['sandbox developer', ['Payments Sandbox / Developer']],
    ['developer read', []],
    ['cafe readonly', []],
    ['described', []],
    ['.*', []],
  ])('“%s”', (query, want) => {
    expect(found(query)).toEqual(want);
  });

  test('says when only a role explains the match', () => {
    expect(search(entries, 'payments').map(({ byRole }) => byRole)).toEqual([false, false]);
    expect(search(entries, 'payments developer').map(({ byRole }) => byRole)).toEqual([true]);
  });

  test('names come before numbers, and otherwise the order is kept', () => {
    const four = index([
      account('777777777777', 'Alpha', []),
      account('111111111111', 'Team 7', []),
      account('222222222227', 'Beta', []),
      account('333333333333', 'Cell 7', []),
    ]);
    expect(search(four, '7').map(({ account: { name } }) => name)).toEqual(['Team 7', 'Cell 7', 'Alpha', 'Beta']);
  });

  test('an account without roles is still found by name', () => {
    expect(search(index([account('333333333333', 'Bare', [])]), 'bare')).toHaveLength(1);
    expect(search(index([account('333333333333', 'Bare', [])]), '')).toHaveLength(1);
  });

  test('a thousand accounts with ten roles each take a small part of 50 ms', () => {
    const names = Array.from({ length: 10 }, (_, i) => `PermissionSet${i}`);
    const many = index(
      Array.from({ length: 1000 }, (_, i) => account(String(100000000000 + i), `Team ${i} Production`, names)),
    );
    const queries = ['p', 'production', 'set7', 'team 99 set3', 'nothing at all'];
    for (const query of queries) {
      search(many, query);
    }
    const began = performance.now();
    for (const query of queries) {
      search(many, query);
    }
    expect((performance.now() - began) / queries.length).toBeLessThan(50);
  });
});

describe('highlight', () => {
  const shown = (text: string, query: string) =>
    highlight(text, terms(query))
      .map((piece) => (piece.found ? `[${piece.text}]` : piece.text))
      .join('');
  test.each([
    ['Payments Production', 'prod', 'Payments [Prod]uction'],
    ['Payments Production', 'p o', '[P]ayments [P]r[o]ducti[o]n'],
    ['ReadOnly', 'readonly', '[ReadOnly]'],
    ['aaaa', 'aa', '[aaaa]'],
    ['Payments', 'zzz', 'Payments'],
    ['Payments', '', 'Payments'],
    ['Ünïted', 'united', '[Ünïted]'],
    // The ligature folds to two letters: positions no longer agree, so nothing is marked rather than the wrong part.
    ['ﬁnance', 'nance', 'ﬁnance'],
  ])('%s searched for “%s”', (text, query, want) => {
    expect(shown(text, query)).toBe(want);
  });
});
