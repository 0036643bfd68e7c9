/**
 * Eight constants for FastFP with steps of factor/tr L, by coordinate search on channels of the training stream: every factor in turn, up and down
 * by a stride that is halved where nothing gains any more.
 *
 *   npx tsx models/reproduce/search-cell-steps.ts    writes models/reproduce/searched-cell-steps.json (some minutes)
 */
import { writeFileSync } from 'node:fs';
import { weightedSumRate } from '../../core/signal/cells/receivers.ts';
import { maximumRatio } from '../../core/signal/cells/starts.ts';
import { drawSample, scalarSteps, type SettingName } from './many-cells-methods.ts';

const SEED = 1;
const LAYERS = 8;
/** Channels; seven cells take fifty times as long. */
const SEARCHES = [
  { setting: 'text', cells: 1, samples: 40, leastStride: 1 / 8 },
  { setting: 'tables', cells: 1, samples: 40, leastStride: 1 / 8 },
  { setting: 'text', cells: 7, samples: 4, leastStride: 1 / 2 },
  { setting: 'tables', cells: 7, samples: 4, leastStride: 1 / 2 },
] as const;

/** @param objective of the factors */
function climbed(first: readonly number[], leastStride: number, objective: (factors: readonly number[]) => number) {
  // Logarithms, base 2.
  let best = [...first];
  let rate = objective(best.map((x) => 2 ** x));
  for (let stride = 1; stride >= leastStride;) {
    const before = rate;
    for (let layer = 0; layer < best.length; layer++) {
      for (const sign of [1, -1]) {
        const tried = best.map((x, i) => (i === layer ? x + sign * stride : x));
        const found = objective(tried.map((x) => 2 ** x));
        if (found <= rate) continue;
        [best, rate] = [tried, found];
        break;
      }
    }
    if (rate - before < 1e-3 * rate) stride /= 2;
  }
  return { factors: best.map((x) => Number((2 ** x).toPrecision(4))), rate: Number(rate.toFixed(3)) };
}

const results: {
  setting: SettingName;
  cells: number;
  samples: number;
  start: 'random' | 'mrt';
  factors: number[];
  rate: number;
}[] = [];
for (const { setting, cells, samples, leastStride } of SEARCHES) {
  const drawn = Array.from({ length: samples }, (_, i) => drawSample(setting, cells, SEED, 'train', i));
  for (const start of ['random', 'mrt'] as const) {
    const starts = drawn.map(({ problem, random }) => (start === 'mrt' ? maximumRatio(problem) : random));
    const meanRate = (factors: readonly number[]): number =>
      drawn.reduce((sum, { problem }, i) => sum + weightedSumRate(problem, scalarSteps(problem, starts[i], factors)), 0) /
      samples;
    // Large steps first: after one cell, what it found.
    const known = results.find((r) => r.setting === setting && r.start === start)?.factors.map(Math.log2);
    results.push({
      setting,
      cells,
      samples,
      start,
      ...climbed(known ?? new Array<number>(LAYERS).fill(2), leastStride, meanRate),
    });
    console.log(JSON.stringify(results.at(-1)));
  }
}
writeFileSync(
  new URL('./searched-cell-steps.json', import.meta.url),
  `${JSON.stringify({ command: 'npx tsx models/reproduce/search-cell-steps.ts', seed: SEED, stream: 'train', results }, null, 2)}\n`,
);
