/**
 * Complex matrices on split typed arrays: the one matrix type of the project. Row-major, float64, real and imaginary parts apart, because
 * V8 keeps such loops free of allocation and the parts go to ONNX, to the wire and to the page as they are.
 *
 * Every function returns a new matrix and leaves its arguments alone. Shapes that do not fit throw a BeamrigError with code `shape`.
 */
import { BeamrigError } from '../errors/beamrig-error.ts';

export interface CMatrix {
  readonly rows: number;
  readonly cols: number;
  /** Real parts, length rows·cols, entry (r, c) at r·cols + c. */
  readonly re: Float64Array;
  readonly im: Float64Array;
}

/**
 * Small matrices are cut from slabs: a typed array of its own costs V8 an allocation outside its heap, which at 4×4 takes longer than the
 * arithmetic (a fifth of a control cycle). A slab is fresh memory, never reused, and goes when the last matrix in it does.
 */
const SLAB_LENGTH = 8192;
const LARGEST_FROM_SLAB = 512;
let slab = new ArrayBuffer(8 * SLAB_LENGTH);
let slabUsed = 0;

/** All zeros. */
export function zeros(rows: number, cols: number): CMatrix {
  const count = rows * cols;
  if (count > LARGEST_FROM_SLAB) return { rows, cols, re: new Float64Array(count), im: new Float64Array(count) };
  if (slabUsed + 2 * count > SLAB_LENGTH) {
    slab = new ArrayBuffer(8 * SLAB_LENGTH);
    slabUsed = 0;
  }
  const re = new Float64Array(slab, 8 * slabUsed, count);
  const im = new Float64Array(slab, 8 * (slabUsed + count), count);
  slabUsed += 2 * count;
  return { rows, cols, re, im };
}

/** n×n, ones on the diagonal. */
export function identity(n: number): CMatrix {
  const out = zeros(n, n);
  for (let i = 0; i < n; i++) out.re[i * n + i] = 1;
  return out;
}

/**
 * A matrix from its parts, row-major; typed arrays are taken as they are (no copy), plain arrays are copied.
 * @throws {BeamrigError} `shape` when a part's length is not rows·cols
 */
export function fromParts(
  rows: number,
  cols: number,
  re: Float64Array | readonly number[],
  im: Float64Array | readonly number[],
): CMatrix {
  if (re.length !== rows * cols || im.length !== rows * cols) {
    throw new BeamrigError(
      'shape',
      `a ${rows}×${cols} matrix needs ${rows * cols} real and imaginary parts, got ${re.length} and ${im.length}`,
    );
  }
  return {
    rows,
    cols,
    re: re instanceof Float64Array ? re : Float64Array.from(re),
    im: im instanceof Float64Array ? im : Float64Array.from(im),
  };
}

/**
 * The analog precoder exp(jφ), entry by entry; exactly zero where an element is not wired to a chain.
 * @param phaseRad N·M phases, row-major
 * @param connection N·M of 0/1 as `connectionMask` gives it; absent means fully connected
 */
export function fromPhases(phaseRad: Float64Array, rows: number, cols: number, connection?: Uint8Array): CMatrix {
  const count = rows * cols;
  if (phaseRad.length !== count) {
    throw new BeamrigError('shape', `a ${rows}×${cols} analog precoder needs ${count} phases, got ${phaseRad.length}`);
  }
  if (connection !== undefined && connection.length !== count) {
    throw new BeamrigError('shape', `a ${rows}×${cols} connection mask needs ${count} entries, got ${connection.length}`);
  }
  const out = zeros(rows, cols);
  for (let i = 0; i < count; i++) {
    if (connection !== undefined && connection[i] === 0) continue;
    out.re[i] = Math.cos(phaseRad[i]);
    out.im[i] = Math.sin(phaseRad[i]);
  }
  return out;
}

export function clone(a: CMatrix): CMatrix {
  const out = zeros(a.rows, a.cols);
  if (a.re.length > LARGEST_FROM_SLAB) {
    out.re.set(a.re);
    out.im.set(a.im);
    return out;
  }
  // Of a few entries, calling the copier takes longer than copying.
  for (let i = 0; i < a.re.length; i++) {
    out.re[i] = a.re[i];
    out.im[i] = a.im[i];
  }
  return out;
}

