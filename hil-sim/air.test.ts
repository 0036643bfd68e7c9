import { describe, expect, it } from 'vitest';
import { createVirtualClock } from '../core/clock/virtual-clock.ts';
import { add, fromParts, frobeniusNorm, identity, matmul, subtract } from '../core/signal/complex-matrix.ts';
import { userIndex } from '../core/signal/indices.ts';
import { createRandom } from '../core/signal/random.ts';
import { sinr } from '../core/signal/rate.ts';
import { SNR_FLOOR_DB, createAir } from './air.ts';
import type { Drive } from './air.ts';
import { estimateChainGains, estimateSinr } from './pilot-estimates.ts';
import { createMovingUsers } from './scene.ts';
import { createSimulatedArray } from './simulated-array.ts';
import type { SimulatedArrayOptions } from './simulated-array.ts';

const [N, M, K, Q] = [16, 3, 2, 6];
const NOISE = 0.1;
const faults = {
  gainErrorDb: 1,
  phaseErrorDeg: 5,
  phaseStateErrorDeg: 3,
  stuckElements: [{ element: 4, word: 7 }],
  deadElements: [9],
};

const arrayOf = (changes: Partial<SimulatedArrayOptions> = {}) =>
  createSimulatedArray({ elements: N, rfChains: M, phaseBits: Q, random: createRandom(3), impairments: faults, ...changes });
const sceneOf = () =>
  createMovingUsers({
    geometry: { kind: 'ula', elements: N, spacingWavelengths: 0.5 },
    users: K,
    paths: 5,
    scale: 'unit-element',
    speedMps: 1,
    carrierGhz: 28,
    random: createRandom(5),
  });

function build(changes: Partial<SimulatedArrayOptions> = {}) {
  const clock = createVirtualClock();
  const array = arrayOf(changes);
  const scene = sceneOf();
  return { clock, array, scene, air: createAir({ array, scene, noise: NOISE, random: createRandom(9), clock }) };
}

/** A beam for the whole array, and the same cut to some of its elements. */
function beamOf(seed: number): Drive & { weights: Float32Array } {
  const random = createRandom(seed);
  return {
    words: Uint16Array.from({ length: N * M }, () => Math.floor(random.uniform() * 2 ** Q)),
    weights: Float32Array.from({ length: 2 * M * K }, () => random.normal()),
  };
}
const cut = <Values extends Uint16Array | Float64Array>(values: Values, elements: readonly number[]): number[] =>
  elements.flatMap((n) => Array.from(values.subarray(n * M, (n + 1) * M)));
const ofPart = ({ words, weights }: Drive, elements: readonly number[]): Drive => ({
  words: Uint16Array.from(cut(words, elements)),
  weights,
});
const matrixOf = (weights: Float32Array) =>
  fromParts(
    M,
    K,
    Array.from({ length: M * K }, (_, i) => weights[2 * i]),
    Array.from({ length: M * K }, (_, i) => weights[2 * i + 1]),
  );

/** Neither in order nor neighbours: as a board is wired. */
const A = [5, 0, 9, 2, 15, 11, 4, 7];
const B = [1, 3, 6, 8, 14, 10, 13, 12];

