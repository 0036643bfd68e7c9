/**
 * What a latched beam does in the air: the simulated array's matrices for the beam that is radiated, worked out once a beam and again when
 * the temperature has moved on, and what the users of the scene hear of it.
 */
import type { UserIndex } from '../signal/indices.ts';
import { BeamrigError } from '../errors/beamrig-error.ts';
import type { CMatrix } from '../signal/complex-matrix.ts';
import { fromParts, matmul, zeros } from '../signal/complex-matrix.ts';
import { toDb } from '../signal/rate.ts';
import type { Random } from '../signal/random.ts';
import { FEWEST_PILOTS, estimateChainGains, estimateSinr } from './pilot-estimates.ts';
import type { Scene } from './scene.ts';
import type { SimulatedArray } from './simulated-array.ts';
import { thermalStep } from './simulated-array.ts';

/** N·M words and D (M×K, interleaved); without weights of its own chain k carries stream k with power 1. */
export interface Drive {
  words: Uint16Array;
  weights: Float32Array | undefined;
}

export interface FrontEnd {
  /** Radiates this from now on; undefined: nothing. */
  drive(beam: Drive | undefined): void;
  /** C·E·S·D, N×K. */
  precoder(timeS: number): CMatrix;
  /** H·C·E·S·D, K×K, on the scene's channel as it stands. */
  gains(timeS: number): CMatrix;
  /** Each user's SINR from so many pilots, in hundredths of a dB, not below SNR_FLOOR_DB. */
  measureSnr(timeS: number, noise: number, pilots: number): { pilots: number; snrCentiDb: Int16Array };
  /** What a user hears of each chain, interleaved. */
  measureChains(timeS: number, noise: number, pilots: number, user: UserIndex): { pilots: number; values: Float32Array };
}

/** What is reported where there is no signal to speak of. */
export const SNR_FLOOR_DB = -60;
const SNR_CEILING_DB = 300;

/** @throws {BeamrigError} 'shape' when array and scene differ in elements */
export function createFrontEnd(array: SimulatedArray, scene: Scene, random: Random): FrontEnd {
  if (array.elements !== scene.elements) {
    throw new BeamrigError('shape', `the array has ${array.elements} elements, the scene's channel ${scene.elements}`, {
      wayOut: 'Build both for the same geometry.',
    });
  }
  const { elements, rfChains } = array;
  const { users } = scene;
  const chainPerStream = zeros(rfChains, users);
  for (let k = 0; k < Math.min(rfChains, users); k++) chainPerStream.re[k * users + k] = 1;

  let driven: Drive | undefined;
  let digital = chainPerStream;
  let analog = zeros(elements, rfChains);
  let step = -1;
  /** C·E·S: by far the dearest, and the same until the beam or the temperature changes. */
  const analogAt = (timeS: number): CMatrix => {
    const stepNow = thermalStep(timeS);
    if (driven && step !== stepNow) {
      analog = array.radiatedAnalog(driven.words, timeS);
      step = stepNow;
    }
    return analog;
  };
  const heard = (timeS: number): CMatrix => matmul(scene.channel(), analogAt(timeS));

  return {
    drive(beam) {
      driven = beam;
      step = -1;
      digital = beam?.weights ? fromInterleaved(beam.weights, rfChains, users) : chainPerStream;
      if (!beam) analog = zeros(elements, rfChains);
    },
    precoder: (timeS) => matmul(analogAt(timeS), digital),
    gains: (timeS) => matmul(heard(timeS), digital),
    measureSnr(timeS, noise, asked) {
      const pilots = Math.max(asked, FEWEST_PILOTS);
      const sinr = estimateSinr(matmul(heard(timeS), digital), noise, pilots, random);
      return { pilots, snrCentiDb: Int16Array.from(sinr, toCentiDb) };
    },
    measureChains(timeS, noise, pilots, user) {
      const all = heard(timeS);
      const row = fromParts(
        1,
        rfChains,
        all.re.subarray(user * rfChains, (user + 1) * rfChains),
        all.im.subarray(user * rfChains, (user + 1) * rfChains),
      );
      return { pilots, values: estimateChainGains(row, noise, pilots, random) };
    },
  };
}

function toCentiDb(sinr: number): number {
  const db = sinr > 0 ? toDb(sinr) : SNR_FLOOR_DB;
  return Math.round(100 * Math.min(Math.max(db, SNR_FLOOR_DB), SNR_CEILING_DB));
}

function fromInterleaved(weights: Float32Array, rows: number, cols: number): CMatrix {
  const matrix = zeros(rows, cols);
  for (let i = 0; i < rows * cols; i++) {
    matrix.re[i] = weights[2 * i];
    matrix.im[i] = weights[2 * i + 1];
  }
  return matrix;
}
