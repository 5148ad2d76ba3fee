import { expect, test } from '@playwright/test';
import type { Page } from '@playwright/test';
import { expectAccessible } from '../shared/accessible.ts';
import { pictures } from '../shared/pictures.ts';

function wanted(name: string): string {
  const value = process.env[name];
  if (!value) {
    throw new Error(`${name} is not set: test/browser/run starts the server for these tests`);
  }
  return value;
}

const url = wanted('GATEHOUSE_BUILTIN_URL');
const link = wanted('GATEHOUSE_BUILTIN_LINK');
const user = 'nia@example.com';
const password = 'nine green bottles standing';

/** Gives the page a passkey device of Chromium's own, which verifies its user. */
async function authenticator(page: Page): Promise<void> {
  const client = await page.context().newCDPSession(page);
  await client.send('WebAuthn.enable');
  await client.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2',
      transport: 'internal',
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  });
}

async function shows(page: Page, heading: string, picture: string): Promise<void> {
  await expect(page.getByRole('heading', { level: 1, name: heading })).toBeVisible();
  await expectAccessible(page);
  await page.screenshot({ path: `${pictures}builtin-${picture}.png`, fullPage: true });
}

async function giveName(page: Page): Promise<void> {
  await page.goto(`${url}/start/security`);
  await page.getByLabel('User name').fill(user);
  await page.keyboard.press('Enter');
  await expect(page.getByRole('heading', { name: 'Enter your password' })).toBeVisible();
  await page.keyboard.type(password); // the field has the focus already
  await page.keyboard.press('Enter');
}

test('a person sets a password, registers a passkey, signs in with it, and recovers with a code', async ({ page }) => {
  const complaints: string[] = [];
  page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
  page.on('pageerror', (error) => complaints.push(String(error)));
  await authenticator(page);

  // The invitation.
  await page.goto(link);
  await shows(page, 'Choose a password', 'link');
  await page.getByLabel('New password').fill(password);
  await page.getByLabel('The same again').fill(password);
  await page.getByRole('button', { name: 'Set the password' }).click();
  await expect(page.getByText('Your password is set. Sign in with it.')).toBeVisible();
  await shows(page, 'Sign in', 'signin');

  // Signing in asks for a device, and she has none.
  await page.goto(`${url}/start/security`);
  await page.getByLabel('User name').fill(user);
  await page.getByRole('button', { name: 'Next' }).click();
  await shows(page, 'Enter your password', 'password');
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await shows(page, 'Add a device', 'register');
  await page.getByLabel('Name').first().fill('Laptop');
  await page.getByRole('button', { name: 'Add a passkey' }).click();
  await shows(page, 'Keep these codes', 'codes');
  const codes = await page.locator('.codes code').allTextContents();
  expect(codes).toHaveLength(10);
  await page.getByRole('button', { name: 'I have kept them' }).click();
  await shows(page, 'Sign-in and devices', 'security');
  await expect(page.locator('.devices .name')).toHaveText('Laptop');

  // With the passkey alone, without a name typed.
  await page.context().clearCookies();
  await page.goto(`${url}/signin?return_to=/start/security`);
  await page.getByRole('button', { name: 'Sign in with a passkey' }).click();
  await expect(page.getByRole('heading', { name: 'Sign-in and devices' })).toBeVisible();

  // As second factor.
  await page.context().clearCookies();
  await giveName(page);
  await shows(page, 'Confirm that it is you', 'second');
  await page.getByRole('button', { name: 'Use a passkey' }).click();
  await expect(page.getByRole('heading', { name: 'Sign-in and devices' })).toBeVisible();

  // The device is gone: a recovery code takes its place, once.
  await page.context().clearCookies();
  await giveName(page);
  await page.getByLabel('Recovery code').fill(codes[0] ?? '');
  await page.getByRole('button', { name: 'Confirm' }).click();
  await expect(page.getByText('9 left.')).toBeVisible();
  expect(complaints).toEqual([]);

  await page.context().clearCookies();
  await giveName(page);
  await page.getByLabel('Recovery code').fill(codes[0] ?? '');
  await page.getByRole('button', { name: 'Confirm' }).click();
  await expect(page.getByRole('alert')).toContainText('The code is wrong');
  await shows(page, 'Confirm that it is you', 'wrong-code');
});

test('without a script the pages ask for nothing that needs one', async ({ browser }) => {
  const context = await browser.newContext({ javaScriptEnabled: false });
  const page = await context.newPage();
  await page.goto(`${url}/signin`);
  await expect(page.getByLabel('User name')).toBeVisible();
  await expect(page.getByRole('button', { name: 'Sign in with a passkey' })).toBeHidden();
  await page.getByLabel('User name').fill('nobody@example.com');
  await page.getByRole('button', { name: 'Next' }).click();
  await page.getByLabel('Password').fill('whatever');
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await expect(page.getByRole('alert')).toContainText('User name or password is wrong.');
  await context.close();
});

test('the pages fit a small, dark screen', async ({ browser }) => {
  const context = await browser.newContext({ viewport: { width: 360, height: 700 }, colorScheme: 'dark' });
  const page = await context.newPage();
  await page.goto(`${url}/signin`);
  await shows(page, 'Sign in', 'small');
  await page.goto(`${url}/signin/forgot`);
  await shows(page, 'Forgotten your password?', 'forgot');
  await page.goto(`${url}/signin/local`);
  await shows(page, 'Break-glass sign-in', 'local');
  const wide = await page.evaluate(() => document.documentElement.scrollWidth > window.innerWidth);
  expect(wide).toBe(false);
  await context.close();
});
