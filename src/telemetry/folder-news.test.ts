/** What somebody, or a disk, does to a run folder while the run goes on is told, repaired as far as it can be, and counted at the end. */
import {
  appendFileSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createRealClock } from '../../core/clock/real-clock.ts';
import { cycleRecord } from '../../test/cycle-record.ts';
import { recordedRig } from '../../test/doubles/recorded-cycles.ts';
import { AppendFile, type AppendFileOptions } from './append-file.ts';
import type { RigEvent } from './cycle-record.ts';
import { createRunRecorder } from './run-folder.ts';

let parent: string;
beforeEach(() => (parent = mkdtempSync(join(tmpdir(), 'beamrig-folder-'))));
afterEach(() => rmSync(parent, { recursive: true, force: true }));

/** A recorder that looks at its files often, and records an event as its line. */
function recording(options: AppendFileOptions = {}, clock = createRealClock()) {
  const events: RigEvent[] = [];
  const recorder = createRunRecorder({
    ...{ ...recordedRig(parent), seed: 1, clock, time: 'real' },
    onOwnEvent: (event) => events.push(event),
    openFile: (path, own) => new AppendFile(path, { ...own, checkMs: 20, retryMs: 20, steadyMs: 100, ...options }),
  });
  let said = 0;
  const record = (count: number): void => {
    for (let i = 0; i < count; i++) {
      recorder.event({ timeNs: clock.epochNs(), level: 'info', code: 'line', message: `line ${(said += 1)}` });
    }
  };
  const records = join(recorder.folder, 'records.lp');
  const linesNow = (): string[] => readFileSync(records, 'utf8').split('\n').slice(0, -1);
  const codes = (): string[] => events.map(({ code }) => code);
  const until = (met: () => boolean): Promise<unknown> =>
    vi.waitFor(() => expect(met()).toBe(true), { timeout: 20_000, interval: 5 });
  return { recorder, events, codes, record, records, linesNow, until };
}

