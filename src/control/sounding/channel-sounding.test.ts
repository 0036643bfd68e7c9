/** A rig that sounds its channel by pilots, on the simulator's panel: real bytes over a loopback, on virtual time. */
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { createVirtualClock } from '../../../core/clock/virtual-clock.ts';
import { frobeniusNorm, subtract } from '../../../core/signal/complex-matrix.ts';
import type { Behaviour } from '../../../hil-sim/behaviours.ts';
import { cycles } from '../../../test/doubles/scripted-rig.ts';
import { assemble, meanOf, rigOf, runOf, sceneOf, SOUNDED } from '../../../test/doubles/sounded-rig.ts';
import { readRigFile } from '../../config/rig-file.ts';
import { assembleRig } from '../../rig/assemble.ts';
import type { CycleRecord } from '../../telemetry/cycle-record.ts';

describe('a rig that sounds its channel', () => {
  it('reaches the rate of one that is given it, by what its panel reports alone', async () => {
    const given = await runOf(rigOf('{ source: simulation }'));
    const heard = await runOf(rigOf('{ source: sounding }'));
    expect(heard.outcome).toMatchObject({ reason: 'done', voidCycles: 0 });
    const rate = ({ measuredSumRate }: CycleRecord): number => measuredSumRate;
    expect(meanOf(heard.records, rate) / meanOf(given.records, rate)).toBeGreaterThan(0.96);
    const view = heard.loop.latest();
    const truth = sceneOf(rigOf('{ source: sounding }'));
    // Near the scene's, and not the scene's: only what was heard is known, and where users stand is not.
    const error = (frobeniusNorm(subtract(view?.channel ?? truth, truth)) / frobeniusNorm(truth)) ** 2;
    expect(error).toBeGreaterThan(1e-4);
    expect(error).toBeLessThan(0.3);
    expect(view?.userAzimuthRad).toHaveLength(0);
    expect(heard.identity.channelSource).toBe('sounding');
    expect(given.records.every(({ sounding }) => sounding === undefined)).toBe(true);
  });

  it('sounds the whole channel and the words that stand by their periods, and counts the slots', async () => {
    const { records } = await runOf(
      rigOf('{ source: sounding, beams: 16, wholePeriod: 20, effectivePeriod: 6, mostMissedDb: 100 }'),
    );
    const sounded = records.filter(({ sounding }) => sounding !== undefined && sounding.slots > 0);
    expect(
      sounded.map(({ beamId, sounding }) => [beamId, sounding?.beams, sounding?.slots, sounding?.ageSlots]).slice(0, 6),
    ).toEqual([
      [6, 16, 5, 5],
      [12, 0, 1, 11],
      [18, 0, 1, 17],
      [26, 16, 5, 5],
      [32, 0, 1, 11],
      [38, 0, 1, 17],
    ]);
    const { sounding, measuredSumRate } = records.at(-1) ?? {};
    // 4 + 1 + 1 + 1 of 20 slots.
    expect(sounding?.dataShare).toBeCloseTo(13 / 20, 12);
    expect(sounding?.netSumRate).toBeCloseTo((13 / 20) * (measuredSumRate ?? NaN), 12);
    expect(records.filter(({ stageMs }) => stageMs.channel > 0)).toHaveLength(sounded.length);
  });

  it('follows users who move, sooner than by its periods where the SINR says so', async () => {
    const periods = 'wholePeriod: 1000, effectivePeriod: 900';
    const slow = { speedMps: 0.03 };
    const byPeriod = await runOf(rigOf(`{ source: sounding, beams: 16, ${periods}, mostMissedDb: 100 }`, slow), { cycles: 80 });
    const bySinr = await runOf(rigOf(`{ source: sounding, beams: 16, ${periods}, mostMissedDb: 2 }`, slow), { cycles: 80 });
    const slots = (records: readonly CycleRecord[]): number =>
      records.reduce((sum, { sounding }) => sum + (sounding?.slots ?? 0), 0);
    expect(slots(byPeriod.records)).toBe(5);
    expect(slots(bySinr.records)).toBeGreaterThan(5);
    // What asks again and again takes no more slots than data has.
    expect(slots(bySinr.records)).toBeLessThan(80);
    const rate = ({ measuredSumRate }: CycleRecord): number => measuredSumRate;
    expect(meanOf(bySinr.records, rate)).toBeGreaterThan(1.2 * meanOf(byPeriod.records, rate));
  });

  it('has no void cycle where cycles follow each other as fast as it goes, elements being measured in between', async () => {
    const rig = rigOf(SOUNDED, { more: 'calibration: { watch: { everyCycles: 10, elements: 8 } }' });
    const { records, outcome, events } = await runOf({ ...rig, loop: { ...rig.loop, rateHz: 10_000 } }, { cycles: 120 });
    expect(outcome).toMatchObject({ reason: 'done', voidCycles: 0 });
    expect(events.map(({ code }) => code)).toContain('elements-measured');
    expect(records.every(({ measuredSnrDb }) => measuredSnrDb.every(Number.isFinite))).toBe(true);
  });

  it('drops a slot that could not be read, and makes a channel of the others', async () => {
    // The second slot: each asks three users twice.
    const lost: Behaviour[] = [
      {
        do: 'nack',
        direction: 'to-panel',
        messages: ['measure-pilots'],
        code: 'beam-mismatch',
        detail: 0,
        probability: 1,
        nth: 8,
      },
    ];
    const { records, outcome } = await runOf(rigOf(SOUNDED), { behaviours: lost, cycles: 4 });
    expect(outcome).toMatchObject({ voidCycles: 0 });
    expect(records[0].sounding).toMatchObject({ beams: 12, slots: 5 });
  });

  it('is void where too few slots are left, says so once, leaves the array safe and goes on when the panel does', async () => {
    const lost: Behaviour[] = [
      { do: 'drop', messages: ['pilot-report'], direction: 'to-host', nth: 1, times: 120, probability: 1 },
    ];
    const { records, events, run, loop, simulator } = await assemble(rigOf(SOUNDED), { behaviours: lost, cycles: 12 });
    const radiated: number[] = [];
    loop.onEvent(({ code }) => {
      if (code === 'sounding-failed' && simulator !== undefined) radiated.push(frobeniusNorm(simulator.panel.radiatedPrecoder()));
    });
    await run();
    await loop.stop();
    expect(records[0]).toMatchObject({ outcome: 'void', beamId: 0, channelSource: 'sounding' });
    expect(records[0].failure).toBe('channel: the users have not been heard: no sounding has been whole yet');
    expect(records.at(-1)).toMatchObject({ outcome: 'ok' });
    const told = events.filter(({ code }) => code === 'sounding-failed');
    expect(told).toHaveLength(1);
    expect(radiated.slice(0, 1), 'when it was told').toEqual([0]);
    expect(told[0].message).toMatch(/^A sounding is void: 2 of 4 slots could not be read/);
  });

  it('may take longer than the panel may radiate without a good cycle, slot after slot being heard', async () => {
    const long = '{ source: sounding, beams: 64, wholePeriod: 100, effectivePeriod: 30 }';
    const { records, events } = await runOf(rigOf(long, { panel: 'answerMs: 150' }), { cycles: 8 });
    expect(events.map(({ code }) => code)).not.toContain('panel-lost');
    expect(records.map(({ outcome }) => outcome)).toEqual(Array.from({ length: 8 }, () => 'ok'));
  });

  it('counts nothing of a sounding that the panel restarts in, and sounds again when it is back', async () => {
    const restart: Behaviour[] = [
      {
        do: 'reset',
        messages: ['measure-pilots'],
        direction: 'to-panel',
        nth: 40,
        bootMs: 500,
        moment: 'before',
        probability: 1,
      },
    ];
    const { records, outcome, events } = await runOf(rigOf(SOUNDED), { behaviours: restart, cycles: 60 });
    expect(outcome.reason).toBe('done');
    expect(records.some((record) => record.outcome === 'void')).toBe(true);
    const back = records.findIndex((record, i) => i > 0 && record.outcome === 'ok' && records[i - 1].outcome === 'void');
    expect(records[back].sounding).toMatchObject({ beams: 16, ageSlots: 5 });
    expect(events.map(({ code }) => code)).toContain('panel-back');
    expect(records.at(-1)).toMatchObject({ outcome: 'ok' });
  });

  it('begins anew after a pause: what it heard before counts for nothing', async () => {
    const { loop, records, run } = await assemble(rigOf(SOUNDED), { cycles: 9 });
    const done = run();
    await cycles(loop, 4);
    await loop.pause();
    expect(loop.describe().channels).toMatch(/not known yet$/);
    expect(loop.describe().safe.confirmed).toBe(true);
    await loop.run();
    await done;
    await loop.stop();
    const whole = records.flatMap(({ cycle, sounding }) => (sounding?.beams === 16 ? [cycle] : []));
    expect(whole).toEqual([0, 4]);
    expect(records.every(({ outcome }) => outcome === 'ok')).toBe(true);
  });

  it('has another model, and another Q, choose words of their own at once', async () => {
    const { loop, records, run } = await assemble(
      rigOf('{ source: sounding, beams: 16, wholePeriod: 1000, effectivePeriod: 500 }'),
      { cycles: 12 },
    );
    const done = run();
    await cycles(loop, 3);
    expect(await loop.switchModel('aligned')).toEqual({ ok: true });
    await cycles(loop, 3);
    expect(await loop.setPhaseBits(2)).toEqual({ ok: true });
    await done;
    await loop.stop();
    const changes = records.flatMap(({ modelId, phaseBits, sounding }) =>
      sounding !== undefined && sounding.slots > 0 ? [[modelId, phaseBits, sounding.slots]] : [],
    );
    expect(changes).toEqual([
      ['phase-extraction', 6, 5],
      ['aligned', 6, 1],
      ['aligned', 2, 1],
    ]);
    expect(records.every(({ outcome }) => outcome === 'ok')).toBe(true);
    const words = loop.latest()?.words ?? new Uint16Array();
    expect(Math.max(...words)).toBeLessThan(4);
  });

  it('shows beams by hand without sounding through each of them', async () => {
    const { loop, records, run } = await assemble(rigOf(SOUNDED), { cycles: 12 });
    const done = run();
    await cycles(loop, 2);
    expect(await loop.byHand({ do: 'steer', azimuthDeg: 20, elevationDeg: 0, user: 0 })).toEqual({ ok: true });
    await done;
    await loop.stop();
    const byHand = records.slice(3);
    expect(byHand.every(({ outcome }) => outcome === 'ok')).toBe(true);
    expect(byHand.filter(({ sounding }) => sounding?.slots === 1)).toEqual([]);
  });

  it('goes by the noise that it is told, and otherwise by what it hears: much the same', async () => {
    const told = await runOf(rigOf('{ source: sounding, beams: 16, noise: 1 }'));
    const learned = await runOf(rigOf('{ source: sounding, beams: 16 }'));
    const predicted = ({ predictedSumRate }: CycleRecord): number => predictedSumRate;
    expect(Math.abs(meanOf(told.records, predicted) - meanOf(learned.records, predicted))).toBeLessThan(1);
  });

  it.each([
    ['8', 8],
    ['0.1', 0.1],
    ['1.4', undefined],
  ])('says once that channel.noise %s is far from what it hears, and goes by it', async (noise, doubted) => {
    const { events, outcome } = await runOf(rigOf(`{ source: sounding, beams: 16, wholePeriod: 20, noise: ${noise} }`), {
      cycles: 100,
    });
    expect(outcome).toMatchObject({ reason: 'done', voidCycles: 0 });
    const told = events.filter(({ code }) => code === 'noise-doubted');
    expect(told).toHaveLength(doubted === undefined ? 0 : 1);
    if (doubted !== undefined) {
      const [, given, heard] = /channel\.noise is (\S+) in the rig file.* a noise of (\S+)\.$/.exec(told[0].message) ?? [];
      expect(Number(given)).toBe(doubted);
      expect(Number(heard)).toBeGreaterThan(0.6);
      expect(Number(heard)).toBeLessThan(1.5);
    }
  });

  it('is an example that runs', async () => {
    const path = fileURLToPath(new URL('../../../examples/rigs/sounding.yaml', import.meta.url));
    const rig = readRigFile(path);
    const { records, outcome, description } = await runOf(
      { ...rig, beamformer: { ...rig.beamformer, model: 'phase-extraction' } },
      { cycles: 130 },
    );
    expect(outcome).toMatchObject({ reason: 'done', voidCycles: 0 });
    expect(description.channels).toBe('sounded through the panels (24 beams in 6 slots every 58, D every 16): not known yet');
    const given = await runOf(
      { ...rig, channel: { source: 'simulation' }, beamformer: { ...rig.beamformer, model: 'phase-extraction' } },
      { cycles: 130 },
    );
    const rate = ({ measuredSumRate }: CycleRecord): number => measuredSumRate;
    expect(meanOf(records, rate) / meanOf(given.records, rate)).toBeGreaterThan(0.9);
  });

  it('is given no channels beside', async () => {
    const rig = rigOf(SOUNDED);
    const recorder = { cycle: () => undefined, event: () => undefined };
    const channels = { channels: [sceneOf(rig)], file: 'h.npy' };
    await expect(assembleRig({ rig, clock: createVirtualClock(), recorder, channels })).rejects.toMatchObject({
      code: 'argument',
      message: "--channels h.npy gives the channels, and channel.source of 'heard' says that they are sounded",
    });
  });
});
