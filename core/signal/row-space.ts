/** The space that the users' channels span, in which every digital precoder worth having lives. */
import { BeamrigError } from '../errors/beamrig-error.ts';
import type { CMatrix } from './complex-matrix.ts';
import { clone, conjTranspose } from './complex-matrix.ts';

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
