/**
 * What a precoder achieves: SINR per user and sum rate.
 */
import { counted } from '../errors/counted.ts';
import { BeamrigError } from '../errors/beamrig-error.ts';
import type { CMatrix } from './complex-matrix.ts';
import { matmul } from './complex-matrix.ts';

/**
 * Per-user SINR of a precoder.
 * @param channel K×N, row k is h_kᴴ
 * @param precoder N×K, X = A·D, column k carries user k's stream
 * @param noise noise power σ², linear, > 0
 * @returns SINR per user, linear, length K
 * @throws {BeamrigError} `shape` when channel and precoder do not fit
 * Source: Nguyen et al., Asilomar 2023, eq. (4).
 */
export function sinr(channel: CMatrix, precoder: CMatrix, noise: number): Float64Array {
  const gains = matmul(channel, precoder); // entry (k, j) is what user k hears of stream j
  const users = gains.rows;
  if (gains.cols !== users) {
    throw new BeamrigError(
      'shape',
      `${counted(users, 'user')} but ${counted(gains.cols, 'stream')}: the precoder needs one column per user`,
    );
  }
  const out = new Float64Array(users);
  for (let k = 0; k < users; k++) {
    let desired = 0;
    let interference = 0;
    for (let j = 0; j < users; j++) {
      const i = k * users + j;
      const power = gains.re[i] * gains.re[i] + gains.im[i] * gains.im[i];
      if (j === k) desired = power;
      else interference += power;
    }
    out[k] = desired / (interference + noise);
  }
  return out;
}

/**
 * SINR and sum rate from the gains themselves, where the N×K precoder is never formed.
 * @param gains G = H·A·D, K×K: entry (k, j) is what user k hears of stream j
 * @param noise σ², linear, > 0
 * @returns SINR per user, linear, and Σₖ log₂(1 + SINRₖ), bit/s/Hz
 */
export function ratesOfGains(gains: CMatrix, noise: number): { sinr: Float64Array; sumRate: number } {
  const users = gains.rows;
  const sinr = new Float64Array(users);
  let sumRate = 0;
  for (let k = 0; k < users; k++) {
    let desired = 0;
    let interferenceAndNoise = noise;
    for (let j = 0; j < users; j++) {
      const gain = gains.re[k * users + j] ** 2 + gains.im[k * users + j] ** 2;
      if (j === k) desired = gain;
      else interferenceAndNoise += gain;
    }
    sinr[k] = desired / interferenceAndNoise;
    sumRate += Math.log2(1 + sinr[k]);
  }
  return { sinr, sumRate };
}

/**
 * Σₖ log₂(1 + SINRₖ), bit/s/Hz; arguments as in `sinr`.
 * Source: Nguyen et al., Asilomar 2023, eq. (4).
 */
export function sumRate(channel: CMatrix, precoder: CMatrix, noise: number): number {
  let rate = 0;
  for (const value of sinr(channel, precoder, noise)) rate += Math.log2(1 + value);
  return rate;
}

/** A power ratio in dB. */
export function toDb(linear: number): number {
  return 10 * Math.log10(linear);
}

/** A power ratio from dB. */
export function fromDb(db: number): number {
  return 10 ** (db / 10);
}
