/** What the page says while the simulator stands in for a board, before a stand-in rig whose board comes and goes. */
import { describe, expect, it } from 'vitest';
import { hasPart } from '../parts.ts';
import { SOON, pageOfBlock } from './page-of.ts';
import { StandInRig } from './stand-in-rig.ts';

describe.skipIf(!hasPart('chromium'))('the page of a rig that loses its board [needs chromium]', () => {
  const rig = new StandInRig();
  const opened = pageOfBlock(rig, () => {
    rig.hasBoard = true;
    rig.channelSource = 'file';
  });
  const { text } = opened;

  const rows = (): Promise<string[]> =>
    opened.page.evaluate<string[]>("[...document.querySelectorAll('#panels-body tbody')].map((row) => row.textContent)");

  it('shows the board and no banner while it is there', async () => {
    await expect.poll(() => text('#badge'), SOON).toBe('HARDWARE');
    await expect.poll(() => opened.page.isVisible('#banner'), SOON).toBe(false);
    await expect.poll(rows, SOON).toHaveLength(2);
    expect((await rows())[0]).toBe('/dev/ttyUSB0open1.50000041BOARD-0001 · elements 0-63');
  });

  it('tells in red that the simulator stands in, since when and why', async () => {
    rig.lost = 'the cable was pulled';
    await expect.poll(() => text('#badge'), SOON).toBe('SIMULATOR');
    await expect.poll(() => opened.page.isVisible('#banner'), SOON).toBe(true);
    await expect
      .poll(() => text('#banner'), SOON)
      .toMatch(/stands in for the hardware since \d\d:\d\d:\d\d: the cable was pulled\. Looking for it\./);
    await expect.poll(async () => (await rows())[0], SOON).toMatch(/✕ lost.*the cable was pulled$/);
    expect(await opened.page.getAttribute('#panels-body tbody', 'data-state')).toBe('closed');
  });

  it('takes it back when the board is back', async () => {
    rig.lost = undefined;
    await expect.poll(() => text('#badge'), SOON).toBe('HARDWARE');
    await expect.poll(() => opened.page.isVisible('#banner'), SOON).toBe(false);
  });
});
