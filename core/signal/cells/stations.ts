/**
 * A base station's precoder in either of two sets of coordinates, so that every iteration is written once:
 *
 * - plain: V itself, N×(K·d);
 * - row space: V = Hᴴ·X + f·V⊥, where H are all rows that hear the station, X is (L·K·Nr)×(K·d), and V⊥ is what of the start nobody hears. No
 *   update turns V⊥, and each scales it with the rest; N is met once, in B = HHᴴ, and once at the end.
 *
 * Source: Zhao et al., IEEE Trans. Signal Process. 71, 2023 (row space of weighted MMSE).
 */
import { counted } from '../../errors/counted.ts';
import { BeamrigError } from '../../errors/beamrig-error.ts';
import type { CMatrix } from '../complex-matrix.ts';
import { add, frobeniusNorm, matmul, multiplyABh, multiplyAhB, realInner, scale, subtract, zeros } from '../complex-matrix.ts';
import { pseudoInverseHermitian } from '../decompositions.ts';
import type { MultiCell } from './multi-cell.ts';
import { blockOf } from './receivers.ts';

export interface StationState {
  /** V or X. */
  coordinates: CMatrix;
  /** f; 0 where the coordinates are V. */
  outside: number;
}

export interface Station {
  /** Whether the coordinates are V, whose outer Gram matrix may be the smaller one. */
  readonly isPlain: boolean;
  start(precoder: CMatrix): StationState;
  precoderOf(state: StationState): CMatrix;
  /** H·V */
  gainsOf(state: StationState): CMatrix;
  /** ‖V‖². @param gains H·V */
  powerOf(state: StationState, gains: CMatrix): number;
  /** Coordinates of Hᴴ·pull. */
  toCoordinates(pull: CMatrix): CMatrix;
  /** Coordinates of Hᴴ·blkdiag(blocks), and its Gram matrix. @param blocks Nr×d of every user */
  spread(blocks: readonly CMatrix[]): { coordinates: CMatrix; gram: CMatrix };
  /** H_u·H_uᴴ of every user, Nr×Nr. */
  readonly userGrams: readonly CMatrix[];
}

export type StationForm = 'plain' | 'row-space';

/** The form with the smaller matrices. */
export const smallerForm = ({ channels }: MultiCell): StationForm =>
  channels[0].rows < channels[0].cols ? 'row-space' : 'plain';

/** @throws {BeamrigError} `argument` for the row space where rows depend on each other because there are more of them than elements */
export function createStations(problem: MultiCell, form: StationForm): Station[] {
  const [{ rows, cols }] = problem.channels;
  if (form === 'row-space' && rows > cols) {
    throw new BeamrigError(
      'argument',
      `form is row-space, and ${counted(rows, 'antenna')} of users hear ${counted(cols, 'element')}`,
      {
        wayOut: 'choose plain, or leave form out',
      },
    );
  }
  return problem.channels.map((channel) =>
    form === 'plain' ? plainStation(channel, problem) : rowSpaceStation(channel, problem),
  );
}

function plainStation(channel: CMatrix, problem: MultiCell): Station {
  const blocks = userBlocks(channel, problem);
  return {
    isPlain: true,
    userGrams: blocks.map((block) => multiplyABh(block, block)),
    start: (precoder) => ({ coordinates: precoder, outside: 0 }),
    precoderOf: ({ coordinates }) => coordinates,
    gainsOf: ({ coordinates }) => matmul(channel, coordinates),
    powerOf: ({ coordinates }) => frobeniusNorm(coordinates) ** 2,
    toCoordinates: (pull) => multiplyAhB(channel, pull),
    spread: (filters) => {
      const coordinates = sideBySide(filters.map((filter, u) => multiplyAhB(blocks[u], filter)));
      return { coordinates, gram: multiplyAhB(coordinates, coordinates) };
    },
  };
}

function rowSpaceStation(channel: CMatrix, problem: MultiCell): Station {
  const blocks = userBlocks(channel, problem);
  const gram = multiplyABh(channel, channel);
  let unheard = zeros(channel.cols, 0);
  let unheardPower = 0;
  return {
    isPlain: false,
    userGrams: blocks.map((block) => multiplyABh(block, block)),
    start: (precoder) => {
      const coordinates = matmul(pseudoInverseHermitian(gram), matmul(channel, precoder));
      unheard = subtract(precoder, multiplyAhB(channel, coordinates));
      unheardPower = frobeniusNorm(unheard) ** 2;
      return { coordinates, outside: 1 };
    },
    precoderOf: ({ coordinates, outside }) => {
      const heard = multiplyAhB(channel, coordinates);
      return outside === 0 ? heard : add(heard, scale(unheard, outside));
    },
    gainsOf: ({ coordinates }) => matmul(gram, coordinates),
    powerOf: ({ coordinates, outside }, gains) => Math.max(0, realInner(coordinates, gains)) + outside ** 2 * unheardPower,
    toCoordinates: (pull) => pull,
    spread: (filters) => {
      const coordinates = blockDiagonal(filters);
      return { coordinates, gram: multiplyAhB(coordinates, matmul(gram, coordinates)) };
    },
  };
}

function userBlocks(channel: CMatrix, { receiveAntennas }: MultiCell): CMatrix[] {
  return Array.from({ length: channel.rows / receiveAntennas }, (_, u) =>
    blockOf(channel, u * receiveAntennas, 0, receiveAntennas, channel.cols),
  );
}

function sideBySide(parts: readonly CMatrix[]): CMatrix {
  const columns = parts[0].cols;
  const out = zeros(parts[0].rows, parts.length * columns);
  parts.forEach((part, p) => place(part, out, 0, p * columns));
  return out;
}

function blockDiagonal(parts: readonly CMatrix[]): CMatrix {
  const { rows, cols } = parts[0];
  const out = zeros(parts.length * rows, parts.length * cols);
  parts.forEach((part, p) => place(part, out, p * rows, p * cols));
  return out;
}

function place(part: CMatrix, into: CMatrix, top: number, left: number): void {
  for (let i = 0; i < part.rows; i++) {
    for (let j = 0; j < part.cols; j++) {
      into.re[(top + i) * into.cols + left + j] = part.re[i * part.cols + j];
      into.im[(top + i) * into.cols + left + j] = part.im[i * part.cols + j];
    }
  }
}
