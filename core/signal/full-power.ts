/**
 * ‖A·D‖²_F = P is what a beamformer owes. One that gives more looks better than the digital limit, one that gives less worse than it is: what
 * it gives is measured, and its D scaled to the power asked for.
 */
import { zeros } from './complex-matrix.ts';
import type { CMatrix } from './complex-matrix.ts';

/** What float32 and an inverse in it may miss; 0.02 dB. */
const TOLERANCE = 0.005;

export interface FullPower {
  /** M×K, at full power. */
  digital: CMatrix;
  /** ‖A·D‖²_F / P as it was given: 1 where it was right. 0 or not finite: no beam can be made of it. */
  powerRatio: number;
}

/** Whether a ratio is off by more than arithmetic explains. */
export const isOffPower = (powerRatio: number): boolean => Math.abs(powerRatio - 1) > TOLERANCE;

/**
 * @param analogPhase φ, radians, N·M row-major; A = exp(jφ)
 * @param digital M×K
 * @param power P, linear
 * @param connection N·M of 0/1; absent means fully connected
 */
export function atFullPower(analogPhase: Float64Array, digital: CMatrix, power: number, connection?: Uint8Array): FullPower {
  const powerRatio = beamPower(analogPhase, digital, connection) / power;
  if (!isOffPower(powerRatio) || !(powerRatio > 0) || !Number.isFinite(powerRatio)) return { digital, powerRatio };
  const factor = 1 / Math.sqrt(powerRatio);
  const scaled = zeros(digital.rows, digital.cols);
  for (let i = 0; i < scaled.re.length; i++) {
    scaled.re[i] = digital.re[i] * factor;
    scaled.im[i] = digital.im[i] * factor;
  }
  return { digital: scaled, powerRatio };
}

/** ‖A·D‖²_F, row by row of A. */
function beamPower(analogPhase: Float64Array, digital: CMatrix, connection: Uint8Array | undefined): number {
  const { rows: chains, cols: users } = digital;
  const row = { re: new Float64Array(users), im: new Float64Array(users) };
  let power = 0;
  for (let at = 0; at < analogPhase.length; at += chains) {
    row.re.fill(0);
    row.im.fill(0);
    for (let m = 0; m < chains; m++) {
      if (connection !== undefined && connection[at + m] === 0) continue;
      const re = Math.cos(analogPhase[at + m]);
      const im = Math.sin(analogPhase[at + m]);
      for (let k = 0; k < users; k++) {
        const weight = m * users + k;
        row.re[k] += re * digital.re[weight] - im * digital.im[weight];
        row.im[k] += re * digital.im[weight] + im * digital.re[weight];
      }
    }
    for (let k = 0; k < users; k++) power += row.re[k] ** 2 + row.im[k] ** 2;
  }
  return power;
}
