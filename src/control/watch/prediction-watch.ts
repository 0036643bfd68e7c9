/**
 * Does the array still do what the model of it says? Two tests watch predicted less measured: a bank of supposed faults, which knows what each of them would
 * cost on the beam that is radiated (fault-bank.ts), and a CUSUM of seconds for what none of them explains (drift-watch.ts). One thing is told once, whichever
 * of them finds it first, with its likely cause; another fault beside it is news again. Before it is told, the array is looked at more closely where panels report
 * pilots (closer-look.ts): what it is like then decides what is told, or that nothing is.
 */
import type { Clock } from '../../../core/clock/clock.ts';
import { faultLosses, type SupposedFault } from '../../../core/signal/fault-losses.ts';
import type { ChannelOrigin, CycleRecord, RigEvent } from '../../telemetry/cycle-record.ts';
import type { ArrayHealth } from '../array-health.ts';
import type { CycleView } from '../controller.ts';
import type { BetweenCycles } from '../between-cycles.ts';
import { createCloserLook, createLookPlan, type LookWish } from './closer-look.ts';
import { driftStep, newDriftState, type DriftAlarm } from './drift-watch.ts';
import { canLookAt, createEffectiveChannel, type EffectiveChannel, type LookEvidence } from './effective-channel.ts';
import type { Look } from './look-parts.ts';
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
  /** Done before the next cycle, when something seems to be wrong. */
  readonly look: BetweenCycles;
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
  health: Pick<ArrayHealth, 'found' | 'lost' | 'beginsAnew' | 'forget'>;
  tell: (event: Omit<RigEvent, 'timeNs'>) => void;
  /** The highest that the panels said last, °C; null where nobody knows. */
  temperatureC: () => number | null;
  /** What faults would cost on a beam: who plays the same few beams for days hands in what remembers them. */
  lossesOf?: typeof faultLosses;
}

/** More readings than these a second say nothing that fewer do not, soon enough. */
const MOST_PER_SECOND = 100;
/** Of N·K² products and F·K logarithms, so many a cycle: larger arrays are looked at every so many cycles. */
const MOST_WORK = 40_000;
const DAY_S = 86_400;
/** An alarm waits for a closer look for so many readings. */
const MOST_WAITED = 4;

/** What was found by readings, and is told where no look has another word. */
interface Held {
  found: FaultFound | undefined;
  alarm: DriftAlarm | undefined;
  waited: number;
}

