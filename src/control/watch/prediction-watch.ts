/**
 * Does the array still do what the model of it says? Two tests watch predicted less measured: a bank of supposed faults, which knows what each of them would
 * cost on the beam that is radiated (fault-bank.ts), and a CUSUM of seconds for what none of them explains (drift-watch.ts). One thing is told once, whichever
 * of them finds it first, with its likely cause; another fault beside it is news again.
 */
import type { Clock } from '../../../core/clock/clock.ts';
import { faultLosses, type SupposedFault } from '../../../core/signal/fault-losses.ts';
import type { CycleRecord, RigEvent } from '../../telemetry/cycle-record.ts';
import type { ArrayHealth } from '../array-health.ts';
import type { CycleView } from '../controller.ts';
import { driftStep, newDriftState, type DriftAlarm } from './drift-watch.ts';
import { createFaultBank, type FaultBank, type FaultFound } from './fault-bank.ts';
import { causeOfDrift, faultEvent, grownEvent, type Circumstances } from './prediction-news.ts';
import { supposedFaults } from './supposed-faults.ts';

/** Elements that hang together on one board, clock or cable. */
export interface BoardElements {
  readonly name: string;
  readonly elements: readonly number[];
}

export interface PredictionWatch {
  after(record: CycleRecord, view: CycleView | undefined): void;
}

export interface PredictionWatchOptions {
  clock: Clock;
  /** 0: as fast as it goes. */
  rateHz: number;
  /** That a reading is averaged over. */
  pilots: number;
  /** σ², linear. */
  noise: number;
  boards: readonly BoardElements[];
  health: Pick<ArrayHealth, 'suspected' | 'forget'>;
  tell: (event: Omit<RigEvent, 'timeNs'>) => void;
  /** The highest that the panels said last, °C; null where nobody knows. */
  temperatureC: () => number | null;
}

/** More readings than these a second say nothing that fewer do not, soon enough. */
const MOST_PER_SECOND = 100;
/** Of N·K² products and F·K logarithms, so many a cycle: larger arrays are looked at every so many cycles. */
const MOST_WORK = 40_000;
const DAY_S = 86_400;

export function createPredictionWatch(options: PredictionWatchOptions): PredictionWatch {
  const { clock, rateHz, pilots, noise, boards, health, tell, temperatureC } = options;
  const readingsPerDay = DAY_S * Math.min(rateHz === 0 ? MOST_PER_SECOND : rateHz, MOST_PER_SECOND);
  let setting = '';
  let array = '';
  let temperatureBeforeC: number | null = null;
  let drift = newDriftState();
  let bank:
    { shape: string; losses: ReturnType<typeof faultLosses>; into: Float64Array; of: FaultBank; every: number } | undefined;
  /** What the slow test told of and nobody could name goes on: faults cannot be told from it until it is over. */
  let isMasked = false;
  const told = new Set<string>();
  let nextMs = -Infinity;
  let cycles = 0;

  const bankFor = ({ channel, analog }: CycleView): NonNullable<typeof bank> => {
    const array = { elements: channel.cols, rfChains: analog.cols, users: channel.rows };
    const shape = JSON.stringify(array);
    if (bank?.shape === shape) return bank;
    const faults = supposedFaults({ ...array, boards: boards.length });
    bank = {
      shape,
      losses: faultLosses(
        faults,
        boards.map(({ elements }) => elements),
      ),
      into: new Float64Array(faults.length * array.users),
      of: createFaultBank(faults, array.users, readingsPerDay),
      every: Math.ceil((array.elements * array.users ** 2 + 10 * faults.length * array.users) / MOST_WORK),
    };
    return bank;
  };

  const stepBank = (record: CycleRecord, view: CycleView): FaultFound | undefined => {
    const timeMs = clock.nowMs();
    const at = bankFor(view);
    if (timeMs < nextMs || ++cycles % at.every !== 0) return undefined;
    nextMs = timeMs + 1000 / MOST_PER_SECOND - 1;
    at.losses({ ...view, noise }, at.into);
    const { cycle, predictedSnrDb, measuredSnrDb, predictedSumRate, measuredSumRate } = record;
    const missingRate = predictedSumRate - measuredSumRate;
    return at.of.step({ timeMs, cycle, pilots, predictedSnrDb, measuredSnrDb, missingRate, losses: at.into });
  };

  const isNews = ({ what, ...rest }: SupposedFault): boolean => {
    // A drift that goes on looks as many things, one after the other.
    if (told.has('elements') && what !== 'element') return false;
    const key = what === 'elements' || !('index' in rest) ? what : `${what} ${rest.index}`;
    if (told.has(key)) return false;
    told.add(key);
    return true;
  };

  const tellFault = (found: FaultFound, at: Circumstances): void => {
    if (!isNews(found.fault)) return;
    if (found.fault.what === 'element') health.suspected(found.candidates);
    tell(faultEvent(found, boards, at));
  };

  const tellDrift = (alarm: DriftAlarm, at: Circumstances): void => {
    if (told.has('elements')) return;
    told.add('elements');
    tell(grownEvent('prediction-drift', alarm, causeOfDrift(alarm, at), at));
  };

  return {
    after(record, view) {
      const { modelId, phaseBits, source, channelSource, panels, calibration } = record;
      const now = [modelId, phaseBits, source, channelSource, panels, calibration].join('\n');
      if (array !== [source, panels, calibration].join('\n')) {
        array = [source, panels, calibration].join('\n');
        health.forget();
      }
      if (now !== setting) {
        setting = now;
        drift = newDriftState();
        bank?.of.learnAnew();
        temperatureBeforeC = null;
        isMasked = false;
        told.clear();
      }
      temperatureBeforeC ??= temperatureC();
      const at: Circumstances = { nowMs: clock.nowMs(), channelSource, temperatureBeforeC, temperatureNowC: temperatureC() };
      const alarm = driftStep(drift, { timeMs: at.nowMs, pilots, ...record });
      if (isMasked && !drift.announced) {
        isMasked = false;
        told.delete('elements');
        bank?.of.learnAnew();
      }
      const found = view === undefined || isMasked ? undefined : stepBank(record, view);
      if (found !== undefined) {
        tellFault(found, at);
        bank?.of.learnAnew();
        drift.announced = true;
      } else if (alarm !== undefined) {
        const explained = bank?.of.likeliest();
        if (explained === undefined) {
          tellDrift(alarm, at);
          isMasked = true;
        } else {
          tellFault(explained, at);
          bank?.of.learnAnew();
        }
      }
    },
  };
}
