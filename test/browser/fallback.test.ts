/** What the page says while the simulator stands in for a board, before a stand-in rig whose board comes and goes. */
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasPart } from '../parts.ts';
import { openPageOf, type OpenPage } from './page-of.ts';
import { StandInRig } from './stand-in-rig.ts';

const SOON = { timeout: 15_000, interval: 50 };

describe.skipIf(!hasPart('chromium'))('the page of a rig that loses its board [needs chromium]', () => {
  const rig = new StandInRig();
  let opened: OpenPage | undefined;
  let page: Page;

  beforeAll(async () => {
    rig.hasBoard = true;
    rig.channelSource = 'file';
    rig.startTimer();
    opened = await openPageOf(rig);
    ({ page } = opened);
  }, 120_000);

  afterAll(() => opened?.close());

  const text = async (selector: string): Promise<string> => (await page.textContent(selector)) ?? '';
  const rows = (): Promise<string[]> =>
    page.evaluate<string[]>("[...document.querySelectorAll('#panels-body tbody')].map((row) => row.textContent)");

  it('shows the board and no banner while it is there', async () => {
    await expect.poll(() => text('#badge'), SOON).toBe('HARDWARE');
    await expect.poll(() => page.isVisible('#banner'), SOON).toBe(false);
    await expect.poll(rows, SOON).toHaveLength(2);
    expect((await rows())[0]).toBe('/dev/ttyUSB0open1.50000041BOARD-0001 · elements 0-63');
  });

  it('tells in red that the simulator stands in, since when and why', async () => {
    rig.lost = 'the cable was pulled';
    await expect.poll(() => text('#badge'), SOON).toBe('SIMULATOR');
    await expect.poll(() => page.isVisible('#banner'), SOON).toBe(true);
    await expect
      .poll(() => text('#banner'), SOON)
      .toMatch(/stands in for the hardware since \d\d:\d\d:\d\d: the cable was pulled\. Looking for it\./);
    await expect.poll(async () => (await rows())[0], SOON).toMatch(/✕ lost.*the cable was pulled$/);
    expect(await page.getAttribute('#panels-body tbody', 'data-state')).toBe('closed');
  });

  it('takes it back when the board is back', async () => {
    rig.lost = undefined;
    await expect.poll(() => text('#badge'), SOON).toBe('HARDWARE');
    await expect.poll(() => page.isVisible('#banner'), SOON).toBe(false);
  });
});
