/**
 * What sensing wishes for beside the users' rates: that the covariance of what is radiated, X·Xᴴ with X = A·D, be near a wanted one, Ψ. It is
 * kept as a factor, P·B·Bᴴ = Ψ, so that nothing of N×N is ever formed:
 *
 *   τ = ‖XXᴴ − Ψ‖²_F = ‖XᴴX‖² − 2P·‖BᴴX‖² + P²·‖BᴴB‖²
 *
 * Source: Nguyen et al. (paper 000), eqs. (3)-(5).
 */
import { BeamrigError } from '../errors/beamrig-error.ts';
import { counted } from '../errors/counted.ts';
import { powerSpectrum, summedOverRows } from './beampattern.ts';
import type { CMatrix } from './complex-matrix.ts';
import { frobeniusNorm, multiplyAhB, scale, zeros } from './complex-matrix.ts';
import { eigHermitian } from './decompositions.ts';
import type { MetricValues } from './metrics.ts';

export interface Sensing {
  /** B, N×r, ‖B‖²_F = 1: Ψ = P·B·Bᴴ for whatever power the problem has. */
  readonly factor: CMatrix;
  /** ω ≥ 0: bit/s/Hz that a unit of τ costs in R − ω·τ. */
  readonly weight: number;
  /** Where the beampattern is looked at; absent: its error is not told. */
  readonly grid?: PatternGrid;
}

/**
 * Where the power over azimuth is compared. As a function of ψ = 2πd·sin θ it is a Fourier series with as many terms as a row has elements, and the
 * square of a difference has twice as many: points 2πl/L, l = 0 … L − 1, with L ≥ 4C − 3 say all of it, and weights make their sum the mean over any
 * azimuths.
 */
export interface PatternGrid {
  /** Elements of a row, C. */
  readonly columns: number;
  /** L of them: Σ w·e² at the points is the mean of e² over the azimuths. */
  readonly weights: Float64Array;
  /** a(θ)ᴴ·B·Bᴴ·a(θ) at the points: what is wanted there at power 1. */
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
 * Mean over azimuth of |a(θ)ᴴ(XXᴴ − Ψ)a(θ)|², at power 1: paper 000's beampattern MSE, section IV, with P divided out.
 * @param precoder X = A·D, N×K
 * @param power P
 */
export function beampatternMse({ columns, weights, wanted }: PatternGrid, precoder: CMatrix, power: number): number {
  const line = precoder.rows === columns ? precoder : summedOverRows(precoder, precoder.rows / columns, columns);
  const radiated = powerSpectrum(line, weights.length);
  let sum = 0;
  for (let l = 0; l < weights.length; l++) sum += weights[l] * (radiated[l] / power - wanted[l]) ** 2;
  // Weights have either sign: of no difference rounding is left.
  return Math.max(sum, 0);
}

/**
 * Everything that metrics.ts has of sensing, for any objective.
 * @param precoder X = A·D, N×K
 * @param power P
 * @param sumRate R, bit/s/Hz
 * @throws {BeamrigError} 'shape' where it wishes for an array of another size
 */
export function sensingMetrics(sensing: Sensing, precoder: CMatrix, power: number, sumRate: number): MetricValues {
  requireSameElements(sensing, precoder.rows);
  const tau = covarianceError(sensing, precoder, power);
  const mse = sensing.grid === undefined ? {} : { beampattern_mse: beampatternMse(sensing.grid, precoder, power) };
  return { tau, rate_less_tau: sumRate - sensing.weight * tau, ...mse };
}

/** @throws {BeamrigError} 'shape' */
export function requireSameElements({ factor }: Sensing, elements: number): void {
  if (factor.rows === elements) return;
  throw new BeamrigError('shape', `the wanted covariance is for ${counted(factor.rows, 'element')}, the channel has ${elements}`);
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
