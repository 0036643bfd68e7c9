import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { packageRoot } from '../../core/files/package-root.ts';
import { EPOCH_NS, cycle, points, recorderIn, voidCycle } from '../../test/doubles/recorded-cycles.ts';
import { AppendFile } from './append-file.ts';
import type { RigEvent } from './cycle-record.ts';
import type { RunManifest } from './run-manifest.ts';
import type { RunSummary } from './run-summary.ts';

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'beamrig-runs-'))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const json = <T>(path: string): T => JSON.parse(readFileSync(path, 'utf8')) as T;

describe('a run folder', () => {
  it('says from its first moment what the run is made of', async () => {
    const recorder = recorderIn(folder);
    const manifest = json<RunManifest>(join(recorder.folder, 'manifest.json'));
    expect(recorder.folder).toBe(join(folder, '20260304T050607Z-bench'));
    expect(manifest).toMatchObject({
      run: '20260304T050607Z-bench',
      rig: 'bench',
      users: 2,
      seed: 7,
      identity: null,
      node: process.version,
    });
    expect(manifest.rigFile.text).toContain('name: bench');
    expect(manifest.rigFile.sha256).toMatch(/^[0-9a-f]{64}$/);
    if (existsSync(join(packageRoot(), '.git'))) expect(manifest.program.commit).toMatch(/^[0-9a-f]{40}$/);
    recorder.identify({
      source: 'simulator',
      channelSource: 'simulation',
      sourceReason: 'no link in the rig file',
      model: { id: 'aligned', kind: 'baseline' },
      panels: [{ link: 'loopback', kind: 'loopback', panel: 'SIM-1', firmware: 'virtual 1.0' }],
      calibration: 'ideal',
    });
    expect(json<RunManifest>(join(recorder.folder, 'manifest.json')).identity?.panels[0]?.firmware).toBe('virtual 1.0');
    await recorder.close('stopped');
  });

  it('of the same second and name gets a name of its own', async () => {
    const [first, second] = [recorderIn(folder), recorderIn(folder)];
    expect(second.folder).toBe(`${first.folder}-2`);
    await first.close('stopped');
    await second.close('stopped');
  });

  it('holds every cycle as points, with nothing where nothing was measured', async () => {
    const recorder = recorderIn(folder);
    recorder.cycle(cycle(0));
    recorder.cycle(voidCycle(1));
    await recorder.close('stopped');
    const stored = points(recorder.folder);
    expect(stored.map((point) => point?.measurement)).toEqual(['cycle', 'user_snr', 'user_snr', 'cycle', 'user_snr', 'user_snr']);
    expect(stored[0]).toMatchObject({
      tags: { rig: 'bench', run: '20260304T050607Z-bench', source: 'simulator', model: 'aligned', outcome: 'ok' },
      fields: { cycle: 0n, phase_bits: 4n, beam_id: 1n, measured_sum_rate: 9.5, push_ms: 0.5, link_round_trip_ms: 0.25 },
      timeNs: EPOCH_NS,
    });
    expect(stored[2]).toMatchObject({ tags: { user: '1' }, fields: { predicted_db: 20, measured_db: 21 } });
    expect(stored[3]?.fields.failure).toBe('push: no answer after 4 attempts');
    expect(stored[3]?.fields).not.toHaveProperty('measured_sum_rate');
    expect(stored[4]?.fields).not.toHaveProperty('measured_db');
  });

  it('never gives two cycles one time, or InfluxDB would keep one of them', async () => {
    const recorder = recorderIn(folder);
    for (let index = 0; index < 3; index++) recorder.cycle(cycle(index, { timeNs: EPOCH_NS }));
    await recorder.close('stopped');
    const times = points(recorder.folder)
      .filter((point) => point?.measurement === 'cycle')
      .map((point) => point?.timeNs);
    expect(times).toEqual([EPOCH_NS, EPOCH_NS + 1n, EPOCH_NS + 2n]);
  });

  it('sums up what the run came to', async () => {
    const recorder = recorderIn(folder);
    for (let index = 0; index < 20; index++) recorder.cycle(cycle(index));
    recorder.cycle(voidCycle(20));
    recorder.event({ timeNs: EPOCH_NS, level: 'warning', code: 'fallback', message: 'no hardware' });
    const { summary, problem } = await recorder.close('cycles-done');
    expect(problem).toBeUndefined();
    expect(json<RunSummary>(join(recorder.folder, 'summary.json'))).toEqual(summary);
    expect(summary).toMatchObject({
      ended: 'cycles-done',
      cycles: 21,
      ok: 20,
      void: 1,
      failures: { 'push: no answer after 4 attempts': 1 },
      bySource: { simulator: 21, hardware: 0 },
      seconds: 1,
      cyclesPerSecond: 20,
      objective: 'sum-rate',
      means: {
        predicted_sum_rate: 10,
        measured_sum_rate: 9.5,
        zf_sum_rate: 12,
        predicted_min_rate: 3.5,
        measured_min_rate: 3.25,
      },
      link: { retries: 21, timeouts: 0, discarded: 0 },
      events: { info: 0, warning: 1, error: 0 },
      lostLines: 0,
    });
    expect(summary.users).toEqual([
      { user: 0, predicted_db: 10, measured_db: 9 },
      { user: 1, predicted_db: 20, measured_db: 21.5 },
    ]);
    expect(summary.stageMs.model?.p50).toBeCloseTo(1, 1);
  });

  it('counts one cause as one, whatever beam and time it names', async () => {
    const recorder = recorderIn(folder);
    for (let i = 0; i < 5; i++) {
      recorder.cycle(cycle(2 * i, { outcome: 'void', failure: `push: no answer to commit after 4 attempts in ${190 + i} ms` }));
      recorder.cycle(
        cycle(2 * i + 1, { outcome: 'void', failure: `commit: the panel refused commit: stale-beam (detail ${i})` }),
      );
    }
    const { summary } = await recorder.close('stopped');
    expect(summary.failures).toEqual({
      'push: no answer to commit after 4 attempts': 5,
      'commit: the panel refused commit: stale-beam (detail …)': 5,
    });
  });

  it('marks where records change from simulator to hardware', async () => {
    const reported: RigEvent[] = [];
    const recorder = recorderIn(folder, { onOwnEvent: (event) => reported.push(event) });
    recorder.cycle(cycle(0));
    recorder.cycle(cycle(1, { source: 'hardware' }));
    const { summary } = await recorder.close('stopped');
    expect(reported).toEqual([]);
    expect(summary.sourceTransitions).toMatchObject([{ cycle: 1, from: 'simulator', to: 'hardware' }]);
    const order = points(recorder.folder).map((point) => point?.tags.source ?? point?.tags.code);
    expect(order.indexOf('source-changed')).toBeLessThan(order.indexOf('hardware'));
    const [event] = readFileSync(join(recorder.folder, 'events.jsonl'), 'utf8').trim().split('\n');
    expect(JSON.parse(event ?? '')).toMatchObject({
      level: 'info',
      code: 'source-changed',
      timeNs: String(EPOCH_NS + 50_000_000n),
    });
  });

  it('takes nothing more once it is closed, and says so by silence', async () => {
    const recorder = recorderIn(folder);
    await recorder.close('stopped');
    recorder.cycle(cycle(0));
    recorder.event({ timeNs: EPOCH_NS, level: 'info', code: 'late', message: 'late' });
    expect(readFileSync(join(recorder.folder, 'records.lp'), 'utf8')).toBe('');
  });

  it('that cannot be made is one clear error with the way out', () => {
    const file = join(folder, 'a-file');
    writeFileSync(file, '');
    expect(() => recorderIn(join(file, 'runs'))).toThrowError(
      expect.objectContaining({ code: 'run-folder', wayOut: expect.stringContaining('telemetry.runFolder') as string }),
    );
  });

  it.skipIf(!existsSync('/proc/self'))(
    'where the system has no place for folders is refused, not tried for ever [needs /proc]',
    () => {
      expect(() => recorderIn('/proc/runs')).toThrowError(expect.objectContaining({ code: 'run-folder' }));
    },
  );

  it('of a rig that never started is removed again', async () => {
    const recorder = recorderIn(folder);
    await recorder.discard();
    expect(readdirSync(folder)).toEqual([]);
  });

  it('of a rig that never started hides nothing of why where it cannot be removed', async () => {
    const runs = join(folder, 'runs');
    const recorder = recorderIn(runs);
    rmSync(runs, { recursive: true });
    writeFileSync(runs, '');
    await recorder.discard();
    expect(readdirSync(folder)).toEqual(['runs']);
  });
});