describe('the air', () => {
  it('hears a panel with all elements exactly as array, scene and pilots say', () => {
    const { array, scene, air } = build();
    const panel = air.part();
    const { words, weights } = beamOf(1);
    panel.drive({ words, weights });
    const analog = array.radiatedAnalog(words, 0);
    const received = matmul(scene.channel(), analog);
    expect(panel.precoder()).toEqual(matmul(analog, matrixOf(weights)));
    expect(air.trueSinr()).toEqual(sinr(scene.channel(), air.precoder(), NOISE));

    const pilotsAt = createRandom(9).stream('pilots');
    const estimates = estimateSinr(matmul(received, matrixOf(weights)), NOISE, 16, pilotsAt);
    expect(Array.from(panel.measureSnr(16).snrCentiDb)).toEqual(
      Array.from(estimates, (value) => (value > 0 ? Math.round(1000 * Math.log10(value)) : 100 * SNR_FLOOR_DB)),
    );
    const row = fromParts(1, M, received.re.slice(M, 2 * M), received.im.slice(M, 2 * M));
    expect(panel.measureChains(8, userIndex(1)).values).toEqual(estimateChainGains(row, NOISE, 8, pilotsAt));
  });

  it('adds up two panels to the beam that one would radiate, and the first reports the very same SNR', () => {
    const [one, two] = [build(), build()];
    const [whole, a, b] = [one.air.part(), two.air.part(A), two.air.part(B)];
    expect([a.elements, b.elements, a.users, a.phaseBits]).toEqual([8, 8, K, Q]);
    for (const seed of [1, 2, 3]) {
      const beam = beamOf(seed);
      whole.drive(beam);
      b.drive(ofPart(beam, B));
      a.drive({ ...ofPart(beam, A), weights: beam.weights.slice() });
      expect(two.air.precoder()).toEqual(one.air.precoder());
      expect(a.measureSnr(16)).toEqual(whole.measureSnr(16));
      expect(a.measureChains(8, userIndex(0))).toEqual(whole.measureChains(8, userIndex(0)));
    }
  });

  it('reports to one panel the same whether another one asks or not', () => {
    const reports = (meanwhile: boolean) => {
      const { air } = build();
      const [a, b] = [air.part(A), air.part(B)];
      for (const [part, elements] of [[a, A] as const, [b, B] as const]) part.drive(ofPart(beamOf(1), elements));
      return [1, 2, 3].map(() => {
        if (meanwhile) a.measureSnr(16);
        return b.measureSnr(16);
      });
    };
    expect(reports(true)).toEqual(reports(false));
  });

  it('goes on with the elements of the panels that radiate when one is dark', () => {
    const { array, air } = build();
    const [a, b] = [air.part(A), air.part(B)];
    const beam = beamOf(1);
    a.drive(ofPart(beam, A));
    b.drive(ofPart(beam, B));
    b.drive(undefined);
    const full = array.radiatedPrecoder(beam.words, matrixOf(beam.weights), 0);
    const now = air.precoder();
    for (const n of A) for (let k = 0; k < K; k++) expect(now.re[n * K + k]).toBe(full.re[n * K + k]);
    for (const n of B) for (let k = 0; k < K; k++) expect(Math.hypot(now.re[n * K + k], now.im[n * K + k])).toBe(0);
    a.drive(undefined);
    expect(frobeniusNorm(air.precoder())).toBe(0);
    expect(Array.from(a.measureSnr(16).snrCentiDb).every((value) => value < 0)).toBe(true);
  });

  it('radiates each part with its own D while one panel is a beam behind', () => {
    const coupling = identity(N);
    for (let n = 1; n < N; n++) coupling.re[n * N + n - 1] = 0.1;
    const { scene, air } = build({ coupling });
    const alone = [A, B].map((elements, i) => {
      const other = build({ coupling }).air;
      other.part(elements).drive(ofPart(beamOf(i + 1), elements));
      return other.precoder();
    });
    const [a, b] = [air.part(A), air.part(B)];
    a.drive(ofPart(beamOf(1), A));
    b.drive(ofPart(beamOf(2), B));
    expect(frobeniusNorm(subtract(air.precoder(), add(alone[0], alone[1])))).toBeLessThan(1e-12);
    expect(air.trueSinr()).toEqual(sinr(scene.channel(), air.precoder(), NOISE));
    b.drive(ofPart(beamOf(1), B));
    expect(air.precoder()).toEqual(matmul(arrayOf({ coupling }).radiatedAnalog(beamOf(1).words, 0), matrixOf(beamOf(1).weights)));
  });

  it('lets chips decoded from their registers show their own states: stuck and dead elements stay so', () => {
    const { air } = build();
    const ideal = build({ impairments: { ...faults, phaseStateErrorDeg: 0 } });
    const { words, weights } = beamOf(1);
    const states = {
      re: Float64Array.from(words, (word) => Math.cos((2 * Math.PI * word) / 2 ** Q)),
      im: Float64Array.from(words, (word) => Math.sin((2 * Math.PI * word) / 2 ** Q)),
    };
    ideal.air.part().drive({ words, weights });
    const decoded = build({ impairments: { ...faults, phaseStateErrorDeg: 0 } }).air;
    decoded.part(A).driveStates({ re: Float64Array.from(cut(states.re, A)), im: Float64Array.from(cut(states.im, A)), weights });
    decoded.part(B).drive(ofPart({ words, weights }, B));
    expect(frobeniusNorm(subtract(decoded.precoder(), ideal.air.precoder()))).toBeLessThan(1e-12);

    const half = air.part();
    half.driveStates({ re: states.re.map((x) => x / 2), im: states.im.map((x) => x / 2), weights: undefined });
    const { re, im } = half.precoder();
    expect(Math.hypot(re[9 * K], im[9 * K])).toBe(0);
    const obeying = build({ impairments: {} }).air;
    obeying.part().driveStates({ re: states.re.map((x) => x / 2), im: states.im.map((x) => x / 2), weights: undefined });
    expect(obeying.precoder().re[4 * K]).toBeCloseTo(states.re[4 * M] / 2, 12);
  });

  it('warms up with its clock, and a beam that stays drifts', async () => {
    const { clock, air } = build({ impairments: { temperatureDriftDegPerMinute: 20 } });
    const panel = air.part();
    panel.drive(beamOf(1));
    const cold = panel.precoder();
    expect(panel.temperatureC()).toBe(25);
    await clock.sleep(600_000);
    expect(panel.temperatureC()).toBeCloseTo(25 + 20 * (1 - Math.exp(-1)), 9);
    expect(frobeniusNorm(subtract(panel.precoder(), cold))).toBeGreaterThan(0.1);
  });

  it('hears more noise when it is told so, on every part', () => {
    const { air } = build();
    const [a, b] = [air.part(A), air.part(B)];
    a.drive(ofPart(beamOf(1), A));
    const before = air.trueSinr();
    b.setNoise(10 * NOISE);
    expect(a.noise()).toBe(10 * NOISE);
    expect(air.trueSinr()[0]).toBeLessThan(before[0]);
    expect(() => a.setNoise(0)).toThrow(/noise is 0/);
  });

  it('gives each element to one panel, and names the one that is asked for twice or is not there', () => {
    const { air } = build();
    air.part(A);
    expect(() => air.part([1, 4])).toThrow(/element 4 is driven by another part already/);
    expect(() => air.part([1, 3, 1])).toThrow(/element 1 is given twice/);
    expect(() => air.part([N])).toThrow(/element 16 is not one of 0 … 15/);
    expect(() => air.part([])).toThrow(/without elements/);
    expect(air.part([1, 3]).elements).toBe(2);
  });

  it('finds words that are not those of its elements when something is measured', () => {
    const part = build().air.part(A);
    part.drive(beamOf(1));
    expect(() => part.precoder()).toThrow(/48 words for 8 elements × 3 RF chains/);
    part.drive({ words: new Uint16Array(8 * M).fill(64), weights: undefined });
    expect(() => part.measureSnr(8)).toThrow(/beyond 6 bits/);
  });
});
