/**
 * Factorisations of complex matrices, for the sizes of an antenna array (up to some hundred rows). Householder and Jacobi methods
 * throughout: short, backward stable, and indifferent to repeated eigenvalues and missing rank. Systems of
 * equations that are Hermitian and positive definite are solved in cholesky.ts.
 *
 * Source: Golub and Van Loan, Matrix Computations, 4th ed., §5.2 (Householder QR), §8.5 (Jacobi), §8.6.3 (one-sided Jacobi).
 */
import { BeamrigError } from '../errors/beamrig-error.ts';
import type { CMatrix } from './complex-matrix.ts';
import { clone, conjTranspose, frobeniusNorm, identity, matmul, multiplyABh, scale, zeros } from './complex-matrix.ts';
import { requireSquare } from './cholesky.ts';
import { jacobiRotation, rotateColumns, rotateRows } from './plane-rotation.ts';

/** Jacobi converges quadratically: about ten sweeps do for any size met here, so this many mean that the input is not finite. */
const MAX_SWEEPS = 60;

/**
 * Thin QR by Householder reflections: a = q·r, qᴴq = I, r upper triangular with a real diagonal ≥ 0 (which makes it unique at full rank).
 * @param a m×n, m ≥ n
 * @returns q m×n (orthonormal columns even where a lacks rank), r n×n
 * @throws {BeamrigError} `shape` when a is wider than tall
 */
export function qrThin(a: CMatrix): { q: CMatrix; r: CMatrix } {
  const { rows: m, cols: n } = a;
  if (m < n) throw new BeamrigError('shape', `a thin QR needs at least as many rows as columns, got ${m}×${n}`);
  const work = clone(a);
  const { re: wr, im: wi } = work;
  const reflectors: { re: Float64Array; im: Float64Array }[] = [];
  const phaseRe = new Float64Array(n);
  const phaseIm = new Float64Array(n);
  for (let j = 0; j < n; j++) {
    let norm = 0;
    for (let i = j; i < m; i++) norm = Math.hypot(norm, wr[i * n + j], wi[i * n + j]);
    const headRe = wr[j * n + j];
    const headIm = wi[j * n + j];
    const head = Math.hypot(headRe, headIm);
    // The reflection takes column j to −phase·norm on the diagonal; −phase then moves from r into q.
    const unitRe = head === 0 ? 1 : headRe / head;
    const unitIm = head === 0 ? 0 : headIm / head;
    phaseRe[j] = norm === 0 ? 1 : -unitRe;
    phaseIm[j] = norm === 0 ? 0 : -unitIm;
    const v = { re: new Float64Array(m), im: new Float64Array(m) };
    reflectors.push(v);
    if (norm === 0) continue;
    for (let i = j; i < m; i++) {
      v.re[i] = wr[i * n + j] / norm;
      v.im[i] = wi[i * n + j] / norm;
    }
    v.re[j] += unitRe;
    v.im[j] += unitIm;
    normalise(v.re, v.im);
    reflect(work, v, j, j);
  }
  const r = zeros(n, n);
  for (let i = 0; i < n; i++) {
    for (let j = i; j < n; j++) {
      // conj(phase)·entry
      r.re[i * n + j] = phaseRe[i] * wr[i * n + j] + phaseIm[i] * wi[i * n + j];
      r.im[i * n + j] = i === j ? 0 : phaseRe[i] * wi[i * n + j] - phaseIm[i] * wr[i * n + j];
    }
  }
  const q = zeros(m, n);
  for (let j = 0; j < n; j++) {
    q.re[j * n + j] = phaseRe[j];
    q.im[j * n + j] = phaseIm[j];
  }
  for (let j = n - 1; j >= 0; j--) reflect(q, reflectors[j], j, j);
  return { q, r };
}

/**
 * Eigenvalues and orthonormal eigenvectors of a Hermitian matrix by cyclic Jacobi; of a matrix that is not quite Hermitian, those of its
 * Hermitian part.
 * @param a n×n
 * @returns values ascending, vectors n×n with column i belonging to values[i]
 */
