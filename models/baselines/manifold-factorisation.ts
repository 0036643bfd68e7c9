/**
 * A digital precoder factored into A·D afterwards: min ‖X − A·D‖_F over unit-modulus A and any D, alternating D = A⁺X with Riemannian
 * gradient descent on A over the product of circles. It is the second half of the two-step designs (first the best digital precoder, then
 * its factors) that joint methods are compared with.
 *
 * Source: Yu et al., IEEE J. Sel. Topics Signal Process. 10(3), 2016 (MO-AltMin), with steepest descent and backtracking in place of
 * conjugate gradients.
 */
import type { CMatrix } from '../../signal/complex-matrix.ts';
import { clone, frobeniusNorm, matmul, multiplyABh, scale, subtract } from '../../signal/complex-matrix.ts';
import { leastSquares } from './aligned.ts';
import type { HybridPrecoder } from './pga.ts';

export interface FactorisationOptions {
  /** Alternations; default 100. */
  iterations?: number;
  /** Steps on A between two solutions of D; default 10. */
  innerSteps?: number;
}

/**
 * @param target X, N×K
 * @param start A₀, N×M; entries that are zero are not wired and stay zero
 * @returns A and D with ‖A·D‖²_F = power
 */
export function factorByManifold(
  target: CMatrix,
  start: CMatrix,
  power: number,
  options: FactorisationOptions = {},
): HybridPrecoder {
  const { iterations = 100, innerSteps = 10 } = options;
  let analog = start;
  let step = 1;
  for (let iteration = 0; iteration < iterations; iteration++) {
    const digital = leastSquares(analog, target);
    for (let inner = 0; inner < innerSteps; inner++) {
      const residual = subtract(target, matmul(analog, digital));
      const before = frobeniusNorm(residual) ** 2;
      const descent = tangent(analog, multiplyABh(residual, digital));
      const slope = frobeniusNorm(descent) ** 2;
      if (slope < 1e-18 * before) break;
      // Backtracking from a little above the step that was good last time.
      step *= 4;
      for (let attempt = 0; attempt < 30; attempt++) {
        const candidate = moved(analog, descent, step);
        if (frobeniusNorm(subtract(target, matmul(candidate, digital))) ** 2 <= before - 0.1 * step * slope) {
          analog = candidate;
          break;
        }
        step /= 2;
      }
    }
  }
  const digital = leastSquares(analog, target);
  return { analog, digital: scale(digital, Math.sqrt(power) / frobeniusNorm(matmul(analog, digital))) };
}

/** The part of a direction that turns phases: its radial part along each entry is taken out. */
function tangent(analog: CMatrix, direction: CMatrix): CMatrix {
  const out = clone(direction);
  for (let i = 0; i < out.re.length; i++) {
    const radial = direction.re[i] * analog.re[i] + direction.im[i] * analog.im[i];
    const wired = analog.re[i] !== 0 || analog.im[i] !== 0;
    out.re[i] = wired ? direction.re[i] - radial * analog.re[i] : 0;
    out.im[i] = wired ? direction.im[i] - radial * analog.im[i] : 0;
  }
  return out;
}

function moved(analog: CMatrix, direction: CMatrix, step: number): CMatrix {
  const out = clone(analog);
  for (let i = 0; i < out.re.length; i++) {
    if (analog.re[i] === 0 && analog.im[i] === 0) continue;
    const re = analog.re[i] + step * direction.re[i];
    const im = analog.im[i] + step * direction.im[i];
    const size = Math.hypot(re, im);
    out.re[i] = re / size;
    out.im[i] = im / size;
  }
  return out;
}
