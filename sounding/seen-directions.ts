/** What a set of beams sees of the directions of a dictionary, worked out once for both. */
import { BeamrigError } from '../core/errors/beamrig-error.ts';
import type { CMatrix } from '../core/signal/complex-matrix.ts';
import { clone, matmul, multiplyAhB, zeros } from '../core/signal/complex-matrix.ts';
import type { Dictionary } from './dictionary.ts';

export interface SoundedWith {
  /** F, N×B */
  readonly beams: CMatrix;
  /** FᴴF, B×B */
  readonly gram: CMatrix;
  /** Mean ‖f‖² of a beam. */
  readonly beamPower: number;
}

export interface SeenDirections extends SoundedWith {
  /** aᴴ of each direction, G×N. */
  readonly steering: CMatrix;
  /** aᴴ·F, G×B: the readings of a path of gain 1. */
  readonly seen: CMatrix;
}

/** @throws {BeamrigError} 'shape' where beams and directions are of different arrays, 'argument' where the beams are all dark */
export function seenDirections(beams: CMatrix, { atoms }: Dictionary): SeenDirections {
  if (beams.rows !== atoms.cols) {
    throw new BeamrigError('shape', `beams of ${beams.rows} elements and directions of ${atoms.cols}`, {
      wayOut: 'make both for one array',
    });
  }
  const steering = clone(atoms);
  for (let i = 0; i < steering.im.length; i++) steering.im[i] = -steering.im[i];
  return { ...soundedWith(beams), steering, seen: matmul(steering, beams) };
}

/** @throws {BeamrigError} 'argument' where the beams are all dark */
export function soundedWith(beams: CMatrix): SoundedWith {
  const gram = multiplyAhB(beams, beams);
  let power = 0;
  for (let b = 0; b < beams.cols; b++) power += gram.re[b * beams.cols + b];
  if (!(power > 0)) {
    throw new BeamrigError('argument', 'all beams are dark: nothing can be heard through them', {
      wayOut: 'give beams of at least one element that shows something',
    });
  }
  return { beams, gram, beamPower: power / beams.cols };
}

/** A user who is hardly heard has this share of the noise, so that no power is 0. */
const LEAST_OF_NOISE = 0.01;

/** E|h_n|² by what all beams heard together: ‖y‖²/B = σ² + E|h_n|²·‖f‖². */
export function powerHeard(reading: CMatrix, noise: number, beamPower: number): number {
  let sum = 0;
  for (let b = 0; b < reading.cols; b++) sum += reading.re[b] ** 2 + reading.im[b] ** 2;
  return Math.max(sum / reading.cols - noise, LEAST_OF_NOISE * noise) / beamPower;
}

/** Some rows, in the order given, each times a factor. */
export function pickRows({ cols, re, im }: CMatrix, rows: ArrayLike<number>, factor: (i: number) => number): CMatrix {
  const out = zeros(rows.length, cols);
  for (let i = 0, to = 0; i < rows.length; i++) {
    const times = factor(i);
    for (let from = rows[i] * cols, end = from + cols; from < end; from++, to++) {
      out.re[to] = times * re[from];
      out.im[to] = times * im[from];
    }
  }
  return out;
}
