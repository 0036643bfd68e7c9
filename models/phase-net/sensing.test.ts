import { describe, expect, it } from 'vitest';
import { salehValenzuela } from '../../core/signal/channel.ts';
import type { CMatrix } from '../../core/signal/complex-matrix.ts';
import { clone, frobeniusNorm, fromParts, fromPhases, matmul, scale, zeros } from '../../core/signal/complex-matrix.ts';
import { connectionMask } from '../../core/signal/geometry.ts';
import { createRandom } from '../../core/signal/random.ts';
import { fromDb, sumRate } from '../../core/signal/rate.ts';
import { covarianceError } from '../../core/signal/sensing.ts';
import { wantedCovarianceFactor } from '../../core/signal/wanted-pattern.ts';
import { expectTrueGradients } from '../../test/central-differences.ts';
import { digitalRateSensing } from '../baselines/digital-rate-sensing.ts';
import { longRun } from '../baselines/long-run.ts';
import { normaliseChannel } from '../baselines/normalise.ts';
import { openCompiled } from '../engine/compiled-session.ts';
import type { Feed } from '../graph/session.ts';
import { readNumbers } from '../numbers-file.ts';
import { packChannels } from '../training/channel-set.ts';
import { findModel, verifyModel } from '../zoo.ts';
import { encodeSensingModel, encodeSensingTraining, encodeSensingValue } from './sensing-graphs.ts';
import type { SensingArray } from './sensing-network.ts';
import { SENSING_PARAMETERS } from './sensing-schedule.ts';
import { sensingProgram } from '../../test/sensing-program.ts';

const { bytes } = verifyModel(findModel('phase-net'));
const learned = readNumbers(bytes, 'phase-net').sensing?.numbers ?? {};
const numbers = SENSING_PARAMETERS.map(({ name }) => Float64Array.from(learned[name]));
const lineOf = (elements: number) => ({ kind: 'ula', elements, spacingWavelengths: 0.5 }) as const;
const factorOf = (elements: number, streams: number): CMatrix =>
  wantedCovarianceFactor(lineOf(elements), { directionsRad: [-1.05, 0, 0.8], halfWidthRad: 0.09, streams });
const drawn = (count: number, elements: number, users: number): CMatrix[] => {
  const random = createRandom(1).stream('test');
  return Array.from({ length: count }, () =>
    salehValenzuela({ random, geometry: lineOf(elements), users, paths: 10, scale: 'unit-element' }),
  );
};

interface Asked {
  channel: CMatrix;
  factor: CMatrix;
  power: number;
  noise: number;
  /** ω */
  weight: number;
}

/** The beam of the exported file, compiled: A and D as the contract has them. */
function beamOf(asked: Asked, array: SensingArray): { analog: CMatrix; digital: CMatrix } {
  const { elements, rfChains, users } = array;
  const session = openCompiled(encodeSensingModel({ ...array, columns: asked.factor.cols }, numbers));
  session.inputs['channel'].set(packChannels([asked.channel]).packed);
  session.inputs['sensing_factor'].set(packChannels([asked.factor]).packed);
  session.inputs['power'][0] = asked.power;
  session.inputs['noise'][0] = asked.noise;
  session.inputs['sensing_weight'][0] = asked.weight;
  session.run();
  const digital = Float64Array.from(session.outputs['digital']);
  return {
    analog: fromPhases(Float64Array.from(session.outputs['analog_phase']), elements, rfChains, array.connection),
    digital: fromParts(
      rfChains,
      users,
      digital.filter((_, i) => i % 2 === 0),
      digital.filter((_, i) => i % 2 === 1),
    ),
  };
}

/** R − ω·τ */
function valueOf({ channel, factor, power, noise, weight }: Asked, precoder: CMatrix): number {
  return sumRate(channel, precoder, noise) - weight * covarianceError({ factor, weight }, precoder, power);
}

const reached = (asked: Asked, array: SensingArray): number => {
  const { analog, digital } = beamOf(asked, array);
  return valueOf(asked, matmul(analog, digital));
};

const askedOf = (channel: CMatrix, users: number, snrDb = 12, weight = 0.3): Asked => ({
  channel,
  factor: factorOf(channel.cols, users),
  power: fromDb(snrDb),
  noise: 1,
  weight,
});

const ARRAYS: readonly SensingArray[] = [
  { elements: 16, rfChains: 4, users: 4, steps: 24 },
  { elements: 16, rfChains: 3, users: 2, steps: 16 },
  { elements: 16, rfChains: 5, users: 2, steps: 8 },
  { elements: 24, rfChains: 4, users: 4, steps: 16, connection: connectionMask('sub', 24, 4) },
  { elements: 16, rfChains: 2, users: 2, steps: 1 },
  { elements: 9, rfChains: 1, users: 1, steps: 6 },
];