describe('a run folder in the middle of a run', () => {
  it('that is removed is made again, and what is lost with it is counted', async () => {
    const { recorder, events, record, records, linesNow, until } = recording();
    record(10);
    await recorder.flush(5000);
    rmSync(recorder.folder, { recursive: true });
    await until(() => events.some(({ message }) => message.startsWith('records.lp')) && existsSync(records));
    record(5);
    const { problem, summary } = await recorder.close('stopped');
    expect(events.every(({ code }) => code === 'run-folder-damaged')).toBe(true);
    expect(events.find(({ message }) => message.startsWith('records.lp'))?.message).toContain(
      'removed while the run goes on: 10 lines',
    );
    expect(JSON.parse(readFileSync(join(recorder.folder, 'manifest.json'), 'utf8'))).toMatchObject({ rig: 'bench' });
    expect(linesNow().filter((line) => line.includes('code=line'))).toHaveLength(5);
    expect(problem).toContain('10 lines of records are not in the folder any more');
    expect(summary.lostLines).toBe(10);
  });

  it('that is moved away goes on in a new one of its name', async () => {
    const { recorder, codes, record, records, until } = recording();
    record(10);
    await recorder.flush(5000);
    renameSync(recorder.folder, `${recorder.folder}-moved`);
    await until(() => codes().length > 0 && existsSync(records));
    record(5);
    expect((await recorder.close('stopped')).problem).toContain('not in the folder any more');
    expect(readFileSync(join(`${recorder.folder}-moved`, 'records.lp'), 'utf8').match(/line \d+"/g)).toHaveLength(10);
  });

  it('whose records are cut goes on with a line of its own', async () => {
    const { recorder, events, codes, record, records, linesNow, until } = recording();
    record(10);
    await recorder.flush(5000);
    const firstLine = linesNow()[0].length;
    truncateSync(records, firstLine + 20); // in the middle of the second line
    await until(() => codes().includes('run-folder-damaged'));
    record(5);
    expect((await recorder.close('stopped')).problem).toContain('9 lines of records are not in the folder');
    expect(events[0]?.message).toContain('records.lp');
    const after = linesNow();
    expect(after[1]).toHaveLength(19);
    expect(after.slice(2).every((line) => line.startsWith('event,'))).toBe(true);
  });

  it('whose records are replaced with the same is only told', async () => {
    const { recorder, codes, record, records, linesNow, until } = recording();
    record(10);
    await recorder.flush(5000);
    const content = readFileSync(records);
    unlinkSync(records);
    writeFileSync(records, content); // as an editor saves
    await until(() => codes().includes('run-folder-damaged'));
    record(5);
    expect((await recorder.close('stopped')).problem).toBeUndefined();
    expect(linesNow().filter((line) => line.includes('code=line'))).toHaveLength(15);
  });

  it('whose records are cut and no time is left to see it is found out at the end', async () => {
    const { recorder, codes, record, records } = recording({ checkMs: 3_600_000 });
    record(10);
    await recorder.flush(5000);
    truncateSync(records, 0);
    const { problem } = await recorder.close('stopped');
    expect(problem).toContain('10 lines of records are not in the folder any more');
    expect(codes()).toEqual(['run-folder-damaged']);
  });

  it('that somebody adds to loses nothing of ours', async () => {
    const { recorder, codes, record, records } = recording();
    record(10);
    await recorder.flush(5000);
    appendFileSync(records, 'somebody else was here\n');
    record(5);
    expect((await recorder.close('stopped')).problem).toBeUndefined();
    expect(codes()).toEqual([]);
  });
});

describe('a disk that is nearly full', () => {
  it('and takes a write now and then is one trouble and one end of it', async () => {
    let call = 0;
    let full = true;
    const file = { text: '' };
    const write = async (_: number, bytes: Uint8Array): Promise<number> => {
      call += 1;
      if (full && call % 3 !== 0) throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
      const taken = full ? Math.ceil(bytes.length / 2) : bytes.length;
      file.text += Buffer.from(bytes.subarray(0, taken)).toString();
      return taken;
    };
    const events: string[] = [];
    const grown = new AppendFile(join(parent, 'log'), {
      ...{ write, checkMs: 10, retryMs: 2, steadyMs: 300 },
      onTrouble: () => events.push('trouble'),
      onRecovered: (dropped) => events.push(`recovered, dropped ${dropped}`),
    });
    for (let line = 0; line < 40; line++) {
      grown.append(`line ${line}`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    full = false;
    await vi.waitFor(() => expect(events).toHaveLength(2), { timeout: 20_000 });
    expect(events).toEqual(['trouble', 'recovered, dropped 0']);
    expect(file.text).toBe(Array.from({ length: 40 }, (_, line) => `line ${line}\n`).join(''));
    await grown.close();
  });

  it('whose write is never answered does not keep the run from ending', async () => {
    const { recorder, record } = recording({ write: () => new Promise(() => undefined) });
    record(10);
    const { problem } = await recorder.close('stopped');
    expect(problem).toContain('a write was never answered');
  }, 20_000);
});

describe('what is written', () => {
  it('is forced to the disk every so often, and not when nothing was written', async () => {
    let synced = 0;
    const sync = async (): Promise<void> => void (synced += 1);
    const grown = new AppendFile(join(parent, 'log'), { syncMs: 20, sync });
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(synced).toBe(0);
    grown.append('line');
    await vi.waitFor(() => expect(synced).toBe(1), { timeout: 20_000 });
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(synced).toBe(1);
    await grown.close();
  });

  it('and not confirmed is told once, and again at the end', async () => {
    const sync = async (): Promise<void> => Promise.reject(Object.assign(new Error('EIO: i/o error, fsync'), { code: 'EIO' }));
    const { recorder, codes, record, until } = recording({ syncMs: 10, sync });
    record(1);
    await until(() => codes().length > 0);
    record(1);
    const { problem } = await recorder.close('stopped');
    expect(new Set(codes())).toEqual(new Set(['disk-unsynced']));
    expect(problem).toContain('the disk did not confirm the records: EIO');
  });

  it('is with the system when append returns, so that a process that is killed has not lost it', async () => {
    const path = join(parent, 'log');
    const grown = new AppendFile(path, { sync: () => new Promise((resolve) => setTimeout(resolve, 50)), syncMs: 5 });
    for (let line = 0; line < 20; line++) {
      grown.append(`cycle ${line}`, `user of ${line}`);
      expect(readFileSync(path, 'utf8').endsWith(`cycle ${line}\nuser of ${line}\n`)).toBe(true);
      await new Promise((resolve) => setTimeout(resolve, 5)); // the next cycle; a sync is under way most of the time
    }
    expect(await grown.close()).toBe(0);
  });

  it('never goes on with half of a line that a crash left', async () => {
    const path = join(parent, 'log');
    writeFileSync(path, 'whole\nhal');
    const grown = new AppendFile(path);
    grown.append('next');
    await grown.close();
    expect(readFileSync(path, 'utf8')).toBe('whole\nhal\nnext\n');
  });
});

describe('the machine’s clock', () => {
  it('that is set in the middle of a run is one event, and does not change how long the run took', async () => {
    let wallMs = 1_790_000_000_000;
    let ms = 0;
    const clock = createRealClock({
      wallMs: () => wallMs + ms,
      monotonicNs: () => BigInt(ms) * 1_000_000n,
      uptimeS: () => ms / 1000,
    });
    const { recorder, events, linesNow, until } = recording({}, clock);
    for (let index = 0; index < 20; index++) {
      ms += 100;
      if (index === 10) wallMs += 8 * 3_600_000;
      recorder.cycle(cycleAt(index, clock.epochNs()));
      await Promise.resolve();
    }
    await until(() => events.length > 0);
    const { summary } = await recorder.close('stopped');
    expect(events.map(({ code, message }) => `${code}: ${message}`)).toEqual([
      'clock-stepped: The computer’s clock was set 8 h 0 min forward in the middle of the run.',
    ]);
    expect(summary.seconds).toBeCloseTo(1.9, 6);
    const times = linesNow()
      .filter((line) => line.startsWith('cycle,'))
      .map((line) => BigInt(line.split(' ').at(-1) ?? ''));
    expect(times.every((time, index) => index === 0 || time > times[index - 1])).toBe(true);
    expect(times[19] - times[0]).toBe(1_900_000_000n + 8n * 3_600_000_000_000n);
  });
});

const cycleAt = (cycle: number, timeNs: bigint) => cycleRecord({ cycle, timeNs });
