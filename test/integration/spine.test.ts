/**
 * The main job end to end on virtual time: channel → phases → words → panel → SNR → record, through the driver, the bytes and the virtual
 * panel that the demo runs on.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { salehValenzuela } from '../../core/signal/channel.ts';
import type { CMatrix } from '../../core/signal/complex-matrix.ts';
import { frobeniusNorm, fromPhases, matmul, subtract } from '../../core/signal/complex-matrix.ts';
import { connectionMask } from '../../core/signal/geometry.ts';
import { wordsToPhases } from '../../core/signal/quantise.ts';
import { createRandom } from '../../core/signal/random.ts';
import { sinr, toDb } from '../../core/signal/rate.ts';
import { simulatorSchema } from '../../src/config/simulator-schema.ts';
import { readChannelFile } from '../../src/config/channel-file.ts';
import { writeChannelFile } from '../doubles/write-channel-file.ts';
import type { RigFile } from '../../src/config/rig-file.ts';
import type { AssembleOptions } from '../../src/rig/assemble.ts';
import { assembleSpine, demoWith, withoutTimes } from './spine.ts';
import type { Spine } from './spine.ts';

const open: Spine[] = [];
async function spineOf(options: Partial<AssembleOptions> = {}): Promise<Spine> {
  const spine = await assembleSpine(options);
  open.push(spine);
  return spine;
}
afterEach(async () => {
  for (const { rig } of open.splice(0)) await rig.controller.stop();
});

const IDEAL = simulatorSchema.parse({}).impairments;
const aligned = (rig: RigFile): void => {
  rig.beamformer.model = 'aligned';
};
const ideal = (rig: RigFile): void => {
  aligned(rig);
  rig.simulator.impairments = IDEAL;
};
/** After every cycle: do the words on the air equal the words asked for, and is the beam the record names the one that is up? */
function watchRadiated(spine: Spine): { checked: number; differing: number[] } {
  const seen = { checked: 0, differing: [] as number[] };
  spine.rig.controller.onCycle((record) => {
    if (record.outcome !== 'ok') return;
    const radiated = spine.simulator.panel.radiated();
    const asked = spine.rig.controller.latest()?.words ?? new Uint16Array(0);
    const shift = (spine.simulator.panel.capabilities.phaseBits ?? 0) - record.phaseBits;
    const same = radiated.words.length === asked.length && asked.every((word, i) => radiated.words[i] === word << shift);
    if (!same || radiated.beamId !== record.beamId) seen.differing.push(record.cycle);
    seen.checked++;
  });
  return seen;
}

