/**
 * Phase extraction on the row space of the channel. With K ≤ M every digital precoder worth having lives in the space that the columns of Hᴴ
 * span, so the analog precoder need only span it, too. Of all Q·B with Q an orthonormal basis of that space and B of orthonormal rows, the one
 * nearest to A is taken, and its phases are the next A:
 *
 *   B = polar factor of QᴴA,  A ← exp(j∠(Q·B + β·(Q·B − Q·B of the step before)))
 *
 * No step size, and O(N·K·M) a step. With the momentum β = 1 half as many steps do; with 1.5 it does not settle.
 *
 * Source: phase extraction of Yu et al., IEEE J. Sel. Topics Signal Process. 10(3), 2016, section IV, whose target is a precoder and not a space.
 */
import { BeamrigError } from '../../core/errors/beamrig-error.ts';
import type { CMatrix } from '../../core/signal/complex-matrix.ts';
import { clone, conjTranspose, multiplyAhB, zeros } from '../../core/signal/complex-matrix.ts';
import { polarFactor } from '../../core/signal/polar-factor.ts';

/** A user of whose channel no more than this is new is in a place where others are, and adds no direction. */
const LEAST_NEW = 1e-5;

/**
 * Q, an orthonormal basis of the space that the users' channels span, by Gram and Schmidt, each projection taken twice. A user far away counts as
 * much as one close by.
 * @param channel H, K×N, rows h_kᴴ
 * @returns N×r; r < K where users are in one place or hear nothing
 * @throws {BeamrigError} 'argument' when the channel is all zero or not finite
 */
export function rowSpaceBasis(channel: CMatrix): CMatrix {
  const { rows: users, cols: elements } = channel;
  const rows = clone(channel); // Qᴴ in its first `directions` rows
  let directions = 0;
  for (let user = 0; user < users; user++) {
    const length = copyRow(channel, user, rows, directions);
    if (!Number.isFinite(length)) throw noDirections(`the channel of user ${user} is of norm ${length}`);
    for (let pass = 0; pass < 2; pass++) for (let row = 0; row < directions; row++) takeOff(rows, directions, row);
    if (scaleToOne(rows, directions, LEAST_NEW * length)) directions++;
  }
  if (directions === 0) throw noDirections('the channel is all zero');
  const used = directions * elements;
  return conjTranspose({ rows: directions, cols: elements, re: rows.re.subarray(0, used), im: rows.im.subarray(0, used) });
}

const noDirections = (why: string): BeamrigError =>
  new BeamrigError('argument', `${why}: there are no directions to span`, { wayOut: 'check the channel' });

/** @returns the norm of the row */
function copyRow(from: CMatrix, user: number, to: CMatrix, row: number): number {
  const { cols } = from;
  let norm = 0;
  for (let n = 0, a = user * cols, b = row * cols; n < cols; n++, a++, b++) {
    to.re[b] = from.re[a];
    to.im[b] = from.im[a];
    norm += to.re[b] ** 2 + to.im[b] ** 2;
  }
  return Math.sqrt(norm);
}

/** What a row has of another, which is of norm 1, is taken off it. */
function takeOff({ cols, re, im }: CMatrix, row: number, other: number): void {
  let dotRe = 0;
  let dotIm = 0;
  for (let n = 0, a = row * cols, b = other * cols; n < cols; n++, a++, b++) {
    dotRe += re[a] * re[b] + im[a] * im[b];
    dotIm += im[a] * re[b] - re[a] * im[b];
  }
  for (let n = 0, a = row * cols, b = other * cols; n < cols; n++, a++, b++) {
    re[a] -= dotRe * re[b] - dotIm * im[b];
    im[a] -= dotRe * im[b] + dotIm * re[b];
  }
}

/** @returns false where the norm of the row is not above `least`, and nothing is done */
function scaleToOne({ cols, re, im }: CMatrix, row: number, least: number): boolean {
  let norm = 0;
  for (let n = 0, a = row * cols; n < cols; n++, a++) norm += re[a] ** 2 + im[a] ** 2;
  norm = Math.sqrt(norm);
  if (!(norm > least)) return false;
  for (let n = 0, a = row * cols; n < cols; n++, a++) {
    re[a] /= norm;
    im[a] /= norm;
  }
  return true;
}

/** A step repairs what the one before left: one, two and six give the same rate to a thousandth of a bit. */
const HALLEY_STEPS = 2;

export interface PhaseExtraction {
  steps: number;
  /** β; default 1. */
  momentum?: number;
}

/**
 * @param basis Q, N×r
 * @param start A₀, N×M; entries that are zero are not connected and stay zero
 * @returns A, N×M, unit modulus where connected; an element that hears nobody keeps its phases
 */
export function extractPhases(basis: CMatrix, start: CMatrix, { steps, momentum = 1 }: PhaseExtraction): CMatrix {
  const analog = clone(start);
  const before = zeros(start.rows, start.cols); // Q·B of the step before, which the first step has none of
  for (let step = 0; step < steps; step++) {
    moveOn(analog, before, basis, polarFactor(multiplyAhB(basis, analog), HALLEY_STEPS), step === 0 ? 0 : momentum);
  }
  return analog;
}

/** A ← exp(j∠(Q·B + β·(Q·B − before))), before ← Q·B, in one pass over the elements. */
function moveOn(analog: CMatrix, before: CMatrix, basis: CMatrix, turned: CMatrix, momentum: number): void {
  const { rows: elements, cols: chains, re: ar, im: ai } = analog;
  const { cols: directions, re: qr, im: qi } = basis;
  const { re: br, im: bi } = turned;
  for (let n = 0, at = 0; n < elements; n++) {
    const row = n * directions;
    for (let m = 0; m < chains; m++, at++) {
      if (ar[at] === 0 && ai[at] === 0) continue;
      let re = 0;
      let im = 0;
      for (let k = 0, q = row, b = m; k < directions; k++, q++, b += chains) {
        re += qr[q] * br[b] - qi[q] * bi[b];
        im += qr[q] * bi[b] + qi[q] * br[b];
      }
      const movedRe = re + momentum * (re - before.re[at]);
      const movedIm = im + momentum * (im - before.im[at]);
      before.re[at] = re;
      before.im[at] = im;
      const size = Math.sqrt(movedRe * movedRe + movedIm * movedIm);
      if (!(size > 0)) continue;
      ar[at] = movedRe / size;
      ai[at] = movedIm / size;
    }
  }
}
