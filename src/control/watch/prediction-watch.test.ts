/** The watch over whole stories of a rig, on records that are made up: what it learns, what begins anew, and how often it speaks. */
import { describe, expect, it } from 'vitest';
import { zeros } from '../../../core/signal/complex-matrix.ts';
import type { SupposedFault } from '../../../core/signal/fault-losses.ts';
import { createRandom } from '../../../core/signal/random.ts';
import type { CycleRecord } from '../../telemetry/cycle-record.ts';
import type { CycleView } from '../controller.ts';
import { createPredictionWatch, type PredictionWatchOptions } from './prediction-watch.ts';

const RATE_HZ = 20;
const PILOTS = 64;
const ELEMENTS = 4;
/** What n pilots leave of an SINR of 20 dB. */
const SIGMA_DB = 0.56;
/** So long is learned, and nothing told. */
const LEARN_S = 60;

/** dB that user k loses: by an element one user more than another, by errors of all all alike. */
function lossDb(fault: SupposedFault, k: number): number {
  if (fault.what === 'element') return fault.index % 2 === k % 2 ? 1.5 : 0.3 + 0.3 * fault.index;
  if (fault.what === 'elements') return (0.4 * fault.spreadDeg ** 2) / 36;
  if (fault.what === 'power') return fault.lossDb;
  return fault.what === 'user' && fault.index === k ? fault.lossDb : 0;
}

interface Story {
  seconds: number;
  users?: number;
  /** What user k misses, dB. */
  missed: (atS: number, k: number) => number;
  source?: (atS: number) => CycleRecord['source'];
  /** Slots that sounding took just before a cycle; undefined: channels are not sounded. */
  slots?: (cycle: number) => number;
}

function told({
  seconds,
  users = 2,
  missed,
  source = () => 'simulator',
  slots,
}: Story): { code: string; action?: string; atS: number }[] {
  let atS = 0;
  const events: ReturnType<typeof told> = [];
  const random = createRandom(3);
  const nothing = (): void => undefined;
  const watch = createPredictionWatch({
    clock: { nowMs: () => 1000 * atS } as PredictionWatchOptions['clock'],
    ...{ rateHz: RATE_HZ, pilots: PILOTS, noise: 1, boards: [], temperatureC: () => null },
    health: { found: nothing, lost: nothing, beginsAnew: nothing, forget: nothing },
    tell: ({ code, action }) => void events.push({ code, atS, ...(action === undefined ? {} : { action }) }),
    lossesOf: (faults) => (_, into) => into.forEach((__, i) => (into[i] = lossDb(faults[Math.floor(i / users)], i % users))),
  });
  const view = { channel: zeros(users, ELEMENTS), analog: zeros(ELEMENTS, 1), digital: zeros(1, users) } as CycleView;
  for (let cycle = 0; cycle < seconds * RATE_HZ; cycle++) {
    atS = cycle / RATE_HZ;
    const predictedSnrDb = new Float64Array(users).fill(20);
    const record = {
      ...{
        cycle,
        beamId: cycle + 1,
        source: source(atS),
        modelId: 'aligned',
        phaseBits: 6,
        panels: source(atS),
        calibration: 'none',
      },
      ...{ predictedSnrDb, measuredSnrDb: predictedSnrDb.map((db, k) => db - missed(atS, k) - SIGMA_DB * random.normal()) },
      ...{ predictedSumRate: 20, measuredSumRate: 19.5 },
      ...(slots === undefined
        ? { channelSource: 'simulation' }
        : { channelSource: 'sounding', sounding: { slots: slots(cycle) } }),
    } as CycleRecord;
    watch.after(record, { ...view, record });
  }
  return events;
}

const dead = (index: number, k: number): number => lossDb({ what: 'element', index }, k);

describe('a watch over one user only', () => {
  it('says nothing of a bias, and once that something is lost', () => {
    expect(told({ users: 1, seconds: 600, missed: () => 1 })).toEqual([]);
    const events = told({ users: 1, seconds: 300, missed: (atS) => (atS < 100 ? 1 : 4) });
    expect(events).toHaveLength(1);
    expect(events[0].atS).toBeGreaterThan(100);
    expect(events[0].atS).toBeLessThan(102);
  });
});

describe('a watch over hardware that is lost, and a simulator that stands in', () => {
  const source = (atS: number): CycleRecord['source'] => (atS < 100 || atS >= 300 ? 'hardware' : 'simulator');

  it('learns each by itself: what one misses is no news of the other', () => {
    expect(told({ seconds: 500, source, missed: (atS) => (source(atS) === 'hardware' ? 3 : 0) })).toEqual([]);
    expect(told({ seconds: 500, source, missed: (atS) => (source(atS) === 'hardware' ? 0 : 3) })).toEqual([]);
  });

  it('tells of an element that dies on the stand-in, and again where the board has lost it, too', () => {
    const missed = (atS: number, k: number): number => ((atS >= 200 && atS < 300) || atS >= 400 ? dead(1, k) : 0);
    const events = told({ seconds: 500, source, missed });
    expect(events.map(({ code }) => code)).toEqual(['element-fault', 'element-fault']);
    expect(events.map(({ atS }) => Math.floor(atS / 2))).toEqual([100, 200]);
  });
});

describe('a watch over channels that are sounded', () => {
  /** Every two seconds. */
  const slots = (cycle: number): number => (cycle % 40 === 0 ? 7 : 0);
  const spellOf = (atS: number): number => Math.floor(atS / 2);
  /** What each estimate is off by, dB, for as long as it is used. */
  const errors = createRandom(5);
  const ofEstimate = Array.from({ length: 400 }, () => 0.5 + 0.15 * errors.normal());

  it('says nothing of an estimate that is worse than the others, however many readings share it', () => {
    const missed = (atS: number): number => ofEstimate[spellOf(atS)] + (spellOf(atS) === 100 ? 4 : 0);
    expect(told({ seconds: 600, slots, missed })).toEqual([]);
  });

  it('tells of what stays from one estimate to the next', () => {
    const missed = (atS: number): number => ofEstimate[spellOf(atS)] + (atS < 300 ? 0 : 4);
    const [first] = told({ seconds: 400, slots, missed });
    expect(first.atS).toBeGreaterThan(300);
  });
});

describe('how often a watch speaks', () => {
  it('is no more than once a minute and once for each thing, where faults come and go all the time', () => {
    for (const everyS of [7, 95]) {
      const missed = (atS: number, k: number): number =>
        dead(Math.floor(atS / everyS) % ELEMENTS, k) * (Math.floor(atS / everyS) % 3);
      const events = told({ seconds: 900, missed });
      const gaps = events.slice(1).map(({ atS }, i) => atS - events[i].atS);
      expect(events.length).toBeGreaterThan(0);
      expect(Math.min(Infinity, ...gaps)).toBeGreaterThanOrEqual(LEARN_S);
      expect(new Set(events.map(({ code, action }) => `${code} ${action}`)).size).toBe(events.length);
    }
  });
});
