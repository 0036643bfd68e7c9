/**
 * What follows from a cycle that has ended: it is counted, recorded and watched, its failure told once a cause, and it is said whether the run can go on.
 *
 *   finished ─► record, listeners ─► watch ─► good: all is well again
 *                                        └──► void: told, the panel given up for lost, the array made safe where no beam came, or the end of the run
 */
import { STAGES_BEFORE_PANELS, type CycleSink } from '../telemetry/cycle-record.ts';
import type { ActivePanel } from './active-panel-options.ts';
import type { ArrayHealth } from './array-health.ts';
import type { ArraySafety } from './array-safety.ts';
import type { BetweenTurns } from './between-cycles.ts';
import type { FinishedCycle } from './control-cycle.ts';
import type { CycleView } from './controller.ts';
import type { LoopNews } from './loop-news.ts';
import type { CycleWatch } from './watch/cycle-watch.ts';
import { MODEL_FAILURES, type FailuresInARow } from './watch/failures-in-a-row.ts';
import type { RateMeter } from './watch/rate-meter.ts';
import type { VoidNews } from './watch/void-news.ts';

/** Why the run ends. */
export interface RunFault {
  readonly code: string;
  readonly message: string;
}

export interface CycleConclusions {
  readonly voidCycles: number;
  readonly latest: CycleView | undefined;
  conclude(finished: FinishedCycle): Promise<RunFault | undefined>;
}

export const panelUnusable = ({ unusable }: { unusable: string }): RunFault => ({
  code: 'panel-unusable',
  message: `The panel cannot be used: ${unusable}.`,
});

export function createCycleConclusions(options: {
  sink: CycleSink;
  news: Pick<LoopNews, 'cycle'>;
  rate: RateMeter;
  watch: Pick<CycleWatch, 'after'>;
  health: ArrayHealth;
  /** Of the tables that the array goes by. */
  flaws: () => Parameters<ArrayHealth['figures']>[0];
  failures: FailuresInARow;
  voidNews: VoidNews;
  panels: Pick<ActivePanel, 'lost' | 'failed' | 'worked'>;
  safety: Pick<ArraySafety, 'turned' | 'radiated' | 'noBeam'>;
  between: Pick<BetweenTurns, 'interrupted'>;
}): CycleConclusions {
  const { sink, news, rate, watch, health, flaws, failures, voidNews, panels, safety, between } = options;
  let voidCycles = 0;
  let latest: CycleView | undefined;
  return {
    get voidCycles() {
      return voidCycles;
    },
    get latest() {
      return latest;
    },
    async conclude(finished) {
      const { record, view, failure } = finished;
      if (view !== undefined) latest = view;
      if (record.outcome === 'void') voidCycles++;
      rate.count();
      record.health = health.figures(flaws());
      sink.cycle(record, view);
      news.cycle(record);
      watch.after(finished);
      failures.after(failure);
      safety.turned(failure === undefined);
      if (failure === undefined || !STAGES_BEFORE_PANELS.has(failure.stage)) safety.radiated();
      if (failure === undefined) {
        voidNews.settle(false);
        panels.worked();
        return undefined;
      }
      if (failure.panel?.reason === 'made-safe') return undefined; // by us
      const wasLost = panels.lost;
      if (failure.panel !== undefined) {
        const verdict = panels.failed(failure.panel);
        if (verdict !== undefined) return panelUnusable(verdict);
      }
      if (panels.lost) between.interrupted();
      voidNews.settle(panels.lost);
      // A lost panel has been told of as such.
      if (!wasLost && !panels.lost) voidNews.tell(record.cycle, failure);
      if (failures.modelKeepsFailing) {
        const message = `The model '${record.modelId}' failed ${MODEL_FAILURES} times in a row: ${failure.message}`;
        return { code: 'model-failed', message };
      }
      if (STAGES_BEFORE_PANELS.has(failure.stage)) await safety.noBeam(failure.message);
      return undefined;
    },
  };
}
