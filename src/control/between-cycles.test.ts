import { describe, expect, it } from 'vitest';
import { createVirtualClock } from '../../core/clock/virtual-clock.ts';
import { NO_ANSWER, plainSetting } from '../../test/doubles/scripted-panel.ts';
import { CHANNEL, cycles, rig } from '../../test/doubles/scripted-rig.ts';
import type { BetweenCycles, Bench, WorkFailure } from './between-cycles.ts';

const WORDS = new Uint16Array(8);

/** Shows so many beams before every other cycle, and gives up where one is not shown. */
function measuring(beams: number, told: string[] = []): BetweenCycles & { benches: Bench[] } {
  let turns = 0;
  const benches: Bench[] = [];
  return {
    name: 'measuring',
    benches,
    due: () => turns++ % 2 === 0,
    async work(bench): Promise<WorkFailure | undefined> {
      benches.push(bench);
      for (let beam = 0; beam < beams; beam++) {
        const beamId = await bench.beamId();
        const applied = await bench.on.panel.apply({ beamId, phaseBits: 6, words: WORDS });
        if (!applied.ok) return { message: `Beam ${beamId} could not be shown.`, cause: 'a beam', panel: applied.failure };
        bench.heard();
      }
      return undefined;
    },
    after: ({ record }) => void told.push(`cycle ${record.cycle} ${record.outcome}`),
    interrupted: () => void told.push('interrupted'),
  };
}

describe('work between cycles', () => {
  it('shows beams with ids of their own before a cycle, which are slots of the scene, and is told of every cycle', async () => {
    const told: string[] = [];
    const slots: number[] = [];
    const work = measuring(2, told);
    const clock = createVirtualClock();
    const setting = plainSetting(clock, CHANNEL);
    const take = (slot: number) => (slots.push(slot), setting.channels.take(slot));
    const { loop, log, records } = rig({
      cycles: 4,
      between: [work],
      setting: { ...setting, channels: { origin: 'file', take } },
    });
    await loop.start();
    expect(log.filter((line) => line.startsWith('beam'))).toEqual([1, 2, 3, 4, 5, 6, 7, 8].map((id) => `beam ${id}`));
    expect(records.map(({ cycle, beamId, outcome }) => [cycle, beamId, outcome])).toEqual([
      [0, 3, 'ok'],
      [1, 4, 'ok'],
      [2, 7, 'ok'],
      [3, 8, 'ok'],
    ]);
    expect(slots).toEqual([2, 3, 6, 7]);
    expect(told).toEqual(['cycle 0 ok', 'cycle 1 ok', 'cycle 2 ok', 'cycle 3 ok']);
  });

  it('has its beams prepared for the slots they get, also where the model computes a cycle ahead', async () => {
    const { loop, records } = rig({ cycles: 4, between: [measuring(3)], pipelined: true });
    await loop.start();
    expect(records.map(({ beamId, outcome }) => [beamId, outcome])).toEqual([
      [4, 'ok'],
      [5, 'ok'],
      [9, 'ok'],
      [10, 'ok'],
    ]);
  });

  it('that fails leaves no beam of its own on the air, is told once, and keeps no cycle back', async () => {
    const { loop, script, log, records, codes, events } = rig({ cycles: 4, between: [measuring(2)] });
    script.apply = (beamId) => (beamId === 2 || beamId === 5 ? NO_ANSWER : undefined);
    expect(await loop.start()).toEqual({ reason: 'done', cycles: 4, voidCycles: 0 });
    expect(log.slice(0, 5)).toEqual(['armed: mute', 'beam 1', 'beam 2', 'safe: mute', 'beam 3']);
    expect(records.map(({ outcome }) => outcome)).toEqual(['ok', 'ok', 'ok', 'ok']);
    expect(codes()).toEqual(['measuring-failed']);
    expect(events[0]).toMatchObject({ level: 'warning', message: 'Beam 2 could not be shown.' });
  });

  it('that throws is told as well, and is no fault of the loop', async () => {
    const broken: BetweenCycles = {
      name: 'measuring',
      due: () => true,
      work: async () => {
        throw new Error('out of words');
      },
    };
    const { loop, events } = rig({ cycles: 3, between: [broken] });
    expect(await loop.start()).toEqual({ reason: 'done', cycles: 3, voidCycles: 0 });
    expect(events).toMatchObject([{ code: 'measuring-failed', message: /out of words/ }]);
  });

  it('that works something out for long leaves no beam on the air meanwhile, and neither a session nor the watchdog ends', async () => {
    const work: BetweenCycles = {
      ...measuring(1),
      async work(bench) {
        const shown = await measuring(1).work(bench);
        const { length: before } = running.log;
        await bench.workingOut(running.clock.sleep(30_000));
        expect(running.log.slice(before, before + 3)).toEqual(['safe: mute', 'safe: mute', 'safe: mute']);
        // So often that a panel which bears 3 s of silence hears from us, and loses one answer.
        expect(running.log.length - before).toBeGreaterThan(30);
        return shown;
      },
    };
    const running = rig({ cycles: 2, between: [work] });
    expect(await running.loop.start()).toEqual({ reason: 'done', cycles: 2, voidCycles: 0 });
    expect(running.codes()).toEqual([]);
  });

  it('that works something out is broken off when the rig is paused, and nobody is asked any more', async () => {
    const work: BetweenCycles = {
      name: 'measuring',
      due: () => true,
      work: (bench) => bench.workingOut(running.clock.sleep(30_000).then(() => undefined)),
    };
    const running = rig({ cycles: 2, between: [work] });
    const done = running.loop.start();
    await running.clock.sleep(2000);
    expect(await running.loop.pause()).toEqual({ ok: true });
    const { length: asked } = running.log;
    await running.clock.sleep(60_000);
    expect(running.log).toHaveLength(asked);
    await running.loop.stop();
    await done;
  });

  it('is followed up by a cycle: where that is void, the array is made safe', async () => {
    const { loop, script, log, records } = rig({ cycles: 2, between: [measuring(1)] });
    script.apply = (beamId) => (beamId === 2 ? { reason: 'not-staged', firstMissingWord: 0 } : undefined);
    await loop.start();
    expect(records.map(({ outcome }) => outcome)).toEqual(['void', 'ok']);
    expect(log.slice(0, 5)).toEqual(['armed: mute', 'beam 1', 'beam 2', 'safe: mute', 'beam 3']);
  });

  it('shows nothing more once the rig is paused, nor when it runs again', async () => {
    const told: string[] = [];
    const work = measuring(5, told);
    const { clock, loop, log, panel } = rig({ between: [work], cycles: 2 });
    let pausing: Promise<unknown> | undefined;
    const apply = panel.apply.bind(panel);
    panel.apply = async (beam) => {
      if (beam.beamId === 3) pausing = loop.pause();
      return apply(beam);
    };
    const done = loop.start();
    while (pausing === undefined) await clock.sleep(1);
    expect(await pausing).toEqual({ ok: true });
    expect(log).toEqual(['armed: mute', 'beam 1', 'beam 2', 'beam 3', 'safe: mute']);
    expect(work.benches[0].signal.aborted).toBe(true);
    await expect(work.benches[0].beamId()).rejects.toMatchObject({ code: 'stopped' });
    expect(told).toEqual(['interrupted']);
    await clock.sleep(5000);
    expect(log).toHaveLength(5);
    expect(await loop.run()).toEqual({ ok: true });
    await cycles(loop, 1);
    expect(log.at(-1), 'the cycle, and no beam of what was broken off').toBe('beam 4');
    await done;
  });
});
