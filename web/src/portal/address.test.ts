import { expect, test } from 'vitest';
import { deepLink, signInAddress } from './address';

test.each([
  ['#/console?account_id=123456789012&role_name=ReadOnly', '/start/console?account_id=123456789012&role_name=ReadOnly'],
  [
    '#/console/?role_name=ReadOnly&account_id=123456789012',
    '/start/console?account_id=123456789012&role_name=ReadOnly',
  ],
  [
    '#console?account_id=123456789012&role_name=Read%2BOnly',
    '/start/console?account_id=123456789012&role_name=Read%2BOnly',
  ],
  [
    '#/console?account_id=123456789012&role_name=R&destination=https%3A%2F%2Fconsole.aws.amazon.com%2Fs3%3Fa%3D1%26b',
    '/start/console?account_id=123456789012&role_name=R&destination=https%3A%2F%2Fconsole.aws.amazon.com%2Fs3%3Fa%3D1%26b',
  ],
  [
    '#/console?account_id=123456789012&role_name=role/workforce/Deployer',
    '/start/console?account_id=123456789012&role_name=role%2Fworkforce%2FDeployer',
  ],
  ['#/console?account_id=123456789012&role_name=role//Deployer', undefined],
  ['', undefined],
  ['#/', undefined],
  ['#/console', undefined],
  ['#/console?account_id=123456789012', undefined],
  ['#/console?role_name=ReadOnly', undefined],
  ['#/console?account_id=12345&role_name=ReadOnly', undefined],
  ['#/console?account_id=123456789012&role_name=a/../b', undefined],
  ['#//evil.example/console?account_id=123456789012&role_name=ReadOnly', undefined],
])('the deep link %s leads to %s', (hash, want) => {
  expect(deepLink(hash)).toBe(want);
});

test('signing in leads back to the page and the place on it', () => {
  const place = { pathname: '/start/', search: '', hash: '#/console?account_id=123456789012&role_name=A' };
  const address = new URL(signInAddress(place), 'https://gatehouse.example');
  expect(address.pathname).toBe('/signin');
  expect(address.searchParams.get('return_to')).toBe('/start/#/console?account_id=123456789012&role_name=A');
  expect([...address.searchParams.keys()]).toEqual(['return_to']);
});
