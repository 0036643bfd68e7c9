/**
 * The covariance that sensing wishes for, from where it wants to look: every element radiates the same power, and the beampattern is as near as
 * can be to a scaled box around each direction,
 *
 *   min over α, Ψ of Σ_t |α·B_d(θ_t) − a(θ_t)ᴴ·Ψ·a(θ_t)|²,  Ψ ⪰ 0, diag Ψ = P/N.
 *
 * With Ψ = P·B·Bᴴ and every row of B of norm 1/√N both constraints hold by construction, and no eigenvalues are needed; α has a closed form. What
 * is left is a smooth function on a product of spheres, climbed down by conjugate gradients. A pattern is a Fourier series in sin θ, so all of
 * it is FFTs of the columns of B.
 *
 * Source: Nguyen et al. (paper 000), eq. (4), after Stoica, Li and Xie, IEEE Trans. Signal Process. 55(8), 2007.
 */
import { BeamrigError } from '../errors/beamrig-error.ts';
import { powerSpectrum, summedOverRows } from './beampattern.ts';
import type { CMatrix } from './complex-matrix.ts';
import { clone, matmul, multiplyAhB, zeros } from './complex-matrix.ts';
import { eigHermitian } from './decompositions.ts';
import { fft } from './fft.ts';
import type { ArrayGeometry } from './geometry.ts';
import { elementCount } from './geometry.ts';
import { createRandom } from './random.ts';
import type { PatternGrid } from './sensing.ts';

export interface WantedPattern {
  /** Azimuths to look at, radians, −π/2 … π/2. */
  readonly directionsRad: readonly number[];
  /** Half the width of the box around each, δ_θ. */
  readonly halfWidthRad: number;
  /**
   * K: the rank of Ψ. Covariances of very different rank have one and the same pattern (the error of the best is equal to three digits from rank 3
   * up), and only one of rank K can be radiated by K streams: of any other τ keeps a rest.
   */
  readonly streams: number;
}

const MOST_STEPS = 1500;
/** Ends when so many steps in a row together lower the error by less than this share. */
const SETTLED_STEPS = 20;
const SETTLED_SHARE = 1e-3;
/** Points of the grid in the width of a beam. */
const PER_BEAM = 4;
const FEWEST_POINTS = 512;

/**
 * B of the wanted covariance. A planar array looks at azimuths in the horizontal plane: its rows all radiate the same.
 * @returns N×r, ‖B‖²_F = 1, rows of norm 1/√N
 * @throws {BeamrigError} 'argument' for directions or widths that cannot be looked at
 */
export function wantedCovarianceFactor(geometry: ArrayGeometry, pattern: WantedPattern): CMatrix {
  requirePattern(pattern);
  const elements = elementCount(geometry);
  const line = geometry.kind === 'ula' ? elements : geometry.columns;
  const b = descend(gridOf(line, geometry.spacingWavelengths, pattern), startOf(line, pattern.streams));
  const compact = principal(b);
  const factor = zeros(elements, compact.cols);
  const share = Math.sqrt(line / elements);
  for (let n = 0; n < elements; n++) {
    for (let r = 0; r < compact.cols; r++) {
      factor.re[n * compact.cols + r] = share * compact.re[(n % line) * compact.cols + r];
      factor.im[n * compact.cols + r] = share * compact.im[(n % line) * compact.cols + r];
    }
  }
  return factor;
}

/** Azimuths half a degree apart, −90° … 90°, over which the error of a beampattern is a mean. */
const GRID_POINTS = 361;

/** @param factor B, N×r */
export function patternGrid(geometry: ArrayGeometry, factor: CMatrix): PatternGrid {
  const columns = geometry.kind === 'ula' ? elementCount(geometry) : geometry.columns;
  const line = factor.rows === columns ? factor : summedOverRows(factor, factor.rows / columns, columns);
  const degree = 2 * (columns - 1);
  let length = 1;
  while (length < 2 * degree + 1) length *= 2;
  // Σ_t exp(jmψ_t) for m = −degree … degree: real, for azimuths lie the same to either side.
  const weights = new Float64Array(length);
  for (let t = 0; t < GRID_POINTS; t++) {
    const psi = 2 * Math.PI * geometry.spacingWavelengths * Math.sin(-Math.PI / 2 + (Math.PI * t) / (GRID_POINTS - 1));
    weights[0] += 1 / (length * GRID_POINTS);
    for (let m = 1; m <= degree; m++) {
      const turn = Math.cos(m * psi) / (length * GRID_POINTS);
      weights[m] += turn;
      weights[length - m] += turn;
    }
  }
  fft(weights, new Float64Array(length));
  return { columns, weights, wanted: powerSpectrum(line, length) };
}

