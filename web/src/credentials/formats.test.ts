import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import type { Credentials, Instance } from '../api/portal';
import { bash, endpoint, loginCommand, powerShell, profile } from './formats';

const credentials: Credentials = {
  accessKeyId: 'ASIAEXAMPLE000000001',
  secretAccessKey: "a/b+c'd$HOME`id`\\e",
  sessionToken: 'token==',
  expiration: '2026-11-24T04:00:00Z',
  region: 'eu-west-1',
};

const instance: Instance = {
  name: 'Example',
  startUrl: 'https://d-9067a1b2c3.awsapps.com/start',
  portalUrl: 'http://127.0.0.1:8080/start',
  ssoRegion: 'us-east-1',
  identityStoreId: 'd-9067a1b2c3',
  managementAccountId: '000000000001',
};

test('a shell that reads the bash lines has the very values', () => {
  const script = `${bash(credentials)}\nprintf '%s\\n' "$AWS_ACCESS_KEY_ID" "$AWS_SECRET_ACCESS_KEY" "$AWS_SESSION_TOKEN" "$AWS_REGION" "$AWS_DEFAULT_REGION"`;
  const said = execFileSync('sh', ['-c', script], { encoding: 'utf8' }).trimEnd().split('\n');
  expect(said).toEqual([credentials.accessKeyId, credentials.secretAccessKey, 'token==', 'eu-west-1', 'eu-west-1']);
});

test('PowerShell lines double the quote and expand nothing', () => {
  expect(powerShell(credentials).split('\n')).toEqual([
    "$Env:AWS_ACCESS_KEY_ID='ASIAEXAMPLE000000001'",
    "$Env:AWS_SECRET_ACCESS_KEY='a/b+c''d$HOME`id`\\e'",
    "$Env:AWS_SESSION_TOKEN='token=='",
    "$Env:AWS_DEFAULT_REGION='eu-west-1'",
    "$Env:AWS_REGION='eu-west-1'",
  ]);
});

test('an account with its own endpoint says so in the environment', () => {
  const lines = bash({ ...credentials, endpointUrl: 'http://127.0.0.1:8080' }).split('\n');
  expect(lines.at(-1)).toBe("export AWS_ENDPOINT_URL='http://127.0.0.1:8080'");
  expect(bash(credentials)).not.toContain('AWS_ENDPOINT_URL');
});

test('the profile is what the AWS CLI reads, and holds no secret', () => {
  const text = profile({ instance, accountId: '123456789012', roleName: 'ReadOnly', credentials });
  expect(text).toBe(`[sso-session gatehouse]
sso_start_url = https://d-9067a1b2c3.awsapps.com/start
sso_region = us-east-1
sso_registration_scopes = sso:account:access

[profile ReadOnly-123456789012]
sso_session = gatehouse
sso_account_id = 123456789012
sso_role_name = ReadOnly
region = eu-west-1
services = gatehouse

[services gatehouse]
sso =
  endpoint_url = http://127.0.0.1:8080
sso_oidc =
  endpoint_url = http://127.0.0.1:8080`);
  for (const secret of [credentials.accessKeyId, credentials.secretAccessKey, credentials.sessionToken]) {
    expect(text).not.toContain(secret);
  }
});

test('the profile can be shown before the keys are here, and names the endpoint of the account', () => {
  const chosen = { instance, accountId: '123456789012', roleName: 'ReadOnly' };
  expect(profile(chosen)).toContain('\nregion = us-east-1\n');
  expect(profile({ ...chosen, credentials: { region: 'us-east-1', endpointUrl: 'http://h:1' } })).toContain(
    'services = gatehouse\nendpoint_url = http://h:1\n',
  );
  expect(loginCommand('123456789012', 'ReadOnly')).toBe('aws sso login --profile ReadOnly-123456789012');
});

test.each([
  ['http://127.0.0.1:8080/start', 'http://127.0.0.1:8080'],
  ['http://127.0.0.1:8080/start/', 'http://127.0.0.1:8080'],
  ['https://sso.example.com', 'https://sso.example.com'],
  ['https://sso.example.com/', 'https://sso.example.com'],
  ['https://start.example.com/restart', 'https://start.example.com/restart'],
])('the endpoint of the portal %s is %s', (portalUrl, want) => {
  expect(endpoint({ ...instance, portalUrl })).toBe(want);
});
