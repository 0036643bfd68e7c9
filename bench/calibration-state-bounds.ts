/**
 * The least error of what elements have in common in their states, where the states miss the grid by errors that nobody knows: the bound of methods that show
 * many states and look for offsets. Readings linear in the offsets, y = A·o + e, with e of the errors of the states that were shown and of noise:
 *
 *   cov o ≥ (Aᴴ·R⁻¹·A)⁻¹,  R = cov e      (Gauss and Markov; of powers, y is the amplitude along the field that was heard)
 */
import type { ReadingPlan } from '../calibration/reading-plan.ts';
import { shownIn } from '../calibration/reading-plan.ts';
import { ReadingModel } from '../calibration/reading-model.ts';
import { solveHermitian } from '../core/signal/cholesky.ts';
import type { CMatrix } from '../core/signal/complex-matrix.ts';
import { identity, multiplyAhB, zeros } from '../core/signal/complex-matrix.ts';
import { rmsTurnDeg } from './calibration-bounds.ts';

/** Held so, the common turn that no power tells costs nothing beside others. */
const STIFF = 1e6;

export interface StateBoundOptions {
  /** c of an array, N×2^Q: where power is heard the bound depends on its fields. */
  array: CMatrix;
  /** σ² of a reading. */
  noise: number;
  /** τ², of powers of an element. */
  spread: number;
  hears: 'complex' | 'power';
  /** What is looked for: what an element shows in state 0, or what its states have in common. */
  of: 'state 0' | 'offsets';
}

/** Real unknowns (re, im of each offset) and real readings throughout. */
export function stateBoundDeg(plan: ReadingPlan, { array, noise, spread, hears, of }: StateBoundOptions): number {
  const { elements, readings } = plan;
  const states = 2 ** plan.phaseBits;
  const parts = hears === 'complex' ? 2 : 1;
  const rows = parts * readings;
  const heard = new ReadingModel(plan).heard(array);
  /** Along which direction row (i, part) hears. */
  const along = (row: number): [number, number] => {
    const i = Math.floor(row / parts);
    if (hears === 'complex') return row % 2 === 0 ? [1, 0] : [0, 1];
    const size = Math.hypot(heard.re[i], heard.im[i]) || 1;
    return [heard.re[i] / size, heard.im[i] / size];
  };
  const design = zeros(rows, 2 * elements);
  for (let row = 0; row < rows; row++) {
    const [re, im] = along(row);
    for (let n = 0; n < elements; n++) {
      const word = shownIn(plan, Math.floor(row / parts), n);
      if (word === undefined) continue;
      const turn = (2 * Math.PI * word) / states;
      design.re[row * 2 * elements + 2 * n] = re * Math.cos(turn) + im * Math.sin(turn);
      design.re[row * 2 * elements + 2 * n + 1] = im * Math.cos(turn) - re * Math.sin(turn);
    }
  }
  // Of state errors beside what is looked for, as the grid turns it.
  const shared = (n: number, a: number, b: number): number => {
    const power = spread * (array.re[n * states] ** 2 + array.im[n * states] ** 2);
    if (of === 'offsets') return power * ((a === b ? 1 : 0) - Math.cos((2 * Math.PI * (a - b)) / states) / states);
    if (a === 0 || b === 0) return 0;
    return power * ((a === b ? 1 : 0) + Math.cos((2 * Math.PI * (a - b)) / states));
  };
  const covariance = zeros(rows, rows);
  for (let row = 0; row < rows; row++) {
    const [re, im] = along(row);
    for (let other = row; other < rows; other++) {
      const [otherRe, otherIm] = along(other);
      const cos = re * otherRe + im * otherIm;
      let sum = row === other ? noise / 2 : 0;
      for (let n = 0; n < elements; n++) {
        const a = shownIn(plan, Math.floor(row / parts), n);
        const b = shownIn(plan, Math.floor(other / parts), n);
        if (a !== undefined && b !== undefined) sum += (shared(n, a, b) * cos) / 2;
      }
      covariance.re[row * rows + other] = covariance.re[other * rows + row] = sum;
    }
  }
  const information = multiplyAhB(design, solveHermitian(covariance, design));
  const turn = Float64Array.from({ length: 2 * elements }, (_, k) => {
    const at = (k >> 1) * states;
    return k % 2 === 0 ? -array.im[at] : array.re[at];
  });
  if (hears === 'power') {
    for (let i = 0; i < turn.length; i++)
      for (let j = 0; j < turn.length; j++) information.re[i * turn.length + j] += STIFF * turn[i] * turn[j];
  }
  const left = solveHermitian(information, identity(2 * elements));
  return rmsTurnDeg(turn, left);
}
