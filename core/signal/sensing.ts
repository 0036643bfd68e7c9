/**
 * What sensing wishes for beside the users' rates: that the covariance of what is radiated, X·Xᴴ with X = A·D, be near a wanted one, Ψ. It is
 * kept as a factor, P·B·Bᴴ = Ψ, so that nothing of N×N is ever formed:
 *
 *   τ = ‖XXᴴ − Ψ‖²_F = ‖XᴴX‖² − 2P·‖BᴴX‖² + P²·‖BᴴB‖²
 *
 * Source: Nguyen et al. (paper 000), eqs. (3)-(5).
 */
import { BeamrigError } from '../errors/beamrig-error.ts';
import type { CMatrix } from './complex-matrix.ts';
import { frobeniusNorm, matmul, multiplyAhB, scale, zeros } from './complex-matrix.ts';
import { eigHermitian } from './decompositions.ts';

export interface Sensing {
  /** B, N×r, ‖B‖²_F = 1: Ψ = P·B·Bᴴ for whatever power the problem has. */
  readonly factor: CMatrix;
  /** ω ≥ 0: bit/s/Hz that a unit of τ costs in R − ω·τ. */
  readonly weight: number;
  /** Where the beampattern is looked at; absent: its error is not told. */
  readonly grid?: PatternGrid;
}

export interface PatternGrid {
  /** Steering vectors of T directions as rows, a(θ)ᴴ, T×N. */
  readonly steering: CMatrix;
  /** a(θ)ᴴ·B·Bᴴ·a(θ), one a direction: what is wanted there at power 1. */
  readonly wanted: Float64Array;
}

/**
 * τ, paper 000 (3).
 * @param precoder X = A·D, N×K
 * @param power P
 */
export function covarianceError({ factor }: Sensing, precoder: CMatrix, power: number): number {
  const own = frobeniusNorm(multiplyAhB(precoder, precoder)) ** 2;
  const shared = frobeniusNorm(multiplyAhB(factor, precoder)) ** 2;
  return own - 2 * power * shared + power ** 2 * wantedEnergy(factor);
}

/** ‖B·Bᴴ‖²_F */
export const wantedEnergy = (factor: CMatrix): number => frobeniusNorm(multiplyAhB(factor, factor)) ** 2;

/**
 * Mean over the grid of |a(θ)ᴴ(XXᴴ − Ψ)a(θ)|², at power 1: paper 000's beampattern MSE, section IV, with P divided out.
 * @param precoder X = A·D, N×K
 * @param power P
 */
export function beampatternMse({ steering, wanted }: PatternGrid, precoder: CMatrix, power: number): number {
  const { re, im, cols } = matmul(steering, precoder); // T×K
  let sum = 0;
  for (let t = 0; t < wanted.length; t++) {
    let radiated = 0;
    for (let i = t * cols; i < (t + 1) * cols; i++) radiated += re[i] * re[i] + im[i] * im[i];
    sum += (radiated / power - wanted[t]) ** 2;
  }
  return sum / wanted.length;
}

/** Eigenvalues below this share of the trace are left out: together they are below what a beam can be told from. */
const LEAST_SHARE = 1e-4;
/** What rounding to float32 may make of a Hermitian, positive semidefinite matrix, of the trace. */
const ROUNDING_SHARE = 1e-3;

/**
 * B of a covariance: Ψ/tr Ψ = B·Bᴴ, columns by falling energy.
 * @param covariance Ψ, N×N, Hermitian, positive semidefinite, of any power
 * @throws {BeamrigError} 'argument' where it is none
 */
export function factorOfCovariance(covariance: CMatrix): CMatrix {
  const { rows: n, cols, re, im } = covariance;
  if (n !== cols) throw new BeamrigError('shape', `a covariance is square, got ${n}×${cols}`);
  let trace = 0;
  let skew = 0;
  for (let i = 0; i < n; i++) {
    trace += re[i * n + i];
    for (let j = 0; j <= i; j++) skew = Math.max(skew, Math.hypot(re[i * n + j] - re[j * n + i], im[i * n + j] + im[j * n + i]));
  }
  if (!(trace > 0 && Number.isFinite(trace))) {
    throw new BeamrigError('argument', `the trace of the covariance is ${trace}`, {
      wayOut: 'It is the radiated power, above 0.',
    });
  }
  if (!(skew <= ROUNDING_SHARE * trace)) {
    throw new BeamrigError(
      'argument',
      `the covariance is not Hermitian: entries differ by ${skew / trace} of its trace from their mirror`,
    );
  }
  const { values, vectors } = eigHermitian(scale(covariance, 1 / trace));
  const order = [...values.keys()].sort((a, b) => values[b] - values[a]);
  const least = values[order[n - 1]];
  if (least < -ROUNDING_SHARE) {
    throw new BeamrigError(
      'argument',
      `the covariance is not positive semidefinite: it has an eigenvalue of ${least} of its trace`,
    );
  }
  const kept = order.filter((index) => values[index] >= LEAST_SHARE);
  const factor = zeros(n, kept.length);
  kept.forEach((from, to) => {
    const root = Math.sqrt(values[from]);
    for (let i = 0; i < n; i++) {
      factor.re[i * kept.length + to] = root * vectors.re[i * n + from];
      factor.im[i * kept.length + to] = root * vectors.im[i * n + from];
    }
  });
  return scale(factor, 1 / frobeniusNorm(factor));
}