describe('a hundred cycles of the demo rig', () => {
  it('radiate word by word what the learned model asked for, and credit each SNR to its own beam', async () => {
    const spine = await spineOf({ cycles: 100 });
    const seen = watchRadiated(spine);
    expect(await spine.rig.run()).toEqual({ reason: 'done', cycles: 100, voidCycles: 0 });
    expect(seen).toEqual({ checked: 100, differing: [] });
    expect(spine.records.map(({ beamId }) => beamId)).toEqual(Array.from({ length: 100 }, (_, i) => i + 1));
    expect(spine.records.every(({ source, modelId }) => source === 'simulator' && modelId === 'phase-net')).toBe(true);
    expect(spine.events.map(({ code }) => code)).toEqual(['fallback']);
  });

  it('say who chooses phases and words, on which budgets, and what choosing the words gained', async () => {
    const spine = await spineOf({ cycles: 5 });
    const { controller } = spine.rig;
    const told = { modelId: 'phase-net', steps: 30, quantiser: { name: 'array', sweeps: 1 }, objective: 'sum-rate' };
    expect(controller.describe()).toMatchObject(told);
    await spine.rig.run();
    for (const { metrics } of spine.records) expect(metrics.predicted.words_gain).toBeGreaterThan(0);
    const nearest = await spineOf({
      rig: demoWith((rig) => {
        aligned(rig);
        rig.beamformer.quantiser = 'nearest';
      }),
      cycles: 1,
    });
    expect(nearest.rig.controller.describe()).toMatchObject({ steps: null, quantiser: { name: 'nearest', sweeps: null } });
    await nearest.rig.run();
    expect(nearest.records[0].metrics.predicted).not.toHaveProperty('words_gain');
  });

  it('measure on an ideal array what was predicted, within what 64 pilots can tell', async () => {
    const spine = await spineOf({ rig: demoWith(ideal), cycles: 100 });
    await spine.rig.run();
    let sum = 0;
    let worst = 0;
    for (const record of spine.records) {
      record.measuredSnrDb.forEach((measured, user) => {
        sum += measured - record.predictedSnrDb[user];
        worst = Math.max(worst, Math.abs(measured - record.predictedSnrDb[user]));
      });
    }
    expect(Math.abs(sum / 400)).toBeLessThan(0.15);
    expect(worst).toBeLessThan(2.5);
  });

  it('predict the SINR of exactly the words that were radiated', async () => {
    const spine = await spineOf({ rig: demoWith(ideal), cycles: 10 });
    await spine.rig.run();
    expect(spine.views.size).toBe(10);
    for (const { record, words, channel, digital } of spine.views.values()) {
      const precoder = matmul(fromPhases(wordsToPhases(words, record.phaseBits), 64, 4), digital);
      sinr(channel, precoder, 1).forEach((value, user) => expect(record.predictedSnrDb[user]).toBeCloseTo(toDb(value), 9));
    }
  });

  it('radiate on a sub-connected board what was predicted for it, at the power of the rig file', async () => {
    const board = (rig: RigFile): void => {
      ideal(rig);
      rig.array = {
        ...rig.array,
        geometry: { kind: 'upa', rows: 8, columns: 8, spacingWavelengths: 0.5 },
        connection: 'sub',
        phaseBits: 3,
      };
      rig.snrDb = 17;
    };
    const spine = await spineOf({ rig: demoWith(board), cycles: 10 });
    const onTheAir = new Map<number, CMatrix>();
    spine.rig.controller.onCycle(({ cycle }) => onTheAir.set(cycle, spine.simulator.panel.radiatedPrecoder()));
    await spine.rig.run();
    expect(spine.rig.description.connection).toBe('sub'); // the page draws its beampattern by it
    const connected = connectionMask('sub', 64, 4);
    expect(spine.views.size).toBe(10);
    for (const { record, words, channel, digital } of spine.views.values()) {
      expect(words.every((word, place) => connected[place] === 1 || word === 0)).toBe(true);
      const precoder = matmul(fromPhases(wordsToPhases(words, 3), 64, 4, connected), digital);
      expect(toDb(frobeniusNorm(precoder) ** 2)).toBeCloseTo(17, 9);
      sinr(channel, precoder, 1).forEach((value, user) => expect(record.predictedSnrDb[user]).toBeCloseTo(toDb(value), 9));
      // The wire carries D as float32.
      const radiated = onTheAir.get(record.cycle) ?? precoder;
      expect(frobeniusNorm(subtract(radiated, precoder)) / frobeniusNorm(precoder)).toBeLessThan(1e-6);
    }
  });

  it('are the same hundred for the same seed, and others for another', async () => {
    const runs = await Promise.all(
      [7, 7, 8].map(async (seed) => {
        const spine = await spineOf({ rig: demoWith(aligned), cycles: 100, seed });
        await spine.rig.run();
        return spine.records.map(withoutTimes);
      }),
    );
    expect(runs[1]).toEqual(runs[0]);
    expect(runs[2]).not.toEqual(runs[0]);
  });

  it('lose a little to an array with errors, and say so in measured against predicted', async () => {
    const meanGap = async (change: (rig: RigFile) => void): Promise<number> => {
      const spine = await spineOf({ rig: demoWith(change), cycles: 50 });
      await spine.rig.run();
      return spine.records.reduce((sum, record) => sum + record.predictedSumRate - record.measuredSumRate, 0) / 50;
    };
    const flawless = await meanGap(ideal);
    const flawed = await meanGap((rig) => {
      aligned(rig);
      rig.simulator.impairments.deadElements = [3, 17, 40];
    });
    expect(flawed).toBeGreaterThan(flawless + 0.5);
  });
});

