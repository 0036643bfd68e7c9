import { describe, expect, it } from 'vitest';
import { expectTrueGradients } from '../../test/central-differences.ts';
import type { HybridPrecoder } from '../../core/signal/beam-contract.ts';
import type { CMatrix } from '../../core/signal/complex-matrix.ts';
import { clone, conjTranspose, frobeniusNorm, fromPhases, matmul, scale, zeros } from '../../core/signal/complex-matrix.ts';
import { sumRate } from '../../core/signal/rate.ts';
import { covarianceError } from '../../core/signal/sensing.ts';
import { wantedCovarianceFactor } from '../../core/signal/wanted-pattern.ts';
import { nearestToZeroForcing } from '../baselines/aligned.ts';
import { normaliseChannel } from '../baselines/normalise.ts';
import { sensingPga, type DigitalGradient } from '../baselines/sensing-pga.ts';
import { encodeModel } from '../graph/encode.ts';
import { openSession, type Feed } from '../graph/session.ts';
import { drawChannelSet } from '../training/channel-set.ts';
import { alternatingSteps, constantSteps, parameterNames, type StepSizes } from '../unfolded-ascent/step-sizes.ts';
import { encodeTrainingGraph } from '../unfolded-ascent/training-graph.ts';
import { climbed, encodeUpganet, inferenceGraph, type InferenceOptions } from './graphs.ts';

const dimensions = { elements: 16, rfChains: 4, users: 4 };
const GRADIENTS: DigitalGradient[] = ['signal-only', 'exact'];
const line = { kind: 'ula', elements: 16, spacingWavelengths: 0.5 } as const;
const factor = wantedCovarianceFactor(line, { directionsRad: [-1, 0, 0.7], halfWidthRad: 0.1, streams: 4 });
const channels = drawChannelSet({
  seed: 5,
  name: 'test',
  count: 4,
  elements: 16,
  users: 4,
  paths: 10,
  scale: 'unit-element',
}).channels;

interface Request {
  channel: CMatrix;
  power: number;
  noise: number;
  weight: number;
}
const requests: Request[] = channels.map((channel, i) => ({
  channel,
  power: [1, 4, 10, 16][i],
  noise: [1, 1, 0.5, 1][i],
  weight: [0.3, 0.3, 1, 0][i],
}));

const steps = alternatingSteps({
  ...{ layers: 3, innerSteps: 4, coefficients: 2, snrRangeDb: [-5, 20] },
  ...{ logMu: [Math.log(0.02), -0.3], logLambda: [Math.log(1e-3), 0.1] },
});
steps.lambda[0] = steps.lambda[0].map((value, i) => value - 0.2 * i);
const options = (more: Partial<InferenceOptions> = {}): InferenceOptions => ({
  ...{ dimensions, steps, columns: 8, digitalGradient: 'signal-only', guarded: false },
  ...more,
});

/** [Hᴴ | B], as many columns as there are chains, each entry to modulus one. */
function alignedWith(channel: CMatrix, rfChains: number): CMatrix {
  const users = conjTranspose(channel);
  const analog = zeros(users.rows, rfChains);
  for (let i = 0; i < analog.re.length; i++) {
    const [n, m] = [Math.floor(i / rfChains), i % rfChains];
    const [from, at] = m < users.cols ? [users, n * users.cols + m] : [factor, n * factor.cols + m - users.cols];
    const size = Math.hypot(from.re[at], from.im[at]);
    [analog.re[i], analog.im[i]] = [from.re[at] / size, from.im[at] / size];
  }
  return analog;
}

/** The plain program on the same steps, at power 1, where τ weighs ω·P². */
function reference(
  { steps: given, digitalGradient, dimensions: { rfChains } }: InferenceOptions,
  { channel, power, noise, weight }: Request,
): HybridPrecoder {
  const normalised = normaliseChannel(channel, noise, power);
  const [from, to] = given.snrRangeDb;
  const x = Math.min(to, Math.max(from, -10 * Math.log10(normalised.noise))) / 10 - 1;
  const at = (coefficients: readonly Float64Array[], i: number): number => {
    const sum = coefficients.reduce((total, values, degree) => total + values[i] * x ** degree, 0);
    return given.form === 'log' ? Math.exp(sum) : sum;
  };
  const { layers, innerSteps } = given;
  const analog = alignedWith(channel, rfChains);
  const found = sensingPga({
    channel: normalised.channel,
    power: 1,
    noise: normalised.noise,
    sensing: { factor, weight: weight * power ** 2 },
    mu: Array.from({ length: layers }, (_, i) => Array.from({ length: innerSteps }, (_, j) => at(given.mu, i * innerSteps + j))),
    lambda: Array.from({ length: layers }, (_, i) => at(given.lambda, i) * normalised.noise),
    digitalGradient,
    projection: 'layer',
    start: { analog, digital: nearestToZeroForcing(normalised.channel, analog, 1) },
  });
  const last = found[found.length - 1] ?? { analog, digital: nearestToZeroForcing(normalised.channel, analog, 1) };
  return { analog: last.analog, digital: scale(last.digital, Math.sqrt(power)) };
}

