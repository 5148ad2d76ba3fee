import { expect, test as base } from '@playwright/test';
import type { Page } from '@playwright/test';

export { expectAccessible } from '../shared/accessible.ts';
export { pictures } from '../shared/pictures.ts';

interface Play {
  /** Chooses what the mock plays: signed-out, or how many accounts. */
  playing: string;
}

/**
 * The page, watched: any message of the browser's console that is not plain information, any uncaught error, and any
 * request to elsewhere fails the test. A violation of the content security policy is such a message.
 */
export const test = base.extend<Play & { watched: void }>({
  playing: ['12', { option: true }],
  watched: [
    async ({ page, context, playing, baseURL }, use, testInfo) => {
      const complaints: string[] = [];
      const expected = testInfo.annotations
        .filter(({ type }) => type === 'complaint')
        .map(({ description }) => description ?? '');
      page.on('console', (message) => {
        if (['error', 'warning'].includes(message.type())) {
          complaints.push(message.text());
        }
      });
      page.on('pageerror', (error) => complaints.push(String(error)));
      page.on('request', (request) => {
        if (!request.url().startsWith(`${baseURL}/`) && !request.url().startsWith('data:')) {
          complaints.push(`request to ${request.url()}`);
        }
      });
      await context.addCookies([{ name: 'mock', value: playing, url: baseURL ?? '' }]);
      await use();
      expect(complaints.filter((text) => !expected.some((part) => text.includes(part)))).toEqual([]);
    },
    { auto: true },
  ],
});

/** Chromium itself logs every answer that is an error; a test that provokes one says so: its status, or how that begins. */
export function provokes(status: number | string) {
  return { annotation: { type: 'complaint', description: `the server responded with a status of ${status}` } };
}

export { expect };

export async function openPortal(page: Page): Promise<void> {
  await page.goto('/start/');
  await expect(page.locator('.account-head').first()).toBeVisible();
}
