import { expect, expectAccessible, pictures, provokes, test } from './play';

test('lists failed sign-ins and shows one whole', async ({ page }) => {
  const unsigned: string[] = [];
  page.on('request', (request) => {
    const signed = /^AWS4-HMAC-SHA256 Credential=ASIAMOCK\d+\/\d{8}\/us-east-1\/gatehouse\/aws4_request, /;
    if (request.url().includes('/sign-in-failures') && !signed.test(request.headers().authorization ?? '')) {
      unsigned.push(request.url());
    }
  });
  await page.goto('/start/');
  await page.getByRole('button', { name: 'Account menu of' }).click();
  await page.getByRole('menuitem', { name: 'Failed sign-ins' }).click();
  await expect(page).toHaveTitle('Failed sign-ins · Gatehouse');
  const table = page.getByRole('region', { name: 'Failed sign-ins, newest first' });
  const rows = table.getByRole('row');
  await expect(rows).toHaveCount(51);
  await expect(rows.nth(1)).toContainText('bad-signatureNot signedentraThe signature is not');
  await expect(rows.nth(2)).toContainText('unknown-userSignedentraThe identity provider vouched');
  await expectAccessible(page);
  await page.screenshot({ path: `${pictures}failures.png` });
  await page.getByRole('button', { name: 'Show older failed sign-ins' }).click();
  await expect(rows).toHaveCount(61);
  await expect(page.getByRole('button', { name: 'Show older failed sign-ins' })).toHaveCount(0);

  await rows.nth(2).getByRole('link').press('Enter');
  const title = page.getByRole('heading', { level: 1 });
  await expect(title).toHaveText('One failed sign-in');
  await expect(title).toBeFocused();
  await expect(page).toHaveTitle('One failed sign-in · Gatehouse');
  await expect(page.getByText('Provision the person by SCIM, or make the names agree.')).toBeVisible();
  await expect(page.getByText('Yes, by the identity provider.')).toBeVisible();
  await expect(page.locator('pre')).toContainText('<saml:NameID>•••</saml:NameID>');
  await expectAccessible(page);
  await page.screenshot({ path: `${pictures}failure.png`, fullPage: true });
  await page.goBack();
  await expect(rows).toHaveCount(51);
  expect(unsigned).toEqual([]);
});

test('opens one by the reference that the person was shown, on a narrow screen in the dark', async ({ page }) => {
  await page.emulateMedia({ colorScheme: 'dark' });
  await page.setViewportSize({ width: 390, height: 780 });
  await page.goto('/start/failures');
  const reference = page.getByRole('searchbox', { name: 'Reference that the person was shown' });
  await reference.fill(' 5b0e7c1a-3a0f-4b52-9d0c-000000000100 ');
  await reference.press('Enter');
  await expect(page.getByText('No: anybody can have sent it')).toBeVisible();
  await expect(page.getByText('None was kept')).toBeVisible();
  await expectAccessible(page);
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
  await page.screenshot({ path: `${pictures}failures-narrow.png` });
  await page.getByRole('link', { name: 'All failed sign-ins' }).click();
  await expect(page.getByRole('row')).toHaveCount(51);
});

test('says what the server refuses, and that nothing failed', provokes('4'), async ({ page }) => {
  await page.goto('/start/failures?ref=none');
  await expect(page.getByRole('alert')).toContainText('The sign-in could not be loaded');
  const detail = 'You are not authorized to perform gatehouse:ListSignInFailures.';
  await page.route('**/sign-in-failures?*', (route) => route.fulfill({ status: 403, json: { detail } }), { times: 1 });
  await page.getByRole('link', { name: 'All failed sign-ins' }).click();
  await expect(page.getByRole('alert')).toContainText(detail);
  await page.route('**/sign-in-failures?*', (route) => route.fulfill({ json: { failures: [], next: '' } }));
  await page.getByRole('button', { name: 'Try again' }).click();
  await expect(page.getByRole('heading', { name: 'No sign-in failed' })).toBeVisible();
  await expectAccessible(page);
});
