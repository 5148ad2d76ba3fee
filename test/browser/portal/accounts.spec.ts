import { expect, expectAccessible, openPortal, pictures, provokes, test } from './play';

test('shows the accounts, opens one, and offers each of its roles', async ({ page, context }) => {
  await openPortal(page);
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Accounts (12)');
  await expect(page.locator('.account-head')).toHaveCount(12);

  const head = page.getByRole('button', { name: /^Ledger Production 100000007919/ });
  await expect(head).toHaveAttribute('aria-expanded', 'false');
  await head.click();
  await expect(head).toHaveAttribute('aria-expanded', 'true');
  const roles = page.getByRole('list', { name: 'Roles in Ledger Production' });
  await expect(roles.getByRole('listitem')).toHaveCount(2);
  await expect(roles).toContainText('ReadOnlyLook at everything, change nothing');
  await expect(roles).toContainText('lasts 8 h');
  await page.screenshot({ path: `${pictures}portal-light.png` });

  const opened = context.waitForEvent('page');
  await roles.getByRole('link', { name: /^Management console as ReadOnly in Ledger Production/ }).click();
  const tab = await opened;
  await expect(tab.locator('#to')).toHaveText('?account_id=100000007919&role_name=ReadOnly');

  await head.click();
  await expect(roles).toBeHidden();
});

test.describe('with 1,000 accounts', () => {
  test.use({ playing: '1000' });

  test('pages through them', async ({ page }) => {
    await openPortal(page);
    await expect(page.getByRole('heading', { level: 1 })).toHaveText('Accounts (1,000)');
    await expect(page.locator('.account-head')).toHaveCount(50);
    const first = await page.locator('.account-name').first().textContent();
    const above = page.getByLabel('Pages of accounts', { exact: true });
    await above.getByRole('button', { name: 'Next page' }).click();
    await expect(page.locator('.account-name').first()).not.toHaveText(first ?? '');
    await above.getByRole('button', { name: 'Page 20', exact: true }).click();
    await expect(above.getByRole('button', { name: 'Next page' })).toBeDisabled();
    await expect(page.locator('.account-head')).toHaveCount(50);

    const below = page.getByLabel('Pages of accounts, below the list');
    await below.getByRole('button', { name: 'Page 1', exact: true }).click();
    await expect(page.locator('.account-name').first()).toHaveText(first ?? '');
    await expect(page.locator('.account-name').first()).toBeInViewport();
    await expectAccessible(page);
  });

  test('finds by name, number, e-mail address and role', async ({ page }) => {
    await openPortal(page);
    const search = page.getByRole('searchbox', { name: 'Search accounts and roles' });
    const names = page.locator('.account-name');

    await search.fill('weather sandbox 7');
    await expect(names.first()).toHaveText('Weather Sandbox 7');
    await expect(page.locator('mark').first()).toHaveText('Weather');

    // 1000-0000-7919 is Ledger Production, typed as people write account numbers.
    await search.fill('1000-0000-7919');
    await expect(names).toHaveText(['Ledger Production']);
    await search.fill('aws+ledger-production@');
    await expect(names).toHaveText(['Ledger Production']);

    await search.fill('billingviewer');
    await expect(page.getByText('20 accounts', { exact: true }).first()).toBeVisible();
    // Found by its role alone: open, and showing that role alone.
    const row = page.locator('.account').first();
    await expect(row.getByRole('listitem')).toHaveCount(1);
    await expect(row.getByRole('listitem')).toContainText('BillingViewer');
    await expect(row.locator('.account-count')).toHaveText('1 of 5 roles');

    await search.fill('nobody has this');
    await expect(page.getByRole('heading', { name: 'No account matches' })).toBeVisible();
    await expectAccessible(page);
    await page.getByRole('button', { name: 'Clear the search', exact: true }).last().click();
    await expect(page.locator('.account-head')).toHaveCount(50);
    await expect(search).toHaveValue('');
  });

  test('a search starts on its first page', async ({ page }) => {
    await openPortal(page);
    const above = page.getByLabel('Pages of accounts', { exact: true });
    await above.getByRole('button', { name: 'Page 20', exact: true }).click();
    await page.getByRole('searchbox').fill('production');
    await expect(above.getByRole('button', { name: 'Page 1', exact: true })).toHaveAttribute('aria-current', 'true');
    await expect(page.locator('.account-head')).toHaveCount(50);
  });

  test('every keystroke reaches the screen', async ({ page }) => {
    await openPortal(page);
    const search = page.getByRole('searchbox');
    // From the input event until the rows on the screen are others than before. Each query several times, and the best
    // of each: other processes of the machine can only slow it down.
    const took = await search.evaluate(async (input: HTMLInputElement) => {
      const set = Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value')?.set;
      const rows = () => document.querySelector('.accounts')?.textContent;
      const frame = () => new Promise(requestAnimationFrame);
      const queries = ['w', 'ledger', 'maps p', 'admin', 'dev', 'storefront dev', 'read', 'pay', '5', ''];
      const best = queries.map(() => Infinity);
      for (let round = 0; round < 5; round++) {
        for (const [i, query] of queries.entries()) {
          const before = rows();
          const began = performance.now();
          set?.call(input, query);
          input.dispatchEvent(new Event('input', { bubbles: true }));
          while (rows() === before && performance.now() - began < 3000) {
            await frame();
          }
          best[i] = Math.min(best[i] ?? Infinity, performance.now() - began);
        }
      }
      return best;
    });
    console.log(`search to screen, 1,000 accounts: ${took.map(Math.round).join(' ')} ms`);
    // The aim is 50 ms; the figure is printed and not judged, because a test that fails by time fails on a busy machine. That every
    // query reached the screen is judged.
    expect(Math.max(...took)).toBeLessThan(3000);
  });
});

