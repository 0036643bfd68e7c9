/**
 * Constant PGA steps by search, for every SNR and number of iterations by itself, so that a learned step has to beat the best constant one
 * and not a careless one. A grid of whole decades over both steps, then the neighbours of its best point at a half, a quarter and an eighth
 * of a decade, on channels of the training seed.
 *
 *   npx tsx models/reproduce/search-steps.ts    writes models/reproduce/searched-steps.json (some minutes)
 */
import { writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import type { ChannelScale } from '../../core/signal/channel.ts';
import type { PgaSettings } from '../baselines/fixed-step-pga.ts';
import { meanAndError } from '../evaluation/statistics.ts';
import type { TestSet } from './methods.ts';
import { withRates } from './pace.ts';
import type { ComputeRates } from './rates.ts';

export interface StepSearchResult extends PgaSettings {
  /** Mean sum rate on the channels of the search, bit/s/Hz. */
  rate: number;
}

/**
 * The pair of constant steps with the best mean rate after the last layer.
 * @param meanRates of several settings, in their order
 */
export async function searchSteps(
  { layers, innerSteps }: Pick<PgaSettings, 'layers' | 'innerSteps'>,
  meanRates: (settings: readonly PgaSettings[]) => Promise<readonly number[]>,
): Promise<StepSearchResult> {
  const tried = new Set<string>();
  // Both steps in eighths of a decade.
  const best = { m: 0, l: 0, rate: -Infinity };
  const attempt = async (around: { m: number; l: number }, offsets: readonly (readonly [number, number])[]): Promise<void> => {
    const points = offsets
      .map(([dm, dl]) => ({ m: around.m + dm, l: around.l + dl }))
      .filter(({ m, l }) => !tried.has(`${m} ${l}`));
    for (const { m, l } of points) tried.add(`${m} ${l}`);
    const rates = await meanRates(points.map(({ m, l }) => ({ layers, innerSteps, mu: 10 ** (m / 8), lambda: 10 ** (l / 8) })));
    points.forEach((point, i) => {
      if (rates[i] > best.rate) Object.assign(best, point, { rate: rates[i] });
    });
  };
  await attempt({ m: 0, l: -24 }, square(16, 8));
  for (const stride of [4, 2, 1]) {
    let { m, l } = { m: NaN, l: NaN };
    while (m !== best.m || l !== best.l) {
      ({ m, l } = best);
      await attempt({ m, l }, square(stride, stride));
    }
  }
  return {
    layers,
    innerSteps,
    mu: Number((10 ** (best.m / 8)).toPrecision(4)),
    lambda: Number((10 ** (best.l / 8)).toPrecision(4)),
    rate: Number(best.rate.toFixed(3)),
  };
}

/** All points from −reach to reach along both axes. */
function square(reach: number, stride: number): [number, number][] {
  const along = Array.from({ length: (2 * reach) / stride + 1 }, (_, i) => i * stride - reach);
  return along.flatMap((dm) => along.map((dl): [number, number] => [dm, dl]));
}

/** The setting of paper 001. */
const SEARCHES = [
  { elements: 32, scale: 'unit-element', layers: 10 },
  { elements: 32, scale: 'unit-element', layers: 30 },
  { elements: 32, scale: 'paper-001', layers: 10 },
  { elements: 32, scale: 'paper-001', layers: 30 },
] as const;

async function main(computeRates: ComputeRates): Promise<void> {
  const seed = 1;
  const count = 30;
  const results: (StepSearchResult & { elements: number; scale: ChannelScale; snrDb: number })[] = [];
  for (const { elements, scale, layers } of SEARCHES) {
    for (const snrDb of [0, 5, 10, 15, 20]) {
      const set: TestSet = { seed, name: 'train', elements, users: 4, paths: 10, scale, snrDb };
      const found = await searchSteps({ layers, innerSteps: 10 }, async (candidates) => {
        const rates = await computeRates(
          candidates.map((settings) => ({ source: { kind: 'pga', settings }, set })),
          count,
        );
        return rates.map((each) => meanAndError(each).mean);
      });
      results.push({ elements, scale, snrDb, ...found });
    }
  }
  const provenance = { command: 'npx tsx models/reproduce/search-steps.ts', seed, stream: 'train', channels: count };
  const dimensions = { rfChains: 4, users: 4, paths: 10 };
  writeFileSync(
    new URL('./searched-steps.json', import.meta.url),
    `${JSON.stringify({ ...provenance, ...dimensions, results }, null, 2)}\n`,
  );
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await withRates([], main);