/**
 * a·b, (m×r)(r×n) → m×n. Here and in the other products sums stay in registers, two rows by two columns of the result at a time: half again as
 * fast as adding to the result entry by entry, and the same to the last digit. Of an odd number the last one stands in for the one it lacks.
 */
export function matmul(a: CMatrix, b: CMatrix): CMatrix {
  if (a.cols !== b.rows) throw productError(a, b, `${a.cols} columns meet ${b.rows} rows`);
  const { rows: m, cols: r, re: ar, im: ai } = a;
  const { cols: n, re: br, im: bi } = b;
  const out = zeros(m, n);
  for (let i = 0; i < m; i += 2) {
    const below = i + 1 < m ? 1 : 0;
    const down = below * r;
    for (let j = 0; j < n; j += 2) {
      const second = j + 1 < n ? 1 : 0;
      let re = 0;
      let im = 0;
      let secondRe = 0;
      let secondIm = 0;
      let belowRe = 0;
      let belowIm = 0;
      let acrossRe = 0;
      let acrossIm = 0;
      for (let p = i * r, q = j, end = p + r; p < end; p++, q += n) {
        const xr = ar[p];
        const xi = ai[p];
        const wr = ar[p + down];
        const wi = ai[p + down];
        const yr = br[q];
        const yi = bi[q];
        const zr = br[q + second];
        const zi = bi[q + second];
        re += xr * yr - xi * yi;
        im += xr * yi + xi * yr;
        secondRe += xr * zr - xi * zi;
        secondIm += xr * zi + xi * zr;
        belowRe += wr * yr - wi * yi;
        belowIm += wr * yi + wi * yr;
        acrossRe += wr * zr - wi * zi;
        acrossIm += wr * zi + wi * zr;
      }
      const at = i * n + j;
      const under = at + below * n;
      out.re[at] = re;
      out.im[at] = im;
      out.re[at + second] = secondRe;
      out.im[at + second] = secondIm;
      out.re[under] = belowRe;
      out.im[under] = belowIm;
      out.re[under + second] = acrossRe;
      out.im[under + second] = acrossIm;
    }
  }
  return out;
}

/** aᴴ. */
export function conjTranspose(a: CMatrix): CMatrix {
  const out = zeros(a.cols, a.rows);
  for (let r = 0; r < a.rows; r++) {
    for (let c = 0; c < a.cols; c++) {
      out.re[c * a.rows + r] = a.re[r * a.cols + c];
      out.im[c * a.rows + r] = -a.im[r * a.cols + c];
    }
  }
  return out;
}

/** aᴴ·b, (r×m)ᴴ(r×n) → m×n, without forming aᴴ; of aᴴ·a only one half is worked out. */
export function multiplyAhB(a: CMatrix, b: CMatrix): CMatrix {
  if (a.rows !== b.rows) throw productError(a, b, `${a.rows} rows meet ${b.rows} rows in aᴴ·b`);
  const [m, n] = [a.cols, b.cols];
  return conjugateProduct(m, n, a.rows, a, { entry: 1, term: m }, b, { entry: 1, term: n });
}

/** a·bᴴ, (m×r)(n×r)ᴴ → m×n, without forming bᴴ; of a·aᴴ only one half is worked out. */
export function multiplyABh(a: CMatrix, b: CMatrix): CMatrix {
  if (a.cols !== b.cols) throw productError(a, b, `${a.cols} columns meet ${b.cols} columns in a·bᴴ`);
  const r = a.cols;
  const out = conjugateProduct(a.rows, b.rows, r, a, { entry: r, term: 1 }, b, { entry: r, term: 1 });
  for (let at = 0; at < out.im.length; at++) out.im[at] = 0 - out.im[at];
  return out;
}

/** How a factor is walked over: from one entry of the result to the next, and from term to term of its sum. */
interface Walk {
  readonly entry: number;
  readonly term: number;
}

/**
 * (i, j) = Σ a*·b over r terms, m×n. Apart from `matmul`, because a sign at every term, 1 or −1, makes the loop half as fast.
 */