describe('phase-net with sensing', () => {
  it.each(ARRAYS)('is what a plain float64 program says: %o', (array) => {
    for (const [i, channel] of drawn(3, array.elements, array.users).entries()) {
      const factor = factorOf(array.elements, array.users);
      const power = fromDb(4 * i);
      const normalised = normaliseChannel(channel, 1, power);
      const session = openCompiled(encodeSensingValue({ ...array, columns: factor.cols }, 'float64'));
      SENSING_PARAMETERS.forEach(({ name }, p) => session.inputs[name].set(numbers[p]));
      session.inputs['channel'].set(pairsOf(normalised.channel));
      session.inputs['sensing_factor'].set(pairsOf(factor));
      session.inputs['noise'][0] = normalised.noise;
      session.inputs['sensing_weight'][0] = 0.3 * power ** 2;
      session.run();
      const task = { ...normalised, factor, weight: 0.3 * power ** 2 };
      expect(session.outputs['value'][0]).toBeCloseTo(sensingProgram(task, numbers, array).value, 5);
    }
  });

  it('radiates full power, and what it counts on, in any unit of the channel and any split of power and noise', () => {
    const [channel] = drawn(1, 16, 4);
    const array = { elements: 16, rfChains: 4, users: 4, steps: 20 };
    const asked = askedOf(channel, 4);
    const { analog, digital } = beamOf(asked, array);
    expect(frobeniusNorm(matmul(analog, digital)) ** 2 / asked.power).toBeCloseTo(1, 4);
    // ω·P² and the SNR are what counts.
    const other = { ...asked, channel: scale(channel, 0.01), power: 4 * asked.power, noise: 4e-4, weight: asked.weight / 16 };
    const same = beamOf(other, array);
    expect(valueOf(other, matmul(same.analog, same.digital))).toBeCloseTo(valueOf(asked, matmul(analog, digital)), 2);
  });

  it('comes near the long run, whatever SNR and ω, and nearer with more steps', () => {
    for (const [snrDb, weight] of [
      [0, 0.3],
      [12, 0.3],
      [12, 0.02],
      [20, 0.0005],
    ]) {
      let [few, many, limit] = [0, 0, 0];
      for (const channel of drawn(4, 16, 3)) {
        const asked = askedOf(channel, 3, snrDb, weight);
        const array = { elements: 16, rfChains: 3, users: 3 };
        few += reached(asked, { ...array, steps: 10 });
        many += reached(asked, { ...array, steps: 60 });
        const { analog, digital } = longRun({ ...asked, rfChains: 3, sensing: asked }, 4);
        limit += valueOf(asked, matmul(analog, digital));
      }
      expect(few / limit, `${snrDb} dB, ω ${weight}`).toBeGreaterThan(0.85);
      expect(many / limit, `${snrDb} dB, ω ${weight}`).toBeGreaterThan(0.95);
      expect(many).toBeGreaterThan(few);
    }
  });

  it('shows the digital answer where there are two chains a user', () => {
    for (const channel of drawn(3, 16, 2)) {
      const asked = askedOf(channel, 2);
      const bound = valueOf(asked, digitalRateSensing({ ...asked, rfChains: 4, sensing: asked }));
      for (const rfChains of [4, 5]) {
        expect(reached(asked, { elements: 16, rfChains, users: 2, steps: 60 }) / bound).toBeGreaterThan(0.98);
      }
    }
  });

  it('has a beam for users in one place, a silent user, a pattern that is nothing, no noise and no care for sensing', () => {
    const array = { elements: 16, rfChains: 4, users: 4, steps: 20 };
    const [channel] = drawn(1, 16, 4);
    const twins = clone(channel);
    const silent = clone(channel);
    for (const part of [twins.re, twins.im]) part.copyWithin(16, 0, 16);
    for (const part of [silent.re, silent.im]) part.fill(0, 0, 16);
    const asked = askedOf(channel, 4);
    const cases: Asked[] = [
      { ...asked, channel: twins },
      { ...asked, channel: silent },
      { ...asked, factor: zeros(16, 4) },
      { ...asked, noise: 1e-12 },
      { ...asked, weight: 0 },
      { ...asked, weight: 1e4 },
    ];
    for (const each of cases) {
      const { analog, digital } = beamOf(each, array);
      expect([...analog.re, ...analog.im, ...digital.re, ...digital.im].every(Number.isFinite)).toBe(true);
      expect(frobeniusNorm(matmul(analog, digital)) ** 2 / each.power).toBeCloseTo(1, 3);
    }
  });

  it('takes a factor with columns to spare', () => {
    const [channel] = drawn(1, 16, 3);
    const asked = askedOf(channel, 3);
    const wide = zeros(16, 6);
    for (let n = 0; n < 16; n++) {
      for (let r = 0; r < asked.factor.cols; r++) {
        wide.re[6 * n + r] = asked.factor.re[asked.factor.cols * n + r];
        wide.im[6 * n + r] = asked.factor.im[asked.factor.cols * n + r];
      }
    }
    const array = { elements: 16, rfChains: 3, users: 3, steps: 40 };
    expect(reached({ ...asked, factor: wide }, array) / reached(asked, array)).toBeCloseTo(1, 1);
  });

  it('learns along the true gradient, through all its stages', async () => {
    const array = { elements: 6, rfChains: 3, users: 2, steps: 12 };
    const parameters: Record<string, Feed> = {};
    SENSING_PARAMETERS.forEach(({ name, shape }, p) => {
      parameters[name] = { values: numbers[p].slice(), shape };
    });
    const factor = Float64Array.from(pairsOf(factorOf(6, 2)));
    const given: Record<string, Feed> = {
      sensing_factor: { values: Float64Array.from([...factor, ...factor, ...factor]), shape: [3, 6, factor.length / 12, 2] },
      sensing_weight: { values: Float64Array.of(0.5, 5, 50), shape: [3] },
    };
    const graph = encodeSensingTraining({ ...array, columns: factor.length / 12 }, 1e9, 'float64');
    await expectTrueGradients(graph, parameters, 5, given);
  });

  it('refuses more users than RF chains, with a way out', () => {
    const array = { elements: 8, rfChains: 2, users: 3, steps: 4, columns: 3 };
    expect(() => encodeSensingModel(array, numbers)).toThrow(
      expect.objectContaining({ code: 'argument', message: expect.stringContaining('2 RF chains for 3 users') as string }),
    );
  });
});

/** Real and imaginary part of each entry, one after the other. */
const pairsOf = ({ re, im }: CMatrix): number[] => Array.from(re).flatMap((value, i) => [value, im[i]]);
