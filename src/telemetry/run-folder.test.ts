import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createRealClock } from '../../core/clock/real-clock.ts';
import { packageRoot } from '../../core/files/package-root.ts';
import { parseRigFile } from '../config/rig-file.ts';
import { cycleRecord } from '../../test/cycle-record.ts';
import { InfluxServer } from '../../test/influx-server.ts';
import { hasPart } from '../../test/parts.ts';
import { AppendFile } from './append-file.ts';
import type { CycleRecord, RigEvent } from './cycle-record.ts';
import { exportCsv } from './export-csv.ts';
import { createInfluxClient } from './influx/influx-client.ts';
import { parseLine } from './influx/line-protocol.ts';
import { replayRun } from './replay.ts';
import { createRunRecorder, openRun, type RunRecorder, type RunRecorderOptions } from './run-folder.ts';
import type { RunManifest } from './run-manifest.ts';
import { Percentiles, type RunSummary } from './run-summary.ts';

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'beamrig-runs-'))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function recorderIn(parent: string, options: Partial<RunRecorderOptions> = {}): RunRecorder {
  const rigText = `
name: bench
array: { geometry: { kind: ula, elements: 8 }, rfChains: 2, phaseBits: 4 }
users: { count: 2 }
beamformer: { model: aligned }
telemetry: { runFolder: ${JSON.stringify(parent)} }
`;
  const rig = parseRigFile(rigText, 'bench.yaml');
  const startedAt = new Date('2026-03-04T05:06:07.890Z');
  return createRunRecorder({
    rig,
    rigText,
    rigPath: 'bench.yaml',
    seed: 7,
    clock: createRealClock(),
    time: 'real',
    startedAt,
    ...options,
  });
}

const EPOCH_NS = 1_790_000_000_000_000_000n;
const cycle = (index: number, changes: Partial<CycleRecord> = {}): CycleRecord =>
  cycleRecord({
    cycle: index,
    timeNs: EPOCH_NS + BigInt(index) * 50_000_000n,
    measuredSnrDb: Float64Array.of(9, 21 + (index % 2)),
    link: { retries: 1, timeouts: 0, discarded: 0, roundTripMs: 0.25 },
    ...changes,
  });
const voidCycle = (index: number): CycleRecord =>
  cycle(index, {
    outcome: 'void',
    failure: 'push: no answer after 4 attempts',
    beamId: 0,
    measuredSnrDb: Float64Array.of(NaN, NaN),
    measuredSumRate: NaN,
  });

const json = <T>(path: string): T => JSON.parse(readFileSync(path, 'utf8')) as T;
const points = (run: string): ReturnType<typeof parseLine>[] =>
  readFileSync(join(run, 'records.lp'), 'utf8').trimEnd().split('\n').map(parseLine);

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
    const told: RigEvent[] = [];
    const recorder = recorderIn(folder, { onOwnEvent: (event) => told.push(event) });
    recorder.cycle(cycle(0));
    recorder.cycle(cycle(1, { source: 'hardware' }));
    const { summary } = await recorder.close('stopped');
    expect(told).toEqual([]);
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
});

