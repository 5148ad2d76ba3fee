import type { Page } from '@playwright/test';
import { expect, expectAccessible, openPortal, pictures, provokes, test } from './play';

async function openKeys(page: Page): Promise<void> {
  await openPortal(page);
  await page.getByRole('button', { name: /^Ledger Production/ }).click();
  await page.getByRole('button', { name: 'Access keys for ReadOnly in Ledger Production' }).click();
  await expect(page.getByRole('dialog', { name: 'Access keys' })).toBeVisible();
}

/** What a screen reader is told. */
const said = (page: Page, text: string) => page.locator('[aria-live=polite]').filter({ hasText: text });

const clipboard = (page: Page) => page.evaluate(() => navigator.clipboard.readText());

test('gives the keys in every form, and copies them', async ({ page, context }) => {
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  const asked = page.waitForRequest('**/api/v1/portal/credentials');
  await openKeys(page);
  expect((await asked).postDataJSON()).toEqual({ accountId: '100000007919', roleName: 'ReadOnly' });
  const dialog = page.getByRole('dialog');
  await expect(dialog).toContainText('Ledger Production 100000007919');

  await expect(dialog.locator('pre')).toContainText("export AWS_ACCESS_KEY_ID='ASIAMOCK");
  await page.screenshot({ path: `${pictures}keys-light.png` });
  await dialog.getByRole('button', { name: 'Copy the commands for bash' }).click();
  await expect(said(page, 'Copied the commands for bash.')).toBeAttached();
  expect(await clipboard(page)).toMatch(
    /^export AWS_ACCESS_KEY_ID='ASIAMOCK\d{12}'\nexport AWS_SECRET_ACCESS_KEY='mock\/secret\+100000007919x+'\n/,
  );

  await dialog.getByRole('tab', { name: 'PowerShell' }).click();
  await dialog.getByRole('button', { name: 'Copy the commands for PowerShell' }).click();
  await expect.poll(() => clipboard(page)).toMatch(/^\$Env:AWS_ACCESS_KEY_ID='ASIAMOCK/);

  await dialog.getByRole('tab', { name: 'AWS CLI profile' }).click();
  await dialog.getByRole('button', { name: 'Copy the profile' }).click();
  await expect.poll(() => clipboard(page)).toContain('[profile ReadOnly-100000007919]');
  await expect(dialog).toContainText('aws sso login --profile ReadOnly-100000007919');

  await dialog.getByRole('tab', { name: 'Individual values' }).click();
  for (const [what, want] of [
    ['the access key ID', /^ASIAMOCK\d{12}$/],
    ['the secret access key', /^mock\/secret\+/],
    ['the session token', /^mock-token-ReadOnly-/],
    ['the region', /^us-east-1$/],
  ] as const) {
    await dialog.getByRole('button', { name: `Copy ${what}` }).click();
    await expect.poll(() => clipboard(page)).toMatch(want);
  }
});

test('copies without the clipboard API too, as on a plain http host name', async ({ page, context }) => {
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  await openKeys(page);
  const writeText = await page.evaluate(() => {
    const kept = navigator.clipboard;
    (window as unknown as { kept: Clipboard }).kept = kept;
    Object.defineProperty(navigator, 'clipboard', { value: undefined, configurable: true });
    return navigator.clipboard === undefined;
  });
  expect(writeText).toBe(true);
  const copy = page.getByRole('button', { name: 'Copy the commands for bash' });
  await copy.click();
  await expect(said(page, 'Copied the commands for bash.')).toBeAttached();
  await expect(copy).toBeFocused();
  expect(await page.evaluate(() => (window as unknown as { kept: Clipboard }).kept.readText())).toContain(
    'export AWS_ACCESS_KEY_ID',
  );
});

test('the time left runs down, says when it is over, and new keys start it again', async ({ page }) => {
  await page.clock.install();
  await openKeys(page);
  const timer = page.getByRole('timer');
  await expect(timer).toHaveText(/^(1:00:00|59:5\d)$/);
  const first = await page.locator('pre').textContent();
  await page.clock.runFor(10 * 60_000);
  await expect(timer).toHaveText(/^(50:00|49:5\d)$/);
  await page.clock.runFor(46 * 60_000);
  await expect(said(page, 'These keys expire in less than five minutes.')).toBeAttached();
  await page.clock.runFor(5 * 60_000);
  await expect(timer).toHaveText('Expired: get new keys');
  await expect(said(page, 'These keys have expired. Get new keys.')).toBeAttached();

  await page.getByRole('button', { name: 'Get new keys' }).click();
  await expect(page.locator('pre')).not.toHaveText(first ?? '');
});

test('keys are nowhere once the dialog is closed', async ({ page }) => {
  await openKeys(page);
  await expect(page.locator('pre')).toContainText('ASIAMOCK');
  await page.getByRole('dialog').getByRole('button', { name: 'Done' }).click();
  await expect(page.getByRole('dialog')).toBeHidden();
  const left = await page.evaluate(() => ({
    page: document.documentElement.outerHTML.includes('ASIAMOCK'),
    stored: JSON.stringify({ ...localStorage }) + JSON.stringify({ ...sessionStorage }) + document.cookie,
  }));
  expect(left.page).toBe(false);
  expect(left.stored).not.toContain('ASIA');
  expect(left.stored).not.toContain('secret');
});

test('a role that was taken away is said so, and the accounts are asked for again', provokes(403), async ({ page }) => {
  await page.route('**/api/v1/portal/credentials', (route) =>
    route.fulfill({
      status: 403,
      json: { title: 'Forbidden', status: 403, detail: 'The role is not assigned to you.' },
    }),
  );
  await openKeys(page);
  await expect(page.getByRole('dialog').getByRole('alert')).toContainText('ReadOnly is no longer assigned to you');
  await expect(page.getByRole('tab')).toHaveCount(0);
  await expectAccessible(page);
  const again = page.waitForRequest('**/api/v1/portal/accounts*');
  await page.getByRole('button', { name: 'Show my accounts again' }).click();
  await again;
  await expect(page.getByRole('dialog')).toBeHidden();
});

test('keys that cannot be fetched can be tried again', provokes(500), async ({ page }) => {
  await page.route('**/api/v1/portal/credentials', (route) => route.fulfill({ status: 500, json: {} }), { times: 1 });
  await openKeys(page);
  await expect(page.getByRole('alert')).toContainText('The keys could not be fetched');
  await page.getByRole('button', { name: 'Try again' }).click();
  await expect(page.locator('pre')).toContainText('ASIAMOCK');
});
