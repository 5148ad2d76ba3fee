import { expect, expectAccessible, openPortal, pictures, test } from './play';

for (const colorScheme of ['light', 'dark'] as const) {
  test.describe(`in ${colorScheme} colours`, () => {
    test.use({ colorScheme });

    test('axe finds nothing on the list', async ({ page }) => {
      await openPortal(page);
      await page.locator('.account-head').nth(1).click();
      await page.getByRole('searchbox').fill('e');
      await expect(page.locator('mark').first()).toBeVisible();
      await page.locator('.account-head').nth(1).click();
      await expectAccessible(page);
      await page.getByRole('button', { name: /^Account menu/ }).click();
      await expectAccessible(page);
      await page.screenshot({ path: `${pictures}portal-menu-${colorScheme}.png` });
    });

    test('axe finds nothing in any tab of the keys dialog', async ({ page }) => {
      await openPortal(page);
      await page.locator('.account-head').first().click();
      await page
        .getByRole('button', { name: /^Access keys for/ })
        .first()
        .click();
      for (const tab of ['macOS and Linux', 'PowerShell', 'AWS CLI profile', 'Individual values']) {
        await page.getByRole('tab', { name: tab }).click();
        await expect(page.getByRole('tabpanel', { name: tab })).toContainText('us-east-1');
        await expectAccessible(page);
        await page.screenshot({ path: `${pictures}keys-${tab.toLowerCase().replaceAll(' ', '-')}-${colorScheme}.png` });
      }
    });
  });
}

test('dark follows the system until something else is chosen, and the choice is kept', async ({ page }) => {
  await page.emulateMedia({ colorScheme: 'dark' });
  await openPortal(page);
  const background = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const dark = 'rgb(16, 20, 18)';
  const light = 'rgb(244, 243, 238)';
  expect(await background()).toBe(dark);
  await page.emulateMedia({ colorScheme: 'light' });
  await expect.poll(background).toBe(light);

  await page.getByRole('radio', { name: 'Dark theme' }).check();
  await expect.poll(background).toBe(dark);
  await page.reload();
  await expect(page.getByRole('radio', { name: 'Dark theme' })).toBeChecked();
  expect(await background()).toBe(dark);
  await page.getByRole('radio', { name: 'Theme of the system' }).check();
  await expect.poll(background).toBe(light);
});

test('everything is done by keyboard', async ({ page }) => {
  await openPortal(page);
  await page.keyboard.press('Tab');
  await expect(page.getByRole('link', { name: 'Skip to the page' })).toBeFocused();
  await page.keyboard.press('Enter');
  await expect(page.getByRole('main')).toBeFocused();
  expect(new URL(page.url()).hash).toBe('');

  await page.keyboard.press('/');
  await expect(page.getByRole('searchbox')).toBeFocused();
  await page.keyboard.type('production/');
  await expect(page.getByRole('searchbox')).toHaveValue('production/');
  await page.keyboard.press('Backspace');

  const heads = page.locator('.account-head');
  await expect(heads).toHaveCount(10);
  await heads.first().focus();
  await page.keyboard.press('ArrowDown');
  await expect(heads.nth(1)).toBeFocused();
  await page.keyboard.press('End');
  await expect(heads.last()).toBeFocused();
  await page.keyboard.press('Home');
  await page.keyboard.press('ArrowUp');
  await expect(heads.first()).toBeFocused();

  await page.keyboard.press('Enter');
  await page.keyboard.press('Tab');
  await expect(page.getByRole('link', { name: /^Management console/ }).first()).toBeFocused();
  await page.keyboard.press('Tab');
  const keys = page.getByRole('button', { name: /^Access keys for/ }).first();
  await expect(keys).toBeFocused();
  await page.keyboard.press('Enter');

  const dialog = page.getByRole('dialog');
  await expect(dialog).toBeVisible();
  await expect(dialog.locator(':focus')).toHaveCount(1);
  // The focus stays inside, however long one goes on.
  for (let i = 0; i < 12; i++) {
    await page.keyboard.press('Tab');
    await expect(dialog.locator(':focus')).toHaveCount(1);
  }
  await dialog.getByRole('tab', { name: 'macOS and Linux' }).focus();
  await page.keyboard.press('ArrowRight');
  await expect(dialog.getByRole('tab', { name: 'PowerShell' })).toHaveAttribute('aria-selected', 'true');
  await page.keyboard.press('Escape');
  await expect(dialog).toBeHidden();
  await expect(keys).toBeFocused();
});

for (const width of [360, 700]) {
  test(`nothing is cut off or overlaps ${width} pixels wide`, async ({ page }) => {
    await page.setViewportSize({ width, height: 740 });
    await openPortal(page);
    await page.locator('.account-head').nth(1).click();
    const overflow = () =>
      page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    expect(await overflow()).toBeLessThanOrEqual(0);
    await expectAccessible(page);
    await page.screenshot({ path: `${pictures}portal-${width}.png` });
    await page
      .getByRole('button', { name: /^Access keys for/ })
      .first()
      .click();
    await expect(page.locator('pre')).toContainText('ASIAMOCK');
    expect(await overflow()).toBeLessThanOrEqual(0);
    await expectAccessible(page);
    await page.screenshot({ path: `${pictures}keys-${width}.png` });
  });
}

test('nothing moves for people who asked for less motion', async ({ page }) => {
  await page.emulateMedia({ reducedMotion: 'reduce' });
  await page.route('**/api/v1/portal/accounts*', () => undefined);
  await page.goto('/start/');
  const row = page.locator('.skeleton-row span').first();
  await expect(row).toBeVisible();
  expect(await row.evaluate((element) => getComputedStyle(element).animationName)).toBe('none');
});