describe.skipIf(!existsSync('/dev/full'))('a full disk [needs /dev/full]', () => {
  it('is one event; the run goes on, and closing says what was lost', async () => {
    const told: RigEvent[] = [];
    const recorder = recorderIn(folder, {
      onOwnEvent: (event) => told.push(event),
      openFile: (path, options) => new AppendFile(path.endsWith('.lp') ? '/dev/full' : path, { ...options, retryMs: 5 }),
    });
    for (let index = 0; index < 5; index++) recorder.cycle(cycle(index));
    while (told.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    recorder.cycle(cycle(5));
    const closing = await recorder.close('stopped');
    expect(told.map(({ code }) => code)).toEqual(['disk']);
    expect(told[0]?.message).toContain('ENOSPC');
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

describe('a file that only grows', () => {
  it('keeps order over many small lines', async () => {
    const path = join(folder, 'log');
    const file = new AppendFile(path);
    for (let index = 0; index < 20_000; index++) file.append(`line ${index}`);
    expect(await file.close()).toBe(0);
    const lines = readFileSync(path, 'utf8').trimEnd().split('\n');
    expect(lines).toHaveLength(20_000);
    expect(lines.every((line, index) => line === `line ${index}`)).toBe(true);
  });

  it('drops and counts what its bounded queue cannot hold', async () => {
    const path = join(folder, 'log');
    const file = new AppendFile(path, { limitBytes: 100 });
    const taken = Array.from({ length: 30 }, () => file.append('123456789')).filter(Boolean).length;
    expect(taken).toBe(10);
    expect(await file.close()).toBe(20);
    expect(readFileSync(path, 'utf8')).toHaveLength(100);
  });
});

describe('a run that was cut off', () => {
  it('by kill -9 still reads: its cycles make a table, half a line is left out', async () => {
    const script = join(folder, 'recording.ts');
    const rigText = readFileSync(join(packageRoot(), 'examples', 'rigs', 'demo.yaml'), 'utf8').replace(
      'runFolder: runs',
      `runFolder: ${folder}`,
    );
    writeFileSync(join(folder, 'rig.yaml'), rigText);
    const from = (path: string): string => JSON.stringify(join(packageRoot(), path));
    writeFileSync(
      script,
      `import { createRealClock } from ${from('core/clock/real-clock.ts')};
       import { loadRigFile } from ${from('src/config/rig-file.ts')};
       import { createRunRecorder } from ${from('src/telemetry/run-folder.ts')};
       import { cycleRecord } from ${from('test/cycle-record.ts')};
       const { rig, text } = loadRigFile(${JSON.stringify(join(folder, 'rig.yaml'))});
       const recorder = createRunRecorder({ rig, rigText: text, rigPath: 'rig.yaml', seed: 1, clock: createRealClock(), time: 'real' });
       const four = Float64Array.of(1, 2, 3, 4);
       let cycle = 0;
       console.log(recorder.folder);
       setInterval(() => {
         recorder.cycle(cycleRecord({ cycle, timeNs: 1790000000000000000n + BigInt(cycle) * 1000n, predictedSnrDb: four, measuredSnrDb: four }));
         cycle += 1;
       }, 2);`,
    );
    const running = spawn(process.execPath, ['--import', 'tsx', script], {
      cwd: packageRoot(),
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [said] = (await once(running.stdout, 'data')) as [Buffer];
    // What is only queued is lost with the process.
    const records = join(said.toString().trim(), 'records.lp');
    await vi.waitFor(() => expect(readFileSync(records, 'utf8').split('\ncycle,').length).toBeGreaterThan(12), {
      timeout: 20_000,
      interval: 1,
    });
    const gone = once(running, 'exit');
    running.kill('SIGKILL');
    await gone;

    const run = openRun(said.toString().trim());
    expect(run.summary).toBeUndefined();
    writeFileSync(run.recordsPath, readFileSync(run.recordsPath, 'utf8') + 'cycle,rig=demo cyc');
    const out = new PassThrough();
    const table = text(out);
    const count = await exportCsv(run, out);
    out.end();
    expect(count.rows).toBeGreaterThan(10);
    expect(count.damagedLines).toBe(1);
    expect((await table).split('\r\n')).toHaveLength(count.rows + 2);
  });
});

describe('the table of a run', () => {
  it('has one row a cycle, units in its names, and no formula a spreadsheet would run', async () => {
    const recorder = recorderIn(folder);
    recorder.cycle(cycle(0));
    recorder.event({ timeNs: EPOCH_NS, level: 'info', code: 'hello', message: 'between' });
    recorder.cycle({ ...voidCycle(1), failure: '=1+1, "quoted"' });
    await recorder.close('stopped');
    const out = new PassThrough();
    const table = text(out);
    expect(await exportCsv(openRun(recorder.folder), out)).toEqual({ rows: 2, damagedLines: 0 });
    out.end();
    const [head = '', first = '', second = ''] = (await table).split('\r\n');
    const names = head.split(',');
    const cells = Object.fromEntries(first.split(',').map((value, index) => [names[index], value]));
    expect(cells).toMatchObject({
      time_utc: '2026-09-21T14:13:20.000Z',
      elapsed_s: '0',
      snr_setting_db: '10',
      elements: '8',
      rf_chains: '2',
      users: '2',
      seed: '7',
      cycle: '0',
      source: 'simulator',
      outcome: 'ok',
      user_0_predicted_snr_db: '10',
      user_1_measured_snr_db: '21',
      measured_sum_rate_bit_per_s_per_hz: '9.5',
      push_ms: '0.5',
      link_round_trip_ms: '0.25',
    });
    expect(second).toMatch(/^2026-09-21T14:13:20\.050Z,0\.05,/);
    expect(second).toContain(`,void,1,4,0,"'=1+1, ""quoted""",,SIM-1,sum-rate,objective,10,,12,3.5,3.25,`);
    // Exactly what a spreadsheet keeps: no number has more than 15 digits.
    expect(head + first).not.toMatch(/\d{16}/);
  });

  it('never gives a cycle the SNR of another one whose own line is lost', async () => {
    const recorder = recorderIn(folder);
    recorder.cycle(voidCycle(0));
    recorder.cycle(cycle(1));
    await recorder.close('stopped');
    const run = openRun(recorder.folder);
    const lines = readFileSync(run.recordsPath, 'utf8').split('\n');
    const own = lines.findIndex((line) => line.startsWith('cycle,') && line.includes(' cycle=1i'));
    lines[own] = lines[own].slice(0, 20);
    writeFileSync(run.recordsPath, lines.join('\n'));
    const out = new PassThrough();
    const table = text(out);
    expect(await exportCsv(run, out)).toEqual({ rows: 1, damagedLines: 1 });
    out.end();
    expect((await table).split('\r\n')[1]).toMatch(/,void,0,.*,10,,20,,[^,]+,10,8,2,2,7,$/);
  });

  it('is refused for a folder that is no run', () => {
    expect(() => openRun(join(folder, 'none'))).toThrow('there is no such folder');
    expect(() => openRun(folder)).toThrow('holds no records.lp');
    writeFileSync(join(folder, 'records.lp'), '');
    expect(() => openRun(folder)).toThrow('manifest.json is missing');
  });
});

describe.skipIf(!hasPart('influxd'))('a replay into InfluxDB [needs influxd]', () => {
  it('gives the same series, and given twice changes nothing', async () => {
    const recorder = recorderIn(folder);
    for (let index = 0; index < 500; index++) recorder.cycle(index % 10 === 9 ? voidCycle(index) : cycle(index));
    await recorder.close('stopped');
    const server = await (await InfluxServer.place()).start();
    try {
      const client = createInfluxClient({ host: '127.0.0.1', port: server.port, database: 'replay' });
      const lines = points(recorder.folder);
      for (let time = 0; time < 2; time++)
        expect(await replayRun(openRun(recorder.folder), client)).toEqual({ taken: lines.length, refused: 0 });
      const [measured] = await server
        .client('replay')
        .query<{ n: number; m: number }>('select count(measured_db) as n from user_snr');
      expect(measured?.n).toBe(2 * 450);
      const cycles = await server
        .client('replay')
        .query<{ time: { getNanoTime(): string }; cycle: number }>('select cycle from cycle');
      expect(cycles.map(({ time, cycle: index }) => [index, time.getNanoTime()])).toEqual(
        lines
          .filter((point) => point?.measurement === 'cycle')
          .map((point) => [Number(point?.fields.cycle), String(point?.timeNs)]),
      );
    } finally {
      await server.remove();
    }
  });

  it('lets a query leave out what nobody believes', async () => {
    const recorder = recorderIn(folder);
    recorder.cycle(cycle(0));
    recorder.cycle(cycle(1, { measuredSnrDb: Float64Array.of(327.67, 21), measuredSumRate: NaN, doubt: 'outside reason' }));
    await recorder.close('stopped');
    const server = await (await InfluxServer.place()).start();
    try {
      const client = createInfluxClient({ host: '127.0.0.1', port: server.port, database: 'doubts' });
      expect(await replayRun(openRun(recorder.folder), client)).toMatchObject({ refused: 0 });
      const most = `select max(measured_db) as most from user_snr`;
      const asked = (query: string) => server.client('doubts').query<{ most: number }>(query);
      expect((await asked(most))[0]?.most).toBe(327.67);
      expect((await asked(`${most} where doubtful = ''`))[0]?.most).toBe(21);
    } finally {
      await server.remove();
    }
  });

  it('says which server does not answer', async () => {
    const recorder = recorderIn(folder);
    recorder.cycle(cycle(0));
    await recorder.close('stopped');
    const nobody = createInfluxClient({ host: '127.0.0.1', port: 1, database: 'replay' });
    await expect(replayRun(openRun(recorder.folder), nobody)).rejects.toThrow(
      'http://127.0.0.1:1, database replay takes no points',
    );
  });
});

describe('percentiles', () => {
  it('are right to one per cent over a million-fold range', () => {
    const times = new Percentiles();
    for (let index = 1; index <= 10_000; index++) times.add(index / 10);
    const value = times.value();
    expect(Math.abs((value?.p50 ?? 0) / 500 - 1)).toBeLessThan(0.01);
    expect(Math.abs((value?.p99 ?? 0) / 990 - 1)).toBeLessThan(0.01);
    expect(value?.max).toBe(1000);
    times.add(NaN);
    times.add(-1);
    expect(times.value()).toEqual(value);
  });
});
