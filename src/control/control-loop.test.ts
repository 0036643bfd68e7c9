import { describe, expect, it } from 'vitest';
import type { ControllerState } from './controller.ts';
import { NO_ANSWER } from '../../test/doubles/scripted-panel.ts';
import { cycles, rig } from '../../test/doubles/scripted-rig.ts';

describe('the control loop', () => {
  it('runs its cycles at the rate asked for and ends with the array safe and the panel closed', async () => {
    const { clock, loop, records, log } = rig({ cycles: 5 });
    const states: ControllerState[] = [];
    loop.onState((state) => states.push(state));
    expect(await loop.start()).toEqual({ reason: 'done', cycles: 5, voidCycles: 0 });
    expect(states).toEqual(['running', 'stopping', 'stopped']);
    expect(log).toEqual(['armed: mute', 'beam 1', 'beam 2', 'beam 3', 'beam 4', 'beam 5', 'safe: mute', 'closed']);
    expect(records.map(({ timeNs }) => Number(timeNs - records[0].timeNs) / 1e6)).toEqual([0, 50, 100, 150, 200]);
    expect(records[4]).toMatchObject({ cycle: 4, beamId: 5, outcome: 'ok', modelId: 'first', phaseBits: 6 });
    expect(records[4].measuredSumRate).toBeCloseTo(Math.log2(1 + 10) + Math.log2(1 + 100), 9);
    expect(clock.pendingTimers()).toBe(0);
  });

  it('commands the safe state when no cycle turns, says why it does not, and is over it with the next good cycle', async () => {
    const { clock, loop, panel, blind, codes } = rig({ watchdogMs: 1000 });
    const apply = panel.apply.bind(panel);
    panel.apply = async (beam) => {
      if (beam.beamId === 3) await clock.sleep(5000);
      return apply(beam);
    };
    const done = loop.start();
    await cycles(loop, 2);
    expect(loop.trouble).toBeUndefined();
    await clock.sleep(2000);
    expect([loop.state, blind, codes()]).toEqual(['running', ['mute'], ['watchdog']]);
    expect(loop.trouble).toMatch(/^no cycle has turned for [12]\.\d s: the loop waits for the panel$/);
    await cycles(loop, 2);
    expect(codes()).toEqual(['watchdog', 'watchdog-over']);
    expect(loop.trouble).toBeUndefined();
    await loop.stop();
    await done;
  });

  it('makes one void cycle of one report that leaves a user out, and goes on', async () => {
    const { loop, records, events, panel } = rig({ cycles: 4 });
    let reports = 0;
    const detail = 'no reading of user 1';
    const measureSnr = panel.measureSnr.bind(panel);
    panel.measureSnr = async (beamId, pilots) =>
      ++reports === 2
        ? { ok: false, failure: { reason: 'unusable-report', request: 'measure-snr', detail } }
        : measureSnr(beamId, pilots);
    expect(await loop.start()).toEqual({ reason: 'done', cycles: 4, voidCycles: 1 });
    expect(records[1].failure).toBe(`measure: the panel's answer to measure-snr cannot be used: ${detail}`);
    expect(events.map(({ code }) => code)).toEqual(['cycle-void']);
  });

  it('keeps what did come of such a report, marked and credited to nobody', async () => {
    const { loop, records, events, panel } = rig({ cycles: 3 });
    const detail = 'no reading of user 1';
    const partialSnrDb = Float64Array.of(12.5, NaN);
    const measureSnr = panel.measureSnr.bind(panel);
    let reports = 0;
    let asked = 0;
    panel.measureSnr = async (beamId, pilots) => {
      if (++reports !== 2) return measureSnr(beamId, pilots);
      asked = beamId;
      return { ok: false, failure: { reason: 'unusable-report', request: 'measure-snr', detail, partialSnrDb } };
    };
    await loop.start();
    const [before, halfHeard] = records;
    expect(halfHeard).toMatchObject({ outcome: 'void', beamId: 0, measuredSumRate: NaN });
    expect([...halfHeard.measuredSnrDb]).toEqual([12.5, NaN]);
    expect(halfHeard.doubt).toBe(`incomplete report on beam ${asked}: ${detail}`);
    expect(before.doubt).toBeUndefined();
    expect(events.map(({ code }) => code)).toEqual(['cycle-void']);
  });

  it('pauses with the array safe, counts nothing meanwhile, and runs on with the next cycle', async () => {
    const { clock, loop, records, log } = rig({ cycles: 6 });
    const done = loop.start();
    await cycles(loop, 3);
    expect(loop.describe().safe.confirmed).toBe(false);
    expect(await loop.pause()).toEqual({ ok: true });
    expect(loop.state).toBe('paused');
    expect(loop.describe().safe.confirmed).toBe(true);
    expect(log.at(-1)).toBe('safe: mute');
    await clock.sleep(10_000);
    expect(records).toHaveLength(3);
    expect(await loop.run()).toEqual({ ok: true });
    await done;
    expect(records.map(({ cycle }) => cycle)).toEqual([0, 1, 2, 3, 4, 5]);
  });

  it('stays paused when it is run and paused again while the array is still on its way to safety', async () => {
    const { clock, loop, records, log } = rig({ cycles: 6 });
    const done = loop.start();
    await cycles(loop, 3);
    const pausing = loop.pause();
    while (!log.includes('safe: mute')) await clock.sleep(0.1);
    void loop.run();
    expect(await Promise.all([pausing, loop.pause()])).toEqual([{ ok: true }, { ok: true }]);
    await clock.sleep(1000);
    expect(loop.state).toBe('paused');
    expect(records).toHaveLength(3);
    expect(log).not.toContain('closed');
    expect(await loop.run()).toEqual({ ok: true });
    expect(await done).toMatchObject({ reason: 'done', cycles: 6 });
    expect(loop.state).toBe('stopped');
  });

  it('answers every pause only when the array is safe', async () => {
    const { loop, log } = rig();
    const done = loop.start();
    await cycles(loop, 1);
    void loop.pause();
    expect(await loop.pause()).toEqual({ ok: true });
    expect(log.at(-1)).toBe('safe: mute');
    await loop.stop();
    await done;
  });

  it('tells the panel a whole number of milliseconds of silence, at any rate', async () => {
    for (const [rateHz, silenceMs] of [
      [20, 3000],
      [0.7, 7143],
      [1e-9, 0xffffffff],
    ] as const) {
      const { loop, silences } = rig({ rateHz, cycles: 1 });
      await loop.start();
      expect(silences).toEqual([silenceMs, silenceMs]);
    }
  });

  it('says so when the panel does not confirm its safe state', async () => {
    const { loop, script, codes } = rig();
    const done = loop.start();
    await cycles(loop, 1);
    script.safe = () => NO_ANSWER;
    expect(await loop.pause()).toMatchObject({ ok: false, reason: expect.stringContaining('did not confirm') as string });
    expect(loop.describe().safe.confirmed).toBe(false);
    await loop.stop();
    await done;
    expect(codes().filter((code) => code === 'safe-state-unconfirmed')).toHaveLength(1);
    expect(loop.state).toBe('stopped');
    expect(loop.unsafe).toContain('did not confirm');
  });

  it('stops while running, while paused, before it was started, and twice', async () => {
    for (const before of ['running', 'paused', 'starting'] as const) {
      const { loop, log } = rig();
      const done = before === 'starting' ? undefined : loop.start();
      if (before !== 'starting') await cycles(loop, 2);
      if (before === 'paused') await loop.pause();
      await Promise.all([loop.stop(), loop.stop()]);
      expect(loop.state).toBe('stopped');
      expect(log.slice(-2)).toEqual(['safe: mute', 'closed']);
      if (done !== undefined) expect(await done).toMatchObject({ reason: 'stopped' });
      expect(await loop.run()).toMatchObject({ ok: false });
    }
  });

  it('records a cycle that nobody acknowledged as void, tells the cause once, and goes on', async () => {
    const { loop, script, records, events } = rig({ cycles: 12 });
    script.apply = (beamId) => (beamId % 3 === 0 ? NO_ANSWER : undefined);
    expect(await loop.start()).toEqual({ reason: 'done', cycles: 12, voidCycles: 4 });
    const voids = records.filter(({ outcome }) => outcome === 'void');
    expect(voids.map(({ cycle }) => cycle)).toEqual([2, 5, 8, 11]);
    for (const record of voids) {
      expect(record.beamId).toBe(0);
      expect(record.failure).toMatch(/^commit: no answer to commit after 4 attempts/);
      expect([...record.measuredSnrDb]).toEqual([NaN, NaN]);
      expect(record.predictedSumRate).toBeGreaterThan(0);
    }
    expect(events.filter(({ code }) => code === 'cycle-void')).toHaveLength(1);
  });

  it('tells of a panel that fell silent as lost, and not of its first void cycle as well', async () => {
    const { loop, script, records, events } = rig({ cycles: 12 });
    script.apply = (beamId) => (beamId === 5 || beamId === 6 ? NO_ANSWER : undefined);
    await loop.start();
    expect(records.flatMap(({ cycle, outcome }) => (outcome === 'void' ? [cycle] : []))).toEqual([4, 5]);
    expect(events.map(({ code }) => code)).toEqual(['panel-lost', 'panel-back']);
  });

  it('tells of a void cycle also when it was the last one before the end', async () => {
    const { loop, script, events } = rig({ cycles: 4 });
    script.apply = (beamId) => (beamId === 4 ? NO_ANSWER : undefined);
    await loop.start();
    expect(events.map(({ code, message }) => [code, message.slice(0, 15)])).toEqual([['cycle-void', 'Cycle 3 is void']]);
  });

  it('tells once of reports that are always of something else', async () => {
    const { loop, script, records, events } = rig({ cycles: 30 });
    script.measured = (beamId) => beamId + 1000;
    await loop.start();
    expect(records.every(({ outcome }) => outcome === 'void')).toBe(true);
    expect(events.map(({ code }) => code)).toEqual(['cycle-void']);
  });

  it('credits no SNR that was measured on another beam', async () => {
    const { loop, script, records } = rig({ cycles: 3 });
    script.measured = (beamId) => (beamId === 2 ? 1 : beamId);
    expect(await loop.start()).toMatchObject({ reason: 'done', voidCycles: 1 });
    expect(records[1]).toMatchObject({
      outcome: 'void',
      beamId: 0,
      failure: expect.stringMatching(/^measure: asked for/) as string,
    });
    expect([...records[1].measuredSnrDb]).toEqual([NaN, NaN]);
  });

  it('shakes hands again with growing pauses when the link is gone, and tells of loss and return once', async () => {
    const { clock, loop, script, records, log, codes } = rig({ cycles: 12 });
    let gone = false;
    script.apply = (beamId) => {
      if (beamId === 3) gone = true;
      return gone ? { reason: 'link-closed', cause: 'unplugged', detail: 'lost' } : undefined;
    };
    script.connect = (attempt) => {
      if (attempt <= 4) return { reason: 'no-answer', request: 'hello', attempts: 6, waitedMs: 2000 };
      gone = false;
      return undefined;
    };
    const done = loop.start();
    const lostAt = new Promise<number>((resolve) => loop.onEvent(({ code }) => code === 'panel-lost' && resolve(clock.nowMs())));
    const backAt = new Promise<number>((resolve) => loop.onEvent(({ code }) => code === 'panel-back' && resolve(clock.nowMs())));
    await done;
    expect(codes()).toEqual(['panel-lost', 'panel-back']);
    expect(records.map(({ outcome }) => outcome)).toEqual([...'ok ok void void void void void ok ok ok ok ok'.split(' ')]);
    expect(log.filter((line) => line === 'connect')).toHaveLength(5);
    expect(log.filter((line) => line.startsWith('armed'))).toHaveLength(2);
    // 50 + 100 + 200 + 400 ms of pauses, each within ± 25 %.
    const awayMs = (await backAt) - (await lostAt);
    expect(awayMs).toBeGreaterThan(0.75 * 750);
    expect(awayMs).toBeLessThan(1.25 * 750 + 500);
  });

  it('faults with the array commanded safe when another panel answers after a loss, and only stops from there', async () => {
    const { loop, script, codes, log } = rig();
    script.apply = (beamId) => (beamId >= 2 ? { reason: 'panel-restarted', detail: 'boot 2' } : undefined);
    script.connect = () => ({ reason: 'wrong-panel', field: 'elements', expected: '4', actual: '16' });
    const outcome = await loop.start();
    expect(outcome).toMatchObject({ reason: 'faulted', message: expect.stringContaining('elements is 16') as string });
    expect(loop.state).toBe('faulted');
    expect(codes()).toEqual(['panel-lost', 'panel-unusable', 'safe-state-unconfirmed']);
    expect(log).toContain('safe: mute');
    expect(await loop.run()).toMatchObject({ ok: false });
    await loop.stop();
    expect(loop.state).toBe('stopped');
    expect(log.at(-1)).toBe('closed');
  });

  it('goes on above the beam ids that a panel has seen in an earlier session', async () => {
    const { loop, script, records } = rig({ cycles: 3 });
    script.apply = (beamId) =>
      beamId <= 500 ? { reason: 'rejected', request: 'commit', code: 'stale-beam', detail: 500 } : undefined;
    await loop.start();
    expect(records.map(({ beamId }) => beamId)).toEqual([0, 501, 502]);
  });

  it('is neither broken nor stopped by a listener that throws', async () => {
    const { loop, records, codes } = rig({ cycles: 4 });
    loop.onCycle(() => {
      throw new Error('the page is gone');
    });
    expect(await loop.start()).toMatchObject({ reason: 'done', cycles: 4 });
    expect(records).toHaveLength(4);
    expect(codes()).toEqual(['listener-failed']);
  });

  it('gives the same records pipelined or not', async () => {
    const results = await Promise.all(
      [false, true].map(async (pipelined) => {
        const { loop, records } = rig({ cycles: 8, pipelined });
        await loop.start();
        return records.map(({ cycle, beamId, predictedSnrDb, measuredSnrDb }) => ({
          cycle,
          beamId,
          predictedSnrDb,
          measuredSnrDb,
        }));
      }),
    );
    expect(results[1]).toEqual(results[0]);
  });
});
