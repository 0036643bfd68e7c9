import { describe, expect, it } from 'vitest';
import { frobeniusNorm, fromPhases, matmul, scale } from '../../core/signal/complex-matrix.ts';
import type { CMatrix } from '../../core/signal/complex-matrix.ts';
import { connectionMask } from '../../core/signal/geometry.ts';
import { fromDb, sumRate } from '../../core/signal/rate.ts';
import { normaliseChannel } from '../baselines/normalise.ts';
import { pgaUnfold } from '../baselines/pga.ts';
import type { HybridPrecoder } from '../../core/signal/beam-contract.ts';
import { encodeModel } from '../graph/encode.ts';
import { expectTrueGradients } from '../../test/central-differences.ts';
import { openSession } from '../graph/session.ts';
import type { Feed } from '../graph/session.ts';
import { drawChannelSet } from '../training/channel-set.ts';
import { encodeUnfoldedPga, inferenceGraph } from './inference.ts';
import type { InferenceOptions } from './inference.ts';
import { unfoldedPga } from './network.ts';
import { constantSteps, parameterNames } from '../unfolded-ascent/step-sizes.ts';
import { fallingSteps } from './falling-steps.ts';
import type { StepSizes } from '../unfolded-ascent/step-sizes.ts';
import { encodeTrainingGraph } from '../unfolded-ascent/training-graph.ts';

const GUARDED = false;
const dimensions = { elements: 16, rfChains: 4, users: 4 };
const channels = (count: number, scaleName: 'unit-element' | 'paper-001' = 'unit-element'): CMatrix[] =>
  drawChannelSet({ seed: 5, name: 'test', count, elements: 16, users: 4, paths: 10, scale: scaleName }).channels;
const mixedSteps = fallingSteps({ layers: 3, innerSteps: 4, elements: 16, coefficients: 3, snrRangeDb: [-8, 22] });
mixedSteps.mu[0] = mixedSteps.mu[0].map((value, i) => value + 0.3 * Math.sin(i));
mixedSteps.mu[2] = mixedSteps.mu[2].map((_, i) => 0.1 * Math.cos(i));
mixedSteps.lambda[0] = mixedSteps.lambda[0].map((value, i) => value - 0.4 * i);

interface Request {
  channel: CMatrix;
  power: number;
  noise: number;
}

/** The steps as the float64 reference wants them: numbers for this channel, at power 1. */
function referenceSteps(steps: StepSizes, noise: number): { mu: number[][]; lambda: number[] } {
  const [from, to] = steps.snrRangeDb;
  const x = Math.min(to, Math.max(from, -10 * Math.log10(noise))) / 10 - 1;
  const at = (coefficients: Float64Array[], i: number) => {
    const sum = coefficients.reduce((total, values, power) => total + values[i] * x ** power, 0);
    return steps.form === 'log' ? Math.exp(sum) : sum;
  };
  const { layers, innerSteps } = steps;
  const mu = Array.from({ length: layers }, (_, i) =>
    Array.from({ length: innerSteps }, (_, j) => at(steps.mu, i * innerSteps + j)),
  );
  return { mu, lambda: Array.from({ length: layers }, (_, i) => at(steps.lambda, i) * noise) };
}

function reference(steps: StepSizes, { channel, power, noise }: Request, connection?: Uint8Array): HybridPrecoder {
  const normalised = normaliseChannel(channel, noise, power);
  const given = referenceSteps(steps, normalised.noise);
  const options = { channel: normalised.channel, power: 1, noise: normalised.noise, ...given };
  const { layers } = pgaUnfold(connection === undefined ? options : { ...options, connection });
  const { analog, digital } = layers[layers.length - 1];
  return { analog, digital: scale(digital, Math.sqrt(power)) };
}

function feedsOf(requests: Request[], float: 'float32' | 'float64', connection?: Uint8Array): Record<string, Feed> {
  const make = (values: number[]) => (float === 'float64' ? Float64Array.from(values) : Float32Array.from(values));
  const [{ channel }] = requests;
  const packed = requests.flatMap(({ channel: { re, im } }) => Array.from(re).flatMap((value, i) => [value, im[i]]));
  const feeds: Record<string, Feed> = {
    channel: { values: make(packed), shape: [requests.length, channel.rows, channel.cols, 2] },
    power: { values: make(requests.map(({ power }) => power)), shape: [requests.length] },
    noise: { values: make(requests.map(({ noise }) => noise)), shape: [requests.length] },
  };
  if (connection !== undefined) feeds.connection = { values: make(Array.from(connection)), shape: [channel.cols, channel.rows] };
  return feeds;
}

