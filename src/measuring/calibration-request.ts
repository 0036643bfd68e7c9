/** What is asked for of a calibration. */
import type { CalibrationMethod } from '../../calibration/method.ts';
import type { RigFile } from '../config/rig-file.ts';

/** What is read of a setting: all chains by their pilots, or one by its power, as a user's SNR. */
export const READING_KINDS = ['pilots', 'power'] as const;
export type ReadingKind = (typeof READING_KINDS)[number];

export interface CalibrationRequest {
  readonly rig: RigFile;
  readonly method: CalibrationMethod;
  /** Absent: pilots where a panel reports them, else powers. */
  readonly reading?: ReadingKind | undefined;
  /** About how many; absent: what the method likes best. */
  readonly readings?: number | undefined;
  /** That a reading is averaged over; absent: few of pilots, many of powers. */
  readonly pilots?: number | undefined;
  /** Of what the method draws; absent: 1. */
  readonly seed?: number | undefined;
  /** Go on with a measurement that was interrupted. */
  readonly resume: boolean;
}
