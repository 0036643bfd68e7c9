/**
 * Takes the pictures of the page for the README: `npx tsx scripts/screenshot.ts` starts the demo rig on a free port, lets a minute of history
 * come together, and saves docs/images/page-*.png. `--rig sensing --folder /tmp` has another example, and saves elsewhere.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { packageRoot } from '../core/files/package-root.ts';
import { launchChromium } from '../test/browser/chromium.ts';
import { DemoRig } from '../test/browser/demo-rig.ts';

const PICTURES = [
  { width: 1280, height: 800, colorScheme: 'dark' },
  { width: 1280, height: 800, colorScheme: 'light' },
  { width: 1920, height: 1080, colorScheme: 'dark' },
] as const;
const HISTORY_MS = 65_000;

const images = join(packageRoot(), 'docs', 'images');
const { values } = parseArgs({
  options: { rig: { type: 'string', default: 'demo' }, folder: { type: 'string', default: images } },
});
const { rig: example, folder } = values;
const name = example === 'demo' ? 'page' : `page-${example}`;
mkdirSync(folder, { recursive: true });
const rig = await DemoRig.create(example);
const browser = await launchChromium();
try {
  await rig.start();
  const page = await browser.newPage();
  await page.goto(rig.url);
  console.log(`waiting ${HISTORY_MS / 1000} s for the charts to fill`);
  await page.waitForTimeout(HISTORY_MS);
  for (const { width, height, colorScheme } of PICTURES) {
    await page.setViewportSize({ width, height });
    await page.emulateMedia({ colorScheme });
    await page.waitForTimeout(1500);
    const path = join(folder, `${name}-${width}-${colorScheme}.png`);
    await page.screenshot({ path });
    console.log(path);
  }
} finally {
  await browser.close();
  await rig.end('SIGINT');
  await rig.dispose();
}
