/** Powers of directions: learned from readings, and what they make of readings as a prior Σ γ_g·a_g·a_gᴴ + ε·I (gaussian-posterior.ts). */
import type { CMatrix } from '../core/signal/complex-matrix.ts';
import type { UserEstimate } from './estimator.ts';
import { posterior, readingsFactor, whiten, type ChannelPrior } from './gaussian-posterior.ts';
import type { SeenDirections } from './seen-directions.ts';
import { pickRows } from './seen-directions.ts';

/** A direction of less than this share of the strongest leaves. */
const LEAST_SHARE = 3e-3;
/** ε as a share of E|h_n|²: what lies between the directions of the grid. */
export const UNEXPLAINED_SHARE = 0.01;
/** Directions that had nothing get this share of the mean power, so that paths can come back. */
const REVIVED_SHARE = 0.05;

/** Readings of one user, and what they were made with. */
export interface Snapshot {
  /** y, 1×B */
  readonly reading: CMatrix;
  readonly sounded: SeenDirections;
  readonly noise: number;
}

/** @param spectrum γ, G @param floor ε */
export const spectralPosterior = (
  { reading, sounded, noise }: Snapshot,
  spectrum: Float64Array,
  floor: number,
): { row: CMatrix } & UserEstimate => posterior(spectralPrior(sounded, spectrum, floor), sounded, reading, noise);

export function spectralPrior(sounded: SeenDirections, spectrum: Float64Array, floor: number): ChannelPrior {
  const left = indicesOf(spectrum, (power) => power > 0);
  const amplitude = (i: number): number => Math.sqrt(spectrum[left[i]]);
  return { rows: pickRows(sounded.steering, left, amplitude), seen: pickRows(sounded.seen, left, amplitude), floor };
}

/**
 * The powers that make all snapshots likelier, each with gains of its own:
 *
 *   γ_g ← γ_g·Σ_t |y_t·R_t⁻¹·r_gtᴴ|² / Σ_t r_gt·R_t⁻¹·r_gtᴴ,   R_t = Σ_g γ_g·r_gtᴴ·r_gt + ε·F_tᴴF_t + σ²·I,   r_gt = a_gᴴ·F_t
 *
 * @param start γ, G
 * @param floor ε
 * @returns γ of all directions, those that left 0
 * Source: Wipf and Rao, IEEE Trans. Signal Process. 55(7), 2007 (M-SBL, the fixed-point update); of one snapshot, Tipping, J. Machine Learning
 * Research 1, 2001, eq. (16).
 */
export function learnSpectrum(snapshots: readonly Snapshot[], start: Float64Array, floor: number, steps: number): Float64Array {
  let left = indicesOf(start, (power) => power > 0);
  let powers = Float64Array.from(left, (g) => start[g]);
  for (let step = 0; step < steps; step++) {
    const climb = new Climb(powers.length);
    for (const { reading, sounded, noise } of snapshots) {
      const seen = pickRows(sounded.seen, left, (i) => Math.sqrt(powers[i]));
      const factor = readingsFactor({ seen, floor }, sounded.gram, noise);
      climb.add(whiten(seen, factor), whiten(reading, factor));
    }
    const higher = climb.of(powers);
    const kept = strongest(higher);
    left = kept.map((i) => left[i]);
    powers = Float64Array.from(kept, (i) => higher[i]);
  }
  const spectrum = new Float64Array(start.length);
  left.forEach((g, i) => (spectrum[g] = powers[i]));
  return spectrum;
}

/** A spectrum as a start for further readings: all directions have a chance again. */
export function revived(spectrum: Float64Array): Float64Array {
  const mean = spectrum.reduce((sum, power) => sum + power, 0) / spectrum.length;
  return spectrum.map((power) => power + REVIVED_SHARE * mean);
}

/** The same, but only for directions that the readings speak for by themselves, which is less to go on with. @param heard γ after one step from equal powers */
export function revivedBy(heard: Float64Array, spectrum: Float64Array): Float64Array {
  const start = spectrum.map((power, g) => (1 - REVIVED_SHARE) * power + REVIVED_SHARE * heard[g]);
  const kept = new Float64Array(start.length);
  for (const g of strongest(start)) kept[g] = start[g];
  return kept;
}

/** One step of all powers, snapshot by snapshot. */
export class Climb {
  readonly #heard: Float64Array;
  readonly #expected: Float64Array;

  constructor(directions: number) {
    this.#heard = new Float64Array(directions);
    this.#expected = new Float64Array(directions);
  }

  /** @param seen √γ·r·L⁻ᴴ, a row a direction @param reading y·L⁻ᴴ */
  add({ cols, re, im }: CMatrix, { re: yr, im: yi }: CMatrix): void {
    for (let g = 0, at = 0; at < re.length; g++) {
      let own = 0;
      let dotRe = 0;
      let dotIm = 0;
      for (let b = 0; b < cols; b++, at++) {
        const xr = re[at];
        const xi = im[at];
        own += xr * xr + xi * xi;
        dotRe += yr[b] * xr + yi[b] * xi;
        dotIm += yi[b] * xr - yr[b] * xi;
      }
      this.#heard[g] += dotRe * dotRe + dotIm * dotIm;
      this.#expected[g] += own;
    }
  }

  of(powers: Float64Array): Float64Array {
    return powers.map((power, g) => (this.#expected[g] > 0 ? (power * this.#heard[g]) / this.#expected[g] : 0));
  }
}

/** Those that are no less than a share of the strongest. */
function strongest(powers: Float64Array): number[] {
  const least = LEAST_SHARE * powers.reduce((most, power) => Math.max(most, power), 0);
  return indicesOf(powers, (power) => power >= least);
}

function indicesOf(powers: Float64Array, wanted: (power: number) => boolean): number[] {
  const kept: number[] = [];
  for (let i = 0; i < powers.length; i++) if (wanted(powers[i])) kept.push(i);
  return kept;
}
