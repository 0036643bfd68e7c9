/**
 * Hermitian positive definite systems of equations: a = L·Lᴴ, and what is solved with it.
 *
 * Source: Golub and Van Loan, Matrix Computations, 4th ed., §4.2 (Cholesky).
 */
import { BeamrigError } from '../errors/beamrig-error.ts';
import type { CMatrix } from './complex-matrix.ts';
import { clone } from './complex-matrix.ts';

/**
 * x of a·x = b for Hermitian positive definite a, by Cholesky; only the lower triangle of a is read.
 * @param a n×n
 * @param b n×m
 * @returns n×m
 * @throws {BeamrigError} `argument` when a is not positive definite to working precision
 */
export function solveHermitian(a: CMatrix, b: CMatrix): CMatrix {
  const x = trySolveHermitian(a, b, a.rows * Number.EPSILON);
  if (x !== undefined) return x;
  throw new BeamrigError('argument', `the ${a.rows}×${a.cols} matrix is not positive definite`, {
    wayOut: 'use a pseudo-inverse, or add a multiple of the identity',
  });
}

/**
 * Like `solveHermitian`, but undefined where a is not positive definite, or so nearly singular that a pivot keeps less than `minPivotShare`
 * of its diagonal entry.
 */
export function trySolveHermitian(a: CMatrix, b: CMatrix, minPivotShare: number): CMatrix | undefined {
  const n = requireSquare(a);
  if (b.rows !== n) throw new BeamrigError('shape', `a ${n}×${n} system cannot have a right side of ${b.rows} rows`);
  const factor = clone(a);
  if (!factorInPlace(factor, minPivotShare)) return undefined;
  const x = clone(b);
  solveFactored(factor, x);
  return x;
}

/**
 * L of a = L·Lᴴ by Cholesky, in the place of a: only the lower triangle is read and written, the diagonal of L is real and above 0.
 * @param a n×n, Hermitian
 * @param minPivotShare a pivot that keeps no more than this share of its diagonal entry ends it
 * @param pivotFloor pivots below are taken for this, where something is known to bound them
 * @returns false where it ended early, and a is of no use any more
 */
export function factorInPlace({ rows: n, re, im }: CMatrix, minPivotShare: number, pivotFloor = -Infinity): boolean {
  for (let j = 0; j < n; j++) {
    const row = j * n;
    const jj = row + j;
    const whole = Math.abs(re[jj]);
    let pivot = re[jj];
    for (let k = row; k < jj; k++) pivot -= re[k] * re[k] + im[k] * im[k];
    pivot = Math.max(pivot, pivotFloor);
    if (!(pivot > minPivotShare * whole)) return false;
    re[jj] = Math.sqrt(pivot);
    for (let i = j + 1; i < n; i++) solveRowStep(re, im, i * n, re, im, j, n);
  }
  return true;
}

/** x of L·Lᴴ·x = b, in the place of b: each column forward through L, from its first entry that is not zero on, then back through Lᴴ. */
export function solveFactored({ rows: n, re: lr, im: li }: CMatrix, { cols: m, re: xr, im: xi }: CMatrix): void {
  for (let column = 0; column < m; column++) {
    let first = 0;
    while (first < n && xr[first * m + column] === 0 && xi[first * m + column] === 0) first++;
    for (let i = first; i < n; i++) {
      const row = i * n;
      let re = xr[i * m + column];
      let im = xi[i * m + column];
      for (let k = first; k < i; k++) {
        const at = k * m + column;
        re -= lr[row + k] * xr[at] - li[row + k] * xi[at];
        im -= lr[row + k] * xi[at] + li[row + k] * xr[at];
      }
      xr[i * m + column] = re / lr[row + i];
      xi[i * m + column] = im / lr[row + i];
    }
    for (let i = n - 1; i >= 0; i--) {
      let re = xr[i * m + column];
      let im = xi[i * m + column];
      for (let k = i + 1; k < n; k++) {
        const at = k * m + column;
        const below = k * n + i;
        re -= lr[below] * xr[at] + li[below] * xi[at];
        im -= lr[below] * xi[at] - li[below] * xr[at];
      }
      xr[i * m + column] = re / lr[i * n + i];
      xi[i * m + column] = im / lr[i * n + i];
    }
  }
}

/**
 * a⁻¹ by Gauss and Jordan, in the place of a: only the lower triangle is read and written, the rest is room for the steps, and the imaginary
 * parts of the diagonal are of no meaning. Fewer and shorter steps than factor and solve, where the whole inverse is wanted.
 * @param a n×n, Hermitian positive definite
 * @param pivotFloor pivots below are taken for this, where something is known to bound them
 * @returns false where a pivot is not above 0, and a is of no use any more
 * Source: Bauer and Reinsch, in Wilkinson and Reinsch, Handbook for Automatic Computation II, 1971, contribution I/3 (`gjdef2`).
 */
