/** What the boards that a cycle runs on are known to show, as the cycle needs it. */
import type { ArrayStates } from '../../core/signal/beam-contract.ts';
import { NO_TABLE, type CalibrationUsed } from '../telemetry/cycle-record.ts';
import type { ElementHealth } from './array-health.ts';

export interface ArrayCalibration extends CalibrationUsed {
  /** For people: the tables, or why there are none. */
  readonly about: string;
  /** Elements that do not do what they are told, as the tables have it. */
  readonly flaws: readonly ElementHealth[];
  /** States of every place at q ≤ Q bits; ideal ones where there is no table. */
  states(bits: number): ArrayStates;
}

/** @param why there is no table */
export const uncalibrated = (why?: string): ArrayCalibration => ({
  id: NO_TABLE,
  about: `none: ideal phase states${why === undefined ? '' : ` (${why})`}`,
  tables: [],
  flaws: [],
  states: (bits) => ({ bits }),
});
