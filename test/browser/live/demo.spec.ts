import { execFileSync } from 'node:child_process';
import { expect, test } from '@playwright/test';
import { expectAccessible, settle } from '../shared/accessible.ts';
import { pictures } from '../shared/pictures.ts';
import { demo, firstRole, signIn, signInAtTenant } from './demo.ts';

test('a person signs in through the tenant, finds an account, and takes keys that work', async ({ page, context }) => {
  await context.grantPermissions(['clipboard-read', 'clipboard-write'], { origin: demo.url });
  const complaints: string[] = [];
  page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
  page.on('pageerror', (error) => complaints.push(String(error)));

  // Nobody is signed in, so the portal sends the browser to the sign-in page.
  await page.goto(`${demo.url}/start`);
  const ways = page.getByRole('link', { name: /^Continue with/ });
  await expect(ways).toHaveCount(1);
  await expectAccessible(page);
  await page.screenshot({ path: `${pictures}signin.png` });

  await ways.click();
  await expect(page.getByLabel('User name')).toBeVisible();
  await expectAccessible(page, 'standard');
  await page.screenshot({ path: `${pictures}tenant-signin.png` });
  await signInAtTenant(page);

  // Back at the portal, at the page that was asked for first.
  const heads = page.locator('.account-head');
  await expect(heads.first()).toBeVisible();
  expect(new URL(page.url()).pathname).toMatch(/^\/start\/?$/);
  const all = await heads.count();
  const { accountId, roleName } = await firstRole(page);
  expect(accountId).toMatch(/^\d{12}$/);
  await expectAccessible(page);
  await page.screenshot({ path: `${pictures}portal.png` });

  await page.getByRole('searchbox').fill(accountId);
  await expect(heads).toHaveCount(1);
  await page.screenshot({ path: `${pictures}portal-search.png` });
  await page.getByRole('searchbox').fill('');
  await expect(heads).toHaveCount(all);

  await page
    .locator('.account')
    .first()
    .getByRole('button', { name: new RegExp(`^Access keys for ${roleName} in `) })
    .click();
  const dialog = page.getByRole('dialog', { name: 'Access keys' });
  await expect(dialog.locator('pre')).toContainText('export AWS_SESSION_TOKEN=');
  await expectAccessible(page);
  await page.screenshot({ path: `${pictures}keys.png` });

  // What the person would paste into a terminal, in a terminal that has nothing else.
  await dialog.getByRole('button', { name: 'Copy the commands for bash' }).click();
  await expect(page.locator('[aria-live=polite]').filter({ hasText: 'Copied the commands for bash.' })).toBeAttached();
  const pasted = await page.evaluate(() => navigator.clipboard.readText());
  const call = `${pasted}\nexec aws sts get-caller-identity --output json --endpoint-url '${demo.url}'`;
  const identity = JSON.parse(
    execFileSync('sh', ['-c', call], { encoding: 'utf8', env: { PATH: process.env.PATH, HOME: '/nonexistent' } }),
  ) as { Account: string; Arn: string };
  expect(identity.Account).toBe(accountId);
  expect(identity.Arn).toMatch(
    new RegExp(`^arn:aws:sts::${accountId}:assumed-role/AWSReservedSSO_${roleName}_[0-9a-f]{16}/`),
  );
  expect(identity.Arn.toLowerCase()).toContain(demo.user.toLowerCase());

  await dialog.getByRole('tab', { name: 'AWS CLI profile' }).click();
  await expect(dialog.locator('pre').first()).toContainText(`endpoint_url = ${demo.url}\n`);
  await settle(page);
  await page.screenshot({ path: `${pictures}keys-profile.png` });
  await dialog.getByRole('button', { name: 'Done' }).click();

  // The first answer to «who is signed in?» is no, which Chromium logs; nothing else may be wrong.
  expect(complaints.filter((text) => !text.includes('status of 401'))).toEqual([]);
});

test('the console page says who one is in the account', async ({ page, context }) => {
  await signIn(page);
  const { accountId, roleName } = await firstRole(page);
  const opened = context.waitForEvent('page');
  await page
    .getByRole('link', { name: new RegExp(`^Management console as ${roleName} in `) })
    .first()
    .click();
  const tab = await opened;
  await expect(tab.getByText(`assumed-role/AWSReservedSSO_${roleName}_`).first()).toBeVisible();
  await expect(tab.getByText(accountId).first()).toBeVisible();
  await expectAccessible(tab);
  await tab.screenshot({ path: `${pictures}console.png` });
});

