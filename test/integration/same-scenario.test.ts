/**
 * One scenario (100 cycles, 64 × 4 words of Q = 7, four users who walk, a learned beamformer) told over every kind of link, each with another
 * panel at its end, and held to the loopback of the same rig: every word of every cycle as radiated, and SNR within its noise (how that is
 * judged: `compare` in scripts/same-scenario.ts).
 */
import { beforeAll, describe, expect, it } from 'vitest';
import { openScenario } from '../../scripts/broker-scenario.ts';
import { tellToPanelProcess } from '../../scripts/played-scenario.ts';
import { STANDARD_ERRORS, compare, tellOverLoopback } from '../../scripts/same-scenario.ts';
import type { Story } from '../../scripts/same-scenario.ts';
import { hasPart } from '../parts.ts';
import { SCENARIO_LINKS } from '../same-scenario-links.ts';

const CYCLES = 100;
/** Processes are built and started, and the machine may have much else to do. */
const LIMITS = { timeout: 300_000 };

let loopback: Story;
beforeAll(async () => {
  loopback = await tellOverLoopback(CYCLES);
}, LIMITS.timeout);

/** The story, cut to its first cycles. */
const beginning = (story: Story, cycles: number): Story => ({
  ...story,
  records: story.records.slice(0, cycles),
  words: story.words.slice(0, cycles),
  trueSnrDb: story.trueSnrDb.slice(0, cycles),
});

/** Cycles that are void because a panel missed their time. */
const missed = ({ records }: Story): Story['records'] =>
  records.filter(({ outcome, failure }) => outcome === 'void' && /the array is split|too-late/.test(failure ?? ''));

describe('the same scenario', LIMITS, () => {
  for (const link of SCENARIO_LINKS) {
    const { name, needs } = link;
    const title = `is the same over ${name}${needs.length > 0 ? ` [needs ${needs.join(', ')}]` : ''}`;
    it.skipIf(!needs.every(hasPart))(title, async () => {
      let story = await link.tell(CYCLES);
      // Of two boards one may miss its time where the machine is busy, which is void and says so: then the story is told once more.
      for (let again = 0; again < 2 && name.includes('timed commits') && missed(story).length > 0; again++) {
        const { differentWords, cyclesThatDiffer } = compare(loopback, story);
        expect([differentWords, cyclesThatDiffer]).toEqual([256 * missed(story).length, missed(story).length]);
        story = await link.tell(CYCLES);
      }
      const comparison = compare(loopback, story);
      expect(comparison).toMatchObject({ cycles: CYCLES, wordsPerCycle: 256, differentWords: 0, voidCycles: [], equal: true });
      expect(Math.abs(comparison.z)).toBeLessThan(STANDARD_ERRORS);
      // The users of the firmware's bench hear it with noise of their own: the truth behind the readings must be the same to the last bit.
      if (story.trueSnrDb.length > 0) expect(story.trueSnrDb).toEqual(loopback.trueSnrDb);
      expect(story.records.map(({ cycle, beamId, outcome, source }) => [cycle, beamId, outcome, source])).toEqual(
        Array.from({ length: CYCLES }, (_, cycle) => [cycle, cycle + 1, 'ok', 'played-panel']),
      );
    });
  }

  it('is seen to be another one when a panel stands in another world', async () => {
    const broker = await openScenario();
    try {
      const story = await tellToPanelProcess({ ...broker, cycles: 20, flags: ['--seed', '8'] });
      const { differentWords, z, equal } = compare(beginning(loopback, 20), story);
      expect([differentWords, equal]).toEqual([0, false]);
      expect(z).toBeLessThan(-STANDARD_ERRORS);
    } finally {
      await broker.close();
    }
  });

  it('has its void cycles named with their cause when a panel refuses a beam', async () => {
    const broker = await openScenario();
    try {
      const flags = ['--behaviour', 'nack:messages=commit,nth=6,code=fault'];
      const { voidCycles, cyclesThatDiffer, equal } = compare(
        beginning(loopback, 10),
        await tellToPanelProcess({ ...broker, cycles: 10, flags }),
      );
      expect(voidCycles).toEqual([expect.stringMatching(/^cycle 5: .*fault/)]);
      expect([cyclesThatDiffer, equal]).toEqual([1, false]);
    } finally {
      await broker.close();
    }
  });

  it('differs by one word when one word is another', () => {
    const words = loopback.words.map((radiated) => radiated?.slice());
    words[42]?.set([(loopback.words[42]?.[17] ?? 0) ^ 1], 17);
    expect(compare(loopback, { ...loopback, words })).toMatchObject({
      differentWords: 1,
      cyclesThatDiffer: 1,
      z: 0,
      equal: false,
    });
  });

  it('differs when what is measured is a fifth of a decibel off on end', () => {
    const records = loopback.records.map((record, cycle) => ({
      ...record,
      measuredSnrDb: record.measuredSnrDb.map((db) => db - 0.2 + 0.4 * Math.sin(cycle)),
    }));
    const { differentWords, differenceDb, equal } = compare(loopback, { ...loopback, records });
    expect([differentWords, equal]).toEqual([0, false]);
    expect(differenceDb).toBeCloseTo(-0.2, 1);
  });
});
