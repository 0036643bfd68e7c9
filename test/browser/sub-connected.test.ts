/** The page of a line so long that it takes several lines of cells, of which each chain reaches its own run of elements only. */
import { describe, expect, it } from 'vitest';
import { hasPart } from '../parts.ts';
import { SOON, pageOfBlock } from './page-of.ts';
import { StandInRig } from './stand-in-rig.ts';

const ELEMENTS = 100;
const CHAINS = 4;

describe.skipIf(!hasPart('chromium'))('the page of a sub-connected array [needs chromium]', () => {
  const rig = new StandInRig({ elements: ELEMENTS, users: CHAINS, connection: 'sub' });
  const opened = pageOfBlock(rig);
  const { text, inPage } = opened;

  it('says what it is, and counts the phase shifters that there are', async () => {
    await expect.poll(() => text('#rig-size'), SOON).toBe('100 elements (ULA, sub-connected), 4 chains, 4 users, SNR 10 dB');
    await expect
      .poll(() => text('#words-body .readout'), SOON)
      .toMatch(/^Elements left to right, 50 a line · \d+ of 100 words changed.*, hatched: not connected$/);
  });

  it('says of a place without a phase shifter that it has none, and draws no phase there', async () => {
    await expect.poll(() => text('#words-body .readout'), SOON).toContain('words changed');
    await opened.page.focus('#words-body canvas');
    for (let n = 1; n <= 30; n++) await opened.page.keyboard.press('ArrowRight');
    await expect.poll(() => text('#words-body .readout'), SOON).toBe('Element 30, chain 0: not connected');
    await opened.page.keyboard.press('ArrowDown');
    await expect.poll(() => text('#words-body .readout'), SOON).toMatch(/^Element 30, chain 1: word \d+ of 64, /);
    await opened.page.keyboard.press('Escape');
    /** Share that is painted over wholly, of the halves of the first chain's first line: it reaches those of the left one. */
    const painted = await inPage<number[]>(`(() => {
      const canvas = document.querySelector('#words-body canvas');
      const { width, height } = canvas;
      const scale = width / canvas.clientWidth;
      const [left, right] = [112 * scale, width - 6 * scale];
      const y = Math.round(((height / scale - 18) / ${CHAINS} - 5) / 4 * scale);
      const context = canvas.getContext('2d');
      return [0, 1].map((half) => {
        const from = Math.round(left + half * (right - left) / 2) + 2;
        const row = context.getImageData(from, y, Math.round((right - left) / 2) - 4, 1).data;
        let opaque = 0;
        for (let i = 3; i < row.length; i += 4) opaque += row[i] === 255 ? 1 : 0;
        return opaque / (row.length / 4);
      });
    })()`);
    expect(painted[0]).toBe(1);
    // Lines, with gaps between them.
    expect(painted[1]).toBeGreaterThan(0);
    expect(painted[1]).toBeLessThan(0.5);
  });
});
