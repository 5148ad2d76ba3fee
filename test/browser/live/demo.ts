import { expect } from '@playwright/test';
import type { Page } from '@playwright/test';

function wanted(name: string): string {
  const value = process.env[name];
  if (!value) {
    throw new Error(`${name} is not set. Start a demo, then: eval "$(gatehouse env --data DIR)"`);
  }
  return value;
}

/** Where the demo is and who signs in, as `gatehouse env` prints it. */
export const demo = {
  url: wanted('GATEHOUSE_URL').replace(/\/$/, ''),
  tenant: wanted('GATEHOUSE_TENANT_URL').replace(/\/$/, ''),
  tenantToken: wanted('GATEHOUSE_TENANT_TOKEN'),
  user: wanted('GATEHOUSE_DEMO_USER'),
  password: wanted('GATEHOUSE_DEMO_PASSWORD'),
};

/** Fills the tenant's sign-in form, wherever the browser was sent there from. */
export async function signInAtTenant(page: Page, user = demo.user, password = demo.password): Promise<void> {
  await expect(page).toHaveURL((url) => url.href.startsWith(`${demo.tenant}/`));
  await page.getByLabel('User name').fill(user);
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Sign in' }).click();
}

/** From nothing to the list of accounts, by way of the sign-in page and the tenant. */
export async function signIn(page: Page): Promise<void> {
  await page.goto(`${demo.url}/start`);
  await page.getByRole('link', { name: /^Continue with/ }).click();
  await signInAtTenant(page);
  await expect(page.locator('.account-head').first()).toBeVisible();
}

/** Opens the first account and gives its number and the name of its first role. */
export async function firstRole(page: Page): Promise<{ accountId: string; roleName: string }> {
  const row = page.locator('.account').first();
  const head = row.locator('.account-head');
  if ((await head.getAttribute('aria-expanded')) !== 'true') {
    await head.click();
  }
  return {
    accountId: (await row.locator('.account-id').textContent()) ?? '',
    roleName: (await row.locator('.role-name').first().textContent()) ?? '',
  };
}
