/** A rig that is up has its array measured: lent while no cycle turns, in use by the same run afterwards, and safe however it ends. */
import { mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { createRealClock } from '../../core/clock/real-clock.ts';
import type { Behaviour } from '../../hil-sim/behaviours.ts';
import { parseRigFile } from '../../src/config/rig-file.ts';
import type { CalibrationWish } from '../../src/control/calibrating.ts';
import { assembleRig, type Rig } from '../../src/rig/assemble.ts';
import type { CycleRecord, RigEvent } from '../../src/telemetry/cycle-record.ts';

const SOON = { timeout: 20_000, interval: 10 };
const WISH: CalibrationWish = { method: 'coded', readings: null, pilots: 4, resume: false };

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function up(
  options: {
    safeState?: string;
    behaviours?: Behaviour[];
    answerMs?: number;
    elementEnable?: boolean;
    chains?: number;
    /** The tables of another rig of the same array, of which some elements are turned by now. */
    turned?: { folder: string; elements: number[] };
  } = {},
) {
  const { safeState = 'mute', behaviours = [], answerMs = 0, elementEnable = true, chains = 2, turned } = options;
  const folder = mkdtempSync(join(tmpdir(), 'beamrig-measured-'));
  closers.push(() => rmSync(folder, { recursive: true, force: true }));
  const file = parseRigFile(
    `name: measured
array: { geometry: { kind: ula, elements: 16 }, rfChains: ${chains}, phaseBits: 4 }
users: { count: 2 }
beamformer: { model: aligned }
loop: { rateHz: 100 }
safeState: ${safeState}
${turned === undefined ? '' : `calibration: { folder: ${turned.folder}, watch: { everyCycles: 2, elements: 4 } }`}
${safeState === 'codeword' ? 'safeCodeword: { azimuthDeg: 0 }' : ''}
simulator:
  panel: { answerMs: ${answerMs}, elementEnable: ${elementEnable} }
  impairments: { phaseErrorDeg: 60, gainErrorDb: 1, deadElements: [3] }
${turned === undefined ? '' : `  faults: [{ do: turn, deg: 40, elements: [${turned.elements.join(', ')}], atS: 0 }]`}
`,
    join(folder, 'rig.yaml'),
  );
  const records: CycleRecord[] = [];
  const events: RigEvent[] = [];
  const rig: Rig = await assembleRig({
    rig: file,
    clock: createRealClock(),
    behaviours,
    recorder: { cycle: (record) => records.push(record), event: (event) => events.push(event) },
  });
  const done = rig.run();
  closers.push(() => rig.controller.stop());
  const { controller } = rig;
  const { simulator } = rig;
  if (simulator === undefined) throw new Error('it runs on the simulator');
  const goes = async (): Promise<void> => {
    const before = records.length;
    await expect.poll(() => records.slice(before).filter(({ outcome }) => outcome === 'ok').length, SOON).toBeGreaterThan(2);
  };
  await goes();
  const files = (end: string): string[] => {
    try {
      return readdirSync(file.calibration.folder).filter((name) => name.endsWith(end));
    } catch {
      return [];
    }
  };
  const measuring = async (readings: number): Promise<void> => {
    await expect.poll(() => controller.calibrating.now?.done ?? 0, SOON).toBeGreaterThan(readings);
  };
  return { file, rig, controller, simulator, records, events, done, goes, files, measuring };
}

const codes = (events: readonly RigEvent[]): string[] => events.map(({ code }) => code);

describe('the array of a running rig, measured', () => {
  it('writes tables that the same run goes by from then on, and the rig goes on', async () => {
    const { controller, records, events, goes, files } = await up();
    expect(controller.describe().calibrated).toEqual([
      { panel: 'SIM-0001', table: null, why: 'there are no tables', temperatureC: null, frequencyGhz: 28 },
    ]);
    expect(await controller.calibrating.begin(WISH)).toEqual({ ok: true });
    expect(await controller.run()).toEqual({ ok: false, reason: expect.stringContaining('being measured') as string });
    expect(await controller.switchModel('aligned')).toEqual({
      ok: false,
      reason: 'the array is being measured; cancel that, or wait for its end',
    });
    expect(await controller.calibrating.begin(WISH)).toEqual({ ok: false, reason: 'the array is being measured already' });
    await expect.poll(() => controller.calibrating.now?.phase, SOON).toBe('done');
    await goes();
    const { result, done, of } = controller.calibrating.now ?? {};
    expect(done).toBe(of);
    expect(records.at(-1)?.calibration).toBe(result?.tables.join(' + '));
    expect(records[0].calibration).toBe('none');
    expect(result?.after.phaseDeg).toBeLessThan(3);
    expect(result?.before.phaseDeg).toBeGreaterThan(20);
    expect(result?.flaws).toContain('element 3 dead');
    expect([files('.json').length, files('.html').length, files('.unfinished').length]).toEqual([1, 1, 0]);
    expect(codes(events)).toEqual(expect.arrayContaining(['paused', 'calibrating', 'calibrated', 'resumed']));
    const [board] = controller.describe().calibrated;
    expect(board.table).toMatchObject({
      id: result?.tables[0],
      method: 'coded',
      flaws: [
        { element: 3, rfChain: 0 },
        { element: 3, rfChain: 1 },
      ],
    });
    expect(await controller.calibrating.history()).toMatchObject([
      { panel: 'SIM-0001', problem: null, table: { id: board.table?.id } },
    ]);
    // Beams are those of cycles again.
    const newest = records.at(-1);
    expect(newest?.beamId).toBe((newest?.cycle ?? 0) + 1);
  });

  it('is told to be off beside tables that are outdated, until it is measured anew', async () => {
    const before = await up();
    await before.controller.calibrating.begin(WISH);
    await expect.poll(() => before.controller.calibrating.now?.phase, SOON).toBe('done');
    await before.controller.stop();
    const elements = [8, 9, 10, 11];
    const { controller, events } = await up({ turned: { folder: before.file.calibration.folder, elements } });
    await expect.poll(() => controller.describe().tableOffDeg, SOON).toBeGreaterThan(8);
    expect(codes(events)).toContain('table-outdated');
    const off = (): number[] => controller.describe().flaws.flatMap(({ element, flaw }) => (flaw === 'off' ? [element] : []));
    await expect.poll(() => off().sort((a, b) => a - b), SOON).toEqual(expect.arrayContaining(elements));
    await controller.calibrating.begin(WISH);
    await expect.poll(() => controller.calibrating.now?.phase, SOON).toBe('done');
    await expect.poll(() => [controller.describe().tableOffDeg, ...off()], SOON).toEqual([null]);
    const rounds = (): number => codes(events).filter((code) => code === 'elements-measured').length;
    const then = rounds();
    await expect.poll(rounds, SOON).toBeGreaterThan(then + 1);
    expect([controller.describe().tableOffDeg, ...off()]).toEqual([null]);
  });

  it('says in its event that the tables in use now are worse than earlier ones', async () => {
    const { controller, events, goes } = await up();
    for (const method of ['coded', 'hadamard']) {
      expect(await controller.calibrating.begin({ ...WISH, method })).toEqual({ ok: true });
      await expect.poll(() => controller.calibrating.now?.phase, SOON).toBe('done');
      await goes();
    }
    const [better, worse] = events.filter(({ code }) => code === 'calibrated');
    expect(better.level).toBe('info');
    expect(worse).toMatchObject({
      level: 'warning',
      action: expect.stringMatching(
        /The new table is worse than one that was there: SIM-0001.* once it is started again\.$/,
      ) as string,
    });
  });

  it('cancelled, leaves no table and goes on as before; what was read is kept, and gone on with where that is asked for', async () => {
    const { controller, records, goes, files, measuring, events } = await up({ answerMs: 1 });
    await controller.calibrating.begin(WISH);
    await measuring(60);
    expect(controller.calibrating.cancel()).toEqual({ ok: true });
    await expect.poll(() => controller.calibrating.now?.phase, SOON).toBe('cancelled');
    await goes();
    expect([files('.json').length, files('.unfinished').length]).toEqual([0, 1]);
    expect(records.at(-1)?.calibration).toBe('none');
    expect(codes(events)).toContain('calibration-cancelled');
    expect(controller.calibrating.cancel()).toEqual({ ok: false, reason: 'nothing is being measured' });
    const planned = await controller.calibrating.plan(WISH);
    const kept = planned.ok ? (planned.plan.kept ?? 0) : 0;
    expect(kept).toBeGreaterThan(60);
    await controller.calibrating.begin({ ...WISH, resume: true });
    await expect.poll(() => controller.calibrating.now?.phase, SOON).toBe('done');
    expect(controller.calibrating.now?.kept).toBe(kept);
    expect(files('.unfinished')).toEqual([]);
  });

  it.each(['mute', 'hold'])(
    'stopped in the middle, ends dark where its safe state is %s, and no table is written',
    async (safeState) => {
      const { controller, simulator, measuring, files, done } = await up({ safeState, answerMs: 1 });
      await controller.calibrating.begin(WISH);
      await measuring(50);
      await controller.stop();
      expect((await done).reason).toBe('stopped');
      expect(simulator.panel.radiated().beamId).toBe(0);
      expect(files('.json')).toEqual([]);
      expect(controller.calibrating.now?.phase).toBe('cancelled');
    },
  );

  it('paused in the middle, is safe and stays paused; run again, it goes on by its own beams', async () => {
    const { controller, simulator, measuring, goes, records } = await up({ safeState: 'hold', answerMs: 1 });
    await controller.calibrating.begin(WISH);
    await measuring(50);
    expect(await controller.pause()).toEqual({ ok: true });
    expect(controller.state).toBe('paused');
    expect(simulator.panel.radiated().beamId).toBe(0);
    expect(controller.describe().safe).toMatchObject({ state: 'mute', confirmed: true });
    const count = records.length;
    expect(await controller.run()).toEqual({ ok: true });
    await goes();
    expect(records.length).toBeGreaterThan(count);
    await controller.pause();
    // What it holds then is a beam of a cycle.
    expect(controller.describe().safe).toMatchObject({ state: 'hold', confirmed: true });
    const held = simulator.panel.radiated().beamId;
    expect(held).toBeGreaterThan(0);
    expect(held).toBeLessThanOrEqual((records.at(-1)?.cycle ?? 0) + 1);
  });

  it('of a paused rig, leaves it paused, and muting ends it', async () => {
    const { controller, simulator, measuring, files } = await up({ answerMs: 1 });
    await controller.pause();
    await controller.calibrating.begin(WISH);
    await measuring(40);
    expect(await controller.mute()).toEqual({ ok: true });
    expect(controller.state).toBe('paused');
    expect(simulator.panel.radiated().beamId).toBe(0);
    await controller.calibrating.begin({ ...WISH, readings: 300 });
    await expect.poll(() => controller.calibrating.now?.phase, SOON).toBe('done');
    await expect.poll(() => controller.state, SOON).toBe('paused');
    expect(files('.json')).toHaveLength(1);
  });

  it('takes no beam by hand, no model and no Q meanwhile, says why, and ends as without them', async () => {
    const { controller, measuring } = await up({ answerMs: 1 });
    await controller.calibrating.begin(WISH);
    await measuring(40);
    const refused = { ok: false, reason: expect.stringMatching(/^the array is being measured; cancel that/) as string };
    expect(await controller.byHand({ do: 'steer', azimuthDeg: 20, elevationDeg: 0, user: 0 })).toEqual(refused);
    expect(await controller.setPhaseBits(2)).toEqual(refused);
    expect(await controller.switchModel('phase-extraction')).toEqual(refused);
    await expect.poll(() => controller.calibrating.now?.phase, SOON).toBe('done');
    expect(controller.calibrating.now?.failure).toBe(null);
  });

  it('paused and run again in one breath, goes on by its own beams, none of which is refused for those of the measurement', async () => {
    const { controller, measuring, goes, records } = await up({ answerMs: 1 });
    await controller.calibrating.begin(WISH);
    await measuring(50);
    const count = records.length;
    const paused = controller.pause();
    expect(await controller.run()).toEqual({ ok: true });
    expect(await paused).toMatchObject({ ok: false });
    await goes();
    expect(records.slice(count).filter(({ outcome }) => outcome !== 'ok')).toEqual([]);
    expect(controller.calibrating.now?.phase).toBe('cancelled');
  });

  it('of a rig that somebody muted, leaves it dark, also where its safe state radiates', async () => {
    const { controller, simulator, events } = await up({ safeState: 'codeword' });
    expect(await controller.mute()).toEqual({ ok: true });
    expect(await controller.calibrating.begin({ ...WISH, readings: 300 })).toEqual({ ok: true });
    await expect.poll(() => codes(events).filter((code) => code === 'muted').length, SOON).toBe(2);
    expect(controller.calibrating.now?.phase).toBe('done');
    expect([controller.state, simulator.panel.radiated().beamId]).toEqual(['paused', 0]);
    expect(controller.describe().safe).toMatchObject({ state: 'mute', confirmed: true });
  });

  it('keeps all readings where the tables cannot be written at the end, and makes them of these once they can', async () => {
    const { controller, file, goes, measuring, files, records } = await up({ answerMs: 1 });
    await controller.calibrating.begin(WISH);
    await measuring(20);
    const { folder } = file.calibration;
    const away = `${folder}-away`;
    renameSync(folder, away);
    writeFileSync(folder, 'in the way');
    await expect.poll(() => controller.calibrating.now?.phase, SOON).toBe('failed');
    expect(controller.calibrating.now?.failure).toContain('the tables cannot be written');
    const all = controller.calibrating.now?.of;
    await goes();
    expect(records.at(-1)?.calibration).toBe('none');
    rmSync(folder);
    renameSync(away, folder);
    await controller.calibrating.begin({ ...WISH, resume: true });
    await expect.poll(() => controller.calibrating.now?.phase, SOON).toBe('done');
    expect(controller.calibrating.now).toMatchObject({ kept: all, of: all });
    expect([files('.json').length, files('.unfinished').length]).toEqual([1, 0]);
  });

  it('stopped while states are worked out, ends without them, and keeps the readings', async () => {
    const { controller, simulator, files } = await up({ chains: 4 });
    await controller.calibrating.begin(WISH);
    await new Promise<void>((resolve) => {
      const look = (): void => void (controller.calibrating.now?.phase === 'solving' ? resolve() : setImmediate(look));
      look();
    });
    await controller.stop();
    await expect.poll(() => controller.calibrating.now?.phase, SOON).toBe('cancelled');
    expect([files('.json').length, files('.unfinished').length]).toEqual([0, 1]);
    expect(simulator.panel.radiated().beamId).toBe(0);
  });

  it('goes on when the panel restarts in the middle', async () => {
    const { controller, simulator, measuring, goes } = await up({ answerMs: 1 });
    await controller.calibrating.begin(WISH);
    await measuring(40);
    simulator.panel.reset();
    await expect.poll(() => controller.calibrating.now?.phase, SOON).toBe('done');
    await goes();
  });

  it('refuses beforehand what cannot be, and an older table stays in use where the new one cannot be written', async () => {
    const { controller, file, records, goes, events } = await up({ elementEnable: false });
    const methods = controller.describe().calibrationMethods;
    expect(methods.find(({ name }) => name === 'coded')?.why).toBeNull();
    expect(methods.find(({ name }) => name === 'hadamard')?.why).toContain('element-enable');
    expect(await controller.calibrating.begin({ ...WISH, method: 'hadamard' })).toMatchObject({ ok: false });
    expect(await controller.calibrating.begin({ ...WISH, method: 'guessing' })).toEqual({
      ok: false,
      reason: "there is no method 'guessing'",
    });
    expect(controller.state).toBe('running');
    expect(await controller.calibrating.plan(WISH)).toMatchObject({
      ok: true,
      plan: { readings: 288, probe: { receiver: 2 }, kept: null },
    });
    writeFileSync(file.calibration.folder, 'in the way');
    expect(await controller.calibrating.begin(WISH)).toEqual({ ok: true });
    await expect.poll(() => controller.calibrating.now?.phase, SOON).toBe('failed');
    expect(controller.calibrating.now?.failure).toContain('cannot be written');
    expect(codes(events)).toContain('calibration-failed');
    await goes();
    expect(records.at(-1)?.calibration).toBe('none');
  });
});
