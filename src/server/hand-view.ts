/** Beams by hand for the page: what the one that is shown is like, worked out once, and a scan as far as it has come. */
import { matmul } from '../../core/signal/complex-matrix.ts';
import { figuresOf, patternMetrics, type PatternFigures } from '../../core/signal/pattern-metrics.ts';
import type { CycleView, RigDescription, ScanNow } from '../control/controller.ts';
import { geometryOf } from './beampattern-view.ts';
import type { HandPlot } from './socket-contract.ts';

const NOTHING: HandPlot<Float32Array> = { figures: null, scan: null };

export class HandView {
  #version = 0;
  #plot = NOTHING;
  /** What the plot was made of. */
  #key = '';
  #figures: { of: string; figures: PatternFigures | null } | undefined;

  /** The newest, and a number that changes with it; 0 before there was any. */
  at(
    rig: RigDescription,
    shown: CycleView | undefined,
    scan: ScanNow | undefined,
  ): { version: number; plot: HandPlot<Float32Array> } {
    // Beams of a scan come and go: only one that stays is described.
    const isScanning = scan !== undefined && scan.points.length < scan.total;
    const isShown = rig.byHand !== null && shown?.record.modelId === rig.modelId && !isScanning;
    const figures = isShown ? this.#figuresOf(rig, shown) : null;
    const key = JSON.stringify([rig.byHand, figures, scan?.points.length ?? -1, scan?.total ?? -1]);
    if (key !== this.#key && (rig.byHand !== null || this.#version > 0)) {
      this.#key = key;
      this.#version++;
      this.#plot = { figures, scan: scan === undefined ? null : scanPlot(scan) };
    }
    return { version: this.#version, plot: this.#plot };
  }

  #figuresOf(rig: RigDescription, { words, record, analog, digital }: CycleView): PatternFigures | null {
    const of = `${rig.byHand ?? ''} ${record.phaseBits} ${rig.calibration} ${words.join()}`;
    if (this.#figures?.of !== of) {
      const metrics = patternMetrics(geometryOf(rig), matmul(analog, digital));
      this.#figures = { of, figures: metrics === undefined ? null : figuresOf(metrics) };
    }
    return this.#figures.figures;
  }
}

const scanPlot = ({ user, total, points }: ScanNow): NonNullable<HandPlot<Float32Array>['scan']> => ({
  user,
  total,
  azimuthsDeg: Float32Array.from(points, ({ azimuthDeg }) => azimuthDeg ?? NaN),
  measuredDb: Float32Array.from(points, ({ measuredDb }) => measuredDb),
  calculatedDb: Float32Array.from(points, ({ calculatedDb }) => calculatedDb),
});
