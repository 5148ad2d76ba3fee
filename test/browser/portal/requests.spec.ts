import { expect, expectAccessible, pictures, provokes, test } from './play';

test('finds a request, shows it whole, and rehearses it', async ({ page }) => {
  const unsigned: string[] = [];
  page.on('request', (request) => {
    const { pathname } = new URL(request.url());
    const signed = /^AWS4-HMAC-SHA256 Credential=ASIAMOCK\d+\/\d{8}\/us-east-1\/gatehouse\/aws4_request, /;
    if (pathname.startsWith('/api/v1/directories') && !signed.test(request.headers().authorization ?? '')) {
      unsigned.push(pathname);
    }
  });
  await page.goto('/start/requests');
  const table = page.getByRole('region', { name: 'SCIM requests, newest first' });
  const rows = table.getByRole('row');
  await expect(rows).toHaveCount(51);
  await expect(rows.nth(1)).toContainText(
    'POST /UsersRefuseduser ben@example.comThe user name ben@example.com is taken',
  );
  await expect(rows.nth(2)).toContainText('group Engineering40 added, 1 removed');
  await expect(rows.nth(4)).toContainText('12 requestsNot recorded');
  await expectAccessible(page);
  await page.screenshot({ path: `${pictures}requests.png` });

  await page.getByRole('button', { name: 'Show older requests' }).click();
  await expect(rows).toHaveCount(71);
  await expect(page.getByRole('button', { name: 'Show older requests' })).toHaveCount(0);

  await page.getByRole('combobox', { name: 'Outcome' }).selectOption('Refused');
  await expect(rows).toHaveCount(19);
  await page.getByRole('searchbox', { name: 'Name of a user or group' }).fill('nobody');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('heading', { name: 'No request matches' })).toBeVisible();
  await expectAccessible(page);
  // The address says what is looked for, so that going back works.
  expect(new URL(page.url()).search).toBe('?directory=entra&outcome=refused&by=name&text=nobody');
  await page.goBack();
  await page.goBack();
  await expect(rows).toHaveCount(51);

  const link = rows.nth(2).getByRole('link');
  await link.press('Enter');
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('One SCIM request');
  await expect(page).toHaveTitle('One SCIM request · Gatehouse');
  await expect(page.getByRole('heading', { level: 1 })).toBeFocused();
  await expect(page.getByText('192.0.2.7')).toBeVisible();
  await expect(page.getByRole('region', { name: 'Attributes that changed' })).toContainText(
    'displayNameEngineersEngineering',
  );
  await expect(page.getByText('Added: u-1, u-2 and 38 more')).toBeVisible();
  await expect(page.locator('pre')).toContainText('"value": "•••"');
  await page.getByRole('button', { name: 'Rehearse' }).click();
  const rehearsal = page.getByRole('status').filter({ hasText: 'Another outcome.' });
  await expect(rehearsal).toContainText('Nothing to change HTTP 204');
  await expectAccessible(page);
  await page.screenshot({ path: `${pictures}request.png`, fullPage: true });

  // A link to one request works, and its list is a step away.
  await page.reload();
  await expect(page.getByText('192.0.2.7')).toBeVisible();
  await page.getByRole('link', { name: 'All requests' }).click();
  await expect(rows).toHaveCount(51);
  expect(unsigned).toEqual([]);
});

test('shows an empty directory, on a narrow screen in the dark', async ({ page }) => {
  await page.emulateMedia({ colorScheme: 'dark' });
  await page.setViewportSize({ width: 390, height: 780 });
  await page.goto('/start/requests?directory=okta');
  await expect(page.getByRole('heading', { name: 'No requests yet' })).toBeVisible();
  await page.getByRole('combobox', { name: 'Directory' }).selectOption('Entra ID (entra)');
  await expect(page.getByRole('row')).toHaveCount(51);
  await expectAccessible(page);
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
  await page.screenshot({ path: `${pictures}requests-narrow.png` });
});

test('tells a role that may not what it lacks, and tries again', provokes('4'), async ({ page }) => {
  const detail = 'You are not authorized to perform gatehouse:ListScimRequests.';
  const refused = { status: 403, json: { title: 'Forbidden', status: 403, detail } };
  await page.route('**/scim-requests*', (route) => route.fulfill(refused), { times: 1 });
  await page.goto('/start/requests');
  await expect(page.getByRole('alert')).toContainText(detail);
  await expectAccessible(page);
  await page.getByRole('button', { name: 'Try again' }).click();
  await expect(page.getByRole('row')).toHaveCount(51);
  // A signature that is not good ends nobody's session: it is said like any other refusal.
  await page.route('**/replay', (route) =>
    route.fulfill({ status: 401, json: { status: 401, title: 'Unauthorized', detail: 'Signature expired.' } }),
  );
  await page.getByRole('row').nth(1).getByRole('link').click();
  await page.getByRole('button', { name: 'Rehearse' }).click();
  await expect(page.getByRole('alert')).toContainText('Signature expired.');
});

test('says what somebody without a role needs', async ({ page }) => {
  await page.route('**/api/v1/portal/accounts*', (route) => route.fulfill({ json: { accounts: [], next: '' } }));
  await page.goto('/start/requests');
  await expect(page.getByRole('heading', { name: 'You have no role that administers' })).toBeVisible();
  await expectAccessible(page);
});
