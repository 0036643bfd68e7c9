/**
 * Complex plane rotations, the one step of which the Jacobi methods of `decompositions.ts` are made.
 *
 * Source: Golub and Van Loan, Matrix Computations, 4th ed., §8.5.2.
 */
import type { CMatrix } from './complex-matrix.ts';

/** The plane rotation that makes a Hermitian 2×2 [[alpha, gamma], [γ*, beta]] diagonal: cosine, sine, and the unit phase of gamma. */
export interface Rotation {
  cosine: number;
  sine: number;
  phaseRe: number;
  phaseIm: number;
}

export function jacobiRotation(alpha: number, beta: number, gammaRe: number, gammaIm: number, size: number): Rotation {
  const zeta = (beta - alpha) / (2 * size);
  // The smaller of the two angles, which is what makes the sweeps converge.
  const tangent = (zeta >= 0 ? 1 : -1) / (Math.abs(zeta) + Math.hypot(1, zeta));
  const cosine = 1 / Math.hypot(1, tangent);
  return { cosine, sine: cosine * tangent, phaseRe: gammaRe / size, phaseIm: gammaIm / size };
}

/** columns (p, q) ← (c·p − s·e*·q, s·e·p + c·q), e the rotation's phase */
export function rotateColumns(a: CMatrix, p: number, q: number, { cosine, sine, phaseRe, phaseIm }: Rotation): void {
  const { rows, cols, re, im } = a;
  for (let i = 0; i < rows; i++) {
    const ip = i * cols + p;
    const iq = i * cols + q;
    const pr = re[ip];
    const pi = im[ip];
    const qr = re[iq];
    const qi = im[iq];
    re[ip] = cosine * pr - sine * (phaseRe * qr + phaseIm * qi);
    im[ip] = cosine * pi - sine * (phaseRe * qi - phaseIm * qr);
    re[iq] = sine * (phaseRe * pr - phaseIm * pi) + cosine * qr;
    im[iq] = sine * (phaseRe * pi + phaseIm * pr) + cosine * qi;
  }
}

/** The conjugate transpose of `rotateColumns`, from the left. */
export function rotateRows(a: CMatrix, p: number, q: number, { cosine, sine, phaseRe, phaseIm }: Rotation): void {
  const { cols, re, im } = a;
  for (let j = 0; j < cols; j++) {
    const pj = p * cols + j;
    const qj = q * cols + j;
    const pr = re[pj];
    const pi = im[pj];
    const qr = re[qj];
    const qi = im[qj];
    re[pj] = cosine * pr - sine * (phaseRe * qr - phaseIm * qi);
    im[pj] = cosine * pi - sine * (phaseRe * qi + phaseIm * qr);
    re[qj] = sine * (phaseRe * pr + phaseIm * pi) + cosine * qr;
    im[qj] = sine * (phaseRe * pi - phaseIm * pr) + cosine * qi;
  }
}