function requirePattern({ directionsRad, halfWidthRad }: WantedPattern): void {
  if (directionsRad.length === 0) throw new BeamrigError('argument', 'sensing has no direction to look at');
  for (const direction of directionsRad) {
    if (Math.abs(direction) <= Math.PI / 2) continue;
    throw new BeamrigError('argument', `sensing cannot look at ${(direction * 180) / Math.PI}°`, {
      wayOut: 'Directions are azimuths from −90° to 90°.',
    });
  }
  if (halfWidthRad > 0 && halfWidthRad <= Math.PI / 2) return;
  throw new BeamrigError('argument', `half the width of a sensing beam is ${(halfWidthRad * 180) / Math.PI}°`, {
    wayOut: 'It must lie above 0° and not above 90°.',
  });
}

interface Grid {
  /** Length of the transforms: point k looks at sin θ = k/(d·L). */
  readonly length: number;
  /** Which points are directions at all, how much of the azimuth each stands for, and whether it is looked at. */
  readonly points: readonly { at: number; width: number; looked: number }[];
}

function gridOf(line: number, spacing: number, { directionsRad, halfWidthRad }: WantedPattern): Grid {
  let length = FEWEST_POINTS;
  while (length < PER_BEAM * line) length *= 2;
  const points = [];
  const edge = (k: number): number => Math.asin(Math.min(Math.max(k / (spacing * length), -1), 1));
  const last = Math.ceil(spacing * length) - 1;
  for (let k = -last; k <= last; k++) {
    const [from, to] = [edge(k - 0.5), edge(k + 0.5)];
    // The share of the point's width that lies within a box.
    const inside = directionsRad.map((direction) =>
      Math.max(0, Math.min(to, direction + halfWidthRad) - Math.max(from, direction - halfWidthRad)),
    );
    const looked = Math.min(1, inside.reduce((sum, part) => sum + part, 0) / (to - from));
    points.push({ at: ((k % length) + length) % length, width: to - from, looked });
  }
  return { length, points };
}

/** Rows of norm 1/√N at random, always the same. */
function startOf(line: number, streams: number): CMatrix {
  const random = createRandom(1).stream('wanted-pattern');
  const b = zeros(line, Math.min(streams, line));
  for (let i = 0; i < b.re.length; i++) {
    const { re, im } = random.complexNormal();
    b.re[i] = re;
    b.im[i] = im;
  }
  return normaliseRows(b);
}

function descend(grid: Grid, start: CMatrix): CMatrix {
  let b = start;
  const first = errorOf(grid, b);
  let { error } = first;
  let slopeOf = tangent(first.gradient, b);
  let direction = negated(slopeOf);
  let length = 0.1 / Math.sqrt(inner(direction, direction));
  const errors = [error];
  for (let step = 0; step < MOST_STEPS; step++) {
    let slope = inner(slopeOf, direction);
    if (!(slope < 0)) {
      direction = negated(slopeOf);
      slope = -inner(slopeOf, slopeOf);
      if (!(slope < 0)) break;
    }
    let next = b;
    let found: ReturnType<typeof errorOf> | undefined;
    for (let halving = 0; halving < 40; halving++) {
      next = normaliseRows(combined(b, direction, length));
      const tried = errorOf(grid, next);
      const bend = tried.error - error - length * slope;
      const vertex = bend > 0 ? (-slope * length) / (2 * bend) : Infinity;
      const fits = tried.error <= error + 1e-4 * length * slope;
      length *= fits ? Math.min(Math.max(vertex, 0.5), 2) : Math.min(Math.max(vertex, 0.1), 0.5);
      if (!fits) continue;
      found = tried;
      break;
    }
    if (found === undefined) break;
    const before = slopeOf;
    const energy = inner(before, before);
    slopeOf = tangent(found.gradient, next);
    const turn = Math.max((inner(slopeOf, slopeOf) - inner(slopeOf, tangent(before, next))) / energy, 0);
    direction = combined(negated(slopeOf), tangent(direction, next), turn);
    [b, error] = [next, found.error];
    errors.push(error);
    if (step >= SETTLED_STEPS && errors[step + 1 - SETTLED_STEPS] - error < SETTLED_SHARE * error) break;
  }
  return b;
}

