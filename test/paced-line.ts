/**
 * A serial line with the speed of a wire, for what is about time: a pty carries any amount at once, whatever its baud rate says. paced-line.c
 * between two ptys lets a byte arrive no earlier than 10 bit times after the one before, in each direction by itself. It is built by gcc.
 *
 *   host ─► port `host` ─► wire at baudRate ─► port `panel` ─► panel
 */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { partPath } from './parts.ts';

export interface PacedLineOptions {
  baudRate: number;
  /** Share of frames (what ends with a zero byte) that are lost. */
  drop?: number;
  /** Share of bytes of which a bit is flipped. */
  corrupt?: number;
  /** Of what is dropped and corrupted. Default 1. */
  seed?: number;
}

export interface PacedLine {
  /** Path of the port for the host. */
  readonly host: string;
  /** Path of the port for the panel. */
  readonly panel: string;
  /** From now on every byte is lost on the way; both ports stay open. */
  cut(): Promise<void>;
  restore(): Promise<void>;
  /** The host's port hangs up and its name is gone, as a USB adapter that is pulled. */
  pull(): Promise<void>;
  /** A new port under the old name. */
  putBack(): Promise<void>;
  drop(share: number): Promise<void>;
  corrupt(share: number): Promise<void>;
  /** That bit of the nth byte from now on, counted from 0, is flipped, once. */
  flip(way: 'to-panel' | 'to-host', nth: number, bit: number): Promise<void>;
  /** From now on both ends hear random bytes at the speed of the line, and nothing else. */
  garbage(): Promise<void>;
  quiet(): Promise<void>;
  counts(): Promise<PacedLineCounts>;
  close(): Promise<void>;
}

export interface PacedLineCounts {
  bytesToPanel: number;
  bytesToHost: number;
  framesDropped: number;
  bytesCorrupted: number;
  /** Bytes that came to a port whose reader had not emptied it: lost, as on a UART without flow control. */
  bytesOverrun: number;
}

export async function openPacedLine(options: PacedLineOptions): Promise<PacedLine> {
  const { baudRate, drop = 0, corrupt = 0, seed = 1 } = options;
  const folder = mkdtempSync(join(tmpdir(), 'beamrig-line-'));
  const host = join(folder, 'host');
  const panel = join(folder, 'panel');
  const { program, release } = await holdPacedLine();
  const relay = spawn(program, [String(baudRate), host, panel, String(seed)], { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = once(relay, 'exit');
  const answers = createInterface(relay.stdout)[Symbol.asyncIterator]();
  const answer = async (): Promise<string> => {
    const next = await answers.next();
    if (next.done === true || next.value === 'failed') throw new Error(`paced line: ${next.value ?? 'the relay has ended'}`);
    return next.value;
  };

  let busy: Promise<unknown> = answer();
  const say = (command: string): Promise<string> => {
    const said = busy.then(() => {
      relay.stdin.write(`${command}\n`);
      return answer();
    });
    busy = said.catch(() => undefined);
    return said;
  };
  const command = (text: string) => async (): Promise<void> => void (await say(text));
  const share =
    (name: string) =>
    async (value: number): Promise<void> =>
      void (await say(`${name} ${value}`));

  await busy;
  if (drop > 0) await say(`drop ${drop}`);
  if (corrupt > 0) await say(`corrupt ${corrupt}`);
  return {
    host,
    panel,
    cut: command('cut'),
    restore: command('restore'),
    pull: command('pull'),
    putBack: command('putback'),
    drop: share('drop'),
    corrupt: share('corrupt'),
    flip: async (way, nth, bit) => void (await say(`flip ${way === 'to-panel' ? 0 : 1} ${nth} ${bit}`)),
    garbage: command('garbage'),
    quiet: command('quiet'),
    counts: async () => {
      const [bytesToPanel, bytesToHost, framesDropped, bytesCorrupted, bytesOverrun] = (await say('counts'))
        .split(' ')
        .map(Number);
      return { bytesToPanel, bytesToHost, framesDropped, bytesCorrupted, bytesOverrun };
    },
    close: async () => {
      relay.stdin.end();
      await ended;
      release();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** The relay, built once for all lines that are open at a time. */
let built: Promise<string> | undefined;
let holders = 0;

/**
 * Keeps the relay that is built for the lines: whoever opens one after the other holds it meanwhile, and lets go of it.
 * @returns its path, and how to let go of it: the last one removes it
 */
export async function holdPacedLine(): Promise<{ program: string; release: () => void }> {
  holders++;
  built ??= build();
  const program = await built;
  const release = (): void => {
    if (--holders > 0) return;
    built = undefined;
    rmSync(dirname(program), { recursive: true, force: true });
  };
  return { program, release };
}

/** @returns path of the relay, in a folder of its own */
async function build(): Promise<string> {
  const program = join(mkdtempSync(join(tmpdir(), 'beamrig-relay-')), 'paced-line');
  const source = join(dirname(fileURLToPath(import.meta.url)), 'paced-line.c');
  await promisify(execFile)(partPath('gcc') ?? 'gcc', ['-O2', '-Wall', '-Wextra', '-Werror', '-o', program, source, '-lutil']);
  return program;
}
