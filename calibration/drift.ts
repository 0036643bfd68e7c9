/**
 * What changes while an array is read, as far as the readings themselves tell:
 *
 *   y_i = d(t_i)·Σ_n c[n, word]·(1 + a_n·t_i) + noise
 *
 * d is common to all elements (the receiver's phase, the path) and goes in lines from knot to knot; a_n is an element's own, a line over the whole time as
 * it warms. t runs from −1 at the first reading to 1 at the last, so that c is what the array showed in the middle.
 */
import { solveHermitian } from '../core/signal/cholesky.ts';
import type { CMatrix } from '../core/signal/complex-matrix.ts';
import { clone, identity, multiplyAhB, zeros } from '../core/signal/complex-matrix.ts';

export interface Drift {
  /** t, R */
  readonly times: Float64Array;
  /** d of each reading, R×1; of mean 1. */
  readonly common: CMatrix;
  /** a, N×1. */
  readonly slopes: CMatrix;
}

/** Readings from one knot to the next. */
const KNOT_READINGS = 256;
/** With fewer readings an element than this its slope is left at 0. */
const READINGS_A_SLOPE = 4;
/** v where it begins: a tenth of an element's own field. It falls within few rounds to what there is. */
const FIRST_SLOPE_SPREAD = 0.01;
const LEAST_SLOPE_SPREAD = 1e-12;
const SLOPE_ROUNDS = 5;

/** @returns no drift, for readings at even times */
export function still(readings: number, elements: number): Drift {
  const common = zeros(readings, 1);
  common.re.fill(1);
  return { times: evenTimes(readings), common, slopes: zeros(elements, 1) };
}

const evenTimes = (count: number): Float64Array =>
  Float64Array.from({ length: count }, (_, i) => (count < 2 ? 0 : (2 * i) / (count - 1) - 1));

/**
 * @param readings y, R×1
 * @param each c[n, word(i, n)], R×N: what each element gives to each reading where nothing drifts; 0 where it is off
 * @param before the drift as it was thought to be
 * @param noise σ² of a reading
 */
export function fitDrift(readings: CMatrix, each: CMatrix, before: Drift, noise: number): Drift {
  const { times } = before;
  const common = commonOf(readings, heardOf(each, times, before.slopes));
  const slopes = each.rows < READINGS_A_SLOPE * each.cols ? before.slopes : slopesOf(readings, each, { times, common }, noise);
  return { times, common, slopes };
}

/** Σ_n c·(1 + a·t), R×1. */
function heardOf(each: CMatrix, times: Float64Array, slopes: CMatrix): CMatrix {
  const { rows, cols } = each;
  const out = zeros(rows, 1);
  for (let i = 0, at = 0; i < rows; i++) {
    for (let n = 0; n < cols; n++, at++) {
      const re = 1 + slopes.re[n] * times[i];
      const im = slopes.im[n] * times[i];
      out.re[i] += each.re[at] * re - each.im[at] * im;
      out.im[i] += each.re[at] * im + each.im[at] * re;
    }
  }
  return out;
}

/** d by least squares, in lines between knots. */
function commonOf(readings: CMatrix, heard: CMatrix): CMatrix {
  const count = readings.rows;
  const knots = Math.floor(count / KNOT_READINGS) + 1;
  const out = zeros(count, 1);
  if (knots < 3) {
    out.re.fill(1);
    return out;
  }
  const metric = zeros(knots, knots);
  const right = zeros(knots, 1);
  const spacing = (count - 1) / (knots - 1);
  const weightsAt = (i: number): { knot: number; share: number } => {
    const knot = Math.min(Math.floor(i / spacing), knots - 2);
    return { knot, share: i / spacing - knot };
  };
  for (let i = 0; i < count; i++) {
    const { knot, share } = weightsAt(i);
    const size = heard.re[i] ** 2 + heard.im[i] ** 2;
    const re = heard.re[i] * readings.re[i] + heard.im[i] * readings.im[i];
    const im = heard.re[i] * readings.im[i] - heard.im[i] * readings.re[i];
    for (const [a, weight] of [[knot, 1 - share] as const, [knot + 1, share] as const]) {
      right.re[a] += weight * re;
      right.im[a] += weight * im;
      metric.re[a * knots + knot] += weight * (1 - share) * size;
      metric.re[a * knots + knot + 1] += weight * share * size;
    }
  }
  const solved = solveHermitian(metric, right);
  for (let i = 0; i < count; i++) {
    const { knot, share } = weightsAt(i);
    out.re[i] = (1 - share) * solved.re[knot] + share * solved.re[knot + 1];
    out.im[i] = (1 - share) * solved.im[knot] + share * solved.im[knot + 1];
  }
  return ofMeanOne(out);
}

/** The most probable a for a_n ~ CN(0, v), with v from the same readings, as estimate-states.ts has its τ². */
function slopesOf(readings: CMatrix, each: CMatrix, { times, common }: Omit<Drift, 'slopes'>, noise: number): CMatrix {
  const { rows, cols } = each;
  const moved = zeros(rows, cols); // d·t·c
  const left = zeros(rows, 1); // y − d·Σ c
  for (let i = 0, at = 0; i < rows; i++) {
    const [dRe, dIm] = [common.re[i], common.im[i]];
    left.re[i] = readings.re[i];
    left.im[i] = readings.im[i];
    for (let n = 0; n < cols; n++, at++) {
      const re = each.re[at] * dRe - each.im[at] * dIm;
      const im = each.re[at] * dIm + each.im[at] * dRe;
      left.re[i] -= re;
      left.im[i] -= im;
      moved.re[at] = re * times[i];
      moved.im[at] = im * times[i];
    }
  }
  const metric = multiplyAhB(moved, moved);
  const right = multiplyAhB(moved, left);
  let spread = FIRST_SLOPE_SPREAD;
  let slopes = right;
  for (let round = 0; round < SLOPE_ROUNDS; round++) {
    const held = lifted(metric, noise / spread);
    slopes = solveHermitian(held, right);
    const inverse = solveHermitian(held, identity(cols));
    let [square, told] = [0, 0];
    for (let n = 0; n < cols; n++) {
      square += slopes.re[n] ** 2 + slopes.im[n] ** 2;
      told += 1 - (noise / spread) * inverse.re[n * cols + n];
    }
    spread = Math.max(square / Math.max(told, 1e-9), LEAST_SLOPE_SPREAD);
  }
  return slopes;
}

/** a + by·I */
function lifted(a: CMatrix, by: number): CMatrix {
  const out = clone(a);
  for (let n = 0; n < a.rows; n++) out.re[n * a.rows + n] += by;
  return out;
}

function ofMeanOne(d: CMatrix): CMatrix {
  let [re, im] = [0, 0];
  for (let i = 0; i < d.rows; i++) {
    re += d.re[i] / d.rows;
    im += d.im[i] / d.rows;
  }
  const size = re * re + im * im;
  const out = zeros(d.rows, 1);
  for (let i = 0; i < d.rows; i++) {
    out.re[i] = (d.re[i] * re + d.im[i] * im) / size;
    out.im[i] = (d.im[i] * re - d.re[i] * im) / size;
  }
  return out;
}
