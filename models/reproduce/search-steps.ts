/**
 * Constant PGA steps by search, for every SNR and number of iterations by itself, so that a learned step has to beat the best constant one
 * and not a careless one. A grid of whole decades over both steps, then the neighbours of its best point at a half, a quarter and an eighth
 * of a decade, on channels of the training seed.
 *
 *   npx tsx models/reproduce/search-steps.ts    writes models/baselines/searched-steps.json (some minutes)
 */
import { writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import type { ChannelScale } from '../../core/signal/channel.ts';
import { salehValenzuela } from '../../core/signal/channel.ts';
import type { CMatrix } from '../../core/signal/complex-matrix.ts';
import { matmul } from '../../core/signal/complex-matrix.ts';
import { createRandom } from '../../core/signal/random.ts';
import { fromDb, sumRate } from '../../core/signal/rate.ts';
import type { PgaSettings } from '../baselines/fixed-step-pga.ts';
import { fixedStepPga } from '../baselines/fixed-step-pga.ts';

export interface StepSearchOptions {
  channels: readonly CMatrix[];
  rfChains: number;
  snrDb: number;
  layers: number;
  innerSteps: number;
}

export interface StepSearchResult extends PgaSettings {
  /** Mean sum rate on the channels of the search, bit/s/Hz. */
  rate: number;
}

/** The pair of constant steps with the best mean rate after the last layer. */
export function searchSteps(options: StepSearchOptions): StepSearchResult {
  const { layers, innerSteps } = options;
  const rates = new Map<string, number>();
  // Both steps in eighths of a decade.
  const best = { m: 0, l: 0, rate: -Infinity };
  const attempt = (m: number, l: number): void => {
    const key = `${m} ${l}`;
    if (rates.has(key)) return;
    const rate = meanRate(options, { layers, innerSteps, mu: 10 ** (m / 8), lambda: 10 ** (l / 8) });
    rates.set(key, rate);
    if (rate > best.rate) Object.assign(best, { m, l, rate });
  };
  for (let m = -16; m <= 16; m += 8) {
    for (let l = -40; l <= -8; l += 8) attempt(m, l);
  }
  for (const stride of [4, 2, 1]) {
    let { m, l } = { m: NaN, l: NaN };
    while (m !== best.m || l !== best.l) {
      ({ m, l } = best);
      for (let dm = -stride; dm <= stride; dm += stride) {
        for (let dl = -stride; dl <= stride; dl += stride) attempt(m + dm, l + dl);
      }
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

function meanRate({ channels, rfChains, snrDb }: StepSearchOptions, settings: PgaSettings): number {
  const noise = fromDb(-snrDb);
  let sum = 0;
  for (const channel of channels) {
    const { analog, digital } = fixedStepPga({ channel, power: 1, noise, rfChains }, settings);
    sum += sumRate(channel, matmul(analog, digital), noise);
  }
  return sum / channels.length;
}

/** The setting of paper 001, and what the baseline `pga-searched` needs for the demo rig beside it. */
const SEARCHES = [
  { elements: 32, scale: 'unit-element', layers: 10 },
  { elements: 32, scale: 'unit-element', layers: 30 },
  { elements: 32, scale: 'paper-001', layers: 10 },
  { elements: 32, scale: 'paper-001', layers: 30 },
  { elements: 64, scale: 'unit-element', layers: 10 },
] as const;

function main(): void {
  const seed = 1;
  const count = 30;
  const results: (StepSearchResult & { elements: number; scale: ChannelScale; snrDb: number })[] = [];
  for (const { elements, scale, layers } of SEARCHES) {
    const geometry = { kind: 'ula', elements, spacingWavelengths: 0.5 } as const;
    const random = createRandom(seed).stream('train');
    const channels = Array.from({ length: count }, () => salehValenzuela({ random, geometry, users: 4, paths: 10, scale }));
    for (const snrDb of [0, 5, 10, 15, 20]) {
      const found = searchSteps({ channels, rfChains: 4, snrDb, layers, innerSteps: 10 });
      results.push({ elements, scale, snrDb, ...found });
      console.log(
        `N = ${elements}, ${scale}, ${layers} layers, ${snrDb} dB: mu ${found.mu}, lambda ${found.lambda}, rate ${found.rate}`,
      );
    }
  }
  const provenance = { command: 'npx tsx models/reproduce/search-steps.ts', seed, stream: 'train', channels: count };
  const dimensions = { rfChains: 4, users: 4, paths: 10 };
  writeFileSync(
    new URL('../baselines/searched-steps.json', import.meta.url),
    `${JSON.stringify({ ...provenance, ...dimensions, results }, null, 2)}\n`,
  );
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) main();
