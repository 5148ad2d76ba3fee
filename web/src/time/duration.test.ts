import { expect, test } from 'vitest';
import { clock, roughly, secondsUntil } from './duration';

test.each([
  [3600, '1:00:00'],
  [5025, '1:23:45'],
  [3599.9, '59:59'],
  [65, '1:05'],
  [0, '0:00'],
  [-5, '0:00'],
  [43200, '12:00:00'],
])('a clock with %d seconds left shows %s', (seconds, want) => {
  expect(clock(seconds)).toBe(want);
});

test.each([
  [28800, '8 h'],
  [5400, '1 h 30 min'],
  [300, '5 min'],
  [61, '1 min'],
  [59, 'less than a minute'],
  [0, 'no time'],
  [-1, 'no time'],
])('%d seconds are roughly %s', (seconds, want) => {
  expect(roughly(seconds)).toBe(want);
});

test('seconds until a time', () => {
  const now = Date.parse('2026-11-24T03:00:00Z');
  expect(secondsUntil('2026-11-24T03:01:00Z', now)).toBe(60);
  expect(secondsUntil('2026-11-24T05:01:00+02:00', now)).toBe(60);
  expect(secondsUntil('2026-11-24T02:59:59Z', now)).toBe(0);
  expect(secondsUntil('soon', now)).toBe(0);
});