test('a deep link survives the sign-in that it needs', async ({ page, browser }) => {
  await signIn(page);
  const { accountId, roleName } = await firstRole(page);

  const fresh = await browser.newContext();
  const other = await fresh.newPage();
  await other.goto(`${demo.url}/start#/console?account_id=${accountId}&role_name=${roleName}`);
  await other.getByRole('link', { name: /^Continue with/ }).click();
  await signInAtTenant(other);
  await expect(other.getByText(`assumed-role/AWSReservedSSO_${roleName}_`).first()).toBeVisible();
  expect(new URL(other.url()).pathname).toBe('/start/console');
  await fresh.close();
});

test('signing out ends the session on the server', async ({ page }) => {
  await signIn(page);
  const kept = await page.context().cookies(demo.url);
  expect((await page.request.get(`${demo.url}/api/v1/session`)).status()).toBe(200);

  await page.getByRole('button', { name: /^Account menu of/ }).click();
  await page.getByRole('menuitem', { name: /^Sign out/ }).click();
  await expect(page.getByText('You are signed out.')).toBeVisible();
  await page.screenshot({ path: `${pictures}signed-out.png` });

  // Not only is the cookie gone: it is worth nothing any more.
  await page.context().addCookies(kept);
  expect((await page.request.get(`${demo.url}/api/v1/session`)).status()).toBe(401);
  await page.goto(`${demo.url}/start`);
  await expect(page.getByRole('link', { name: /^Continue with/ })).toBeVisible();
});

test('a wrong password is refused by the tenant, and nobody is signed in', async ({ page }) => {
  await page.goto(`${demo.url}/start`);
  await page.getByRole('link', { name: /^Continue with/ }).click();
  await signInAtTenant(page, demo.user, `${demo.password}x`);
  await expect(page.getByRole('alert')).toBeVisible();
  expect((await page.request.get(`${demo.url}/api/v1/session`)).status()).toBe(401);
});

test('a person without access is told so by the API too', async ({ page }) => {
  await signIn(page);
  const refused = await page.evaluate(async () => {
    const answer = await fetch('/api/v1/portal/credentials', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ accountId: '000000000000', roleName: 'AdministratorAccess' }),
    });
    return answer.status;
  });
  expect(refused).toBe(403);
});

test('the tenant’s page shows people, groups and the provisioning job', async ({ page }) => {
  await page.goto(`${demo.tenant}/`);
  await page.getByLabel('Administrator’s token').fill(demo.tenantToken);
  await page.getByRole('button', { name: 'Open' }).click();
  await expect(page.getByRole('heading', { name: /^Provisioning to/ })).toBeVisible();
  await expect(page.getByRole('heading', { name: /^People/ })).toBeVisible();
  await expectAccessible(page, 'standard');
  await page.screenshot({ path: `${pictures}tenant.png` });
});

test('the portal is served under its policy, compressed, and kept by the browser', async ({ request }) => {
  const index = await request.get(`${demo.url}/start`);
  expect(index.headers()['content-security-policy']).toContain(
    "default-src 'none'; script-src 'self'; style-src 'self'",
  );
  const script = /src="(\/start\/assets\/[^"]+\.js)"/.exec(await index.text())?.[1];
  expect(script).toBeDefined();
  const asset = await request.get(`${demo.url}${script}`, { headers: { 'Accept-Encoding': 'gzip' } });
  expect(asset.headers()).toMatchObject({
    'cache-control': 'public, max-age=31536000, immutable',
    'content-encoding': 'gzip',
    'content-type': 'text/javascript; charset=utf-8',
  });
  expect((await request.get(`${demo.url}/start/assets/index-none.js`)).status()).toBe(404);
});