export function createPredictionWatch(options: PredictionWatchOptions): PredictionWatch {
  const { clock, rateHz, pilots, noise, boards, health, tell, temperatureC, lossesOf = faultLosses } = options;
  const readingsPerDay = DAY_S * Math.min(rateHz === 0 ? MOST_PER_SECOND : rateHz, MOST_PER_SECOND);
  let setting = '';
  let array = '';
  let channelSource: ChannelOrigin = 'simulation';
  let temperatureBeforeC: number | null = null;
  let drift = newDriftState();
  let bank:
    | {
        shape: { elements: number; rfChains: number; users: number };
        losses: ReturnType<typeof faultLosses>;
        into: Float64Array;
        of: FaultBank;
        every: number;
        /** Undefined where the array is too large for it. */
        looks: EffectiveChannel | undefined;
      }
    | undefined;
  /** Faults that were told of, and are there since. */
  let there: SupposedFault[] = [];
  let held: Held | undefined;
  /** What the slow test told of and nobody could name goes on: faults cannot be told from it until it is over. */
  let isMasked = false;
  const told = new Set<string>();
  let nextMs = -Infinity;
  let cycles = 0;
  let spells = 0;

  const bankFor = ({ channel, analog }: CycleView): NonNullable<typeof bank> => {
    const { rows: users, cols: elements } = channel;
    const { cols: rfChains } = analog;
    const known = bank?.shape;
    if (bank !== undefined && known?.elements === elements && known.rfChains === rfChains && known.users === users) return bank;
    const shape = { elements, rfChains, users };
    const faults = supposedFaults({ ...shape, boards: boards.length });
    const elementsOfBoards = boards.map(({ elements }) => elements);
    bank = {
      shape,
      losses: lossesOf(faults, elementsOfBoards),
      into: new Float64Array(faults.length * users),
      of: createFaultBank(faults, users, readingsPerDay),
      every: Math.ceil((elements * users ** 2 + 10 * faults.length * users) / MOST_WORK),
      looks: canLookAt(elements, rfChains, users) ? createEffectiveChannel(faults, elementsOfBoards) : undefined,
    };
    return bank;
  };

  const stepBank = (record: CycleRecord, view: CycleView, timeMs: number): FaultFound | undefined => {
    const at = bankFor(view);
    if (timeMs < nextMs || ++cycles % at.every !== 0) return undefined;
    nextMs = timeMs + 1000 / MOST_PER_SECOND - 1;
    at.losses({ ...view, noise }, at.into);
    const { cycle, predictedSnrDb, measuredSnrDb, predictedSumRate, measuredSumRate } = record;
    const missingRate = predictedSumRate - measuredSumRate;
    return at.of.step({ timeMs, cycle, pilots, predictedSnrDb, measuredSnrDb, missingRate, losses: at.into, ...spellOf(record) });
  };

  /** Until something is sounded again, all readings share what the channel is wrong by. */
  const spellOf = ({ sounding }: CycleRecord): { spell?: number } => (sounding === undefined ? {} : { spell: spells });

  const isNews = ({ what, ...rest }: SupposedFault): boolean => {
    // A drift that goes on looks as many things, one after the other.
    if (told.has('elements') && what !== 'element') return false;
    const key = what === 'elements' || !('index' in rest) ? what : `${what} ${rest.index}`;
    if (told.has(key)) return false;
    told.add(key);
    return true;
  };

  const circumstances = (): Circumstances => ({
    ...{ nowMs: clock.nowMs(), channelSource, temperatureBeforeC, temperatureNowC: temperatureC() },
  });

  const learnAnew = (): void => {
    bank?.of.learnAnew();
    bank?.looks?.learnAnew(there);
    held = undefined;
  };

  const tellFault = (found: FaultFound): void => {
    const { fault, candidates } = found;
    there.push(...(fault.what === 'element' ? candidates.map((index) => ({ ...fault, index })) : [fault]));
    learnAnew();
    if (!isNews(fault)) return;
    health.found(found);
    tell(faultEvent(found, boards, circumstances()));
  };

  const tellDrift = (alarm: DriftAlarm): void => {
    isMasked = true;
    if (told.has('elements')) return;
    told.add('elements');
    health.lost(alarm.grewDb);
    const at = circumstances();
    tell(grownEvent('prediction-drift', alarm, causeOfDrift(alarm, at), at));
  };

  /** What is held is told, as the look has it where there was one. */
  const settle = (evidence?: LookEvidence): void => {
    const { found: byReadings, alarm } = held ?? {};
    held = undefined;
    const found = evidence === undefined ? byReadings : bank?.of.lookedAt(evidence);
    if (found !== undefined) {
      drift.announced = true;
      return tellFault({ ...found, ...(alarm === undefined ? {} : grownOf(alarm)) });
    }
    if (alarm === undefined) return;
    const explained = bank?.of.likeliest();
    if (explained === undefined) tellDrift(alarm);
    else tellFault(explained);
  };

  const look = createCloserLook({
    ...{ pilots, noise },
    onLook(why: LookWish, heard: Look | undefined) {
      if (bank?.looks === undefined) return;
      if (why === 'judge') settle(heard && bank.looks.judge(heard, channelSource !== 'simulation'));
      else if (heard !== undefined) bank.looks.learn(heard);
    },
  });
  const plan = createLookPlan(() => bank?.looks);

  return {
    look,
    after(record, view) {
      const { modelId, phaseBits, source, panels, calibration } = record;
      channelSource = record.channelSource;
      const arrayNow = `${source}\n${panels}\n${calibration}`;
      const now = `${modelId}\n${phaseBits}\n${channelSource}\n${arrayNow}`;
      if (array !== arrayNow) {
        array = arrayNow;
        health.forget();
      }
      if (now !== setting) {
        setting = now;
        drift = newDriftState();
        there = [];
        learnAnew();
        temperatureBeforeC = null;
        isMasked = false;
        health.beginsAnew();
        told.clear();
      }
      temperatureBeforeC ??= temperatureC();
      const timeMs = clock.nowMs();
      if (record.sounding !== undefined && record.sounding.slots > 0) spells++;
      const alarm = driftStep(drift, { timeMs, pilots, ...record, ...spellOf(record) });
      if (isMasked && !drift.announced) {
        isMasked = false;
        told.delete('elements');
        learnAnew();
      }
      const found = view === undefined || isMasked ? undefined : stepBank(record, view, timeMs);
      const isAlarmed = found !== undefined || alarm !== undefined || held !== undefined || bank?.of.isAlarmed === true;
      if (isAlarmed) held = { found: found ?? held?.found, alarm: alarm ?? held?.alarm, waited: (held?.waited ?? 0) + 1 };
      const why =
        view === undefined || isMasked
          ? undefined
          : plan.due(timeMs, { isAlarmed, isSuspicious: bank?.of.isSuspicious === true });
      if (why !== undefined && view !== undefined) look.wish(why, view);
      if (held === undefined || why === 'judge') return;
      // Without a look, what is found is told as soon as it has a name.
      if (bank?.looks?.isLearned === true && held.waited <= MOST_WAITED) return;
      if (held.found !== undefined || held.alarm !== undefined) settle();
      else if (bank?.of.isAlarmed !== true) held = undefined;
    },
  };
}

const grownOf = ({ beforeRate, nowRate, grewDb, sinceCycle, sinceMs }: DriftAlarm): Omit<DriftAlarm, 'shape' | 'user'> => ({
  ...{ beforeRate, nowRate, grewDb, sinceCycle, sinceMs },
});
