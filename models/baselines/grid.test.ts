import { describe, expect, it } from 'vitest';
import type { Beam, HybridPrecoder, Problem } from '../../core/signal/beam-contract.ts';
import { salehValenzuela } from '../../core/signal/channel.ts';
import { frobeniusNorm, fromPhases, matmul } from '../../core/signal/complex-matrix.ts';
import { connectionMask } from '../../core/signal/geometry.ts';
import { digitalForSumRate } from '../../core/signal/objectives/sum-rate.ts';
import { createRandom } from '../../core/signal/random.ts';
import { fromDb, sumRate } from '../../core/signal/rate.ts';
import { covarianceError } from '../../core/signal/sensing.ts';
import { wantedCovarianceFactor } from '../../core/signal/wanted-pattern.ts';
import { alignedAnalog, nearestToZeroForcing } from './aligned.ts';
import type { BaselineName } from './baselines.ts';
import { BASELINES, baselineMisfit, runBaseline } from './baselines.ts';

/** [N, M, K] */
const ARRAYS = [
  [1, 1, 1],
  [5, 1, 1],
  [6, 4, 1],
  [8, 2, 2],
  [12, 3, 2],
  [16, 4, 4],
  [20, 6, 4],
  [24, 8, 4],
  [40, 8, 8],
] as const;
const CONNECTIONS = ['full', 'sub'] as const;
const SNRS_DB = [-5, 20];

const cases = ARRAYS.flatMap(([elements, rfChains, users]) =>
  CONNECTIONS.flatMap((kind) =>
    // A chain of a sub-connected array has an element of its own.
    kind === 'sub' && elements < rfChains
      ? []
      : SNRS_DB.flatMap((snrDb) => [false, true].map((withSensing) => ({ elements, rfChains, users, kind, withSensing, snrDb }))),
  ),
);

function problemOf({ elements, rfChains, users, kind, withSensing, snrDb }: (typeof cases)[number]): Problem {
  const geometry = { kind: 'ula', elements, spacingWavelengths: 0.5 } as const;
  const channel = salehValenzuela({ random: createRandom(elements), geometry, users, paths: 6, scale: 'unit-element' });
  const sensing = { factor: wantedFactor(elements, users), weight: 0.3 };
  const connection = connectionMask(kind, elements, rfChains);
  return {
    ...{ channel, rfChains, power: fromDb(snrDb), noise: 1 },
    ...(kind === 'full' ? {} : { connection }),
    ...(withSensing ? { sensing } : {}),
  };
}

function wantedFactor(elements: number, streams: number) {
  const geometry = { kind: 'ula', elements, spacingWavelengths: 0.5 } as const;
  return wantedCovarianceFactor(geometry, { directionsRad: [-0.5, 0.7], halfWidthRad: 0.1, streams });
}

/** Made once. */
const problems = cases.map((each) => ({ each, problem: problemOf(each) }));

function rateOf({ channel, noise }: Problem, { analog, digital }: HybridPrecoder): number {
  return sumRate(channel, matmul(analog, digital), noise);
}

/** R − ω·τ, or R. */
function valueOf(problem: Problem, beam: HybridPrecoder): number {
  const { sensing, power } = problem;
  const cost = sensing === undefined ? 0 : sensing.weight * covarianceError(sensing, matmul(beam.analog, beam.digital), power);
  return rateOf(problem, beam) - cost;
}

/** Each made once, too: a long run with sensing takes its time. */
const beams = new Map<string, Beam>();
const SLOW = { timeout: 180_000 };

function runOnce(name: BaselineName, problem: Problem): Beam {
  const key = `${name} ${problems.findIndex((each) => each.problem === problem)}`;
  const beam = beams.get(key) ?? structuredClone(runBaseline(name, problem));
  beams.set(key, beam);
  return beam;
}

function beamOf(name: BaselineName, problem: Problem): HybridPrecoder {
  const { analogPhase, digital } = runOnce(name, problem);
  return { analog: fromPhases(analogPhase, problem.channel.cols, problem.rfChains, problem.connection), digital };
}

/** Those that say that they climb: what they begin with, and what they climb. */
const CLIMBS: { name: BaselineName; start: (problem: Problem) => HybridPrecoder; value: typeof valueOf }[] = [
  { name: 'pga-searched', start: (problem) => atPower(problem, 'zf'), value: valueOf },
  { name: 'manifold', start: (problem) => atPower(problem, 'objective'), value: valueOf },
  { name: 'phase-extraction-best', start: (problem) => beamOf('phase-extraction', problem), value: rateOf },
  { name: 'long-run', start: (problem) => beamOf('phase-extraction', problem), value: valueOf },
];

/** Aligned phases. */
function atPower({ channel, rfChains, connection, power, noise }: Problem, digital: 'zf' | 'objective'): HybridPrecoder {
  const analog = alignedAnalog(channel, rfChains, connection);
  const solved =
    digital === 'zf' ? nearestToZeroForcing(channel, analog, power) : digitalForSumRate(channel, analog, power, noise);
  return { analog, digital: solved };
}

describe('on arrays of every kind, with sensing and without', () => {
  it.each(BASELINES)('$name gives full power, and phases where there are connections', SLOW, ({ name }) => {
    let served = 0;
    for (const { each, problem } of problems) {
      if (baselineMisfit(name, { ...each, connection: each.kind }) !== undefined) continue;
      served++;
      const { analogPhase, digital } = runOnce(name, problem);
      const { channel, rfChains, connection, power, noise } = problem;
      expect([analogPhase.length, digital.rows, digital.cols]).toEqual([channel.cols * rfChains, rfChains, channel.rows]);
      for (const part of [analogPhase, digital.re, digital.im]) expect(part.every(Number.isFinite)).toBe(true);
      expect(analogPhase.every((phase, place) => phase === 0 || connection?.[place] !== 0)).toBe(true);
      const precoder = matmul(fromPhases(analogPhase, channel.cols, rfChains, connection), digital);
      expect(frobeniusNorm(precoder) ** 2 / power).toBeCloseTo(1, 8);
      expect(sumRate(channel, precoder, noise)).toBeGreaterThan(0);
    }
    const fit = cases.filter(({ kind, rfChains, users }) => kind === 'full' && rfChains >= 2 * users);
    expect(served).toBe(name === 'two-phase' ? fit.length : problems.length);
  });

  it.each(CLIMBS)('$name is nowhere worse than what it begins with', SLOW, ({ name, start, value }) => {
    for (const { each, problem } of problems) {
      const gained = value(problem, beamOf(name, problem)) - value(problem, start(problem));
      expect(gained, JSON.stringify(each)).toBeGreaterThan(-1e-4);
    }
  });
});
