import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test as base } from '@playwright/test';
import type { Page } from '@playwright/test';

/** Pictures for people to look at. */
export const pictures = fileURLToPath(new URL('../../out/', import.meta.url));

const axeSource = readFileSync(fileURLToPath(import.meta.resolve('axe-core/axe.min.js')), 'utf8');

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

/** Chromium itself logs every answer that is an error; a test that provokes one says so. */
export function provokes(status: number) {
  return { annotation: { type: 'complaint', description: `the server responded with a status of ${status}` } };
}

export { expect };

export async function openPortal(page: Page): Promise<void> {
  await page.goto('/start/');
  await expect(page.locator('.account-head').first()).toBeVisible();
}

/** Fails with the rule, the element and the reason of every violation that axe finds. */
export async function expectAccessible(page: Page): Promise<void> {
  await settle(page);
  await page.evaluate(axeSource);
  const violations = await page.evaluate(async () => {
    const { axe } = window as unknown as { axe: typeof import('axe-core') };
    const result = await axe.run(document, {
      runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
    });
    return result.violations.flatMap(({ id, nodes }) =>
      nodes.map(({ target, failureSummary }) => `${id}: ${target.join(' ')}: ${failureSummary}`),
    );
  });
  expect(violations).toEqual([]);
}

/** Waits for what fades in: half way there, its colours are neither here nor there. */
async function settle(page: Page): Promise<void> {
  await page.evaluate(async () => {
    const ending = document.getAnimations().filter((each) => each.effect?.getTiming().iterations !== Infinity);
    await Promise.allSettled(ending.map((each) => each.finished));
  });
}
