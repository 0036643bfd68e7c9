/**
 * The problem of many cells: L base stations of N elements, K users a cell with Nr antennas and d streams each, and everybody hears everybody.
 *
 *   user u of cell l gets  Σᵢ H_{u,i}·V_i·s_i + n,  and wants the d columns of V_l that are its own
 *   max Σᵤ wᵤ·log₂ det(I + T_uuᴴ·F_u⁻¹·T_uu)  such that ‖V_l‖² ≤ P_l
 *
 * with T_uu what it wants and F_u the covariance of all else that it gets, noise included. User u is of cell ⌊u/K⌋.
 *
 * Source: Zhu, Chang and Shen, "DeepFP", eqs. (1)-(4) (paper 004); in (3) the interference has the precoder of user j, not of user k.
 */
import { counted } from '../../errors/counted.ts';
import { BeamrigError } from '../../errors/beamrig-error.ts';
import type { CMatrix } from '../complex-matrix.ts';
import { frobeniusNorm, matmul, scale } from '../complex-matrix.ts';
import type { CellIndex, UserIndex } from '../indices.ts';
import { cellIndex } from '../indices.ts';

export interface MultiCell {
  /** For each base station, (L·K·Nr)×N, as `drawMultiCellChannel` gives it. */
  channels: readonly CMatrix[];
  /** K */
  usersPerCell: number;
  /** Nr */
  receiveAntennas: number;
  /** d ≤ Nr, of every user. */
  streams: number;
  /** w ≥ 0 of every user, L·K. */
  weights: readonly number[];
  /** P of every cell, linear. */
  powers: readonly number[];
  /** σ² of every receive antenna, linear. */
  noise: number;
}

/** For each cell N×(K·d): the columns of its first user, of its second, … */
export type CellPrecoders = readonly CMatrix[];

export const cellOf = ({ usersPerCell }: Pick<MultiCell, 'usersPerCell'>, user: UserIndex): CellIndex =>
  cellIndex(Math.floor(user / usersPerCell));

/** All users alike, P = σ² = 1: what paper 004 compares on. */
export function equalUsers(
  channels: readonly CMatrix[],
  { usersPerCell, receiveAntennas, streams }: Pick<MultiCell, 'usersPerCell' | 'receiveAntennas' | 'streams'>,
): MultiCell {
  const weights = new Array<number>(channels.length * usersPerCell).fill(1);
  return { channels, usersPerCell, receiveAntennas, streams, weights, powers: channels.map(() => 1), noise: 1 };
}

/** For each cell what all users get of it, (L·K·Nr)×(K·d). */
export const gainsOf = ({ channels }: MultiCell, precoders: CellPrecoders): CMatrix[] =>
  channels.map((channel, cell) => matmul(channel, precoders[cell]));

/** ‖V‖² = power; a precoder of nothing stays that. */
export function atCellPower(precoder: CMatrix, power: number): CMatrix {
  const norm = frobeniusNorm(precoder);
  return norm > 0 ? scale(precoder, Math.sqrt(power) / norm) : precoder;
}

/**
 * @throws {BeamrigError} `argument` where a number is out of its range or the channel has entries that are none, `shape` where shapes do not fit
 */
export function requireMultiCell({ channels, usersPerCell, receiveAntennas, streams, weights, powers, noise }: MultiCell): void {
  requireCount('usersPerCell', usersPerCell);
  requireCount('receiveAntennas', receiveAntennas);
  requireCount('streams', streams);
  if (streams > receiveAntennas) {
    throw new BeamrigError('argument', `streams is ${streams}, and a user has ${counted(receiveAntennas, 'antenna')}`, {
      wayOut: `give at most ${receiveAntennas}`,
    });
  }
  const users = channels.length * usersPerCell;
  requireLength('channels', channels.length, 'cell', Math.max(1, powers.length));
  requireLength('weights', weights.length, 'user', users);
  channels.forEach((channel, cell) => requireChannel(channel, cell, users * receiveAntennas));
  weights.forEach((weight, user) => {
    if (weight >= 0 && Number.isFinite(weight)) return;
    throw new BeamrigError('argument', `weights[${user}] is ${weight}`, { wayOut: 'give a number from 0 on' });
  });
  powers.forEach((power, cell) => requirePositive(`powers[${cell}]`, power));
  requirePositive('noise', noise);
}

function requireChannel(channel: CMatrix, cell: number, rows: number): void {
  if (channel.rows !== rows || channel.cols === 0) {
    throw new BeamrigError(
      'shape',
      `channels[${cell}] is ${channel.rows}×${channel.cols}, and all users have ${counted(rows, 'antenna')}`,
      {
        wayOut: `give ${counted(rows, 'row')} of one element or more`,
      },
    );
  }
  const bad = channel.re.findIndex((re, at) => !Number.isFinite(re) || !Number.isFinite(channel.im[at]));
  if (bad < 0) return;
  throw new BeamrigError(
    'argument',
    `channels[${cell}] has ${channel.re[bad]} + ${channel.im[bad]}j at (${Math.floor(bad / channel.cols)}, ${bad % channel.cols})`,
    {
      wayOut: 'give finite entries, 0 where nothing is heard',
    },
  );
}

function requireCount(field: string, value: number): void {
  if (Number.isInteger(value) && value >= 1) return;
  throw new BeamrigError('argument', `${field} is ${value}`, { wayOut: 'give a whole number from 1 on' });
}

function requireLength(field: string, length: number, noun: string, wanted: number): void {
  if (length === wanted) return;
  throw new BeamrigError('shape', `${field} has ${counted(length, 'entry')}, and there are ${counted(wanted, noun)}`, {
    wayOut: `give one for each ${noun}`,
  });
}

function requirePositive(field: string, value: number): void {
  if (value > 0 && Number.isFinite(value)) return;
  throw new BeamrigError('argument', `${field} is ${value}`, { wayOut: 'give a number above 0 that is not infinite' });
}
