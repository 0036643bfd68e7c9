/** What the boards that a cycle runs on are known to show, as the cycle needs it. */
import type { ArrayStates } from '../../core/signal/beam-contract.ts';
import { NO_TABLE, type CalibrationUsed } from '../telemetry/cycle-record.ts';
import type { ElementHealth } from './array-health.ts';

/** What is known of one board, with the table that its states are known by, or why there is none. */
export interface BoardCalibration {
  /** Its serial number; its link before it has answered. */
  panel: string;
  table: BoardTable | null;
  why: string | null;
  /** As it said last, °C, to half a degree; null where it was not asked. */
  temperatureC: number | null;
  /** The rig's. */
  frequencyGhz: number;
}

/** Facts of a table, its flaws by the elements of the array. */
export interface BoardTable {
  id: string;
  /** ms since 1970 */
  measuredAtMs: number;
  method: string;
  readings: number;
  frequencyGhz: number;
  temperatureC: number | null;
  /** RMS by which a state is expected to be wrong. */
  phaseDeg: number;
  gainDb: number;
  flaws: { element: number; rfChain: number; flaw: string }[];
}

export interface ArrayCalibration extends CalibrationUsed {
  /** For people: the tables, or why there are none. */
  readonly about: string;
  readonly boards: readonly BoardCalibration[];
  /** Elements that do not do what they are told, as the tables have it. */
  readonly flaws: readonly ElementHealth[];
  /** States of every place at q ≤ Q bits; ideal ones where there is no table. */
  states(bits: number): ArrayStates;
}

/** @param why there is no table; @param boards for whom there is none */
export const uncalibrated = (why?: string, boards: readonly BoardCalibration[] = []): ArrayCalibration => ({
  id: NO_TABLE,
  about: `none: ideal phase states${why === undefined ? '' : ` (${why})`}`,
  tables: [],
  boards,
  flaws: [],
  states: (bits) => ({ bits }),
});
