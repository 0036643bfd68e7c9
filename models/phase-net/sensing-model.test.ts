/** The file of phase-net where sensing counts: the graph that is built of it, for any array and anything to be sensed. */
import { describe, expect, it } from 'vitest';
import type { Beam, Problem } from '../../core/signal/beam-contract.ts';
import type { CMatrix } from '../../core/signal/complex-matrix.ts';
import { clone, frobeniusNorm, fromPhases, matmul, zeros } from '../../core/signal/complex-matrix.ts';
import { connectionMask } from '../../core/signal/geometry.ts';
import { columnsWeighed, rateSensingObjective } from '../../core/signal/objectives/rate-sensing.ts';
import { asComputed } from '../../core/signal/realise-beam.ts';
import { createRandom } from '../../core/signal/random.ts';
import { wantedCovarianceFactor } from '../../core/signal/wanted-pattern.ts';
import { openBeams } from '../compiled-beams.ts';
import { compileImage } from '../engine/compiled-session.ts';
import { fitModel, type FitTo, type FittedModel } from '../fitted-model.ts';
import { openSession, type Feed } from '../graph/session.ts';
import { beamOf, flatInputs, problemTensors } from '../model-tensors.ts';
import { numbersText, readNumbers } from '../numbers-file.ts';
import { drawChannelSet } from '../training/channel-set.ts';
import { findModel, verifyModel } from '../zoo.ts';
import { family } from './family.ts';

const phaseNet = verifyModel(findModel('phase-net'));

const channelsOf = (count: number, { elements, users }: FitTo): CMatrix[] =>
  drawChannelSet({ seed: 3, name: 'test', count, elements, users, paths: 10, scale: 'unit-element' }).channels;

const factorOf = ({ elements, users }: FitTo, directionsRad = [-1.05, 0, 0.8]): CMatrix =>
  wantedCovarianceFactor(
    { kind: 'ula', elements, spacingWavelengths: 0.5 },
    { directionsRad, halfWidthRad: 0.09, streams: users },
  );

function problemOf(channel: CMatrix, factor: CMatrix, array: FitTo, weight = 0.3): Problem {
  const { connection = 'full', elements, rfChains } = array;
  const mask = connection === 'full' ? {} : { connection: connectionMask(connection, elements, rfChains) };
  return { channel, rfChains, power: 10, noise: 1, sensing: { factor, weight }, ...mask };
}

const beamsOf = ({ card, onnx }: FittedModel) => openBeams({ card, image: compileImage(onnx) });
const worthOf = (problem: Problem, beam: Beam): number => asComputed(problem, beam, rateSensingObjective).score.value;

function expectBeam({ connection, power, rfChains, channel }: Problem, { analogPhase, digital }: Beam): void {
  expect([...analogPhase, ...digital.re, ...digital.im].every(Number.isFinite)).toBe(true);
  const precoder = matmul(fromPhases(analogPhase, channel.cols, rfChains, connection), digital);
  expect(frobeniusNorm(precoder) ** 2 / power).toBeCloseTo(1, 3);
}

/** As `beamsOf`, in onnxruntime. */
async function runtimeBeam({ card, onnx }: FittedModel, problem: Problem): Promise<Beam> {
  const flat = flatInputs(card, problem);
  let at = 0;
  const feeds: Record<string, Feed> = {};
  for (const { name, shape } of problemTensors(card)) {
    const length = shape.reduce((product, each) => product * each, 1);
    feeds[name] = { values: flat.slice(at, (at += length)), shape };
  }
  const session = await openSession(onnx);
  const { analog_phase: phases, digital } = await session.run(feeds);
  await session.close();
  return beamOf(card, [...phases.values, ...digital.values]);
}

const ARRAYS: FitTo[] = [
  { elements: 4, rfChains: 1, users: 1 },
  { elements: 16, rfChains: 4, users: 1 },
  { elements: 24, rfChains: 4, users: 4, connection: 'sub' },
  { elements: 13, rfChains: 5, users: 3, connection: 'sub' },
  { elements: 33, rfChains: 6, users: 4 },
  { elements: 64, rfChains: 4, users: 4 },
];

