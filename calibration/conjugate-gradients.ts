/**
 * x of a·x = b for a Hermitian positive definite operator, by conjugate gradients with a diagonal preconditioner.
 *
 * Source: Golub and Van Loan, Matrix Computations, 4th ed., §11.5.
 */
import type { CMatrix } from '../core/signal/complex-matrix.ts';
import { clone, zeros } from '../core/signal/complex-matrix.ts';

export interface ConjugateGradientOptions {
  /** a·x */
  apply: (x: CMatrix) => CMatrix;
  /** About the diagonal of a, > 0. */
  diagonal: Float64Array;
  /** Where to begin; absent: at 0. */
  from?: CMatrix;
  /** Ends where the preconditioned residual has fallen to this share of that of b. */
  tolerance: number;
  mostSteps: number;
}

/** @returns n×1, as near as `mostSteps` come */
export function conjugateGradients(
  b: CMatrix,
  { apply, diagonal, from, tolerance, mostSteps }: ConjugateGradientOptions,
): CMatrix {
  const count = b.rows;
  const x = from === undefined ? zeros(count, 1) : clone(from);
  const residual = clone(b);
  if (from !== undefined) addTimes(residual, -1, apply(x));
  let direction = divided(residual, diagonal);
  let size = dot(residual, direction);
  const enough = tolerance ** 2 * dot(b, divided(b, diagonal));
  for (let step = 0; step < mostSteps && size > enough; step++) {
    const image = apply(direction);
    const along = size / dot(direction, image);
    addTimes(x, along, direction);
    addTimes(residual, -along, image);
    const next = divided(residual, diagonal);
    const nextSize = dot(residual, next);
    addTimes(next, nextSize / size, direction);
    direction = next;
    size = nextSize;
  }
  return x;
}

/** Re aᴴb */
export function dot(a: CMatrix, b: CMatrix): number {
  let sum = 0;
  for (let i = 0; i < a.re.length; i++) sum += a.re[i] * b.re[i] + a.im[i] * b.im[i];
  return sum;
}

/** a ← a + factor·b */
function addTimes(a: CMatrix, factor: number, b: CMatrix): void {
  for (let i = 0; i < a.re.length; i++) {
    a.re[i] += factor * b.re[i];
    a.im[i] += factor * b.im[i];
  }
}

function divided(a: CMatrix, by: Float64Array): CMatrix {
  const out = zeros(a.rows, 1);
  for (let i = 0; i < by.length; i++) {
    out.re[i] = a.re[i] / by[i];
    out.im[i] = a.im[i] / by[i];
  }
  return out;
}
