/** A page with much to say: a planar array and eight users, on the smallest screen and on a large one. */
import { describe, expect, it } from 'vitest';
import { hasPart } from '../parts.ts';
import { SOON, pageOfBlock } from './page-of.ts';
import { StandInRig } from './stand-in-rig.ts';

describe.skipIf(!hasPart('chromium'))('the page of a planar array with eight users [needs chromium]', () => {
  const rig = new StandInRig({ users: 8, planar: true });
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
      }
      return found;
    })()`);
    expect(wrong).toEqual([]);
    expect(await opened.page.getAttribute('#beampattern .readout', 'title'), 'whole for whoever points at it').toMatch(
      /user 7: −?\d+\.\d$/,
    );
  });
});