export function eigHermitian(a: CMatrix): { values: Float64Array; vectors: CMatrix } {
  const n = requireSquare(a);
  const work = hermitianPart(a);
  const { re: wr, im: wi } = work;
  const vectors = identity(n);
  const negligible = Number.EPSILON * frobeniusNorm(work);
  for (let sweep = 0; ; sweep++) {
    let rotated = false;
    for (let p = 0; p < n - 1; p++) {
      for (let q = p + 1; q < n; q++) {
        const size = Math.hypot(wr[p * n + q], wi[p * n + q]);
        // Below ε of the whole matrix divided over its entries, rotating changes nothing that float64 can hold.
        if (size <= negligible / n) continue;
        rotated = true;
        const rotation = jacobiRotation(wr[p * n + p], wr[q * n + q], wr[p * n + q], wi[p * n + q], size);
        rotateColumns(work, p, q, rotation);
        rotateRows(work, p, q, rotation);
        rotateColumns(vectors, p, q, rotation);
        wi[p * n + p] = wi[q * n + q] = 0;
        wr[p * n + q] = wi[p * n + q] = wr[q * n + p] = wi[q * n + p] = 0;
      }
    }
    if (!rotated) break;
    requireConvergence(sweep);
  }
  const diagonal = Float64Array.from({ length: n }, (_, i) => wr[i * n + i]);
  const order = Array.from({ length: n }, (_, i) => i).sort((x, y) => diagonal[x] - diagonal[y]);
  return { values: Float64Array.from(order, (i) => diagonal[i]), vectors: pickColumns(vectors, order) };
}

/**
 * Thin singular value decomposition by one-sided Jacobi: a = u·diag(s)·vᴴ with orthonormal columns in u and v, also where s is zero.
 * @param a m×n; r = min(m, n)
 * @returns u m×r, s descending of length r, v n×r
 */
export function svd(a: CMatrix): { u: CMatrix; s: Float64Array; v: CMatrix } {
  if (a.rows < a.cols) {
    const { u, s, v } = svd(conjTranspose(a));
    return { u: v, s, v: u };
  }
  const { rows: m, cols: n } = a;
  const work = clone(a);
  const { re: wr, im: wi } = work;
  const v = identity(n);
  const whole = frobeniusNorm(a);
  const vanished = (Number.EPSILON * whole) ** 2;
  for (let sweep = 0; ; sweep++) {
    let rotated = false;
    for (let p = 0; p < n - 1; p++) {
      for (let q = p + 1; q < n; q++) {
        let alpha = 0;
        let beta = 0;
        let gammaRe = 0;
        let gammaIm = 0;
        for (let i = 0; i < m; i++) {
          const xr = wr[i * n + p];
          const xi = wi[i * n + p];
          const yr = wr[i * n + q];
          const yi = wi[i * n + q];
          alpha += xr * xr + xi * xi;
          beta += yr * yr + yi * yi;
          gammaRe += xr * yr + xi * yi;
          gammaIm += xr * yi - xi * yr;
        }
        const size = Math.hypot(gammaRe, gammaIm);
        // Columns are orthogonal when their cosine is rounding noise, or when one of them is nothing but rounding noise itself.
        if (size <= 4 * Number.EPSILON * Math.sqrt(alpha * beta) || Math.min(alpha, beta) <= vanished) continue;
        rotated = true;
        const rotation = jacobiRotation(alpha, beta, gammaRe, gammaIm, size);
        rotateColumns(work, p, q, rotation);
        rotateColumns(v, p, q, rotation);
      }
    }
    if (!rotated) break;
    requireConvergence(sweep);
  }
  const norms = Float64Array.from({ length: n }, (_, j) => columnNorm(work, j));
  const order = Array.from({ length: n }, (_, j) => j).sort((x, y) => norms[y] - norms[x]);
  const s = Float64Array.from(order, (j) => norms[j]);
  return { u: orthonormalColumns(pickColumns(work, order), Number.EPSILON * whole), s, v: pickColumns(v, order) };
}

/**
 * Moore-Penrose inverse; singular values below max(m, n)·ε·s₀ count as zero.
 * @param a m×n
 * @returns n×m
 * @public what tests measure other inverses by
 */
export function pseudoInverse(a: CMatrix): CMatrix {
  const { u, s, v } = svd(a);
  const cutoff = Math.max(a.rows, a.cols) * Number.EPSILON * (s[0] ?? 0);
  return multiplyABh(
    scaleColumns(v, (j) => (s[j] > cutoff ? 1 / s[j] : 0)),
    u,
  );
}

/**
 * Moore-Penrose inverse of a Hermitian positive semidefinite matrix.
 * @param a n×n
 * @param zeroShare eigenvalues up to this share of the largest count as zero; the default allows for the rounding of a Gram matrix
 */
export function pseudoInverseHermitian(a: CMatrix, zeroShare = 1e-12): CMatrix {
  const { values, vectors } = eigHermitian(a);
  const cutoff = zeroShare * Math.max(values[values.length - 1] ?? 0, 0);
  return multiplyABh(
    scaleColumns(vectors, (j) => (values[j] > cutoff ? 1 / values[j] : 0)),
    vectors,
  );
}