test('the deep link of an AWS access portal leads to the console page', async ({ page }) => {
  await page.goto('/start#/console?account_id=123456789012&role_name=ReadOnly');
  await expect(page.locator('#to')).toHaveText('?account_id=123456789012&role_name=ReadOnly');
  expect(new URL(page.url()).pathname).toBe('/start/console');
});

test.describe('signed out', () => {
  test.use({ playing: 'signed-out' });

  test('goes to sign in, and back to where one was going', provokes(401), async ({ page }) => {
    await page.goto('/start/#/console?account_id=123456789012&role_name=ReadOnly');
    await expect(page.getByRole('heading', { name: 'Sign in' })).toBeVisible();
    expect(new URL(page.url()).searchParams.get('return_to')).toBe(
      '/start/#/console?account_id=123456789012&role_name=ReadOnly',
    );
  });
});

test('a session that ends under the page leads to sign in', provokes(401), async ({ page, context, baseURL }) => {
  await openPortal(page);
  await context.addCookies([{ name: 'mock', value: 'signed-out', url: baseURL ?? '' }]);
  await page.locator('.account-head').first().click();
  await page
    .getByRole('button', { name: /^Access keys for/ })
    .first()
    .click();
  await expect(page).toHaveURL(/\/signin\?return_to=%2Fstart%2F$/);
});

test('signs out', async ({ page }) => {
  await openPortal(page);
  await expect(page.getByText(/^Session ends in 7 h 4[12] min$/)).toBeVisible();
  await page.getByRole('button', { name: 'Account menu of Ada Lovelace' }).click();
  const posted = page.waitForRequest('**/api/v1/session/logout');
  await page.getByRole('menuitem', { name: 'Sign out' }).click();
  expect((await posted).method()).toBe('POST');
  await expect(page).toHaveURL(/\/signin\?signed_out=1$/);
});

test('signing out that fails says so and leaves one signed in', provokes(500), async ({ page }) => {
  await page.route('**/api/v1/session/logout', (route) => route.fulfill({ status: 500, json: {} }), { times: 1 });
  await openPortal(page);
  await page.getByRole('button', { name: 'Account menu of Ada Lovelace' }).click();
  await page.getByRole('menuitem', { name: 'Sign out' }).click();
  await expect(page.getByRole('alert')).toHaveText('Signing out failed. You are still signed in.');
  await page.getByRole('button', { name: 'Account menu of Ada Lovelace' }).click();
  await page.getByRole('menuitem', { name: /^Sign out/ }).click();
  await expect(page).toHaveURL(/\/signin\?signed_out=1$/);
});

test.describe('without accounts', () => {
  test.use({ playing: '0' });

  test('says what to do', async ({ page }) => {
    await page.goto('/start/');
    await expect(page.getByRole('heading', { name: 'No accounts yet' })).toBeVisible();
    await expect(page.locator('.nothing-name')).toHaveText('ada.lovelace@example.com');
    await expectAccessible(page);
    await page.screenshot({ path: `${pictures}portal-empty.png` });
    const again = page.waitForRequest('**/api/v1/portal/accounts*');
    await page.getByRole('button', { name: 'Look again' }).click();
    await again;
  });
});

test('shows the shape of the page while loading', async ({ page }) => {
  let release = () => {};
  const held = new Promise<void>((resolve) => (release = resolve));
  await page.route('**/api/v1/portal/accounts*', async (route) => {
    await held;
    await route.continue();
  });
  await page.goto('/start/');
  await expect(page.getByRole('status').filter({ hasText: 'Loading accounts' })).toBeAttached();
  await expect(page.locator('.skeleton-row')).toHaveCount(8);
  await expectAccessible(page);
  release();
  await expect(page.locator('.account-head')).toHaveCount(12);
});

test('a failure to load is said in the server’s words, and can be tried again', provokes(503), async ({ page }) => {
  await page.route(
    '**/api/v1/portal/accounts*',
    (route) =>
      route.fulfill({ status: 503, json: { title: 'Unavailable', status: 503, detail: 'The database is away.' } }),
    { times: 1 },
  );
  await page.goto('/start/');
  const alert = page.getByRole('alert');
  await expect(alert).toContainText('Your accounts could not be loaded');
  await expect(alert).toContainText('The database is away.');
  await expectAccessible(page);
  await page.screenshot({ path: `${pictures}portal-error.png` });
  await alert.getByRole('button', { name: 'Try again' }).click();
  await expect(page.getByRole('heading', { level: 1 })).toBeFocused();
  await expect(page.locator('.account-head')).toHaveCount(12);
});

test(
  'a server that cannot be reached is said so',
  { annotation: { type: 'complaint', description: 'net::ERR_CONNECTION_REFUSED' } },
  async ({ page }) => {
    await page.route('**/api/v1/session', (route) => route.abort('connectionrefused'), { times: 1 });
    await page.goto('/start/');
    await expect(page.getByRole('alert')).toContainText('The server could not be reached.');
    await page.getByRole('button', { name: 'Try again' }).click();
    await expect(page.locator('.account-head')).toHaveCount(12);
  },
);
