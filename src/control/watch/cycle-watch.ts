/**
 * What a person should know of cycles that went well by themselves: readings that cannot be, an array that has drifted away from its model, a loop
 * that cannot keep its rate, another board or model than before. Each is told once a cause; the records have every cycle.
 */
import type { Clock } from '../../../core/clock/clock.ts';
import type { Beamformer } from '../../beamforming/beamformer.ts';
import type { BoardUsed, CalibrationUsed, CycleRecord, CycleSink, ModelUsed, RigEvent } from '../../telemetry/cycle-record.ts';
import { modelUsed, SOURCE_TEXT } from '../../telemetry/cycle-record.ts';
import type { FinishedCycle, PreparedCycle } from '../control-cycle.ts';
import { driftStep, newDriftState, type DriftAlarm } from './drift-watch.ts';
import { oncePerCause } from './once-per-cause.ts';
import { createPaceWatch, settingOf, type SlowPace } from './pace-watch.ts';

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
  after(finished: Pick<FinishedCycle, 'record' | 'doubt'>): void;
  /** The loop has paused. */
  paused(): void;
}

export interface CycleWatchOptions {
  clock: Clock;
  rateHz: number;
  /** That a reading is averaged over. */
  pilots: number;
  sink: CycleSink;
  tell: (event: Event) => void;
  /** The highest that the panels said last, °C; null where nobody knows. */
  temperatureC: () => number | null;
}

export function createCycleWatch({ clock, rateHz, pilots, sink, tell, temperatureC }: CycleWatchOptions): CycleWatch {
  const causes = oncePerCause(clock);
  const pace = createPaceWatch(rateHz);
  let drift = newDriftState();
  /** What the drift watch's baseline was learnt with, and how warm it was then. */
  let watched = { setting: '', temperatureC: null as number | null };
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

  const watchDrift = (record: CycleRecord): void => {
    const { modelId, phaseBits, source, channelSource, panels, calibration: tables } = record;
    const setting = [modelId, phaseBits, source, channelSource, panels, tables].join('\n');
    if (setting !== watched.setting) {
      drift = newDriftState();
      watched = { setting, temperatureC: null };
    }
    if (watched.temperatureC === null) watched.temperatureC = temperatureC();
    const alarm = driftStep(drift, { timeMs: clock.nowMs(), pilots, ...record });
    if (alarm !== undefined) tell(driftEvent(alarm, record, clock.nowMs(), watched.temperatureC, temperatureC()));
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
    after({ record, doubt }) {
      const isSlow = pace.cycle(clock.nowMs(), record) && pace.slow !== undefined;
      if (isSlow && causes.occurs(`slow: ${settingOf(record)}, ${pace.slow.stage}`)) tell(slowEvent(pace.slow));
      if (record.outcome === 'void') return;
      if (doubt === undefined) return watchDrift(record);
      if (causes.occurs(`doubt: ${doubt.cause}`)) {
        tell({
          level: 'warning',
          code: 'reading-doubtful',
          message: `The SINR of cycle ${record.cycle} is ${doubt.message}.`,
          action: 'Such readings are recorded as they came, marked, and counted in no mean.',
        });
      }
    },
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

function driftEvent(alarm: DriftAlarm, record: CycleRecord, nowMs: number, beforeC: number | null, nowC: number | null): Event {
  const { beforeRate, nowRate, grewDb, sinceCycle, sinceMs } = alarm;
  const forS = (nowMs - sinceMs) / 1000;
  const since = `since cycle ${sinceCycle}, ${forS < 120 ? `${forS.toFixed(0)} s` : `${(forS / 60).toFixed(0)} minutes`} ago`;
  return {
    level: 'warning',
    code: 'prediction-drift',
    message: `Predicted less measured has grown from ${beforeRate.toFixed(2)} to ${nowRate.toFixed(2)} bit/s/Hz ${since} (${grewDb.toFixed(1)} dB a user).`,
    action: `Likely cause: ${likelyCause(alarm, record, beforeC, nowC)}.`,
  };
}

/** From how it came, and whom it struck: a guess, and said as one. */
function likelyCause({ shape, user }: DriftAlarm, record: CycleRecord, beforeC: number | null, nowC: number | null): string {
  if (user !== undefined) {
    const stale = record.channelSource === 'file' ? 'the channel file no longer tells where it is' : 'its channel is another';
    return `user ${user} moved or is shadowed: ${stale}`;
  }
  if (shape === 'step') return 'an element, a chain or a cable failed at once; or all users moved';
  const warmer = beforeC !== null && nowC !== null && Math.abs(nowC - beforeC) >= 1;
  const how = warmer ? ` (${beforeC.toFixed(1)} °C then, ${nowC.toFixed(1)} °C now)` : '';
  const stale = record.channelSource === 'file' ? '; or users move away from where the channel file has them' : '';
  return `phases of elements drift, with temperature for instance${how}${stale}`;
}
