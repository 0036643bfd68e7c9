/**
 * Constant PGA steps for communications and sensing by search, for every SNR, J and digital gradient by itself: a learned step has to beat the
 * best constant one. A grid of half decades over both steps, then the neighbours of its best point at a quarter and an eighth of a decade, on
 * channels of the training seed.
 *
 *   npx tsx models/reproduce/search-sensing-steps.ts    writes models/reproduce/searched-sensing-steps.json (some minutes)
 */
import { writeFileSync } from 'node:fs';
import { fromDb } from '../../core/signal/rate.ts';
import { wantedCovarianceFactor } from '../../core/signal/wanted-pattern.ts';
import type { DigitalGradient } from '../baselines/sensing-pga.ts';
import { drawChannelSet } from '../training/channel-set.ts';
import { constantSteps } from '../unfolded-ascent/step-sizes.ts';
import { openAscent } from './sensing-ascent.ts';

const ELEMENTS = 64;
const USERS = 4;
const LAYERS = 120;
const WEIGHT = 0.3;
const SNRS_DB = [0, 2, 4, 6, 8, 10, 12];
const SEED = 1;
const COUNT = 20;
const DEGREE = Math.PI / 180;

interface Found {
  snrDb: number;
  layers: number;
  innerSteps: number;
  digitalGradient: DigitalGradient;
  mu: number;
  lambda: number;
  /** R − ωτ on the channels of the search, bit/s/Hz. */
  objective: number;
}

const line = { kind: 'ula', elements: ELEMENTS, spacingWavelengths: 0.5 } as const;
const pattern = { directionsRad: [-60 * DEGREE, 0, 60 * DEGREE], halfWidthRad: 2.5 * DEGREE, streams: USERS };
const factor = wantedCovarianceFactor(line, pattern);
const { channels } = drawChannelSet({
  ...{ seed: SEED, name: 'train', count: COUNT },
  ...{ elements: ELEMENTS, users: USERS, paths: 10, scale: 'unit-element' },
});
const dimensions = { elements: ELEMENTS, rfChains: USERS, users: USERS };

const results: Found[] = [];
for (const digitalGradient of ['signal-only', 'exact'] as const) {
  for (const innerSteps of [1, 10, 20]) {
    const ascent = openAscent({
      ...{ dimensions, layers: LAYERS, innerSteps, digitalGradient, columns: USERS, guarded: false },
      ...{ form: 'plain', coefficients: 1, snrRangeDb: [-Infinity, Infinity] },
    });
    for (const snrDb of SNRS_DB) {
      const problem = { power: fromDb(snrDb), noise: 1, sensing: { factor, weight: WEIGHT } };
      const found = search(digitalGradient, (mu, lambda) => {
        const curves = ascent(constantSteps(LAYERS, innerSteps, mu, lambda), channels, problem);
        return curves.reduce((sum, curve) => sum + curve[LAYERS], 0) / COUNT;
      });
      results.push({ snrDb, layers: LAYERS, innerSteps, digitalGradient, ...found });
      console.log(
        `${digitalGradient}, J = ${innerSteps}, ${snrDb} dB: mu ${found.mu}, lambda ${found.lambda}, objective ${found.objective}`,
      );
    }
  }
}
const provenance = { command: 'npx tsx models/reproduce/search-sensing-steps.ts', seed: SEED, stream: 'train', channels: COUNT };
writeFileSync(
  new URL('./searched-sensing-steps.json', import.meta.url),
  `${JSON.stringify({ ...provenance, ...dimensions, paths: 10, weight: WEIGHT, results }, null, 2)}\n`,
);

/** The best pair, in eighths of a decade. */
function search(
  digitalGradient: DigitalGradient,
  objectiveOf: (mu: number, lambda: number) => number,
): Pick<Found, 'mu' | 'lambda' | 'objective'> {
  const tried = new Set<string>();
  const best = { m: 0, l: 0, value: -Infinity };
  const attempt = (m: number, l: number): void => {
    if (tried.has(`${m} ${l}`)) return;
    tried.add(`${m} ${l}`);
    const value = objectiveOf(10 ** (m / 8), 10 ** (l / 8));
    // Steps that run away end in no number.
    if (value > best.value) Object.assign(best, { m, l, value });
  };
  const [from, to] = digitalGradient === 'exact' ? [-40, -16] : [-28, 0];
  for (let m = -16; m <= 8; m += 4) for (let l = from; l <= to; l += 4) attempt(m, l);
  for (const stride of [2, 1]) {
    let { m, l } = { m: NaN, l: NaN };
    while (m !== best.m || l !== best.l) {
      ({ m, l } = best);
      for (let dm = -stride; dm <= stride; dm += stride)
        for (let dl = -stride; dl <= stride; dl += stride) attempt(m + dm, l + dl);
    }
  }
  const short = (value: number): number => Number(value.toPrecision(4));
  return { mu: short(10 ** (best.m / 8)), lambda: short(10 ** (best.l / 8)), objective: short(best.value) };
}
