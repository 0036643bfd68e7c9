/**
 * What a person should know of cycles that went well by themselves: readings that cannot be, an array that has drifted away from its model, a loop
 * that cannot keep its rate, another board or model than before. Each is told once a cause; the records have every cycle.
 */
import type { Clock } from '../../../core/clock/clock.ts';
import type { Beamformer } from '../../beamforming/beamformer.ts';
import type { BoardUsed, CalibrationUsed, CycleSink, ModelUsed, RigEvent } from '../../telemetry/cycle-record.ts';
import { modelUsed, SOURCE_TEXT } from '../../telemetry/cycle-record.ts';
import type { BetweenCycles } from '../between-cycles.ts';
import type { FinishedCycle, PreparedCycle } from '../control-cycle.ts';
import { oncePerCause } from './once-per-cause.ts';
import { createPaceWatch, settingOf, type SlowPace } from './pace-watch.ts';
import { createPredictionWatch, type BoardElements, type PredictionWatchOptions } from './prediction-watch.ts';

type Event = Omit<RigEvent, 'timeNs'>;

export interface CycleWatch {
  /** Undefined while the loop keeps its rate. */
  readonly slow: SlowPace | undefined;
  /** Before a cycle is recorded: the boards that it began on, who chose its beam, and what its states were known by. */
  ran(
    prepared: Pick<PreparedCycle, 'cycle'>,
    boards: readonly BoardUsed[],
    beamformer: Beamformer & Partial<ModelUsed>,
    calibration: CalibrationUsed,
  ): void;
  after(finished: Pick<FinishedCycle, 'record' | 'view' | 'doubt'>): void;

  /** The array is looked at more closely before a cycle, when something seems to be wrong. */
  readonly look: BetweenCycles;

  /** The loop has paused. */
  paused(): void;
}

export interface CycleWatchOptions {
  clock: Clock;
  rateHz: number;
  /** That a reading is averaged over. */
  pilots: number;
  /** σ², linear. */
  noise: number;
  /** Elements that hang together. */
  boards: readonly BoardElements[];
  /** Is told of elements that have failed. */
  health: PredictionWatchOptions['health'];
  sink: CycleSink;
  tell: (event: Event) => void;
  /** The highest that the panels said last, °C; null where nobody knows. */
  temperatureC: () => number | null;
}

export function createCycleWatch({ clock, rateHz, sink, tell, ...others }: CycleWatchOptions): CycleWatch {
  const causes = oncePerCause(clock);
  const pace = createPaceWatch(rateHz);
  const prediction = createPredictionWatch({ clock, rateHz, ...others, tell });
  let model: ModelUsed | undefined;
  let calibration: string | undefined;
  /** The newest file of each id. */
  const files = new Map<string, string>();
  const boards = new Map<string, BoardUsed>();

  const watchModel = (cycle: number, beamformer: Beamformer & Partial<ModelUsed>): void => {
    const { id: name, sha256: file, phaseBits } = beamformer;
    if (model?.id === name && model.sha256 === file && model.phaseBits === phaseBits) return;
    model = modelUsed(beamformer);
    sink.changed?.(cycle, { model });
    const { id, sha256 } = model;
    if (sha256 === undefined) return;
    const before = files.get(id);
    files.set(id, sha256);
    if (before !== undefined && before !== sha256) tell(otherFile(cycle, id, before, sha256));
  };

  const watchBoards = (cycle: number, now: readonly BoardUsed[]): void => {
    let changed = false;
    for (const board of now) {
      const before = boards.get(board.link);
      if (board.panel === '' || (before?.panel === board.panel && before.firmware === board.firmware)) continue;
      changed = true;
      boards.set(board.link, board);
      if (before !== undefined) tell(otherBoard(cycle, before, board));
    }
    if (changed) sink.changed?.(cycle, { boards: now.filter(({ panel }) => panel !== '') });
  };

  const watchCalibration = (cycle: number, now: CalibrationUsed): void => {
    if (calibration === now.id) return;
    calibration = now.id;
    sink.changed?.(cycle, { calibration: now });
  };

  return {
    get slow() {
      return pace.slow;
    },
    ran({ cycle }, now, beamformer, tables) {
      watchModel(cycle, beamformer);
      watchBoards(cycle, now);
      watchCalibration(cycle, tables);
    },
    after({ record, view, doubt }) {
      const isSlow = pace.cycle(clock.nowMs(), record) && pace.slow !== undefined;
      if (isSlow && causes.occurs(`slow: ${settingOf(record)}, ${pace.slow.stage}`)) tell(slowEvent(pace.slow));
      if (record.outcome === 'void') return;
      if (doubt === undefined) return prediction.after(record, view);
      if (causes.occurs(`doubt: ${doubt.cause}`)) {
        tell({
          level: 'warning',
          code: 'reading-doubtful',
          message: `The SINR of cycle ${record.cycle} is ${doubt.message}.`,
          action: 'Such readings are recorded as they came, marked, and counted in no mean.',
        });
      }
    },
    look: prediction.look,
    paused: () => pace.restart(),
  };
}

function otherBoard(cycle: number, before: BoardUsed, now: BoardUsed): Event {
  const inWords = ({ source, panel, firmware }: BoardUsed): string =>
    `${source === 'hardware' ? '' : `${SOURCE_TEXT[source]} `}${panel} (${firmware})`;
  const what = before.panel === now.panel ? 'the board has other firmware' : 'another board answers';
  return {
    level: 'warning',
    code: 'other-board',
    message: `On link ${now.link} ${what}: ${inWords(now)}, before ${inWords(before)}.`,
    action: `Records name it from cycle ${cycle} on, and so does the manifest. Name the panel in the rig file to admit no other.`,
  };
}

function otherFile(cycle: number, id: string, before: string, now: string): Event {
  return {
    level: 'warning',
    code: 'other-model',
    message: `'${id}' is another file than before: sha256 ${now.slice(0, 12)}…, before ${before.slice(0, 12)}….`,
    action: `Its beams are those of the new file from cycle ${cycle} on; the manifest names both.`,
  };
}

function slowEvent({ askedPerSecond, perSecond, cycleMs, stage, stageMs }: SlowPace): Event {
  const pace = `The loop runs ${perSecond.toFixed(1)} times a second, and ${askedPerSecond} are asked for`;
  if (cycleMs < 1000 / askedPerSecond) {
    return {
      level: 'warning',
      code: 'too-slow',
      message: `${pace}: a cycle takes ${cycleMs.toFixed(1)} ms and would fit, but some begin late, or take far longer than the others.`,
      action:
        'Cycles that do not fit are left out. Something else keeps this machine busy; the longest times of each stage are in the summary.',
    };
  }
  const where = stage === 'other' ? 'between its stages' : `in '${stage}'`;
  return {
    level: 'warning',
    code: 'too-slow',
    message: `${pace}: a cycle takes ${cycleMs.toFixed(1)} ms, ${stageMs.toFixed(1)} of them ${where}.`,
    action: 'Cycles that do not fit are left out. Lower loop.rateHz, or make that stage faster.',
  };
}
