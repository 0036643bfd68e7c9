/** The machine's clock set in the middle of a real run, by a library that stands between the program and the system's clock. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { readRecord } from '../../src/telemetry/record-reader.ts';
import { CliFolder } from '../cli.ts';
import { hasPart } from '../parts.ts';
import { BEAMRIG } from '../built-program.ts';

const library = ['x86_64', 'aarch64', 'arm']
  .map((machine) => `/usr/lib/${machine}-linux-gnu${machine === 'arm' ? 'eabihf' : ''}/faketime/libfaketimeMT.so.1`)
  .find((path) => existsSync(path));

const cli = new CliFolder();
afterEach(() => cli.remove());

describe.skipIf(!hasPart('faketime') || library === undefined)('a clock that is set while a rig runs [needs faketime]', () => {
  it('forward and back is an event each time, and no record is older than the one before it', async () => {
    const setting = join(cli.path, 'clock');
    writeFileSync(setting, '+0\n');
    const running = spawn(process.execPath, [...BEAMRIG, 'run', cli.rigFile(), '--json'], {
      cwd: cli.path,
      stdio: ['ignore', 'pipe', 'inherit'],
      env: {
        ...process.env,
        LD_PRELOAD: library,
        FAKETIME_TIMESTAMP_FILE: setting,
        FAKETIME_NO_CACHE: '1',
        FAKETIME_DONT_FAKE_MONOTONIC: '1',
        DONT_FAKE_MONOTONIC: '1',
      },
    });
    let said = '';
    running.stdout.setEncoding('utf8').on('data', (text: string) => (said += text));
    const steps = (): string[] => said.split('\n').filter((line) => line.includes('"clock-stepped"'));
    const until = (met: () => boolean): Promise<unknown> =>
      vi.waitFor(() => expect(met()).toBe(true), { timeout: 60_000, interval: 20 });
    // A busy machine turns few cycles between two steps.
    const cyclesTurn = async (): Promise<void> => {
      const latest = (): number => Number(/.*"type":"status".*?"cycle":(\d+)/s.exec(said)?.[1] ?? -1);
      const before = latest();
      await until(() => latest() >= before + 10);
    };
    await cyclesTurn();
    writeFileSync(setting, '+8h\n');
    await until(() => steps().length === 1);
    await cyclesTurn();
    writeFileSync(setting, '+7h\n');
    await until(() => steps().length === 2);
    await cyclesTurn();
    running.kill('SIGINT');
    await once(running, 'exit');
    expect(steps()[0]).toMatch(/8 h 0 min forward/);
    expect(steps()[1]).toMatch(/1 h 0 min back.*1 h 0 min ahead/);
    const [run = ''] = readdirSync(join(cli.path, 'runs'));
    const times = readFileSync(join(cli.path, 'runs', run, 'records.lp'), 'utf8')
      .split('\n')
      .map(readRecord)
      .flatMap((point) => (point?.measurement === 'cycle' ? [point.timeNs] : []));
    expect(times.length).toBeGreaterThan(10);
    expect(times.every((time, index) => index === 0 || time > times[index - 1])).toBe(true);
    expect(times[times.length - 1] - times[0]).toBeGreaterThan(8n * 3_600_000_000_000n);
  }, 240_000);
});