test('an administrator reads SCIM requests and failed sign-ins with a role of the management account', async ({ page }) => {
  const aws = (...args: string[]) =>
    JSON.parse(execFileSync('aws', [...args, '--output', 'json'], { encoding: 'utf8' }) || '{}') as Record<
      string,
      unknown
    >;
  const instance = process.env.GATEHOUSE_INSTANCE_ARN ?? '';
  const store = process.env.GATEHOUSE_IDENTITY_STORE_ID ?? '';
  const { MasterAccountId: account } = aws('organizations', 'describe-organization').Organization as {
    MasterAccountId: string;
  };
  const { PermissionSetArn: set } = aws(
    'sso-admin',
    'create-permission-set',
    '--instance-arn',
    instance,
    '--name',
    'Directories',
  ).PermissionSet as { PermissionSetArn: string };
  const requests = ['ListDirectories', 'ListScimRequests', 'GetScimRequest', 'ReplayScimRequests'];
  const actions = [...requests, 'ListSignInFailures', 'GetSignInFailure'].map((each) => `gatehouse:${each}`);
  const policy = { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: actions, Resource: '*' }] };
  const named = ['--instance-arn', instance, '--permission-set-arn', set];
  aws('sso-admin', 'put-inline-policy-to-permission-set', ...named, '--inline-policy', JSON.stringify(policy));
  const who = JSON.stringify({ UniqueAttribute: { AttributePath: 'userName', AttributeValue: demo.user } });
  const { UserId: user } = aws(
    'identitystore',
    'get-user-id',
    '--identity-store-id',
    store,
    '--alternate-identifier',
    who,
  ) as { UserId: string };
  aws(
    'sso-admin',
    'create-account-assignment',
    ...named,
    '--target-type',
    'AWS_ACCOUNT',
    '--target-id',
    account,
    '--principal-type',
    'USER',
    '--principal-id',
    user,
  );

  await signIn(page);
  await page.getByRole('button', { name: /^Account menu of/ }).click();
  await page.getByRole('menuitem', { name: 'SCIM requests' }).click();
  const rows = page.getByRole('row');
  await expect(rows.nth(1)).toContainText(/(POST|PATCH|GET) \/(Users|Groups)/);
  await page.getByRole('combobox', { name: 'Outcome' }).selectOption('Changed');
  await expect(rows.nth(1)).toContainText('Changed');
  await page.getByRole('searchbox').fill(demo.user);
  await page.getByRole('button', { name: 'Search' }).click();
  await expect(rows.nth(1)).toContainText(demo.user);
  await rows.nth(1).getByRole('link').click();
  await expect(page.getByRole('heading', { name: 'Body' })).toBeVisible();
  await page.getByRole('button', { name: 'Rehearse' }).click();
  await expect(page.getByRole('status').filter({ hasText: 'outcome.' })).toContainText('HTTP');
  await expectAccessible(page);
  await page.screenshot({ path: `${pictures}live-request.png` });

  // Anybody can send a response that nobody signed: it is refused, and told of.
  const forged = Buffer.from(
    '<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" ID="_f" Version="2.0" IssueInstant="2026-11-28T00:00:00Z">' +
      '<saml:Issuer xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion">https://nobody.example</saml:Issuer></samlp:Response>',
  );
  const refused = await page.request.post(`${demo.url}/saml/default/acs`, {
    form: { SAMLResponse: forged.toString('base64') },
    maxRedirects: 0,
  });
  expect(refused.status()).toBe(403);
  await page.goto('/start/failures');
  await expect(rows.nth(1)).toContainText('Not signed');
  await rows.nth(1).getByRole('link').click();
  await expect(page.getByRole('heading', { name: 'Message' })).toBeVisible();
  await expect(page.locator('pre')).toContainText('<samlp:Response');
  await expectAccessible(page);
  await page.screenshot({ path: `${pictures}live-failure.png`, fullPage: true });
});

test('a person sees where she is signed in, and ends it elsewhere', async ({ page, browser }) => {
  const elsewhere = await browser.newContext();
  await signIn(await elsewhere.newPage());
  await signIn(page);
  await page.goto(`${demo.url}/start/sessions`);
  const own = page.getByRole('listitem').filter({ hasText: 'This browser' });
  await expect(own).toContainText('Through the identity provider');
  await page.getByRole('button', { name: 'Sign out everywhere else' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Sign out everywhere else' }).click();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Your sessions (1)');
  await expect(page.getByText('You are signed in nowhere else.')).toBeVisible();
  expect((await page.request.get(`${demo.url}/api/v1/session`)).status()).toBe(200);
  expect((await elsewhere.request.get(`${demo.url}/api/v1/session`)).status()).toBe(401);
  await elsewhere.close();
});
