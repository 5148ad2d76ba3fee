// What a person does in the browser during test/scripts/six-steps, one action a call:
//   node six-steps.mjs portal FILE     sign in through the tenant, find the role, take keys, write them to FILE
//   node six-steps.mjs console         open the role's console page
//   node six-steps.mjs device ADDRESS  approve a command line
// SIX_URL, SIX_USER, SIX_PASSWORD, SIX_ACCOUNT, SIX_SET say where and who; screenshots go to SIX_OUT. Exit code 1 with a sentence
// when something is not as it should be.
import { chromium } from '@playwright/test';
import { writeFileSync } from 'node:fs';

const { SIX_URL: url, SIX_USER: user, SIX_PASSWORD: password, SIX_ACCOUNT: account, SIX_SET: set, SIX_OUT: out } = process.env;
const [, , action, argument] = process.argv;

const browser = await chromium.launch({
  executablePath: '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
});

try {
  const context = await browser.newContext({ viewport: { width: 1200, height: 800 } });
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  const shot = (name) => page.screenshot({ path: `${out}/${name}.png` });
  if (action === 'portal') await portal(page, shot, argument);
  else if (action === 'console') await consolePage(page, shot);
  else if (action === 'device') await device(page, shot, argument);
  else throw new Error(`there is no action ${action}`);
} catch (e) {
  console.error(String(e.stack ?? e));
  process.exitCode = 1;
} finally {
  await browser.close();
}

/** From our sign-in page through the tenant's and back to the path asked for. */
async function signIn(page, path, shot) {
  await page.goto(url + path);
  await page.getByRole('link', { name: /^Continue with/ }).waitFor();
  await shot('sign-in');
  await page.getByRole('link', { name: /^Continue with/ }).click();
  await page.locator('#loginfmt').fill(user);
  await page.locator('#passwd').fill(password);
  await shot('tenant-sign-in');
  await page.locator('#signin').click();
  // The tenant answers with a form that a person without scripts submits by its button.
  await page.waitForURL((u) => u.href.startsWith(url) && !u.pathname.startsWith('/saml/'));
}

async function portal(page, shot, file) {
  await signIn(page, '/start', shot);
  const row = page.getByText(account, { exact: false }).first();
  await row.waitFor();
  await shot('portal');
  const header = page.getByRole('button', { name: /^Payments Staging/ });
  if ((await header.getAttribute('aria-expanded')) !== 'true') await header.click();
  await page.getByRole('button', { name: new RegExp(`^Access keys for ${set} in`) }).click();
  const dialog = page.getByRole('dialog', { name: 'Access keys' });
  await dialog.locator('pre').filter({ hasText: 'AWS_SESSION_TOKEN' }).waitFor();
  const text = await dialog.locator('pre').first().textContent();
  await shot('keys');
  const value = (name) => text.match(new RegExp(`export ${name}='([^']*)'`))?.[1];
  const keys = { accessKeyId: value('AWS_ACCESS_KEY_ID'), secretAccessKey: value('AWS_SECRET_ACCESS_KEY'), sessionToken: value('AWS_SESSION_TOKEN') };
  if (!keys.accessKeyId || !keys.secretAccessKey || !keys.sessionToken) throw new Error('the dialog shows no keys');
  writeFileSync(file, JSON.stringify(keys), { mode: 0o600 });
}

async function consolePage(page, shot) {
  await signIn(page, `/start/console?account_id=${account}&role_name=${set}`, shot);
  await page.getByText(`assumed-role/AWSReservedSSO_${set}_`).first().waitFor();
  await page.getByText('IAMReadOnlyAccess').first().waitFor();
  await shot('console');
}

async function device(page, shot, address) {
  const path = address.slice(new URL(address).origin.length);
  await signIn(page, path, shot);
  const code = new URL(address).searchParams.get('user_code');
  await page.getByText(code).first().waitFor();
  await shot('device');
  await page.getByRole('button', { name: 'Allow' }).click();
  await page.getByText(/close this/i).first().waitFor();
  await shot('device-done');
}