function conjugateProduct(m: number, n: number, r: number, a: CMatrix, aWalk: Walk, b: CMatrix, bWalk: Walk): CMatrix {
  const out = zeros(m, n);
  const { re: ar, im: ai } = a;
  const { re: br, im: bi } = b;
  const { entry: aEntry, term: aTerm } = aWalk;
  const { entry: bEntry, term: bTerm } = bWalk;
  const hermitian = a === b;
  for (let i = 0; i < m; i += 2) {
    const below = i + 1 < m ? 1 : 0;
    const down = below * aEntry;
    for (let j = 0; j < (hermitian ? i + 1 : n); j += 2) {
      const second = j + 1 < n ? 1 : 0;
      const across = second * bEntry;
      let re = 0;
      let im = 0;
      let secondRe = 0;
      let secondIm = 0;
      let belowRe = 0;
      let belowIm = 0;
      let acrossRe = 0;
      let acrossIm = 0;
      let p = i * aEntry;
      let q = j * bEntry;
      for (let k = 0; k < r; k++) {
        const xr = ar[p];
        const xi = ai[p];
        const wr = ar[p + down];
        const wi = ai[p + down];
        const yr = br[q];
        const yi = bi[q];
        const zr = br[q + across];
        const zi = bi[q + across];
        re += xr * yr + xi * yi;
        im += xr * yi - xi * yr;
        secondRe += xr * zr + xi * zi;
        secondIm += xr * zi - xi * zr;
        belowRe += wr * yr + wi * yi;
        belowIm += wr * yi - wi * yr;
        acrossRe += wr * zr + wi * zi;
        acrossIm += wr * zi - wi * zr;
        p += aTerm;
        q += bTerm;
      }
      const at = i * n + j;
      const under = at + below * n;
      out.re[at] = re;
      out.im[at] = im;
      out.re[at + second] = secondRe;
      out.im[at + second] = secondIm;
      out.re[under] = belowRe;
      out.im[under] = belowIm;
      out.re[under + second] = acrossRe;
      out.im[under + second] = acrossIm;
    }
  }
  if (hermitian) mirrorLowerTriangle(out);
  return out;
}

function mirrorLowerTriangle({ rows: n, re, im }: CMatrix): void {
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < i; j++) {
      re[j * n + i] = re[i * n + j];
      im[j * n + i] = 0 - im[i * n + j];
    }
  }
}

export function add(a: CMatrix, b: CMatrix): CMatrix {
  return combine(a, b, 1);
}

export function subtract(a: CMatrix, b: CMatrix): CMatrix {
  return combine(a, b, -1);
}

/** factor·a, a real factor. */
export function scale(a: CMatrix, factor: number): CMatrix {
  const out = clone(a);
  for (let i = 0; i < out.re.length; i++) {
    out.re[i] *= factor;
    out.im[i] *= factor;
  }
  return out;
}

/** ‖a‖_F. */
export function frobeniusNorm(a: CMatrix): number {
  let sum = 0;
  for (let i = 0; i < a.re.length; i++) sum += a.re[i] * a.re[i] + a.im[i] * a.im[i];
  return Math.sqrt(sum);
}

/** Re tr(aᴴb). */
export function realInner(a: CMatrix, b: CMatrix): number {
  let sum = 0;
  for (let i = 0; i < a.re.length; i++) sum += a.re[i] * b.re[i] + a.im[i] * b.im[i];
  return sum;
}

function combine(a: CMatrix, b: CMatrix, sign: 1 | -1): CMatrix {
  if (a.rows !== b.rows || a.cols !== b.cols) throw productError(a, b, 'a sum needs equal shapes');
  const out = clone(a);
  for (let i = 0; i < out.re.length; i++) {
    out.re[i] += sign * b.re[i];
    out.im[i] += sign * b.im[i];
  }
  return out;
}

function productError(a: CMatrix, b: CMatrix, why: string): BeamrigError {
  return new BeamrigError('shape', `matrices of ${a.rows}×${a.cols} and ${b.rows}×${b.cols} do not fit: ${why}`);
}
