/** What a run is read for afterwards: its table, also where the run was cut off, and its replay into InfluxDB. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { packageRoot } from '../../core/files/package-root.ts';
import { EPOCH_NS, cycle, points, recorderIn, voidCycle } from '../../test/doubles/recorded-cycles.ts';
import { InfluxServer } from '../../test/influx-server.ts';
import { hasPart } from '../../test/parts.ts';
import { exportCsv } from './export-csv.ts';
import { createInfluxClient } from './influx/influx-client.ts';
import { replayRun } from './replay.ts';
import { openRun } from './run-folder.ts';

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'beamrig-recorded-'))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

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
    expect(second).toContain(`,void,1,4,0,"'=1+1, ""quoted""",,SIM-1,none,sum-rate,objective,10,,12,3.5,3.25,`);
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
