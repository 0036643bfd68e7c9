/** Who measures an array that the loop lends. */
import type { CalibrationMethodOffer, CalibrationPlan, CalibrationResult, CalibrationWish, TableListing } from './calibrating.ts';
import type { PanelRecovery } from './panel-recovery.ts';
import type { RigPanel } from './rig-panel.ts';

/** The panels that cycles run on, lent while none turns. */
export interface LentArray {
  readonly rigPanel: RigPanel;
  readonly recovery: PanelRecovery;
}

/** Who measures what is lent. */
export interface ArrayCalibrator {
  methods(on: RigPanel): CalibrationMethodOffer[];
  /** @throws {BeamrigError} where the array cannot be measured so */
  plan(wish: CalibrationWish, on: RigPanel): Promise<CalibrationPlan>;
  /**
   * Measures, writes tables and has them used. Whatever ends it earlier, no table is written and those in use stay.
   * @throws {BeamrigError} 'stopped' where `stop` was aborted; why there are no tables
   */
  calibrate(
    wish: CalibrationWish,
    lent: LentArray,
    how: {
      stop: AbortSignal;
      onProgress: (done: number, of: number, kept: number) => void;
      /** All is read: what radiates is nothing anybody needs any more. */
      whenRead: () => Promise<void>;
    },
  ): Promise<CalibrationResult>;
  /** Tables of the rig's folder, the newest first. */
  history(): Promise<TableListing[]>;
}