const pairs = ({ re, im }: CMatrix): number[] => Array.from(re).flatMap((value, i) => [value, im[i]]);

function feedsOf({ channel, power, noise, weight }: Request, float: 'float32' | 'float64', sensed: CMatrix = factor) {
  const make = (values: number[]) => (float === 'float64' ? Float64Array.from(values) : Float32Array.from(values));
  const padded = zeros(sensed.rows, 8);
  for (let i = 0; i < sensed.re.length; i++) {
    const at = Math.floor(i / sensed.cols) * 8 + (i % sensed.cols);
    [padded.re[at], padded.im[at]] = [sensed.re[i], sensed.im[i]];
  }
  const feeds: Record<string, Feed> = {
    channel: { values: make(pairs(channel)), shape: [1, channel.rows, channel.cols, 2] },
    power: { values: make([power]), shape: [1] },
    noise: { values: make([noise]), shape: [1] },
    sensing_factor: { values: make(pairs(padded)), shape: [sensed.rows, 8, 2] },
    sensing_weight: { values: make([weight]), shape: [1] },
  };
  return feeds;
}

/** What the exported float32 file answers. */
async function exported(given: InferenceOptions, asked: Request[], sensed?: CMatrix) {
  const session = await openSession(encodeUpganet(given));
  const { elements, rfChains, users } = given.dimensions;
  const beams = [];
  for (const request of asked) {
    const { analog_phase: phases, digital } = await session.run(feedsOf(request, 'float32', sensed));
    const part = (index: number) => Float64Array.from({ length: rfChains * users }, (_, i) => digital.values[2 * i + index]);
    const analog = fromPhases(Float64Array.from(phases.values), elements, rfChains);
    beams.push({ phases: phases.values, analog, digital: { rows: rfChains, cols: users, re: part(0), im: part(1) } });
  }
  await session.close();
  return beams;
}

const largestTurn = (phases: ArrayLike<number>, analog: CMatrix): number =>
  Math.max(
    ...Array.from(phases, (phase, i) => {
      const turn = phase - Math.atan2(analog.im[i], analog.re[i]);
      return Math.abs(Math.atan2(Math.sin(turn), Math.cos(turn)));
    }),
  );

function objective({ channel, power, noise, weight }: Request, { analog, digital }: HybridPrecoder): number {
  const precoder = matmul(analog, digital);
  return sumRate(channel, precoder, noise) - weight * covarianceError({ factor, weight }, precoder, power);
}