describe('every number of phase bits', () => {
  it.each([1, 2, 3, 4, 5, 6, 7, 8, 16])('Q = %i is radiated word by word', async (bits) => {
    const rig = demoWith((demo) => {
      aligned(demo);
      demo.array.phaseBits = bits;
    });
    const spine = await spineOf({ rig, cycles: 5 });
    const seen = watchRadiated(spine);
    await spine.rig.run();
    expect(seen).toEqual({ checked: 5, differing: [] });
    expect(Math.max(...[...spine.views.values()].flatMap(({ words }) => [...words]))).toBeLessThan(2 ** bits);
  });

  it('changed while it runs, Q brings the network for it along: the beams are those of a rig that began with it', async () => {
    const rig = (phaseBits: number) =>
      demoWith((demo) => {
        demo.array = { ...demo.array, geometry: { kind: 'ula', elements: 16, spacingWavelengths: 0.5 }, rfChains: 2, phaseBits };
        demo.users.count = 2;
        demo.beamformer.model = 'phase-net';
      });
    const [changed, one] = [await spineOf({ rig: rig(6) }), await spineOf({ rig: rig(1), cycles: 60 })];
    const { controller } = changed.rig;
    const running = changed.rig.run();
    const untilCycle = (cycle: number) =>
      new Promise<void>((resolve) => controller.onCycle((record) => record.cycle >= cycle && resolve()));
    await untilCycle(4);
    expect(await controller.setPhaseBits(1)).toEqual({ ok: true });
    await untilCycle(20);
    expect(await controller.setPhaseBits(6)).toEqual({ ok: true });
    await untilCycle(30);
    await Promise.all([controller.setPhaseBits(1), untilCycle(50)]);
    await controller.stop();
    await Promise.all([running, one.rig.run()]);
    const [ofOne, others] = [1, 6].map((bits) => changed.records.filter(({ phaseBits }) => phaseBits === bits));
    expect(ofOne.length).toBeGreaterThan(20);
    expect(others.length).toBeGreaterThan(10);
    for (const { cycle, predictedSumRate } of ofOne) expect(predictedSumRate).toBe(one.records[cycle].predictedSumRate);
  }, 60_000);

  it('a six-bit panel is driven at Q = 1 … 6 in one run, coarser states losing rate', async () => {
    const spine = await spineOf({ rig: demoWith(ideal) });
    const seen = watchRadiated(spine);
    const rates: number[] = [];
    const { controller } = spine.rig;
    const running = spine.rig.run();
    for (let bits = 1; bits <= 6; bits++) {
      expect(await controller.setPhaseBits(bits)).toEqual({ ok: true });
      const from = spine.records.length;
      await new Promise<void>((resolve) => controller.onCycle(() => spine.records.length >= from + 20 && resolve()));
      const mine = spine.records.slice(from).filter(({ phaseBits }) => phaseBits === bits);
      rates.push(mine.reduce((sum, { predictedSumRate }) => sum + predictedSumRate, 0) / mine.length);
    }
    await controller.stop();
    await running;
    expect(seen.differing).toEqual([]);
    expect(rates[1]).toBeGreaterThan(rates[0]);
    expect(rates[5]).toBeGreaterThan(rates[1]);
  });
});

describe('stopping and pausing', () => {
  it('leaves the array in its safe state and the link closed', async () => {
    const spine = await spineOf({ rig: demoWith(aligned) });
    const running = spine.rig.run();
    await new Promise<void>((resolve) => spine.rig.controller.onCycle(({ cycle }) => cycle === 9 && resolve()));
    expect(spine.simulator.panel.radiated().beamId).toBeGreaterThan(0);
    await spine.rig.controller.stop();
    expect(await running).toMatchObject({ reason: 'stopped' });
    expect(spine.simulator.panel.radiated().beamId).toBe(0);
    expect([...spine.simulator.panel.trueSinr()]).toEqual([0, 0, 0, 0]);
    expect(spine.simulator.link.state.state).toBe('closed');
    expect(spine.clock.pendingTimers()).toBe(0);
  });

  it('radiates nothing while paused, and goes on where it was', async () => {
    const spine = await spineOf({ rig: demoWith(aligned), cycles: 20 });
    const { controller } = spine.rig;
    const running = spine.rig.run();
    await new Promise<void>((resolve) => controller.onCycle(({ cycle }) => cycle === 4 && resolve()));
    expect(await controller.pause()).toEqual({ ok: true });
    expect(spine.simulator.panel.radiated().beamId).toBe(0);
    await spine.clock.sleep(60_000);
    expect(await controller.run()).toEqual({ ok: true });
    expect(await running).toMatchObject({ reason: 'done', cycles: 20, voidCycles: 0 });
  });

  it('with safe state hold keeps the last good beam up', async () => {
    const rig = demoWith((demo) => {
      aligned(demo);
      demo.safeState = 'hold';
    });
    const spine = await spineOf({ rig, cycles: 8 });
    await spine.rig.run();
    expect(spine.simulator.panel.radiated().beamId).toBe(8);
  });
});