/** a ← (I − 2vvᴴ)a on rows from `fromRow` and columns from `fromColumn`; v is a unit vector that is zero above `fromRow`. */
function reflect(a: CMatrix, v: { re: Float64Array; im: Float64Array }, fromRow: number, fromColumn: number): void {
  const { rows: m, cols: n, re, im } = a;
  for (let j = fromColumn; j < n; j++) {
    let dotRe = 0;
    let dotIm = 0;
    for (let i = fromRow; i < m; i++) {
      dotRe += v.re[i] * re[i * n + j] + v.im[i] * im[i * n + j];
      dotIm += v.re[i] * im[i * n + j] - v.im[i] * re[i * n + j];
    }
    for (let i = fromRow; i < m; i++) {
      re[i * n + j] -= 2 * (v.re[i] * dotRe - v.im[i] * dotIm);
      im[i * n + j] -= 2 * (v.re[i] * dotIm + v.im[i] * dotRe);
    }
  }
}

function normalise(re: Float64Array, im: Float64Array): void {
  let norm = 0;
  for (let i = 0; i < re.length; i++) norm += re[i] * re[i] + im[i] * im[i];
  const factor = norm === 0 ? 0 : 1 / Math.sqrt(norm);
  for (let i = 0; i < re.length; i++) {
    re[i] *= factor;
    im[i] *= factor;
  }
}

/** Columns scaled to norm 1; a column of norm ≤ `negligible` is replaced by a unit vector orthogonal to all others. */
function orthonormalColumns(a: CMatrix, negligible: number): CMatrix {
  const { rows: m, cols: n } = a;
  const norms = Float64Array.from({ length: n }, (_, j) => columnNorm(a, j));
  const out = scaleColumns(a, (j) => (norms[j] > negligible ? 1 / norms[j] : 0));
  let axis = 0;
  for (let j = 0; j < n; j++) {
    if (norms[j] > negligible) continue;
    // Project unit axes off the columns there are until one has enough left; m ≥ n guarantees one.
    for (; axis < m; axis++) {
      const candidate = zeros(m, 1);
      candidate.re[axis] = 1;
      for (let pass = 0; pass < 2; pass++) {
        const shadow = matmul(out, matmul(conjTranspose(out), candidate));
        for (let i = 0; i < m; i++) {
          candidate.re[i] -= shadow.re[i];
          candidate.im[i] -= shadow.im[i];
        }
      }
      const left = frobeniusNorm(candidate);
      if (left < 0.5 / Math.sqrt(m)) continue;
      const unit = scale(candidate, 1 / left);
      for (let i = 0; i < m; i++) {
        out.re[i * n + j] = unit.re[i];
        out.im[i * n + j] = unit.im[i];
      }
      break;
    }
  }
  return out;
}

function columnNorm(a: CMatrix, column: number): number {
  let sum = 0;
  for (let i = column; i < a.re.length; i += a.cols) sum += a.re[i] * a.re[i] + a.im[i] * a.im[i];
  return Math.sqrt(sum);
}

function scaleColumns(a: CMatrix, factorOf: (column: number) => number): CMatrix {
  const out = clone(a);
  const factors = Float64Array.from({ length: a.cols }, (_, j) => factorOf(j));
  for (let i = 0; i < out.re.length; i++) {
    out.re[i] *= factors[i % a.cols];
    out.im[i] *= factors[i % a.cols];
  }
  return out;
}

function pickColumns(a: CMatrix, order: readonly number[]): CMatrix {
  const out = zeros(a.rows, order.length);
  for (let i = 0; i < a.rows; i++) {
    order.forEach((from, to) => {
      out.re[i * order.length + to] = a.re[i * a.cols + from];
      out.im[i * order.length + to] = a.im[i * a.cols + from];
    });
  }
  return out;
}

function hermitianPart(a: CMatrix): CMatrix {
  const n = a.rows;
  const out = zeros(n, n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) {
      out.re[i * n + j] = (a.re[i * n + j] + a.re[j * n + i]) / 2;
      out.im[i * n + j] = (a.im[i * n + j] - a.im[j * n + i]) / 2;
    }
  }
  return out;
}

function requireConvergence(sweep: number): void {
  if (sweep < MAX_SWEEPS) return;
  throw new BeamrigError('argument', 'the decomposition does not converge: the matrix has entries that are not finite', {
    wayOut: 'check the data that the matrix was made from',
  });
}
