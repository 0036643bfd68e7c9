/** Baselines where users cannot be told apart: in one place, louder or not, all but in one place; from noise alone to none to speak of. */
import { describe, expect, it } from 'vitest';
import type { Beam, Problem } from '../../core/signal/beam-contract.ts';
import type { CMatrix } from '../../core/signal/complex-matrix.ts';
import { frobeniusNorm, fromPhases, matmul, zeros } from '../../core/signal/complex-matrix.ts';
import { connectionMask } from '../../core/signal/geometry.ts';
import { wmmse } from '../../core/signal/precoders.ts';
import { createRandom } from '../../core/signal/random.ts';
import { fromDb, sumRate } from '../../core/signal/rate.ts';
import { covarianceError } from '../../core/signal/sensing.ts';
import { wantedCovarianceFactor } from '../../core/signal/wanted-pattern.ts';
import type { BaselineName } from './baselines.ts';
import { BASELINES, baselineMisfit, runBaseline } from './baselines.ts';

const ELEMENTS = 16;

/** Every user hears what user 0 hears, times a factor, and so much of a channel of its own. */
function alikeUsers(seed: number, factors: readonly number[], own = 0): CMatrix {
  const random = createRandom(seed).stream('alike-users');
  const channel = zeros(factors.length, ELEMENTS);
  const [common, ...others] = factors.map(() => Array.from({ length: ELEMENTS }, () => random.complexNormal()));
  factors.forEach((factor, user) => {
    common.forEach(({ re, im }, n) => {
      const apart = user === 0 ? { re: 0, im: 0 } : others[user - 1][n];
      channel.re[user * ELEMENTS + n] = factor * re + own * apart.re;
      channel.im[user * ELEMENTS + n] = factor * im + own * apart.im;
    });
  });
  return channel;
}

const CHANNELS = [
  { kind: 'three users hear twice what user 0 does', channel: alikeUsers(1, [1, 2, 2, 2]) },
  ...[2, 3, 4].map((users) => ({
    kind: `${users} users in one place`,
    channel: alikeUsers(users, new Array<number>(users).fill(1)),
  })),
  ...[1e-6, 1e-3].map((own) => ({ kind: `four users who differ by ${own}`, channel: alikeUsers(5, [1, 1, 1, 1], own) })),
];
const SNRS_DB = [-20, 10, 60, 100];
/** ω·τ grows as P², and from about 20 dB on nothing else counts. */
const SENSING_SNRS_DB = [-20, 10];

const CASES = CHANNELS.flatMap(({ kind, channel }) =>
  (['full', 'sub'] as const).flatMap((connection) =>
    [
      { chainsAUser: 1, withSensing: false },
      { chainsAUser: 2, withSensing: false },
      { chainsAUser: 1, withSensing: true },
    ].map(({ chainsAUser, withSensing }) => ({
      ...{ kind, channel, connection, rfChains: chainsAUser * channel.rows, withSensing },
    })),
  ),
);
type Case = (typeof CASES)[number];

const dimensionsOf = ({ channel, rfChains, connection }: Case) => ({
  ...{ elements: ELEMENTS, users: channel.rows, rfChains, connection },
});

function problemOf({ channel, rfChains, connection, withSensing }: Case, snrDb: number): Problem {
  const geometry = { kind: 'ula', elements: ELEMENTS, spacingWavelengths: 0.5 } as const;
  const pattern = { directionsRad: [-0.5, 0.7], halfWidthRad: 0.1, streams: channel.rows };
  return {
    ...{ channel, rfChains, power: fromDb(snrDb), noise: 1 },
    ...(connection === 'full' ? {} : { connection: connectionMask(connection, ELEMENTS, rfChains) }),
    ...(withSensing ? { sensing: { factor: wantedCovarianceFactor(geometry, pattern), weight: 0.3 } } : {}),
  };
}

/** X = A·D, of finite numbers and at full power. */
function precoderOf({ channel, rfChains, power, connection }: Problem, { analogPhase, digital }: Beam): CMatrix {
  for (const part of [analogPhase, digital.re, digital.im]) expect(part.every(Number.isFinite)).toBe(true);
  const precoder = matmul(fromPhases(analogPhase, channel.cols, rfChains, connection), digital);
  expect(frobeniusNorm(precoder) ** 2 / power).toBeCloseTo(1, 6);
  return precoder;
}

/** They climb R − ω·τ where there is sensing, and give up rate for it. */
const CLIMBS_WITH_SENSING = new Set<BaselineName>(['pga-searched', 'manifold', 'long-run']);
/** They weigh sensing in a way of their own: constant steps, another distance. */
const DRAWN_TO_SENSING = new Set<BaselineName>(['sensing-pga', 'sca-manopt']);
/** Its target is zero-forcing, which between users all but in one place spends everything on what they differ by. */
const FORCES_ZEROS = new Set<BaselineName>(['zf-factored']);
/** Beams of a line's grid, which channels without directions are not made of. */
const BEAMS_OF_A_GRID = new Set<BaselineName>(['codebook', 'omp']);
/** D is the best for the phases that they end with. */
const BEST_DIGITAL: readonly BaselineName[] = ['codebook', 'phase-extraction', 'phase-extraction-best', 'manifold', 'long-run'];

/** Of the rate of aligned phases, which with more chains than users have amplitudes, too: phases alone have π/4 of the power. */
const leastShare = (name: BaselineName): number => (BEAMS_OF_A_GRID.has(name) ? 0.3 : 0.75);

describe('where users cannot be told apart', () => {
  it.each(BASELINES)('$name gives full power, and no less than aligned phases', { timeout: 240_000 }, ({ name }) => {
    let served = 0;
    for (const each of CASES) {
      if (baselineMisfit(name, dimensionsOf(each)) !== undefined) continue;
      for (const snrDb of each.withSensing ? SENSING_SNRS_DB : SNRS_DB) {
        const problem = problemOf(each, snrDb);
        const { channel, power, noise, sensing } = problem;
        const own = precoderOf(problem, runBaseline(name, problem));
        const aligned = precoderOf(problem, runBaseline('aligned', problem));
        const [rate, least] = [own, aligned].map((x) => sumRate(channel, x, noise));
        const what = `${each.kind}, ${each.connection}, M = ${each.rfChains}, ${snrDb} dB, ${rate} of ${least}`;
        served++;
        expect(rate, what).toBeGreaterThan(0);
        if (sensing !== undefined && CLIMBS_WITH_SENSING.has(name)) {
          const [cost, alignedCost] = [own, aligned].map((x) => sensing.weight * covarianceError(sensing, x, power));
          expect(rate - cost, what).toBeGreaterThan(least - alignedCost - 1e-4);
        } else if (!FORCES_ZEROS.has(name) && !(sensing !== undefined && DRAWN_TO_SENSING.has(name))) {
          expect(rate, what).toBeGreaterThan(leastShare(name) * least);
        }
      }
    }
    expect(served).toBeGreaterThan(0);
  });

  it.each(BEST_DIGITAL)(
    '%s serves one of them rather than have their streams disturb each other',
    { timeout: 120_000 },
    (name) => {
      for (const each of CASES.filter(({ withSensing }) => !withSensing)) {
        const problem = problemOf(each, 60);
        const { channel, power, noise } = problem;
        const rate = sumRate(channel, precoderOf(problem, runBaseline(name, problem)), noise);
        expect(rate, each.kind).toBeGreaterThan(0.9 * sumRate(channel, wmmse(channel, power, noise), noise));
      }
    },
  );
});
