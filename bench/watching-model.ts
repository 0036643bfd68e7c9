/**
 * Cycles for the watch on virtual time, without a loop: beams of a scene as they would be radiated, what each supposed fault would cost on them, and what
 * users then report, by the true array and drawn pilots.
 */
import { faultLosses, type RadiatedBeam, type SupposedFault } from '../core/signal/fault-losses.ts';
import { matmul, type CMatrix } from '../core/signal/complex-matrix.ts';
import { OBJECTIVES } from '../core/signal/objectives/objectives.ts';
import { fromDb, ratesOfGains, toDb } from '../core/signal/rate.ts';
import { realiseBeam } from '../core/signal/realise-beam.ts';
import { createRandom, type Random } from '../core/signal/random.ts';
import { estimateChainGains, estimateSinr } from '../hil-sim/pilot-estimates.ts';
import { createMovingUsers } from '../hil-sim/scene.ts';
import { runBaseline } from '../models/baselines/baselines.ts';
import type { Look } from '../src/control/watch/look-parts.ts';
import type { BankReading } from '../src/control/watch/fault-bank.ts';

export const ELEMENTS = 64;
export const USERS = 4;
export const PILOTS = 64;
const LOOK_PILOTS = 16 * PILOTS;
export const RATE_HZ = 20;
const CHAINS = 4;
const POWER = 10;
const SNR_FLOOR_DB = -60;

export interface ScenePoint extends RadiatedBeam {
  predictedSnrDb: Float64Array;
  sumRate: number;
  losses: Float64Array;
}

/** So many beams of users who walk, 1/20 s apart; one of them: they stand still. */
export function scenePoints(
  seed: number,
  count: number,
  faults: readonly SupposedFault[],
  boards: readonly (readonly number[])[],
): ScenePoint[] {
  const scene = createMovingUsers({
    ...{ geometry: { kind: 'ula', elements: ELEMENTS, spacingWavelengths: 0.5 }, users: USERS, paths: 10 },
    ...{ scale: 'unit-element', speedMps: 1.4, carrierGhz: 28, random: createRandom(seed).stream('scene') },
  });
  const write = faultLosses(faults, boards);
  return Array.from({ length: count }, (_, i) => {
    scene.moveTo(i / RATE_HZ);
    const channel = scene.channel();
    const problem = { channel, rfChains: CHAINS, power: POWER, noise: 1 };
    const { analog, digital, sinr, sumRate } = realiseBeam(problem, runBaseline('aligned', problem), {
      states: { bits: 6 },
      objective: OBJECTIVES['sum-rate'],
    });
    const losses = new Float64Array(faults.length * USERS);
    write({ channel, analog, digital, noise: 1 }, losses);
    return { channel, analog, digital, noise: 1, predictedSnrDb: sinr.map(toDb), sumRate, losses };
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

/** What users hear of the pilots of each chain, each through a receiver of its own phase. */
export function lookAt({ channel, analog, noise }: RadiatedBeam, array: TrueArray, random: Random): Look {
  const heard = matmul(channel, truly(analog, array));
  for (let k = 0; k < USERS; k++) {
    const at = k * CHAINS;
    const row = { rows: 1, cols: CHAINS, re: heard.re.slice(at, at + CHAINS), im: heard.im.slice(at, at + CHAINS) };
    const values = estimateChainGains(row, noise, LOOK_PILOTS, random);
    const rad = 2 * Math.PI * random.uniform();
    for (let m = 0; m < CHAINS; m++) {
      const [re, im] = [values[2 * m], values[2 * m + 1]];
      heard.re[at + m] = re * Math.cos(rad) - im * Math.sin(rad);
      heard.im[at + m] = re * Math.sin(rad) + im * Math.cos(rad);
    }
  }
  return { channel, analog, heard, variance: noise / LOOK_PILOTS };
}

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

export function readingOf(cycle: number, point: ScenePoint, gains: CMatrix, random: Random, biasDb = 0): BankReading {
  const estimates = estimateSinr(gains, point.noise, PILOTS, random);
  const measuredSnrDb = Float64Array.from(estimates, (sinr) => (sinr > 0 ? toDb(sinr) : SNR_FLOOR_DB) - biasDb);
  const measuredRate = measuredSnrDb.reduce((sum, db) => sum + Math.log2(1 + fromDb(db)), 0);
  return {
    ...{ timeMs: (1000 * cycle) / RATE_HZ, cycle, pilots: PILOTS, predictedSnrDb: point.predictedSnrDb },
    ...{ measuredSnrDb, missingRate: point.sumRate - measuredRate, losses: point.losses },
  };
}

export const expectedSnrDb = (gains: CMatrix): Float64Array => ratesOfGains(gains, 1).sinr.map(toDb);
