/** Cycles for the watch without a loop: beams of a scene as they would be radiated, and what users then report, by the true array and drawn pilots. */
import type { RadiatedBeam } from '../core/signal/fault-losses.ts';
import { matmul, type CMatrix } from '../core/signal/complex-matrix.ts';
import { OBJECTIVES } from '../core/signal/objectives/objectives.ts';
import { toDb } from '../core/signal/rate.ts';
import { realiseBeam } from '../core/signal/realise-beam.ts';
import { createRandom, type Random } from '../core/signal/random.ts';
import { estimateSinr } from '../hil-sim/pilot-estimates.ts';
import { createMovingUsers, type Scene } from '../hil-sim/scene.ts';
import { runBaseline } from '../models/baselines/baselines.ts';

export const ELEMENTS = 64;
export const USERS = 4;
export const PILOTS = 64;
export const RATE_HZ = 20;
/** Beams of users who walk, played again and again. */
export const MOVING_POINTS = 400;
export const CHAINS = 4;
export const PHASE_BITS = 6;
export const WALK_MPS = 1.4;
export const POWER = 10;
export const NOISE = 1;
const SNR_FLOOR = 1e-6;

/** A beam as it is believed to be. */
export interface ScenePoint extends RadiatedBeam {
  words: Uint16Array;
  predictedSnrDb: Float64Array;
  sumRate: number;
}

export const movingUsers = (seed: number, speedMps: number): Scene =>
  createMovingUsers({
    ...{ geometry: { kind: 'ula', elements: ELEMENTS, spacingWavelengths: 0.5 }, users: USERS, paths: 10 },
    ...{ scale: 'unit-element', speedMps, carrierGhz: 28, random: createRandom(seed).stream('scene') },
  });

/** The beam for a channel as it is believed to be; of these phases, where there are some already. */
export function beamFor(channel: CMatrix, before?: ScenePoint): ScenePoint {
  const problem = { channel, rfChains: CHAINS, power: POWER, noise: NOISE };
  const analogPhase = before?.analog.re.map((re, place) => Math.atan2(before.analog.im[place], re));
  const beam = before && analogPhase ? { analogPhase, digital: before.digital } : runBaseline('aligned', problem);
  const { words, analog, digital, sinr, sumRate } = realiseBeam(problem, beam, {
    states: { bits: PHASE_BITS },
    objective: OBJECTIVES['sum-rate'],
  });
  return { words, channel, analog, digital, noise: NOISE, predictedSnrDb: sinr.map(toDb), sumRate };
}

/** So many beams of users who walk, 1/20 s apart; one of them: they stand still. */
export function scenePoints(seed: number, count: number): ScenePoint[] {
  const scene = movingUsers(seed, WALK_MPS);
  return Array.from({ length: count }, (_, i) => {
    scene.moveTo(i / RATE_HZ);
    return beamFor(scene.channel());
  });
}

/** What the true array does to each element's row: times this. */
export interface TrueArray {
  re: Float64Array;
  im: Float64Array;
}

export const asBelieved = (): TrueArray => ({ re: new Float64Array(ELEMENTS).fill(1), im: new Float64Array(ELEMENTS) });

/** Turns elements by phases, degrees. */
export function turn(array: TrueArray, elements: readonly number[], deg: (i: number) => number): void {
  elements.forEach((n, i) => {
    const rad = (deg(i) * Math.PI) / 180;
    array.re[n] = Math.cos(rad);
    array.im[n] = Math.sin(rad);
  });
}

/** G of the true array. */
export const trueGains = ({ channel, analog, digital }: RadiatedBeam, array: TrueArray): CMatrix =>
  matmul(channel, matmul(truly(analog, array), digital));

/** H·A of the true array. */
export const trueChains = ({ channel, analog }: RadiatedBeam, array: TrueArray): CMatrix => matmul(channel, truly(analog, array));

function truly(analog: CMatrix, array: TrueArray): CMatrix {
  const shown = { ...analog, re: analog.re.slice(), im: analog.im.slice() };
  for (let n = 0, i = 0; n < analog.rows; n++) {
    for (let m = 0; m < analog.cols; m++, i++) {
      shown.re[i] = analog.re[i] * array.re[n] - analog.im[i] * array.im[n];
      shown.im[i] = analog.re[i] * array.im[n] + analog.im[i] * array.re[n];
    }
  }
  return shown;
}

/** What users report of a beam, dB, and the sum rate of that. */
export function readingOf(gains: CMatrix, random: Random, biasDb = 0): { measuredSnrDb: Float64Array; measuredSumRate: number } {
  const estimates = estimateSinr(gains, NOISE, PILOTS, random);
  let product = 1;
  const measuredSnrDb = estimates.map((estimate) => {
    const sinr = Math.max(estimate, SNR_FLOOR);
    product *= 1 + sinr;
    return toDb(sinr) - biasDb;
  });
  return { measuredSnrDb, measuredSumRate: Math.log2(product) };
}
