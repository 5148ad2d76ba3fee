import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@playwright/test';
import { demo, signIn } from './demo.ts';

const gatehouse = fileURLToPath(new URL('../../../bin/gatehouse', import.meta.url));

/** Brings in the tenant's metadata with settings; gatehouse finds the server in the environment. */
async function trust(...flags: string[]): Promise<void> {
  const answer = await fetch(`${demo.tenant}/api/tenant`, { headers: { Authorization: `Bearer ${demo.tenantToken}` } });
  const { metadataUrl } = (await answer.json()) as { metadataUrl: string };
  execFileSync(gatehouse, ['idp', 'set', '--metadata', metadataUrl, ...flags]);
}

test.afterAll(() => trust());

// Redirects that answer a form are held against the page's form-action, by Chromium at least; no test without a browser shows that.
test('a person signs out here and at the tenant, by the portal and by the page, and the other way round', async ({ page }) => {
  await trust('--sign-requests', '--single-logout');
  const signedOut = page.getByText('You are signed out here and at your identity provider.');

  await signIn(page);
  await page.goto(`${demo.url}/signout`);
  await page.getByRole('button', { name: 'Sign out' }).click();
  await expect(signedOut).toBeVisible();
  await page.goto(`${demo.tenant}/myapps`);
  await expect(page.getByLabel('Password')).toBeVisible();

  await signIn(page);
  await page.request.post(`${demo.url}/api/v1/session/logout`, { data: {} }).then(async (answer) => {
    const onward = answer.headers()['x-sign-out-at'] ?? '';
    expect(onward.startsWith(`${demo.tenant}/`)).toBe(true);
    await page.goto(onward);
  });
  await expect(signedOut).toBeVisible();

  await signIn(page);
  await page.goto(`${demo.tenant}/myapps`);
  await page.locator('form[action$="/logout"] button').click();
  await expect(page).toHaveURL((url) => url.href.startsWith(`${demo.tenant}/`) && url.search.includes('SAMLResponse='));
  await page.goto(`${demo.url}/start`);
  await expect(page).toHaveURL((url) => url.pathname === '/signin');
});
