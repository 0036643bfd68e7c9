/** One look at the effective channel, as the algebra of effective-channel.ts wants it: K×M numbers in a column, and what each element adds to them. */
import { clone, matmul, zeros, type CMatrix } from '../../../core/signal/complex-matrix.ts';
import type { SupposedFault } from '../../../core/signal/fault-losses.ts';

/** What was heard of one beam. */
export interface Look {
  /** H, K×N, and A, N×M, as they are believed to be. */
  readonly channel: CMatrix;
  readonly analog: CMatrix;
  /** y, K×M. */
  readonly heard: CMatrix;
  /** Variance of an entry of y that pilots leave, σ²/P. */
  readonly variance: number;
}

/** A look as the algebra wants it: entry (k, m) of y at k·M + m. */
export interface LookParts {
  readonly users: number;
  readonly chains: number;
  /** b, KM×N. */
  readonly terms: CMatrix;
  /** y, KM×1. */
  readonly heard: CMatrix;
  /** Σ_n b_n, KM×1, and r, with each user's phase taken out of y. */
  readonly expected: CMatrix;
  readonly residual: CMatrix;
  readonly variance: number;
}

/** What is radiated by the elements, or the chain, that a fault is of: KM×1. */
export function changeBy(
  { terms, chains, expected }: LookParts,
  fault: SupposedFault,
  boards: readonly (readonly number[])[],
): CMatrix | undefined {
  if (fault.what === 'chain') {
    const of = clone(expected);
    for (let i = 0; i < of.rows; i++) if (i % chains !== fault.index) of.re[i] = of.im[i] = 0;
    return of;
  }
  if (fault.what !== 'element' && fault.what !== 'board') return undefined;
  const out = zeros(terms.rows, 1);
  for (const n of fault.what === 'element' ? [fault.index] : boards[fault.index]) {
    for (let i = 0, at = n; i < terms.rows; i++, at += terms.cols) {
      out.re[i] += terms.re[at];
      out.im[i] += terms.im[at];
    }
  }
  return out;
}

export function partsOf({ channel, analog, heard, variance }: Look): LookParts {
  const [users, elements, chains] = [channel.rows, channel.cols, analog.cols];
  const terms = zeros(users * chains, elements);
  for (let k = 0, at = 0; k < users; k++) {
    for (let m = 0; m < chains; m++) {
      for (let n = 0; n < elements; n++, at++) {
        const [h, a] = [k * elements + n, n * chains + m];
        terms.re[at] = channel.re[h] * analog.re[a] - channel.im[h] * analog.im[a];
        terms.im[at] = channel.re[h] * analog.im[a] + channel.im[h] * analog.re[a];
      }
    }
  }
  const ofAll = matmul(channel, analog);
  const expected: CMatrix = { ...ofAll, rows: users * chains, cols: 1 };
  const ofLook: CMatrix = { ...heard, rows: users * chains, cols: 1 };
  return { users, chains, terms, heard: ofLook, expected, residual: beside(ofLook, expected, chains), variance };
}

/** y − ŷ, with the phase of each receiver turned so that they fit. */
export function beside(heard: CMatrix, expected: CMatrix, chains: number): CMatrix {
  const residual = zeros(heard.rows, 1);
  for (let from = 0; from < heard.rows; from += chains) {
    let [re, im] = [0, 0];
    for (let i = from; i < from + chains; i++) {
      re += heard.re[i] * expected.re[i] + heard.im[i] * expected.im[i];
      im += heard.im[i] * expected.re[i] - heard.re[i] * expected.im[i];
    }
    const length = Math.hypot(re, im);
    const [cos, sin] = length > 0 ? [re / length, im / length] : [1, 0];
    for (let i = from; i < from + chains; i++) {
      residual.re[i] = heard.re[i] * cos + heard.im[i] * sin - expected.re[i];
      residual.im[i] = heard.im[i] * cos - heard.re[i] * sin - expected.im[i];
    }
  }
  return residual;
}
