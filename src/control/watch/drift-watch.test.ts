import { describe, expect, it } from 'vitest';
import { createRandom, type Random } from '../../../core/signal/random.ts';
import { driftStep, newDriftState, type DriftAlarm } from './drift-watch.ts';

const USERS = 4;
const PILOTS = 64;
/** dB, one reading of one user over so many pilots. */
const SIGMA = 0.55;
const RATE_HZ = 20;

interface Story {
  seconds: number;
  rateHz?: number;
  seed?: number;
  sigma?: number;
  users?: number;
  /** Predicted less measured, dB, of a user at a time. */
  offDb?: (user: number, atS: number) => number;
  /** dB, of a user at a time; default: 20. One below what the pilots can measure is heard as noise alone. */
  predictedDb?: (user: number, atS: number) => number;
  /** No reading then: a void cycle. */
  gap?: (atS: number) => boolean;
}

/** Plays a story and says when it was told of, s. */
function play({ seconds, rateHz = RATE_HZ, seed = 1, sigma = SIGMA, users = USERS, ...story }: Story) {
  const { offDb = () => 0, predictedDb = () => 20, gap = () => false } = story;
  const random = createRandom(seed);
  const state = newDriftState();
  const alarms: (DriftAlarm & { atS: number })[] = [];
  for (let cycle = 0; cycle < seconds * rateHz; cycle++) {
    const atS = cycle / rateHz;
    if (gap(atS)) continue;
    const predictedSnrDb = new Float64Array(users).map((_, user) => predictedDb(user, atS));
    const measuredSnrDb = predictedSnrDb.map((db, user) =>
      db < -30 ? ofNoise(random) : db - offDb(user, atS) - sigma * random.normal(),
    );
    const rate = (snr: Float64Array): number => snr.reduce((sum, db) => sum + Math.log2(1 + 10 ** (db / 10)), 0);
    const alarm = driftStep(state, {
      timeMs: 1000 * atS,
      cycle,
      pilots: PILOTS,
      predictedSnrDb,
      measuredSnrDb,
      predictedSumRate: rate(predictedSnrDb),
      measuredSumRate: rate(measuredSnrDb),
    });
    if (alarm !== undefined) alarms.push({ ...alarm, atS });
  }
  return alarms;
}

/** What an estimate without bias makes of noise, dB: |CN(0, 1/n)|² − 1/n, and at the least what panels report. */
function ofNoise(random: Random): number {
  const { re, im } = random.complexNormal();
  return 10 * Math.log10(Math.max((re * re + im * im - 1) / PILOTS, 1e-6));
}

