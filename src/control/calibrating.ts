/** Measuring the array of a rig that is up: what may be asked for, what it will take, how far it is, and what came of it. The page speaks the same. */
import type { BoardTable } from './array-calibration.ts';

/** What somebody wants measured, and how. */
export interface CalibrationWish {
  method: string;
  /** About how many; null: what the method likes best. */
  readings: number | null;
  /** That a reading is averaged over; null: what readings of the panels' kind need. */
  pilots: number | null;
  /** Go on with the readings of a measurement that was interrupted; false: begin anew, and put those aside. */
  resume: boolean;
}

/** A way to measure the array. */
export interface CalibrationMethodOffer {
  name: string;
  about: string;
  finds: 'offsets' | 'states';
  /** Why this rig cannot be measured so; null where it can. */
  why: string | null;
}

/** Of a state, RMS. */
export interface StateError {
  phaseDeg: number;
  gainDb: number;
}

/** What a measurement will take and come to, before anything radiates. */
export interface CalibrationPlan {
  method: string;
  readings: number;
  seconds: number;
  /** Of one element alone in one reading, dB, that `expected` is told for. */
  readingSnrDb: number;
  /** null where working it out takes too long. */
  expected: StateError | null;
  /** Where the probe stands that beams of the measurement are heard at, degrees. */
  probe: { azimuthDeg: number; elevationDeg: number; receiver: number };
  /** Readings of a measurement of this kind that was interrupted; null where there is none. */
  kept: number | null;
}

export interface CalibrationResult {
  /** Of the tables that were written and are in use. */
  tables: string[];
  /** What was believed of the states before, beside what was measured; NaN where nothing compares. */
  before: StateError;
  /** What they are known to now. */
  after: StateError;
  /** What does not do what it is told, in words. */
  flaws: string;
  /** Path of the HTML report. */
  report: string;
  /** That an earlier table was better, and the way out, in words. */
  worse?: string | undefined;
  /** Of one element alone in a reading, dB. */
  readingSnrDb: number;
}

/** The newest measurement of this run. */
export interface CalibrationNow {
  method: string;
  phase: 'measuring' | 'solving' | 'done' | 'cancelled' | 'failed';
  done: number;
  of: number;
  /** Of `done`, those of before an interruption. */
  kept: number;
  beganMs: number;
  /** ms since 1970; null while it is under way. */
  endedMs: number | null;
  /** By the pace so far; null where nobody can say. */
  secondsLeft: number | null;
  /** Why it came to nothing. */
  failure: string | null;
  result: CalibrationResult | null;
}

/** A file of the folder of tables. */
export interface TableListing {
  file: string;
  panel: string;
  /** null where it is damaged, and `problem` says how. */
  table: BoardTable | null;
  problem: string | null;
}