describe('recorded channels', () => {
  const drawn = (count: number, users = 4): CMatrix[] => {
    const random = createRandom(11);
    const geometry = { kind: 'ula', elements: 64, spacingWavelengths: 0.5 } as const;
    return Array.from({ length: count }, () => salehValenzuela({ random, geometry, users, paths: 10, scale: 'unit-element' }));
  };

  it('are taken one a cycle, and the run ends with the last', async () => {
    const channels = drawn(30);
    const spine = await spineOf({ rig: demoWith(ideal), channels: { channels, file: 'drawn' } });
    const seen = watchRadiated(spine);
    expect(await spine.rig.run()).toEqual({ reason: 'done', cycles: 30, voidCycles: 0 });
    expect(seen).toEqual({ checked: 30, differing: [] });
    channels.forEach((channel, cycle) => expect(spine.views.get(cycle)?.channel).toEqual(channel));
    const gaps = spine.records.map((record) => record.predictedSumRate - record.measuredSumRate);
    expect(Math.abs(gaps.reduce((sum, gap) => sum + gap, 0) / 30)).toBeLessThan(0.3);
  });

  it('begin again with the first when more cycles are asked for', async () => {
    const channels = drawn(3);
    const spine = await spineOf({ rig: demoWith(aligned), channels: { channels, file: 'drawn' }, cycles: 7 });
    await spine.rig.run();
    expect(spine.views.get(6)?.channel).toEqual(channels[0]);
  });

  it('give the same beams pipelined and unpaced', async () => {
    const results = await Promise.all(
      [false, true].map(async (pipelined) => {
        const options = {
          rig: demoWith(aligned),
          channels: { channels: drawn(25), file: 'drawn' },
          rateHz: 'max',
          pipelined,
        } as const;
        const spine = await spineOf(options);
        await spine.rig.run();
        return spine.records.map(withoutTimes);
      }),
    );
    expect(results[1]).toEqual(results[0]);
  });

  it('that do not fit the rig are refused before anything starts', async () => {
    const channels = { channels: drawn(2, 3), file: 'three-users.npy' };
    await expect(assembleSpine({ rig: demoWith(aligned), channels })).rejects.toMatchObject({
      code: 'channel-file',
      message: expect.stringMatching(/three-users\.npy: channel 0 is for 3 users and 64 elements; the rig has 4 users/) as string,
    });
  });

  it('of a file run through the panel as they are: of the one named by BEAMRIG_TEST_CHANNELS, or else of one made here', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'beamrig-channels-'));
    const path = process.env.BEAMRIG_TEST_CHANNELS ?? join(folder, 'channels.npy');
    if (process.env.BEAMRIG_TEST_CHANNELS === undefined) writeChannelFile(path, drawn(20));
    const file = readChannelFile(path, { conjugate: true, expected: { users: 4, elements: 64 } });
    rmSync(folder, { recursive: true });
    const spine = await spineOf({ rig: demoWith(ideal), channels: file });
    const seen = watchRadiated(spine);
    await spine.rig.run();
    expect(seen).toEqual({ checked: file.channels.length, differing: [] });
  });
});

describe('what is refused before the rig starts', () => {
  it('no hardware where the rig file forbids the simulator', async () => {
    const rig = demoWith((demo) => {
      demo.fallback = 'never';
    });
    await expect(assembleSpine({ rig })).rejects.toMatchObject({
      code: 'no-hardware',
      wayOut: expect.stringContaining('fallback') as string,
    });
  });

  it('a model that is not there', async () => {
    const rig = demoWith((demo) => {
      demo.beamformer.model = 'no-such-model';
    });
    await expect(assembleSpine({ rig })).rejects.toMatchObject({ code: 'model-missing' });
  });

  it('a model made for another array', async () => {
    const rig = demoWith((demo) => {
      demo.beamformer.model = 'unfolded-pga-n64';
      demo.array.geometry = { kind: 'ula', elements: 32, spacingWavelengths: 0.5 };
    });
    await expect(assembleSpine({ rig })).rejects.toMatchObject({
      code: 'model-mismatch',
      message: expect.stringMatching(/is for 64 elements, not 32/) as string,
    });
  });

  it('a panel of another protocol version', async () => {
    const behaviours = [{ do: 'wrong-version', major: 9 }] as const;
    await expect(assembleSpine({ rig: demoWith(aligned), behaviours })).rejects.toMatchObject({ code: 'protocol-version' });
  });
});
