/**
 * Fields whose sums are known by their amplitude alone, by Gauss-Newton steps: |Σ f| is about what it was, and what moves along its direction.
 *
 * Source: Björck, Numerical Methods for Least Squares Problems, SIAM 1996, §9.2.
 */
import { solveHermitian } from '../core/signal/cholesky.ts';
import { zeros } from '../core/signal/complex-matrix.ts';

export interface Field {
  readonly re: number;
  readonly im: number;
}

export interface SumHeard {
  /** Which fields were added. */
  readonly of: readonly number[];
  readonly amplitude: number;
}

export interface FittedFields {
  readonly fields: readonly Field[];
  /** Of the first that was free, across its own direction, where an amplitude has variance 1. */
  readonly variance: number;
}

const STEPS = 6;
/** Holds what no amplitude tells, as the common phase where nothing is known: in squares of the fit. */
const HOLD = 1e-3;
/** No step is longer than this share of the field. */
const LONGEST_STEP = 0.5;

/**
 * @param start where to begin
 * @param free which of them may move
 */
export function fitAmplitudes(start: readonly Field[], free: readonly number[], heard: readonly SumHeard[]): FittedFields {
  const fields = start.map(({ re, im }) => ({ re, im }));
  const size = 2 * free.length;
  let variance = 0;
  for (let step = 0; step <= STEPS; step++) {
    const metric = zeros(size, size);
    const right = zeros(size, 1);
    for (const { of, amplitude } of heard) {
      const sum = of.reduce((all, at) => ({ re: all.re + fields[at].re, im: all.im + fields[at].im }), { re: 0, im: 0 });
      const now = Math.hypot(sum.re, sum.im) || Number.MIN_VALUE;
      const gradient = new Float64Array(size);
      free.forEach((at, k) => {
        if (!of.includes(at)) return;
        gradient[2 * k] = sum.re / now;
        gradient[2 * k + 1] = sum.im / now;
      });
      for (let i = 0; i < size; i++) {
        right.re[i] += gradient[i] * (amplitude - now);
        for (let j = 0; j < size; j++) metric.re[i * size + j] += gradient[i] * gradient[j];
      }
    }
    for (let i = 0; i < size; i++) metric.re[i * size + i] += HOLD;
    if (step === STEPS) {
      const { re, im } = fields[free[0]];
      const own = Math.hypot(re, im) || Number.MIN_VALUE;
      const across = zeros(size, 1);
      [across.re[0], across.re[1]] = [-im / own, re / own];
      const solved = solveHermitian(metric, across);
      variance = across.re[0] * solved.re[0] + across.re[1] * solved.re[1];
      break;
    }
    const by = solveHermitian(metric, right).re;
    free.forEach((at, k) => {
      const length = Math.hypot(by[2 * k], by[2 * k + 1]);
      const most = LONGEST_STEP * Math.hypot(fields[at].re, fields[at].im);
      const share = length > most && most > 0 ? most / length : 1;
      fields[at].re += share * by[2 * k];
      fields[at].im += share * by[2 * k + 1];
    });
  }
  return { fields, variance };
}
