/**
 * One more slot through the phases that were chosen: M readings of each user's effective channel h_kᴴ·A, put together with the estimate by how
 * sure each is:
 *
 *   e = z − ĥᴴA,   S = Aᴴ·Σ·A,   ĥᴴ ← ĥᴴ + e·(c·S + σ²·I)⁻¹·c·AᴴΣ
 *
 * Σ is of an estimator that has chosen its model by the same readings, and is surer than it should be. So the slot is also the test of it: where e
 * is larger than S + σ²·I says, Σ is widened by the c ≥ 1 that makes the two agree, e·(c·S + σ²·I)⁻¹·eᴴ = M.
 *
 * Source: Kay, Fundamentals of Statistical Signal Processing: Estimation Theory, 1993, §12.6 (sequential linear MMSE); the test is the normalised
 * innovation squared of Bar-Shalom, Li and Kirubarajan, Estimation with Applications to Tracking and Navigation, 2001, §5.4.
 */
import { counted } from '../core/errors/counted.ts';
import { BeamrigError } from '../core/errors/beamrig-error.ts';
import { solveHermitian } from '../core/signal/cholesky.ts';
import type { CMatrix } from '../core/signal/complex-matrix.ts';
import { clone, conjTranspose, matmul, multiplyAhB, realInner, scale, subtract } from '../core/signal/complex-matrix.ts';
import type { ChannelEstimate } from './estimator.ts';
import { rowOf } from './estimator.ts';

export interface Fused {
  /** K×N, with everything that is known now. */
  readonly channel: CMatrix;
  /** By user: what Σ had to be widened by, 1 where it was right. */
  readonly widened: readonly number[];
}

const MOST_WIDENED = 1e12;
const HALVINGS = 30;

/**
 * @param analog A as the array shows it in that slot, N×M
 * @param values K×M
 * @param noise σ² of a reading
 * @throws {BeamrigError} 'shape' where readings and estimate do not fit
 */
export function fuse({ channel, users }: ChannelEstimate, analog: CMatrix, values: CMatrix, noise: number): Fused {
  if (values.rows !== channel.rows || values.cols !== analog.cols || analog.rows !== channel.cols) {
    throw new BeamrigError(
      'shape',
      `readings of ${values.rows}×${values.cols} through beams of ${analog.rows}×${analog.cols}, and an estimate of ${counted(channel.rows, 'user')} × ${counted(channel.cols, 'element')}`,
      { wayOut: 'give the readings of one slot, and the beams that it showed' },
    );
  }
  const fused = clone(channel);
  const missed = subtract(values, matmul(channel, analog));
  const widened = users.map(({ errorTowards }, user) => {
    const towards = errorTowards(analog); // Σ·A, N×M
    const through = multiplyAhB(analog, towards); // S
    const innovation = conjTranspose(rowOf(missed, user)); // eᴴ, M×1
    const factor = widening(through, innovation, noise);
    const gain = scale(matmul(towards, solveHermitian(widenedBy(through, factor, noise), innovation)), factor); // N×1
    for (let n = 0, at = user * fused.cols; n < fused.cols; n++, at++) {
      fused.re[at] += gain.re[n];
      fused.im[at] -= gain.im[n];
    }
    return factor;
  });
  return { channel: fused, widened };
}

/** c ≥ 1; the most of it where the estimator takes something to be known for certain. */
function widening(through: CMatrix, innovation: CMatrix, noise: number): number {
  const surprise = (factor: number): number =>
    realInner(innovation, solveHermitian(widenedBy(through, factor, noise), innovation)) / innovation.rows;
  if (surprise(1) <= 1) return 1;
  let [low, high] = [1, MOST_WIDENED];
  for (let i = 0; i < HALVINGS; i++) {
    const middle = Math.sqrt(low * high);
    if (surprise(middle) > 1) low = middle;
    else high = middle;
  }
  return Math.sqrt(low * high);
}

function widenedBy(through: CMatrix, factor: number, noise: number): CMatrix {
  const out = scale(through, factor);
  for (let m = 0; m < out.rows; m++) out.re[m * out.rows + m] += noise;
  return out;
}