describe('predicted less measured', () => {
  describe.each([-114, -2776, -Infinity, -60])('of a user who is turned off at %d dB', (off) => {
    it.each([
      ['always', () => true],
      ['from some time on', (atS: number) => atS > 300],
      ['now and then', (atS: number) => Math.floor(atS / 7) % 3 === 0],
    ])('is no alarm: %s', (_, isOff) => {
      const predictedDb = (user: number, atS: number): number => (user === 2 && isOff(atS) ? off : 20);
      for (const seed of [1, 2]) expect(play({ seconds: 3600, seed, predictedDb })).toEqual([]);
    });

    it('hides nobody else’s', () => {
      const predictedDb = (user: number): number => (user === 2 ? off : 20);
      const alarms = play({ seconds: 900, predictedDb, offDb: (_, atS) => (atS < 300 ? 0.1 : 0.5) });
      expect(alarms).toHaveLength(1);
      expect(alarms[0]).toMatchObject({ shape: 'step', user: undefined });
      expect(alarms[0].atS).toBeLessThan(330);
    });
  });

  it('of users whom their pilots just measure is watched, and is not their noise', () => {
    const predictedDb = (user: number): number => (user === 2 ? -7 : 20);
    expect(play({ seconds: 3600, predictedDb })).toEqual([]);
    expect(play({ seconds: 900, predictedDb, offDb: (user, atS) => (user === 2 && atS > 200 ? 8 : 0) })).toMatchObject([
      { user: 2 },
    ]);
  });

  it('that grows from 0.3 to 2.9 bit/s/Hz in 16 minutes is told once, while it is still small, as a slope', () => {
    // Of four users 1 dB each are 1.33 bit/s/Hz.
    const alarms = play({ seconds: 960, offDb: (_, atS) => (0.3 + (2.6 * atS) / 960) / 1.33 });
    expect(alarms).toHaveLength(1);
    const [{ shape, user, beforeRate, nowRate, atS }] = alarms;
    expect({ shape, user }).toEqual({ shape: 'slope', user: undefined });
    expect(beforeRate).toBeLessThan(0.5);
    expect(nowRate).toBeGreaterThan(beforeRate + 0.2);
    expect(nowRate).toBeLessThan(1.2);
    expect(atS).toBeLessThan(400);
  });

  it.each([1, 2, 3])('that jumps when an element dies is told once, within half a minute, as a step: seed %i', (seed) => {
    const alarms = play({ seconds: 900, seed, offDb: (_, atS) => (atS < 300 ? 0.1 : 0.5) });
    expect(alarms).toHaveLength(1);
    expect(alarms[0]).toMatchObject({ shape: 'step', user: undefined });
    expect(alarms[0].atS).toBeGreaterThan(300);
    expect(alarms[0].atS).toBeLessThan(330);
    expect(Math.abs(alarms[0].sinceCycle / RATE_HZ - 300)).toBeLessThan(10);
  });

  it('that jumps far is told within seconds', () => {
    const [{ atS, shape }] = play({ seconds: 400, offDb: (_, atS) => (atS < 200 ? 0 : 5) });
    expect(shape).toBe('step');
    expect(atS).toBeLessThan(203);
  });

  it('of one user alone names it', () => {
    const [alarm] = play({ seconds: 900, offDb: (user, atS) => (user === 2 && atS > 200 ? 3 : 0) });
    expect(alarm.user).toBe(2);
  });

  it('that is large from the start and stays is no news', () => {
    expect(play({ seconds: 3600, offDb: (user) => 2 + user })).toEqual([]);
  });

  it('that falls is no alarm', () => {
    expect(play({ seconds: 1200, offDb: (_, atS) => 2 - atS / 600 })).toEqual([]);
  });

  it('is judged over gaps, whatever share of the cycles is void', () => {
    const gap = (atS: number): boolean => Math.floor(atS) % 60 < 50;
    expect(play({ seconds: 7200, gap })).toEqual([]);
    expect(play({ seconds: 7200, gap, offDb: (_, atS) => (atS < 3600 ? 0 : 0.6) })).toHaveLength(1);
  });

  it('is told anew when it had gone back for as long as the baseline took, and not before', () => {
    const twice =
      (quietS: number) =>
      (_: number, atS: number): number =>
        atS > 200 && (atS < 300 || atS > 300 + quietS) ? 1 : 0;
    expect(play({ seconds: 900, offDb: twice(20) })).toHaveLength(1);
    expect(play({ seconds: 900, offDb: twice(200) })).toHaveLength(2);
  });

  it.each([
    ['four users', {}],
    ['one user', { users: 1 }],
    ['one user, eight pilots, one cycle a second', { users: 1, sigma: 1.6, rateHz: 1 }],
    ['200 cycles a second, for an hour', { rateHz: 200, seconds: 3600 }],
    ['no noise at all', { sigma: 0, rateHz: 1 }],
  ] as [string, Partial<Story>][])('of nothing but noise gives no alarm in a day: %s', (_, story) => {
    // With its blocks at a second each the day is what counts, not the readings in them: eight a second make it quick.
    const rateHz = story.rateHz ?? 8;
    for (const seed of [1, 2]) expect(play({ seconds: 86_400, ...story, rateHz, seed })).toEqual([]);
  });
});
