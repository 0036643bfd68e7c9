/** A rig whose panel reports users' SNR alone: its channel is sounded by powers, of beams that are known before, and of a search from wide ones to narrow ones. */
import { describe, expect, it } from 'vitest';
import { createRealClock } from '../../../core/clock/real-clock.ts';
import type { Behaviour } from '../../../hil-sim/behaviours.ts';
import { assemble, meanOf, rigOf, runOf, SOUNDED } from '../../../test/doubles/sounded-rig.ts';
import { assembleRig } from '../../rig/assemble.ts';
import type { CycleRecord } from '../../telemetry/cycle-record.ts';

const SNR_ONLY = { panel: 'pilotReport: false, answerMs: 0.1' };
const POWERS = 'source: sounding, wholePeriod: 4000, effectivePeriod: 1000';
const SEARCHED = `{ ${POWERS}, estimator: best-beam, words: hierarchical }`;

const rate = ({ measuredSumRate }: CycleRecord): number => measuredSumRate;
/** A panel that does not answer for a power, the nth that it is asked for. */
const losing = (nth: number, times = 1): Behaviour[] => [
  {
    ...{ do: 'nack', direction: 'to-panel', messages: ['measure-snr'], code: 'beam-mismatch', detail: 0, probability: 1 },
    ...{ nth, times },
  },
];

describe('a rig that sounds its channel by powers', () => {
  it('reaches most of that rate where the panel reports SNR alone, by powers of one driven stream after the other', async () => {
    const given = await runOf(rigOf('{ source: simulation }', SNR_ONLY), { cycles: 10 });
    // K·M slots a set of words, and K·(3M − 2) through those that stand.
    for (const [estimator, beams, least] of [
      ['best-beam', 32, 0.45],
      ['phase-retrieval', 64, 0.6],
    ] as const) {
      const rig = rigOf(`{ ${POWERS}, estimator: ${estimator}, beams: ${beams} }`, SNR_ONLY);
      const { records, outcome, simulator } = await runOf(rig, { cycles: 10 });
      expect(outcome, estimator).toMatchObject({ reason: 'done', voidCycles: 0 });
      expect(simulator?.panel.capabilities.features).not.toContain('pilot-report');
      expect(records[0].sounding, estimator).toMatchObject({ beams, slots: (beams / 4) * 12 + 30 });
      expect(meanOf(records, rate) / meanOf(given.records, rate), estimator).toBeGreaterThan(least);
    }
  });

  it('lets everybody be heard while it looks for phases', async () => {
    const array = '{ geometry: { kind: ula, elements: 32 }, rfChains: 2, phaseBits: 6 }';
    const rig = rigOf(`{ ${POWERS}, estimator: phase-retrieval, beams: 96 }`, { ...SNR_ONLY, array, users: 2 });
    const clock = createRealClock();
    const records: CycleRecord[] = [];
    const slots = (96 / 2) * 4;
    let [isHeard, turns] = [false, 0];
    const { controller, run, simulator } = await assembleRig({
      ...{ rig, clock, rateHz: 'max', cycles: 1, hardware: false },
      recorder: { cycle: (record) => records.push(record), event: () => undefined },
    });
    // As pages, links and timers do: from the last beam of the whole sounding to the first through its words, dark where that takes long.
    const look = (): void => {
      const { beamId } = simulator?.panel.radiated() ?? {};
      isHeard ||= beamId === slots;
      if (isHeard && (beamId === slots || beamId === 0)) turns++;
    };
    const looking = setInterval(look, 5);
    try {
      expect(await run()).toMatchObject({ reason: 'done', voidCycles: 0 });
    } finally {
      clearInterval(looking);
      await controller.stop();
    }
    expect(records[0].sounding).toMatchObject({ beams: 96 });
    expect(turns).toBeGreaterThan(10);
  });

  it('drops words whose powers could not be read', async () => {
    const rig = rigOf(`{ ${POWERS}, estimator: best-beam, beams: 32 }`, SNR_ONLY);
    const { records, outcome } = await runOf(rig, { behaviours: losing(20), cycles: 3 });
    expect(outcome).toMatchObject({ voidCycles: 0 });
    // The second of eight sets of words was read as far as its eighth power.
    expect(records[0].sounding).toMatchObject({ beams: 28, slots: 7 * 12 + 8 + 30 });
  });

  it('finds each user from wide beams to narrow ones, in a third of the slots of all narrow ones', async () => {
    const given = await runOf(rigOf('{ source: simulation }', SNR_ONLY), { cycles: 10 });
    const { records, outcome, description } = await runOf(rigOf(SEARCHED, SNR_ONLY), { cycles: 10 });
    expect(outcome).toMatchObject({ reason: 'done', voidCycles: 0 });
    // For each of three users four sectors and three times two halves, where 32 beams take 96 slots.
    expect(records[0].sounding).toMatchObject({ beams: 30, slots: 30 + 30, ageSlots: 60 });
    expect(description.channels).toContain('30 beams in 30 slots every 4000');
    expect(meanOf(records, rate) / meanOf(given.records, rate)).toBeGreaterThan(0.45);
  });

  it('searches a plane too', async () => {
    const array = '{ geometry: { kind: upa, rows: 4, columns: 8 }, rfChains: 4, phaseBits: 6 }';
    const given = await runOf(rigOf('{ source: simulation }', { ...SNR_ONLY, array }), { cycles: 4 });
    const { records, outcome } = await runOf(rigOf(SEARCHED, { ...SNR_ONLY, array }), { cycles: 4 });
    expect(outcome).toMatchObject({ reason: 'done', voidCycles: 0 });
    expect(records[0].sounding).toMatchObject({ beams: 30, slots: 30 + 30 });
    expect(meanOf(records, rate) / meanOf(given.records, rate)).toBeGreaterThan(0.3);
  });

  it('shows beams of a search again whose powers could not be read, a few times', async () => {
    const once = await runOf(rigOf(SEARCHED, SNR_ONLY), { behaviours: losing(6), cycles: 3 });
    expect(once.outcome).toMatchObject({ voidCycles: 0 });
    // The first half of the second level was lost.
    expect(once.records[0].sounding).toMatchObject({ beams: 30, slots: 30 + 2 + 30 });
    const often = await runOf(rigOf(SEARCHED, SNR_ONLY), { behaviours: losing(6, 1000), cycles: 3 });
    expect(often.records.map(({ outcome }) => outcome)).toEqual(['void', 'void', 'void']);
    const told = often.events.filter(({ code }) => code === 'sounding-failed');
    expect(told[0].message).toMatch(/^A sounding is void: 2 of 30 slots could not be read/);
  });

  it('says what to set where the panel reports the other kind alone', async () => {
    await expect(assemble(rigOf(SOUNDED, SNR_ONLY))).rejects.toMatchObject({
      code: 'panel',
      message: expect.stringContaining('reports no pilots (feature pilot-report)') as string,
      wayOut: expect.stringMatching(/^Set channel\.estimator to best-beam or phase-retrieval/) as string,
    });
  });
});