describe.skipIf(!existsSync('/dev/full'))('a full disk [needs /dev/full]', () => {
  it('is one event; the run goes on, and closing says what was lost', async () => {
    const reported: RigEvent[] = [];
    const recorder = recorderIn(folder, {
      onOwnEvent: (event) => reported.push(event),
      openFile: (path, options) => new AppendFile(path.endsWith('.lp') ? '/dev/full' : path, { ...options, retryMs: 5 }),
    });
    for (let index = 0; index < 5; index++) recorder.cycle(cycle(index));
    while (reported.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    recorder.cycle(cycle(5));
    const closing = await recorder.close('stopped');
    expect(reported.map(({ code }) => code)).toEqual(['disk']);
    expect(reported[0]?.message).toContain('ENOSPC');
    expect(closing.summary.cycles).toBe(6);
    expect(closing.summary.lostLines).toBe(19); // three lines a cycle, and the event
    expect(closing.problem).toContain('19 lines');
  });
});

describe('a disk that does not confirm', () => {
  it('is told at the end, and a file that cannot be synced at all is not', async () => {
    const closedWith = async (code: string) => {
      const sync = async () => Promise.reject(Object.assign(new Error(`${code}: fsync`), { code }));
      const recorder = recorderIn(folder, { openFile: (path, options) => new AppendFile(path, { ...options, sync }) });
      recorder.cycle(cycle(0));
      return recorder.close('stopped');
    };
    expect((await closedWith('EIO')).problem).toBe('the disk did not confirm the records: EIO: fsync');
    expect((await closedWith('EINVAL')).problem).toBeUndefined();
  });
});