/** Σ w(α·B_d − p)² with the best α, and its slope in the real and imaginary parts of B. */
function errorOf({ length, points }: Grid, b: CMatrix): { error: number; gradient: CMatrix } {
  const { rows, cols } = b;
  const spectra = Array.from({ length: cols }, (_, r) => {
    const re = new Float64Array(length);
    const im = new Float64Array(length);
    for (let n = 0; n < rows; n++) {
      re[n] = b.re[n * cols + r];
      im[n] = b.im[n * cols + r];
    }
    fft(re, im);
    return { re, im };
  });
  let shared = 0;
  let looked = 0;
  const radiated = points.map(({ at, width, looked: share }) => {
    let power = 0;
    for (const { re, im } of spectra) power += re[at] * re[at] + im[at] * im[at];
    shared += width * share * power;
    looked += width * share * share;
    return power;
  });
  const scale = looked > 0 ? shared / looked : 0;
  let error = 0;
  const pull = new Float64Array(length);
  points.forEach(({ at, width, looked: share }, i) => {
    const missed = radiated[i] - scale * share;
    error += width * missed * missed;
    pull[at] += 4 * width * missed;
  });
  const gradient = zeros(rows, cols);
  spectra.forEach(({ re, im }, r) => {
    for (let k = 0; k < length; k++) {
      re[k] *= pull[k];
      im[k] *= pull[k];
    }
    fft(re, im, 'backward');
    for (let n = 0; n < rows; n++) {
      gradient.re[n * cols + r] = re[n];
      gradient.im[n * cols + r] = im[n];
    }
  });
  return { error, gradient };
}

/** What of a slope leaves the norm of every row as it is. */
function tangent(slope: CMatrix, b: CMatrix): CMatrix {
  const out = clone(slope);
  const { rows, cols } = b;
  for (let n = 0; n < rows; n++) {
    let along = 0;
    for (let i = n * cols; i < (n + 1) * cols; i++) along += slope.re[i] * b.re[i] + slope.im[i] * b.im[i];
    for (let i = n * cols; i < (n + 1) * cols; i++) {
      out.re[i] -= rows * along * b.re[i];
      out.im[i] -= rows * along * b.im[i];
    }
  }
  return out;
}

function normaliseRows(b: CMatrix): CMatrix {
  const { rows, cols } = b;
  const energies = rowEnergies(b);
  for (let i = 0; i < b.re.length; i++) {
    const factor = 1 / Math.sqrt(rows * energies[Math.floor(i / cols)]);
    b.re[i] *= factor;
    b.im[i] *= factor;
  }
  return b;
}

function rowEnergies({ rows, cols, re, im }: CMatrix): Float64Array {
  const energies = new Float64Array(rows);
  for (let i = 0; i < re.length; i++) energies[Math.floor(i / cols)] += re[i] * re[i] + im[i] * im[i];
  return energies;
}

const LEAST_SHARE = 1e-4;

/** The same covariance in as few columns as have more than a ten-thousandth of its power, strongest first; rows keep their norm. */
function principal(b: CMatrix): CMatrix {
  const { values, vectors } = eigHermitian(multiplyAhB(b, b));
  const kept = [...values.keys()].sort((i, j) => values[j] - values[i]).filter((i) => values[i] > LEAST_SHARE);
  const turned = matmul(b, vectors);
  const out = zeros(b.rows, kept.length);
  kept.forEach((from, to) => {
    for (let n = 0; n < b.rows; n++) {
      out.re[n * kept.length + to] = turned.re[n * b.cols + from];
      out.im[n * kept.length + to] = turned.im[n * b.cols + from];
    }
  });
  return normaliseRows(out);
}

function inner(a: CMatrix, b: CMatrix): number {
  let sum = 0;
  for (let i = 0; i < a.re.length; i++) sum += a.re[i] * b.re[i] + a.im[i] * b.im[i];
  return sum;
}

function combined(a: CMatrix, b: CMatrix, factor: number): CMatrix {
  const out = clone(a);
  for (let i = 0; i < out.re.length; i++) {
    out.re[i] += factor * b.re[i];
    out.im[i] += factor * b.im[i];
  }
  return out;
}

const negated = (a: CMatrix): CMatrix => combined(zeros(a.rows, a.cols), a, -1);
