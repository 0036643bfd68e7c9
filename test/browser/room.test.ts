/** A page with much to say: a planar array, eight users and directions to sense at, on the smallest screen and on a large one. */
import { describe, expect, it } from 'vitest';
import { wantedCovarianceFactor } from '../../core/signal/wanted-pattern.ts';
import { hasPart } from '../parts.ts';
import { SOON, pageOfBlock } from './page-of.ts';
import { StandInRig } from './stand-in-rig.ts';

describe.skipIf(!hasPart('chromium'))('the page of a planar array with eight users [needs chromium]', () => {
  const rig = new StandInRig({ users: 8, planar: true });
  const geometry = { kind: 'upa', rows: 8, columns: 8, spacingWavelengths: 0.5 } as const;
  const factor = wantedCovarianceFactor(geometry, { directionsRad: [-1, 1], halfWidthRad: 0.1, streams: 8 });
  rig.wish = { factor, weight: 0.3, directionsDeg: [-57, 57] };
  const opened = pageOfBlock(rig);

  it.each([
    [1024, 768],
    [1280, 800],
    [1700, 900],
    [1920, 1080],
  ])('cuts no figure and covers no title at %i × %i', async (width, height) => {
    await opened.page.setViewportSize({ width, height });
    await expect.poll(() => opened.page.isVisible('#elevation'), SOON).toBe(true);
    await expect.poll(() => opened.page.textContent('[data-user="7"] .expected'), SOON).toMatch(/\d\.\d$/);
    await opened.page.waitForTimeout(400);
    const wrong = await opened.page.evaluate<string[]>(`(() => {
      const found = [];
      for (const one of document.querySelectorAll('.expected, .value, #rig-size, header dd')) {
        if (one.scrollWidth > one.clientWidth + 1 || one.scrollHeight > one.clientHeight + 2) found.push('cut: ' + one.textContent);
      }
      const words = document.createRange();
      words.selectNodeContents(document.querySelector('#beampattern-title'));
      const title = words.getBoundingClientRect();
      for (const button of document.querySelectorAll('#beampattern .toggle')) {
        const { left, right, top, bottom } = button.getBoundingClientRect();
        const apart = left >= title.right || right <= title.left || top >= title.bottom || bottom <= title.top;
        if (!apart) found.push('title under ' + button.textContent);
        const key = document.createRange();
        key.selectNodeContents(document.querySelector('#sensing-key'));
        // Letters do not fill the height of their line.
        const covers = (of) => left < of.right && right > of.left && top < of.bottom - 2 && bottom > of.top + 2;
        if ([...key.getClientRects()].some(covers)) found.push('key under ' + button.textContent);
      }
      return found;
    })()`);
    expect(wrong).toEqual([]);
    expect(await opened.page.getAttribute('#beampattern .readout', 'title'), 'whole for whoever points at it').toMatch(
      /user 7: −?\d+\.\d · sensing .* 57\.0°: −?\d+\.\d, wished \d+\.\d$/,
    );
  });
});
