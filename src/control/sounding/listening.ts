/** How a rig hears what it shows: by pilots, which have phases (pilot-listening.ts), or by the SNR of its users, which has none (power-listening.ts). */
import type { CMatrix } from '../../../core/signal/complex-matrix.ts';
import type { Result } from '../../panel/panel.ts';
import type { Bench } from '../between-cycles.ts';
import type { SlotReading, SlotToShow } from './slot-reader.ts';

/** Readings in units of which the noise at a user is that of the setting. */
export interface Readings {
  /** K×B */
  readonly values: CMatrix;
  /** σ² of a reading. */
  readonly noise: number;
}

export interface Listening {
  /** Beams, a slot each, that one set of words takes: of the whole channel, and through words that stand. */
  readonly slotsASet: { readonly whole: number; readonly through: number };
  readWhole(bench: Bench, toShow: SlotToShow): Promise<Result<SlotReading[]>>;
  readThrough(bench: Bench, toShow: SlotToShow): Promise<Result<SlotReading[]>>;
  /** Of each set, whether a glitch of a receiver is among its readings. */
  glitched(sets: readonly SlotReading[][]): boolean[];
  /** Side by side, as the estimator takes them. */
  whole(sets: readonly SlotReading[][]): Readings & { /** Of a random beam of norm 1, linear. */ readonly pilotSnr: number };
  /** What each chain is heard with. @param expected the same by the estimate */
  through(set: readonly SlotReading[], expected: CMatrix): Readings;
  /** What the rig file says of the noise, and what was heard, where they are far apart; said once. */
  doubt(): { given: number; heard: number } | undefined;
  /** Another panel has another unit. */
  forget(): void;
}

export interface ListeningOptions {
  readonly users: number;
  readonly rfChains: number;
  /** That a reading is to be averaged over. */
  readonly pilots: number;
  /** σ² at a user in the units that readings are to be in. */
  readonly noise: number;
}