describe('the exported network', () => {
  it.each(GRADIENTS.flatMap((digitalGradient) => [4, 6].map((rfChains) => ({ digitalGradient, rfChains }))))(
    'in float64 is the reference to rounding, entry by entry: $digitalGradient, $rfChains RF chains',
    async (given) => {
      const asked = options({ digitalGradient: given.digitalGradient, dimensions: { ...dimensions, rfChains: given.rfChains } });
      const { graph, analog, digital } = inferenceGraph(asked, 'float64');
      graph.output('analog', analog.parts);
      graph.output('digital', digital);
      const session = await openSession(encodeModel(graph, 'upganet-exact'), { exact: true });
      for (const request of requests) {
        const found = await session.run(feedsOf(request, 'float64'));
        const expected = reference(asked, request);
        const chains = given.rfChains;
        for (let i = 0; i < 16 * chains; i++) {
          const at = Math.floor(i / chains) * 2 * chains + (i % chains);
          expect(found.analog.values[at]).toBeCloseTo(expected.analog.re[i], 4);
          expect(found.analog.values[at + chains]).toBeCloseTo(expected.analog.im[i], 4);
        }
        for (let i = 0; i < chains * 4; i++) {
          expect(found.digital.values[2 * i]).toBeCloseTo(expected.digital.re[i], 4);
          expect(found.digital.values[2 * i + 1]).toBeCloseTo(expected.digital.im[i], 4);
        }
      }
      await session.close();
    },
  );

  it('in float32 has the phases and the objective of the reference, at full power', async () => {
    const beams = await exported(options(), requests);
    beams.forEach((beam, b) => {
      const expected = reference(options(), requests[b]);
      expect(largestTurn(beam.phases, expected.analog)).toBeLessThan(1e-3);
      expect(objective(requests[b], beam)).toBeCloseTo(objective(requests[b], expected), 2);
      expect(frobeniusNorm(matmul(beam.analog, beam.digital)) ** 2 / requests[b].power).toBeCloseTo(1, 4);
    });
  });

  it('gives the same phases in any unit of the channel, but not of the power, which τ is measured in', async () => {
    const [request] = requests.slice(2);
    const { channel, noise, power } = request;
    const [plain, volts, watts] = await exported(options(), [
      request,
      { ...request, channel: scale(channel, 1e-3), noise: noise * 1e-6 },
      { ...request, power: 2 * power, noise: 2 * noise },
    ]);
    expect(largestTurn(volts.phases, plain.analog)).toBeLessThan(1e-3);
    expect(largestTurn(watts.phases, plain.analog)).toBeGreaterThan(0.05);
  });

  it('climbs what it is to climb, more so the longer it may', async () => {
    const gentle = (layers: number): StepSizes => constantSteps(layers, 5, 0.01, 1e-4);
    for (const request of requests) {
      const [start, some, more] = [0.0001, 20, 60].map((layers) =>
        layers < 1
          ? reference(options({ steps: constantSteps(1, 1, 0, 0), digitalGradient: 'exact' }), request)
          : reference(options({ steps: gentle(layers), digitalGradient: 'exact' }), request),
      );
      expect(objective(request, some)).toBeGreaterThan(objective(request, start));
      expect(objective(request, more)).toBeGreaterThan(objective(request, some));
    }
  });

  it.each(GRADIENTS)(
    'never answers with less than its start when it is guarded, however wild its steps: %s',
    async (digitalGradient) => {
      const wild = constantSteps(6, 5, 3, 0.5);
      const beams = await exported(options({ steps: wild, guarded: true, digitalGradient }), requests);
      beams.forEach((beam, b) => {
        const start = reference(options({ steps: constantSteps(1, 1, 0, 0) }), requests[b]);
        expect(objective(requests[b], beam)).toBeGreaterThanOrEqual(objective(requests[b], start) - 1e-2);
        expect(frobeniusNorm(matmul(beam.analog, beam.digital)) ** 2 / requests[b].power).toBeCloseTo(1, 3);
      });
    },
  );

  it('is the plain network where the guard finds nothing', async () => {
    const gentle = constantSteps(5, 3, 0.01, 1e-4);
    const beams = await exported(options({ steps: gentle, guarded: true, digitalGradient: 'exact' }), requests);
    beams.forEach((beam, b) => {
      const expected = reference(options({ steps: gentle, digitalGradient: 'exact' }), requests[b]);
      expect(largestTurn(beam.phases, expected.analog)).toBeLessThan(1e-3);
    });
  });

  it('gives a beam for two users in one place, a user who hears nothing, and nothing to sense', async () => {
    const twins = clone(channels[0]);
    twins.re.copyWithin(16, 0, 16);
    twins.im.copyWithin(16, 0, 16);
    const silent = clone(channels[1]);
    silent.re.fill(0, 0, 16);
    silent.im.fill(0, 0, 16);
    const asked = [twins, silent].map((channel) => ({ ...requests[1], channel }));
    for (const rfChains of [4, 6]) {
      const given = options({ guarded: true, dimensions: { ...dimensions, rfChains } });
      for (const sensed of [factor, zeros(16, 1)]) {
        for (const { phases, analog, digital } of await exported(given, asked, sensed)) {
          expect(Array.from(phases).every(Number.isFinite)).toBe(true);
          expect(frobeniusNorm(matmul(analog, digital)) ** 2).toBeCloseTo(4, 2);
        }
      }
    }
  });

  it('refuses arrays that it cannot start on, with a way out', () => {
    const refusal = (rfChains: number) => () => encodeUpganet(options({ dimensions: { ...dimensions, rfChains } }));
    expect(refusal(3)).toThrow(
      expect.objectContaining({ code: 'argument', message: expect.stringContaining('3 RF chains for 4 users') as string }),
    );
    expect(refusal(13)).toThrow(
      expect.objectContaining({ code: 'argument', wayOut: expect.stringContaining('12 chains at most') as string }),
    );
  });
});

it.each(GRADIENTS)('learns along the true gradient, through both Scans: %s', async (digitalGradient) => {
  const small = { elements: 6, rfChains: 3, users: 2 };
  const sensed = wantedCovarianceFactor({ ...line, elements: 6 }, { directionsRad: [0.2], halfWidthRad: 0.3, streams: 2 });
  const bytes = encodeTrainingGraph(
    {
      ...{ name: 'upganet', dimensions: small, layers: 2, innerSteps: 3, form: 'log', coefficients: 2 },
      ...{ snrRangeDb: [-5, 20], guarded: true, layerWeights: [0.3, 1] },
      ...climbed(small, { factor: sensed, weight: 0.02 }, { digitalGradient, guarded: true }),
    },
    'float64',
  );
  const parameters: Record<string, Feed> = {};
  for (const name of parameterNames(2)) {
    const length = name.startsWith('mu') ? 3 : 1;
    const start = name === 'mu_0' ? -4 : name === 'lambda_0' ? -4 : -0.4;
    parameters[name] = { values: Float64Array.from({ length: 2 * length }, (_, k) => start + 0.1 * k), shape: [2, length] };
  }
  await expectTrueGradients(bytes, parameters, 6);
});