/** What the exported float32 file answers, one beam a request. */
async function exported(options: InferenceOptions, requests: Request[], connection?: Uint8Array) {
  const session = await openSession(encodeUnfoldedPga(options));
  const { analog_phase: phases, digital } = await session.run(feedsOf(requests, 'float32', connection));
  await session.close();
  const { elements, rfChains, users } = options.dimensions;
  return requests.map((_, b) => {
    const analogPhase = Float64Array.from(phases.values.slice(b * elements * rfChains, (b + 1) * elements * rfChains));
    const weights = digital.values.slice(b * rfChains * users * 2, (b + 1) * rfChains * users * 2);
    const re = Float64Array.from({ length: rfChains * users }, (_, i) => weights[2 * i]);
    const im = Float64Array.from({ length: rfChains * users }, (_, i) => weights[2 * i + 1]);
    const analog = fromPhases(analogPhase, elements, rfChains, connection);
    return { analogPhase, analog, digital: { rows: rfChains, cols: users, re, im } };
  });
}

const largestTurn = (phases: Float64Array, analog: CMatrix): number =>
  phases.reduce((worst, phase, i) => {
    if (analog.re[i] === 0 && analog.im[i] === 0) return worst;
    const turn = phase - Math.atan2(analog.im[i], analog.re[i]);
    return Math.max(worst, Math.abs(Math.atan2(Math.sin(turn), Math.cos(turn))));
  }, 0);

/** The same computation in float64, for checks against the reference: `analog` [B, N, 2M] is [Re A | Im A], since Atan is float32 only. */
function encodeExact(options: InferenceOptions): Uint8Array {
  const { graph, analog, digital } = inferenceGraph(options, 'float64');
  graph.output('analog', analog.parts);
  graph.output('digital', digital);
  return encodeModel(graph, 'unfolded-pga-exact');
}

const requests = channels(4).map((channel, i) => ({ channel, power: [1, 1, 10, 0.3][i], noise: [1, 0.1, 0.1, 0.01][i] }));

