import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, existsSync, openSync, readFileSync, readdirSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { CliFolder } from '../../test/cli.ts';
import { hasPart } from '../../test/parts.ts';
import { openPtyPair } from '../../test/pty.ts';
import { BEAMRIG } from '../../test/built-program.ts';

const folder = new CliFolder();
afterAll(() => folder.remove());

interface Told {
  code: number | null;
  stderr: string;
}

/** Runs a command whose standard output has no room. */
async function intoFullDevice(...words: string[]): Promise<Told> {
  const full = openSync('/dev/full', 'w');
  const child = spawn(process.execPath, [...BEAMRIG, ...words], { cwd: folder.path, stdio: ['ignore', full, 'pipe'] });
  closeSync(full);
  let stderr = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  await once(child, 'close');
  return { code: child.exitCode, stderr };
}

describe('a command whose output has no room', () => {
  const rig = folder.rigFile();
  const channels = folder.channelFile(2, 16);
  const training = [
    '--elements',
    '8',
    '--rf-chains',
    '2',
    '--users',
    '2',
    '--layers',
    '1',
    '--inner-steps',
    '1',
    '--epochs',
    '0',
  ];

  it.each([
    ['--help'],
    ['--version'],
    ['run', '--help'],
    ['models'],
    ['models', 'show', 'unfolded-pga-n32'],
    ['panels', '--no-hello', '--json'],
    ['init', 'new.yaml'],
    ['doctor', '--json'],
    ['evaluate', 'aligned', '--channels', channels, '--snr', '10', '--json'],
    ['run', rig], // without an end of its own
    ['run', rig, '--virtual-time', '--cycles', '3', '--json'],
    ['train', 'unfolded-pga', ...training, '--output', 'tiny-model.onnx'],
  ])(
    'fails and says so: %s %s',
    async (...words) => {
      const { code, stderr } = await intoFullDevice(...words);
      expect(stderr).toContain('standard output cannot be written: no space left on device');
      expect(stderr).not.toMatch(/^\s+at /m);
      expect(code).toBe(1);
    },
    60_000,
  );

  it('fails for the table of a run', async () => {
    const { code } = await folder.beamrig('run', rig, '--virtual-time', '--cycles', '3');
    expect(code).toBe(0);
    const run = readdirSync(join(folder.path, 'runs')).at(-1) ?? '';
    const events = await intoFullDevice('export', join(folder.path, 'runs', run), '--csv');
    expect(events).toMatchObject({ code: 1 });
    expect(events.stderr).toContain('no space left on device');
  }, 60_000);
});

describe.skipIf(!hasPart('socat'))('a terminal that nobody reads [needs socat]', () => {
  it.each([[[]], [['--json']]])(
    'keeps neither the loop nor the end waiting %s',
    async (options) => {
      const pair = await openPtyPair();
      const own = new CliFolder();
      try {
        fill(pair.b);
        const terminal = openSync(pair.b, constants.O_RDWR | constants.O_NOCTTY);
        const child = spawn(process.execPath, [...BEAMRIG, 'run', own.rigFile(), ...options], {
          cwd: own.path,
          stdio: ['ignore', terminal, terminal],
        });
        closeSync(terminal);
        const exited = once(child, 'exit');
        await vi.waitFor(() => expect(cyclesIn(join(own.path, 'runs'))).toBeGreaterThan(20), { timeout: 40_000, interval: 200 });
        child.kill('SIGTERM');
        expect(await exited).toEqual([0, null]);
        const [run] = readdirSync(join(own.path, 'runs'));
        expect(existsSync(join(own.path, 'runs', run, 'summary.json'))).toBe(true);
      } finally {
        await pair.close();
        own.remove();
      }
    },
    90_000,
  );
});

/** As after a minute of output that nobody read. */
function fill(path: string): void {
  const terminal = openSync(path, constants.O_RDWR | constants.O_NONBLOCK | constants.O_NOCTTY);
  let refusals = 0;
  while (refusals < 20) {
    try {
      writeSync(terminal, 'x'.repeat(100));
      refusals = 0;
    } catch {
      refusals++; // socat may yet carry on what is in its own hands
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
    }
  }
  closeSync(terminal);
}

function cyclesIn(runs: string): number {
  if (!existsSync(runs)) return 0;
  const [run] = readdirSync(runs);
  const records = join(runs, run ?? '', 'records.lp');
  return existsSync(records) ? readFileSync(records, 'utf8').split('\n').length : 0;
}
