import { defineConfig } from '@playwright/test';

// Features of the browser that are off. Of lists the last one counts, so Playwright's own are in it too
// (chromiumSwitches.ts), and behind them what Chromium draws its address bar with: pages of its own, made
// anew for each window, which cost half of the time that a window takes to open and that nobody sees.
const off = [
  ...['AvoidUnnecessaryBeforeUnloadCheckSync', 'DestroyProfileOnBrowserClose', 'HttpsUpgrades', 'HttpsFirstBalancedModeAutoEnable', 'LensOverlay', 'MediaRouter'],
  ...['PaintHolding', 'ThirdPartyStoragePartitioning', 'AvoidCorsURLLoaderRestartOnRedirect', 'OptimizationHints', 'NetworkTimeServiceQuerying', 'AimEnabled', 'PreconnectToSearch'],
  ...['WebUIOmniboxPopup', 'WebUIOmniboxFullPopup', 'WebUIOmniboxAimPopup'],
];

export default defineConfig({
  testDir: 'tests',
  outputDir: 'results',
  // Long, since a machine that does much else stalls now and then; nothing waits for it that goes well.
  timeout: 120_000,
  expect: { timeout: 30_000 },
  fullyParallel: true,
  workers: 3, // of two processors; tests wait too
  forbidOnly: !!process.env.CI,
  reporter: [['list'], ['./summary.ts']],
  // A test that passes only then is named at the end of the output, with what went wrong.
  retries: process.env.CI ? 1 : 0,
  use: {
    launchOptions: {
      executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
      args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--disable-background-networking', '--disable-component-update', '--disable-sync', `--disable-features=${off.join(',')}`],
    },
    locale: 'en-GB',
    timezoneId: 'Europe/Lisbon',
    // Tests that change what the server answers would not see what a service worker asks; app.spec.ts is about it.
    serviceWorkers: 'block',
    // A quarter of all processor time went into traces of tests that pass. Any run records them with --trace=retain-on-failure.
    trace: 'on-first-retry',
    screenshot: 'only-on-failure',
  },
});