describe('the file of phase-net where sensing counts', () => {
  it.each(ARRAYS)('senses on any array better than the form for the rates, on both engines alike: %o', async (array) => {
    const factor = factorOf(array);
    const [sensing, rates] = [
      await fitModel(phaseNet, { ...array, sensingColumns: factor.cols }),
      await fitModel(phaseNet, array),
    ];
    expect(sensing).toMatchObject({ steps: 60, card: { sensing: 'input', dimensions: { elements: array.elements } } });
    expect(rates.card.sensing).toBeUndefined();
    const [beamFor, ratesFor] = [beamsOf(sensing), beamsOf(rates)];
    for (const channel of channelsOf(2, array)) {
      const problem = problemOf(channel, factor, array);
      const beam = beamFor(problem);
      expectBeam(problem, beam);
      const worth = worthOf(problem, beam);
      expect(worth).toBeGreaterThan(worthOf(problem, ratesFor(problem)));
      // Sixty steps in float32: where a channel is chaotic, the beams differ and are worth the same.
      expect(worthOf(problem, await runtimeBeam(sensing, problem)) / worth).toBeCloseTo(1, 1);
    }
  });

  it('takes as many steps as it is asked for, and is the better the more', async () => {
    const array = { elements: 16, rfChains: 3, users: 3 };
    const factor = factorOf(array);
    const worths = await Promise.all(
      [1, 10, 100].map(async (steps) => {
        const fitted = await fitModel(phaseNet, { ...array, sensingColumns: factor.cols, steps });
        expect(fitted.steps).toBe(steps);
        const beamFor = beamsOf(fitted);
        const problems = channelsOf(6, array).map((channel) => problemOf(channel, factor, array));
        return problems.reduce((sum, problem) => sum + worthOf(problem, beamFor(problem)), 0);
      }),
    );
    expect(worths).toEqual([...worths].sort((a, b) => a - b));
    expect(new Set(worths).size).toBe(3);
  });

  it('has a beam for users who hear nothing or the same, for nothing to sense and for no care about it', async () => {
    const array = { elements: 16, rfChains: 4, users: 3 };
    const factor = factorOf(array);
    const beamFor = beamsOf(await fitModel(phaseNet, { ...array, sensingColumns: factor.cols }));
    const [channel] = channelsOf(1, array);
    const [silent, twins, still] = [clone(channel), clone(channel), zeros(3, 16)];
    for (const part of [silent.re, silent.im]) part.fill(0, 0, 16);
    for (const part of [twins.re, twins.im]) part.copyWithin(16, 0, 16).copyWithin(32, 0, 16);
    for (const each of [channel, silent, twins, still]) {
      for (const wished of [factor, zeros(16, 3)]) {
        for (const weight of [0, 0.3, 1e5]) {
          const problem = problemOf(each, wished, array, weight);
          expectBeam(problem, beamFor(problem));
        }
      }
    }
    expectBeam(problemOf(channel, factor, array), beamFor({ channel, rfChains: 4, power: 10, noise: 1 }));
  });

  it('is built for what there is to sense, up to 64 columns', async () => {
    const array = { elements: 96, rfChains: 2, users: 2 };
    const wide = zeros(96, 96);
    const random = createRandom(1);
    // Of full rank, and nearly all of it in a few directions.
    wide.re.forEach((_, i) => (wide.re[i] = random.normal() * 0.5 ** (i % 96)));
    const norm = frobeniusNorm(wide);
    const problem = problemOf(channelsOf(1, array)[0], { ...wide, re: wide.re.map((value) => value / norm) }, array);
    const fitted = await fitModel(phaseNet, { ...array, sensingColumns: 96, steps: 5 });
    expect(fitted.card.inputs).toContainEqual({ name: 'sensing_factor', type: 'float32', shape: [96, 64, 2] });
    expectBeam(problem, beamsOf(fitted)(problem));
  });

  it('is of the rates where its numbers say nothing of sensing, or nothing is weighed', async () => {
    const { card, bytes } = phaseNet;
    const { numbers } = readNumbers(bytes, card.id);
    const { anyArray } = family;
    const learned = anyArray!.numbers.map(({ name }) => Float64Array.from(numbers[name]));
    const without = new TextEncoder().encode(numbersText('phase-net', anyArray!, learned));
    const array = { elements: 8, rfChains: 2, users: 2 };
    const [old, plain] = [
      await fitModel({ card, bytes: without }, { ...array, sensingColumns: 2 }),
      await fitModel(phaseNet, { ...array, sensingColumns: columnsWeighed('sum-rate', [{ factor: factorOf(array) }]) }),
    ];
    expect(old).toEqual(plain);
    expect(old.steps).toBe(30);
  });
});
