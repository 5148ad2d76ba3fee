import { expect, test } from 'vitest';
import { queryOf, signature } from './sign';

// The vectors get-vanilla and get-vanilla-query-order-key-case of AWS's Signature Version 4 test suite.
const keys = {
  accessKeyId: 'AKIDEXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
  sessionToken: '',
};
const at = new Date('2015-08-30T12:36:00Z');

test.each([
  [[], '5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31'],
  [
    [
      ['Param2', 'value2'],
      ['Param1', 'value1'],
    ],
    'b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500',
  ],
])('a request with the query %j', async (query, want) => {
  const what = {
    method: 'GET',
    host: 'example.amazonaws.com',
    path: '/',
    query: query as [string, string][],
    body: '',
  };
  const got = await signature(what, keys, 'us-east-1', 'service', at);
  expect(got).toEqual({
    'X-Amz-Date': '20150830T123600Z',
    Authorization: `AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=host;x-amz-date, Signature=${want}`,
  });
});

test('a session token is signed with the request', async () => {
  const what = { method: 'GET', host: 'h', path: '/a', query: [], body: '' };
  const got = await signature(what, { ...keys, sessionToken: 'T' }, 'us-east-1', 'service', at);
  expect(got['X-Amz-Security-Token']).toBe('T');
  expect(got.Authorization).toContain('SignedHeaders=host;x-amz-date;x-amz-security-token,');
});

test('queries are encoded as they are signed', () => {
  expect(
    queryOf([
      ['name', "o'neil (b) & c*"],
      ['a', 'ü'],
    ]),
  ).toBe('a=%C3%BC&name=o%27neil%20%28b%29%20%26%20c%2A');
});