describe('the exported network', () => {
  it('in float64 is the reference to rounding, entry by entry', async () => {
    const session = await openSession(encodeExact({ dimensions, steps: mixedSteps, guarded: GUARDED }), { exact: true });
    const { analog, digital } = await session.run(feedsOf(requests, 'float64'));
    await session.close();
    requests.forEach((request, b) => {
      const expected = reference(mixedSteps, request);
      for (let n = 0; n < 16; n++) {
        for (let m = 0; m < 4; m++) {
          expect(analog.values[(b * 16 + n) * 8 + m]).toBeCloseTo(expected.analog.re[n * 4 + m], 5);
          expect(analog.values[(b * 16 + n) * 8 + 4 + m]).toBeCloseTo(expected.analog.im[n * 4 + m], 5);
        }
      }
      for (let i = 0; i < 16; i++) {
        expect(digital.values[(b * 16 + i) * 2]).toBeCloseTo(expected.digital.re[i], 5);
        expect(digital.values[(b * 16 + i) * 2 + 1]).toBeCloseTo(expected.digital.im[i], 5);
      }
    });
  });

  it('in float32 has the phases and the rate of the float64 reference', async () => {
    const beams = await exported({ dimensions, steps: mixedSteps, guarded: GUARDED }, requests);
    beams.forEach((beam, b) => {
      const expected = reference(mixedSteps, requests[b]);
      const { channel, power, noise } = requests[b];
      expect(largestTurn(beam.analogPhase, expected.analog)).toBeLessThan(1e-3);
      const rate = sumRate(channel, matmul(beam.analog, beam.digital), noise);
      expect(rate).toBeCloseTo(sumRate(channel, matmul(expected.analog, expected.digital), noise), 3);
      expect(frobeniusNorm(matmul(beam.analog, beam.digital)) ** 2 / power).toBeCloseTo(1, 4);
    });
  });

  it("runs the paper's constant steps as the reference does, P = SNR and σ² = 1", async () => {
    const steps = constantSteps(5, 2, 0.01, 1e-4);
    const [channel] = channels(1, 'paper-001');
    const request = { channel, power: fromDb(10), noise: 1 };
    const [beam] = await exported({ dimensions, steps, guarded: GUARDED }, [request]);
    const expected = reference(steps, request);
    expect(largestTurn(beam.analogPhase, expected.analog)).toBeLessThan(1e-3);
  });

  it('gives the same phases in any unit of the channel and of the power', async () => {
    const [channel] = channels(1);
    const options = { dimensions, steps: mixedSteps, guarded: GUARDED };
    const [plain, volts, watts] = await exported(options, [
      { channel, power: 1, noise: 0.05 },
      { channel: scale(channel, 1e-3), power: 1, noise: 0.05 * 1e-6 },
      { channel, power: 20, noise: 1 },
    ]);
    for (const other of [volts, watts]) expect(largestTurn(other.analogPhase, plain.analog)).toBeLessThan(1e-3);
    expect(frobeniusNorm(matmul(watts.analog, watts.digital)) ** 2).toBeCloseTo(20, 2);
  });

  it('never answers with less than its start when it is guarded, and is the plain network where none would', async () => {
    const rate = ({ channel, noise }: Request, { analog, digital }: HybridPrecoder) =>
      sumRate(channel, matmul(analog, digital), noise);
    const wild = constantSteps(4, 3, 2, 0.05);
    const beams = await exported({ dimensions, steps: wild, guarded: true }, requests);
    beams.forEach((beam, b) => {
      const start = reference(constantSteps(1, 1, 0, 0), requests[b]);
      expect(rate(requests[b], beam)).toBeGreaterThanOrEqual(rate(requests[b], start) - 1e-3);
    });
    const gentle = constantSteps(3, 2, 0.01, 1e-4);
    const guardedBeams = await exported({ dimensions, steps: gentle, guarded: true }, requests);
    guardedBeams.forEach((beam, b) =>
      expect(largestTurn(beam.analogPhase, reference(gentle, requests[b]).analog)).toBeLessThan(1e-3),
    );
  });

  it('does not let one channel of a batch touch another', async () => {
    const options = { dimensions, steps: mixedSteps, guarded: GUARDED };
    const together = await exported(options, requests);
    for (const [b, request] of requests.entries()) {
      const [alone] = await exported(options, [request]);
      expect(largestTurn(alone.analogPhase, together[b].analog)).toBeLessThan(1e-4);
    }
  });

  it('never turns the power off by more than rounding, however many and large the steps', async () => {
    const steps = constantSteps(30, 10, 0.3, 1e-3);
    const beams = await exported({ dimensions, steps, guarded: GUARDED }, requests);
    for (const [b, { analog, digital }] of beams.entries()) {
      expect(frobeniusNorm(matmul(analog, digital)) ** 2 / requests[b].power).toBeCloseTo(1, 3);
    }
  });

  it('stays finite for two users in one direction and for an element that hears nobody', async () => {
    const [channel] = channels(1);
    const twins = { ...channel, re: channel.re.slice(), im: channel.im.slice() };
    twins.re.copyWithin(16, 0, 16);
    twins.im.copyWithin(16, 0, 16);
    for (let k = 0; k < 4; k++) {
      twins.re[k * 16 + 3] = 0;
      twins.im[k * 16 + 3] = 0;
    }
    const [beam] = await exported({ dimensions, steps: mixedSteps, guarded: GUARDED }, [
      { channel: twins, power: 1, noise: 0.1 },
    ]);
    expect(beam.analogPhase.every(Number.isFinite)).toBe(true);
    expect(beam.digital.re.every(Number.isFinite)).toBe(true);
    expect(frobeniusNorm(matmul(beam.analog, beam.digital))).toBeCloseTo(1, 3);
  });

  it('leaves elements without a chain alone on a sub-connected array, as the reference does', async () => {
    const connection = connectionMask('sub', 16, 4);
    const beams = await exported({ dimensions, steps: mixedSteps, guarded: GUARDED, connection: true }, requests, connection);
    beams.forEach((beam, b) => {
      const expected = reference(mixedSteps, requests[b], connection);
      expect(largestTurn(beam.analogPhase, expected.analog)).toBeLessThan(1e-3);
      beam.analogPhase.forEach((phase, i) => expect(connection[i] === 1 || phase === 0).toBe(true));
      expect(frobeniusNorm(matmul(beam.analog, beam.digital)) ** 2 / requests[b].power).toBeCloseTo(1, 4);
    });
  });

  it('refuses more users than RF chains, with a way out', () => {
    expect(() =>
      encodeUnfoldedPga({ dimensions: { elements: 8, rfChains: 2, users: 3 }, steps: mixedSteps, guarded: GUARDED }),
    ).toThrow(
      expect.objectContaining({ code: 'argument', message: expect.stringContaining('2 RF chains for 3 users') as string }),
    );
  });
});

it('learns along the true gradient: the training graph agrees with central differences through both Scans', async () => {
  const small = { elements: 6, rfChains: 2, users: 2 };
  const bytes = encodeTrainingGraph(
    {
      name: 'unfolded-pga',
      dimensions: small,
      layers: 2,
      innerSteps: 3,
      form: 'log',
      coefficients: 2,
      snrRangeDb: [-8, 22],
      guarded: true,
      layerWeights: [0.3, 1],
      values: ({ normalised }, steps) => unfoldedPga(normalised, steps, small, { guarded: true, answer: 'last' }).rates,
    },
    'float64',
  );
  const parameters: Record<string, Feed> = {};
  for (const name of parameterNames(2)) {
    const length = name.startsWith('mu') ? 3 : 1;
    const start = name === 'mu_0' ? -3 : name === 'lambda_0' ? -5 : -0.4;
    parameters[name] = { values: Float64Array.from({ length: 2 * length }, (_, k) => start + 0.1 * k), shape: [2, length] };
  }
  await expectTrueGradients(bytes, parameters, 7);
});
