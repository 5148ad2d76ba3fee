import { expect, expectAccessible, pictures, provokes, test } from './play';

test('lists the sessions, ends one, and ends all others', async ({ page }) => {
  const ended: string[] = [];
  page.on('request', (request) => request.method() === 'DELETE' && ended.push(new URL(request.url()).pathname));
  await page.goto('/start/sessions');
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Your sessions (3)');
  await expect(page).toHaveTitle('Your sessions · Gatehouse');
  const rows = page.getByRole('list', { name: 'Open sessions' }).getByRole('listitem');
  await expect(rows.first()).toContainText('Through the identity provider “entra” This browser');
  await expect(rows.first().getByRole('button')).toHaveCount(0);
  await expect(rows.nth(1)).toContainText('With a passkey');
  await expect(rows.nth(2)).toContainText('With a password and a second factor');
  await expectAccessible(page);
  await page.screenshot({ path: `${pictures}sessions.png` });

  // By the keyboard alone: the question says what happens, Escape takes it back, and the focus is where it was.
  const end = rows.nth(1).getByRole('button', { name: /^End the session that began / });
  await end.press('Enter');
  const dialog = page.getByRole('dialog', { name: 'End this session?' });
  await expect(dialog).toContainText('stop working');
  await page.keyboard.press('Escape');
  await expect(dialog).toBeHidden();
  await expect(end).toBeFocused();
  expect(ended).toEqual([]);

  const path = '/api/v1/portal/sessions/00000000-0000-4000-8000-000000000003';
  await page.route(`**${path}`, (route) => route.fulfill({ status: 204 }));
  await end.press('Enter');
  await expectAccessible(page);
  await page.screenshot({ path: `${pictures}sessions-end.png` });
  await dialog.getByRole('button', { name: 'End the session' }).click();
  await expect(page.getByRole('status').filter({ hasText: 'The session was ended.' })).toBeAttached();
  await expect(page.getByRole('heading', { level: 1 })).toBeFocused();
  expect(ended).toEqual([path]);

  await page.getByRole('button', { name: 'Sign out everywhere else' }).click();
  const all = page.getByRole('dialog', { name: 'Sign out everywhere else?' });
  await expect(all).toContainText('2 other sessions end at once; this one stays.');
  await all.getByRole('button', { name: 'Sign out everywhere else' }).click();
  await expect(page.getByRole('status').filter({ hasText: '2 other sessions were ended.' })).toBeAttached();
  expect(ended).toEqual([path, '/api/v1/portal/sessions']);
});

test.describe('alone', () => {
  test.use({ playing: 'alone' });

  test('there is nothing to end, and the menu leads there', async ({ page }) => {
    await page.goto('/start/');
    await page.getByRole('button', { name: /^Account menu of/ }).click();
    await page.getByRole('menuitem', { name: 'Your sessions' }).click();
    await expect(page.getByText('You are signed in nowhere else.')).toBeVisible();
    await expect(page.getByRole('button', { name: /^(End|Sign out everywhere)/ })).toHaveCount(0);
  });
});

test('says why sessions cannot be loaded or ended', provokes(503), async ({ page }) => {
  const down = {
    status: 503,
    json: { title: 'Service Unavailable', status: 503, detail: 'The database does not answer.' },
  };
  await page.route('**/api/v1/portal/sessions', (route) => route.fulfill(down), { times: 1 });
  await page.goto('/start/sessions');
  await expect(page.getByRole('alert')).toContainText('The database does not answer.');
  await expectAccessible(page);
  await page.getByRole('button', { name: 'Try again' }).click();
  await page.getByRole('button', { name: 'Sign out everywhere else' }).click();
  await page.route('**/api/v1/portal/sessions', (route) => route.fulfill(down), { times: 1 });
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('button', { name: 'Sign out everywhere else' }).click();
  await expect(dialog.getByRole('alert')).toContainText('The database does not answer.');
});

test.describe('signed out meanwhile', () => {
  test.use({ playing: 'signed-out' });

  test('leads to the sign-in and back', provokes(401), async ({ page }) => {
    await page.goto('/start/sessions');
    await expect(page.locator('#to')).toHaveText('?return_to=%2Fstart%2Fsessions');
  });
});