export function invertInPlace({ rows: n, re, im }: CMatrix, pivotFloor: number): boolean {
  for (let step = 0; step < n; step++) {
    // Rows move up by one and left by one in every step: the next pivot is always the first entry, and row 0 has room for its multiples.
    const pivot = Math.max(re[0], pivotFloor);
    if (!(pivot > 0)) return false;
    const perPivot = 1 / pivot;
    for (let i = 1; i < n; i++) {
      const row = i * n;
      const factorRe = re[row];
      const factorIm = im[row];
      const multiple = i < n - step ? -perPivot : perPivot; // rows that were pivots already have changed sides
      re[i] = multiple * factorRe;
      im[i] = -multiple * factorIm;
      for (let j = 1; j <= i; j++) {
        const to = row - n + j - 1;
        re[to] = re[row + j] + (factorRe * re[j] - factorIm * im[j]);
        im[to] = im[row + j] + (factorRe * im[j] + factorIm * re[j]);
      }
    }
    const last = (n - 1) * n;
    for (let j = 1; j < n; j++) {
      re[last + j - 1] = re[j];
      im[last + j - 1] = im[j];
    }
    re[last + n - 1] = perPivot;
    im[last + n - 1] = 0;
  }
  return true;
}

/** As `invertInPlace`, and then the upper triangle and a real diagonal: all of a⁻¹. */
export function invertWholeInPlace(a: CMatrix, pivotFloor: number): boolean {
  const inverted = invertInPlace(a, pivotFloor);
  const { rows: n, re, im } = a;
  for (let i = 0; i < n; i++) {
    im[i * n + i] = 0;
    for (let j = 0; j < i; j++) {
      re[j * n + i] = re[i * n + j];
      im[j * n + i] = 0 - im[i * n + j];
    }
  }
  return inverted;
}

/**
 * x of x·Lᴴ = y, in the place of y. Two rows at a time, because sums that wait for nothing but themselves leave the processor idle; to the last digit
 * what `solveRowStep` does to each.
 */
export function divideByFactor({ re: xr, im: xi }: CMatrix, { rows: n, re: lr, im: li }: CMatrix): void {
  const pairs = xr.length - (xr.length % (2 * n));
  for (let row = 0; row < pairs; row += 2 * n) {
    const below = row + n;
    for (let j = 0; j < n; j++) {
      let re = xr[row + j];
      let im = xi[row + j];
      let belowRe = xr[below + j];
      let belowIm = xi[below + j];
      for (let k = 0, at = j * n; k < j; k++, at++) {
        const fr = lr[at];
        const fi = li[at];
        const ar = xr[row + k];
        const ai = xi[row + k];
        const br = xr[below + k];
        const bi = xi[below + k];
        re -= ar * fr + ai * fi;
        im -= ai * fr - ar * fi;
        belowRe -= br * fr + bi * fi;
        belowIm -= bi * fr - br * fi;
      }
      const pivot = lr[j * n + j];
      xr[row + j] = re / pivot;
      xi[row + j] = im / pivot;
      xr[below + j] = belowRe / pivot;
      xi[below + j] = belowIm / pivot;
    }
  }
  if (pairs < xr.length) for (let j = 0; j < n; j++) solveRowStep(xr, xi, pairs, lr, li, j, n);
}

/** One step of solving x·Lᴴ = y in place, for the row of x that starts at `row`: x_j = (y_j − Σ_{k<j} x_k·L*_jk)/L_jj. */
function solveRowStep(
  xr: Float64Array,
  xi: Float64Array,
  row: number,
  lr: Float64Array,
  li: Float64Array,
  j: number,
  n: number,
): void {
  const pivotRow = j * n;
  let re = xr[row + j];
  let im = xi[row + j];
  for (let k = 0; k < j; k++) {
    re -= xr[row + k] * lr[pivotRow + k] + xi[row + k] * li[pivotRow + k];
    im -= xi[row + k] * lr[pivotRow + k] - xr[row + k] * li[pivotRow + k];
  }
  xr[row + j] = re / lr[pivotRow + j];
  xi[row + j] = im / lr[pivotRow + j];
}

/** @returns its size */
export function requireSquare(a: CMatrix): number {
  if (a.rows !== a.cols) throw new BeamrigError('shape', `a Hermitian matrix is square, got ${a.rows}×${a.cols}`);
  return a.rows;
}
