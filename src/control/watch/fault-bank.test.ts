import { describe, expect, it } from 'vitest';
import type { SupposedFault } from '../../../core/signal/fault-losses.ts';
import { createRandom } from '../../../core/signal/random.ts';
import { createFaultBank, readingVariance, type FaultFound } from './fault-bank.ts';

const USERS = 3;
const PILOTS = 64;
const RATE_HZ = 20;
const QUIET_S = 70;
const FAULTS: SupposedFault[] = [
  ...[0, 1, 2, 3].map((index) => ({ what: 'element', index }) as const),
  ...[0, 1].map((index) => ({ what: 'board', index, turnDeg: 20 }) as const),
  ...[0, 1, 2].map((index) => ({ what: 'user', index, lossDb: 3 }) as const),
  { what: 'elements', spreadDeg: 6 },
];
const ERRORS = FAULTS.length - 1;
/** dB that users lose under each fault, in the mean over beams. Elements 2 and 3 cost the same. */
const MEAN_LOSSES = [
  [1.2, 0.1, 0.2],
  [0.2, 0.7, 0.4],
  [0.4, 0.4, 0.7],
  [0.4, 0.4, 0.7],
  [1.5, 0.8, 0.1],
  [0.3, 1.2, 1.6],
  [3, 0, 0],
  [0, 3, 0],
  [0, 0, 3],
  [0.4, 0.4, 0.4],
].flat();

interface Story {
  seed?: number;
  seconds?: number;
  /** Which fault there is from some time on, 1: as it is supposed to be. */
  truth?: (atS: number) => { fault: number; size: number } | undefined;
  /** What the prediction is off by always, dB by user. */
  biasDb?: readonly number[];
  /** Standard deviation beside what pilots leave. */
  spread?: number;
  /** How much losses change from beam to beam. */
  moves?: number;
  glitch?: (cycle: number) => boolean;
  /** How much of the errors of elements there is always. */
  errors?: number;
  /** How much more than in the mean errors of elements cost user 0 on the beams of this time. */
  sensitive?: (atS: number) => number;
}

function play({
  seed = 1,
  seconds = 120,
  truth = () => undefined,
  biasDb = [0, 0, 0],
  spread = 1,
  moves = 0.3,
  glitch,
  errors = 0,
  sensitive,
}: Story) {
  const random = createRandom(seed);
  const bank = createFaultBank(FAULTS, USERS, 86_400 * RATE_HZ);
  const sigma = spread * Math.sqrt(readingVariance(PILOTS, 100));
  const found: (FaultFound & { atS: number })[] = [];
  for (let cycle = 0; cycle < seconds * RATE_HZ; cycle++) {
    const atS = cycle / RATE_HZ;
    const losses = Float64Array.from(MEAN_LOSSES, (loss) => loss * (1 + moves * random.normal()));
    losses[ERRORS * USERS] *= sensitive?.(atS) ?? 1;
    const there = truth(atS);
    const predictedSnrDb = new Float64Array(USERS).fill(20);
    const measuredSnrDb = predictedSnrDb.map((db, k) => {
      const ofErrors = errors * losses[ERRORS * USERS + k];
      const lost = ofErrors + (there === undefined ? 0 : there.size * losses[there.fault * USERS + k]);
      return db - biasDb[k] - lost - sigma * random.normal() - (glitch?.(cycle) === true ? 50 : 0);
    });
    const told = bank.step({
      timeMs: 1000 * atS,
      cycle,
      pilots: PILOTS,
      predictedSnrDb,
      measuredSnrDb,
      missingRate: 0.5,
      losses,
    });
    if (told !== undefined) {
      found.push({ ...told, atS });
      bank.learnAnew();
    }
  }
  return found;
}

const from = (atS: number, fault: number) => (now: number) => (now >= atS ? { fault, size: 1 } : undefined);

