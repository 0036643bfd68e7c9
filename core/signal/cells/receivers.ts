/**
 * What users make of what they get, which is all that the precoders' updates need to know of them. For user u, with T_uu (Nr×d) what it wants and
 * F (Nr×Nr) the covariance of the rest and the noise:
 *
 *   Γ = T_uuᴴF⁻¹T_uu,  W = I + Γ,  Y = D⁻¹T_uu = F⁻¹T_uu·W⁻¹ with D = F + T_uuT_uuᴴ,  A = w·Y·W = w·F⁻¹T_uu,  rate = log₂ det W
 *
 * Written with F, nothing cancels at high SINR, as it would in E = I − T_uuᴴY. Every pivot of F is σ² at least, and of W 1.
 *
 * Source: Zhu, Chang and Shen, "DeepFP", eqs. (2), (27)-(30) (paper 004): Y and Γ of fractional programming are U and W − I of weighted MMSE.
 */
import { factorInPlace, solveFactored } from '../cholesky.ts';
import type { CMatrix } from '../complex-matrix.ts';
import { clone, conjTranspose, matmul, multiplyAhB, scale, zeros } from '../complex-matrix.ts';
import { userIndex } from '../indices.ts';
import type { CellPrecoders, MultiCell } from './multi-cell.ts';
import { cellOf, gainsOf } from './multi-cell.ts';

export interface Receiver {
  /** Y, Nr×d. */
  filter: CMatrix;
  /** A = w·Y·W, Nr×d. */
  weighted: CMatrix;
  /** W, d×d. */
  weight: CMatrix;
  /** bit/s/Hz, without w. */
  rate: number;
}

/** @param gains for each cell what all users get of it, as `gainsOf` gives them */
export function receiversFor(problem: MultiCell, gains: readonly CMatrix[]): Receiver[] {
  const { weights, receiveAntennas, streams, usersPerCell, noise } = problem;
  return weights.map((weight, u) => {
    const cell = cellOf(problem, userIndex(u));
    const firstColumn = (u - cell * usersPerCell) * streams;
    const wanted = blockOf(gains[cell], u * receiveAntennas, firstColumn, receiveAntennas, streams);
    const rest = zeros(receiveAntennas, receiveAntennas);
    gains.forEach((all, from) => {
      const skipped = from === cell ? firstColumn : all.cols;
      addCovariance(rest, all, u * receiveAntennas, 0, skipped);
      addCovariance(rest, all, u * receiveAntennas, skipped + streams, all.cols);
    });
    for (let i = 0; i < receiveAntennas; i++) rest.re[i * receiveAntennas + i] += noise;
    return receiverFor(wanted, rest, weight, noise);
  });
}

function receiverFor(wanted: CMatrix, rest: CMatrix, weight: number, noise: number): Receiver {
  const whitened = clone(wanted); // F⁻¹·T_uu
  factorInPlace(rest, 0, noise);
  solveFactored(rest, whitened);
  const inverseError = multiplyAhB(wanted, whitened);
  for (let i = 0; i < inverseError.rows; i++) {
    inverseError.re[i * inverseError.rows + i] += 1;
    inverseError.im[i * inverseError.rows + i] = 0;
  }
  const factor = clone(inverseError);
  factorInPlace(factor, 0, 1);
  let rate = 0;
  for (let i = 0; i < factor.rows; i++) rate += 2 * Math.log2(factor.re[i * factor.rows + i]);
  const filterH = conjTranspose(whitened);
  solveFactored(factor, filterH); // W⁻¹(F⁻¹T_uu)ᴴ
  return { filter: conjTranspose(filterH), weighted: scale(whitened, weight), weight: inverseError, rate };
}

/** The rates of all users, bit/s/Hz, L·K. */
export const userRates = (problem: MultiCell, precoders: CellPrecoders): number[] =>
  receiversFor(problem, gainsOf(problem, precoders)).map(({ rate }) => rate);

/** Σ w·rate, bit/s/Hz, over all cells. */
export const weightedSumRate = (problem: MultiCell, precoders: CellPrecoders): number =>
  weightedSum(problem, receiversFor(problem, gainsOf(problem, precoders)));

export const weightedSum = ({ weights }: MultiCell, receivers: readonly Receiver[]): number =>
  receivers.reduce((sum, { rate }, u) => sum + weights[u] * rate, 0);

/**
 * A·(δ − YᴴT) of cell l, (L·K·Nr)×(K·d), with δ the identity at the cell's own users: H_lᴴ times this is Λ − L·V, the gradient of the weighted sum
 * rate in nats by V_l*. L (N×N) is never formed.
 * @param gains what all users get of this cell
 */
export function pullOf(problem: MultiCell, receivers: readonly Receiver[], cell: number, gains: CMatrix): CMatrix {
  const { receiveAntennas, streams, usersPerCell } = problem;
  const out = zeros(gains.rows, gains.cols);
  receivers.forEach(({ filter, weighted }, u) => {
    const heard = blockOf(gains, u * receiveAntennas, 0, receiveAntennas, gains.cols);
    const missing = scale(multiplyAhB(filter, heard), -1);
    const own = u - cell * usersPerCell;
    if (own >= 0 && own < usersPerCell) for (let i = 0; i < streams; i++) missing.re[i * gains.cols + own * streams + i] += 1;
    const pull = matmul(weighted, missing);
    out.re.set(pull.re, u * receiveAntennas * gains.cols);
    out.im.set(pull.im, u * receiveAntennas * gains.cols);
  });
  return out;
}

/** Y·R of every user with w·W = R·Rᴴ, Nr×d: Σ H_uᴴ(YR)(YR)ᴴH_u over all users is L of fractional programming, and G of weighted MMSE. */
export function rootFilters({ weights }: MultiCell, receivers: readonly Receiver[]): { filters: CMatrix[]; roots: CMatrix[] } {
  const roots = receivers.map(({ weight }, u) => scale(choleskyFactor(weight), Math.sqrt(weights[u])));
  return { roots, filters: receivers.map(({ filter }, u) => matmul(filter, roots[u])) };
}

/** @param weight W, whose pivots are 1 at least */
function choleskyFactor(weight: CMatrix): CMatrix {
  const factor = clone(weight);
  factorInPlace(factor, 0, 1);
  const n = factor.rows;
  for (let i = 0; i < n; i++) {
    factor.im[i * n + i] = 0;
    for (let j = i + 1; j < n; j++) factor.re[i * n + j] = factor.im[i * n + j] = 0;
  }
  return factor;
}

/** rows × cols from (top, left) on. */
export function blockOf(a: CMatrix, top: number, left: number, rows: number, cols: number): CMatrix {
  const out = zeros(rows, cols);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < cols; j++) {
      out.re[i * cols + j] = a.re[(top + i) * a.cols + left + j];
      out.im[i * cols + j] = a.im[(top + i) * a.cols + left + j];
    }
  }
  return out;
}

/** covariance += a·aᴴ for the columns from `first` to before `end`; the lower triangle alone. */
function addCovariance({ rows: n, re, im }: CMatrix, a: CMatrix, top: number, first: number, end: number): void {
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let real = 0;
      let imaginary = 0;
      for (let c = first, p = (top + i) * a.cols + first, q = (top + j) * a.cols + first; c < end; c++, p++, q++) {
        real += a.re[p] * a.re[q] + a.im[p] * a.im[q];
        imaginary += a.im[p] * a.re[q] - a.re[p] * a.im[q];
      }
      re[i * n + j] += real;
      im[i * n + j] += imaginary;
    }
  }
}
