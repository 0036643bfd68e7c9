/** The page of a rig that has many figures: however many there are, all are shown, and none has to be scrolled to in a box of its own. */
import { describe, expect, it, vi } from 'vitest';
import type * as Metrics from '../../core/signal/metrics.ts';
import { hasPart } from '../parts.ts';
import { SOON, pageOfBlock } from './page-of.ts';
import { StandInRig } from './stand-in-rig.ts';

const SKETCHES = vi.hoisted(() => 14);

vi.mock('../../core/signal/metrics.ts', async (original) => {
  const metrics = await original<typeof Metrics>();
  const declared = metrics.METRICS as Metrics.Metric[];
  for (let i = 0; i < SKETCHES; i++) {
    declared.push({
      name: `sketch_${i}`,
      title: `sketch number ${i}`,
      unit: 'bit/s/Hz',
      meaning: `sketch ${i}`,
      ofSinr: () => 100 + i,
    });
  }
  return metrics;
});

describe.skipIf(!hasPart('chromium'))('the page of a rig with many figures [needs chromium]', () => {
  const opened = pageOfBlock(new StandInRig());

  it.each([
    [400, 900],
    [800, 1100],
    [1024, 768],
    [1280, 800],
    [1920, 1080],
  ])('shows all of them, and the chart, at %i × %i', async (width, height) => {
    await opened.page.setViewportSize({ width, height });
    await expect.poll(() => opened.text(`[data-figure="sketch number ${SKETCHES - 1}"] dd`), SOON).toContain('113.00');
    const room = await opened.inPage(`(() => {
      const card = document.querySelector('#rate').getBoundingClientRect();
      const outside = [...document.querySelectorAll('#rate [data-figure]:not([hidden])')].filter((row) => {
        const { top, bottom, left, right } = row.getBoundingClientRect();
        return top < card.top || bottom > card.bottom || left < card.left || right > card.right;
      });
      const scrolled = [...document.querySelectorAll('#rate, #rate *')].filter(
        (one) => getComputedStyle(one).overflowY !== 'visible' && one.scrollHeight > one.clientHeight + 1,
      );
      const below = ['stages', 'events'].map((id) => document.getElementById(id).getBoundingClientRect());
      const covered = below.filter(({ top, left, right }) => top < card.bottom && top > card.top && left < card.right && right > card.left);
      return {
        outside: outside.map((row) => row.textContent),
        scrolled: scrolled.map((one) => one.className || one.id),
        covered: covered.length,
        hasChart: document.querySelector('#rate .chart').clientHeight >= 40,
        wide: document.documentElement.scrollWidth - document.documentElement.clientWidth,
      };
    })()`);
    expect(room).toEqual({ outside: [], scrolled: [], covered: 0, hasChart: true, wide: 0 });
  });
});
