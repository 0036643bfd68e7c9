/** The page of a rig that senses, and of one that does not. */
import { describe, expect, it } from 'vitest';
import { patternGrid, wantedCovarianceFactor } from '../../core/signal/wanted-pattern.ts';
import { hasPart } from '../parts.ts';
import { SOON, pageOfBlock } from './page-of.ts';
import { StandInRig } from './stand-in-rig.ts';

const TOLD = ['covariance error τ', 'R − ωτ', 'beampattern error'];

describe.skipIf(!hasPart('chromium'))('the page of a rig that senses [needs chromium]', () => {
  const rig = new StandInRig();
  const geometry = { kind: 'ula', elements: 64, spacingWavelengths: 0.5 } as const;
  const factor = wantedCovarianceFactor(geometry, { directionsRad: [-Math.PI / 3, 0], halfWidthRad: 0.1, streams: 4 });
  rig.wish = { factor, weight: 0.3, grid: patternGrid(geometry, factor), directionsDeg: [-60, 0] };
  const opened = pageOfBlock(rig);
  const pixel = (): Promise<string> => opened.inPage(`document.querySelector('#beampattern canvas').toDataURL()`);

  it('shows the wished pattern beside the others, with its directions', async () => {
    await expect.poll(() => opened.page.isVisible('#sensing-key .line'), SOON).toBe(true);
    await expect
      .poll(() => opened.page.getAttribute('#beampattern .readout', 'title'), SOON)
      .toMatch(/ · sensing −60\.0°: −?\d+\.\d, wished \d+\.\d; 0\.0°: −?\d+\.\d, wished \d+\.\d$/);
    await opened.page.focus('#beampattern canvas');
    await opened.page.keyboard.press('ArrowRight');
    await expect
      .poll(() => opened.text('#beampattern .readout'), SOON)
      .toMatch(/^At 1\.0°: .* dB before quantising, −?\d+\.\d dB wished by sensing$/);
    const rectangular = await pixel();
    await opened.page.click('#polar');
    await expect.poll(async () => (await pixel()) === rectangular, SOON).toBe(false);
  });

  it.each([
    [1280, 800],
    [1024, 768],
    [800, 600],
  ])(
    'cuts nothing of what is said below the pattern, and leaves room for the chart of the rate, at %i × %i',
    async (width, height) => {
      rig.wordsGain = 1.23;
      await opened.page.focus('#beampattern canvas');
      await opened.page.keyboard.press('Escape');
      await opened.page.setViewportSize({ width, height });
      for (const of of ['gained by words', ...TOLD]) {
        await expect.poll(() => opened.page.isVisible(`[data-figure="${of}"]`), SOON).toBe(true);
      }
      await expect.poll(() => opened.text('#beampattern .readout'), SOON).toMatch(/wished \d+\.\d$/);
      const room = await opened.inPage(`(() => {
      const said = document.querySelector('#beampattern .readout');
      return {
        cut: said.scrollHeight - said.clientHeight > 1,
        // Without the axis below it.
        chartPx: document.querySelector('#rate .u-over').clientHeight,
      };
    })()`);
      expect(room).toMatchObject({ cut: false });
      expect((room as { chartPx: number }).chartPx).toBeGreaterThan(55);
    },
  );

  it('explains each figure to whoever points at its name', async () => {
    const title = (of: string) => opened.page.getAttribute(`[data-figure="${of}"] dt`, 'title');
    expect(await title('gained by words')).toContain('more of the objective than the nearest ones');
    expect(await title('beampattern error')).toContain('mean squared difference');
  });

  it('names τ, R − ωτ and the error of the beampattern, as predicted', async () => {
    for (const of of TOLD) {
      await expect.poll(() => opened.page.isVisible(`[data-figure="${of}"]`), SOON).toBe(true);
      await expect.poll(() => opened.text(`[data-figure="${of}"] dd`), SOON).toMatch(/^predicted −?\d+\.\d\d(bit\/s\/Hz)?$/);
    }
  });
});

describe.skipIf(!hasPart('chromium'))('the page of a rig that does not [needs chromium]', () => {
  const rig = new StandInRig();
  const opened = pageOfBlock(rig);

  it('says nothing of it', async () => {
    await expect.poll(() => opened.text('[data-figure="lowest rate"] dd'), SOON).toMatch(/\d\.\d\d/);
    await expect.poll(() => opened.page.getAttribute('#beampattern .readout', 'title'), SOON).toMatch(/user 3: /);
    expect(await opened.page.getAttribute('#beampattern .readout', 'title')).not.toContain('sensing');
    expect(await opened.page.isVisible('#sensing-key')).toBe(false);
    expect(await opened.page.isVisible('#sensing-key .line')).toBe(false);
    for (const of of TOLD) expect(await opened.page.isVisible(`[data-figure="${of}"]`)).toBe(false);
  });
});
