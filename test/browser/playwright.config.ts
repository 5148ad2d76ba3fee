import { defineConfig } from '@playwright/test';

const port = Number(process.env.GATEHOUSE_MOCK_PORT ?? 18380);
const live = process.env.GATEHOUSE_URL;

// Three projects: `portal` drives the built portal against the mock of its API (mock/server.mjs); `live` drives a
// running `gatehouse demo` that the environment names (see `gatehouse env`), through sign-in at the tenant; `builtin` drives a
// `gatehouse serve` whose built-in directory is on, at a host name, because passkeys need one.
export default defineConfig({
  outputDir: '../out/browser/results',
  reporter: [['list']],
  forbidOnly: true,
  fullyParallel: true,
  workers: 2,
  timeout: 45_000,
  expect: { timeout: 10_000 },
  use: {
    viewport: { width: 1280, height: 860 },
    locale: 'en-GB',
    timezoneId: 'UTC',
    colorScheme: 'light',
    screenshot: 'only-on-failure',
    launchOptions: {
      executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
      args: [
        '--no-sandbox',
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
      ],
    },
  },
  projects: [
    { name: 'portal', testDir: 'portal', use: { baseURL: `http://127.0.0.1:${port}` } },
    { name: 'builtin', testDir: 'builtin', workers: 1, timeout: 90_000 },
    { name: 'live', testDir: 'live', workers: 1, timeout: 90_000, use: { baseURL: live ?? 'http://127.0.0.1:8080' } },
  ],
  webServer: process.argv.some((each) => each === '--project=live' || each === '--project=builtin')
    ? undefined
    : {
        command: 'node mock/server.mjs',
        env: { GATEHOUSE_MOCK_PORT: String(port) },
        url: `http://127.0.0.1:${port}/healthz`,
        reuseExistingServer: false,
      },
});