describe('a bank of supposed faults', () => {
  it.each([0, 1, 4, 5, 6, 8])('names fault %i, once, and when it came', (fault) => {
    const found = play({ truth: from(QUIET_S, fault), seconds: 200 });
    expect(found).toHaveLength(1);
    expect(found[0].fault).toMatchObject(FAULTS[fault]);
    expect(found[0].candidates).toEqual([(FAULTS[fault] as { index: number }).index]);
    expect(Math.abs(found[0].sinceCycle - QUIET_S * RATE_HZ)).toBeLessThan(20);
  });

  it('names a set where beams that do not move cannot tell them apart', () => {
    const [told] = play({ truth: from(QUIET_S, 2), moves: 0 });
    expect(told.candidates.sort()).toEqual([2, 3]);
  });

  it.each([[[0.05, 0.05, 0.05]], [[1, 1, 1]], [[1.2, 0.1, 0.2]], [[-2, 3, 0]]])(
    'learns what is there from the start, and tells nothing of it: %j dB',
    (biasDb) => {
      for (const seed of [1, 2, 3]) expect(play({ seed, biasDb, seconds: 600 })).toEqual([]);
    },
  );

  it('learns a part of a fault that is there from the start, which comes and goes with the beams, and tells when it is whole', () => {
    const truth = (atS: number) => ({ fault: 1, size: atS < 100 ? 0.5 : 2 });
    expect(play({ truth, seconds: 99, moves: 0.8 })).toEqual([]);
    expect(play({ truth, seconds: 200, moves: 0.8 })).toMatchObject([{ fault: { what: 'element', index: 1 } }]);
  });

  it('learns how far an array nobody has measured misses its beams, which is more where a beam is more sensitive, and tells nothing of it', () => {
    // Users who walk come to such beams once the first minute is over.
    const sensitive = (atS: number): number => (atS > QUIET_S && atS % 20 < 5 ? 2.5 : 1);
    const imperfect = { errors: 1.2, sensitive, seconds: 300 };
    for (const seed of [1, 2, 3]) expect(play({ ...imperfect, seed })).toEqual([]);
    expect(play({ ...imperfect, truth: from(200, 1) })).toMatchObject([{ fault: { what: 'element', index: 1 } }]);
  });

  it('finds by itself how far readings spread beside what pilots leave', () => {
    for (const seed of [1, 2, 3]) expect(play({ seed, spread: 3, seconds: 600 })).toEqual([]);
    expect(play({ spread: 3, truth: from(QUIET_S, 5), seconds: 200 })).toMatchObject([{ fault: { what: 'board', index: 1 } }]);
  });

  it('is not told by one reading that is all wrong, nor by two', () => {
    expect(play({ glitch: (cycle) => cycle === 1500 || cycle === 1900 || cycle === 1901, seconds: 120 })).toEqual([]);
  });

  it('tells another fault that comes later', () => {
    const truth = (atS: number) => (atS < QUIET_S ? undefined : atS < 200 ? { fault: 6, size: 1 } : { fault: 7, size: 1 });
    const found = play({ truth, seconds: 300 });
    expect(found.map(({ fault }) => fault)).toEqual([FAULTS[6], FAULTS[7]]);
  });
});

describe('a look at an array that is suspected', () => {
  /** A bank that is near an alarm of element 0, which has died. */
  function suspicious() {
    const random = createRandom(4);
    const bank = createFaultBank(FAULTS, USERS, 86_400 * RATE_HZ);
    const losses = Float64Array.from(MEAN_LOSSES);
    for (let cycle = 0; !bank.isSuspicious; cycle++) {
      const predictedSnrDb = new Float64Array(USERS).fill(20);
      const lost = (k: number): number => (cycle < QUIET_S * RATE_HZ ? 0 : losses[k]);
      const measuredSnrDb = predictedSnrDb.map((db, k) => db - lost(k) - 0.5 * random.normal());
      const at = { timeMs: (1000 * cycle) / RATE_HZ, cycle, pilots: PILOTS, missingRate: 0.5 };
      bank.step({ ...at, predictedSnrDb, measuredSnrDb, losses });
    }
    return bank;
  }
  const heard = (of: (fault: SupposedFault) => number) => ({
    nats: Float64Array.from(FAULTS, of),
    turnDeg: Float64Array.of(0, 17.4),
  });
  const unheard = ({ what }: SupposedFault): number => (what === 'user' ? 0 : -50);

  it('names what was heard, though readings took it for something else', () => {
    const found = suspicious().lookedAt(heard((fault) => (fault === FAULTS[3] ? 80 : unheard(fault))));
    expect(found).toMatchObject({ fault: FAULTS[3], candidates: [3], otherwise: undefined });
    expect(Math.abs((found?.sinceCycle ?? 0) - QUIET_S * RATE_HZ)).toBeLessThan(40);
  });

  it('says how far a board is turned, as it was heard', () => {
    const found = suspicious().lookedAt(heard((fault) => (fault === FAULTS[5] ? 80 : unheard(fault))));
    expect(found?.fault).toEqual({ what: 'board', index: 1, turnDeg: 17 });
  });

  it('takes back what was not heard, tells nothing, and goes on suspecting only what pilots do not hear', () => {
    const bank = suspicious();
    expect(bank.lookedAt(heard(unheard))).toBeUndefined();
    expect(bank.isAlarmed).toBe(false);
    expect(['user', undefined]).toContain(bank.likeliest()?.fault.what);
  });
});
