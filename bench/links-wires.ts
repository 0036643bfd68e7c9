/** Everything that links.ts drives and listens to, as processes of their own: firmware, panels, brokers, echoes. They end with the bench. */
import { execFileSync, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { createRealClock } from '../core/clock/real-clock.ts';
import { buildFirmware } from '../firmware-protocol/reference/build.ts';
import { startFirmware } from '../firmware-protocol/reference/run-firmware.ts';
import { createRandom } from '../core/signal/random.ts';
import { createSerialLink } from '../src/link/serial/serial.ts';
import { createPanel } from '../src/panel/panel-driver.ts';

export interface LinksBench {
  /** For files of this run. */
  readonly folder: string;
  /** A host firmware whose chips are set up. @returns its host port */
  firmware(): Promise<string>;
  /** @returns the port to ask on: that of a pseudo terminal of its own, or `port`, of which it takes the panel's side */
  ptyEcho(port?: string): Promise<string>;
  /** far-end.ts in this role. @returns its address */
  farEnd(...words: string[]): Promise<string>;
  /** Ends all that was started. */
  endAll(): Promise<void>;
  close(): Promise<void>;
}

export function openLinksBench(): LinksBench {
  const folder = mkdtempSync(join(tmpdir(), 'beamrig-links-'));
  const ends: (() => Promise<void>)[] = [];
  let program: string | undefined;
  let echo: string | undefined;

  /** @returns what the child says first */
  const start = async (command: string, args: readonly string[]): Promise<string> => {
    const child: ChildProcess = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    const { stdin, stdout } = child;
    if (stdin === null || stdout === null) throw new Error(`${command} has no input or output`);
    const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    const killIt = (): void => void child.kill('SIGKILL');
    process.once('exit', killIt);
    ends.push(async () => {
      stdin.end();
      const late = setTimeout(killIt, 3000);
      await ended;
      clearTimeout(late);
      process.removeListener('exit', killIt);
    });
    return new Promise((resolve, reject) => {
      createInterface({ input: stdout }).once('line', resolve);
      child.once('error', reject);
      child.once('exit', (code) => reject(new Error(`${command} ${args.join(' ')} ended with ${code ?? 'a signal'}`)));
    });
  };

  const farEnd = async (...words: string[]): Promise<string> => {
    const main = fileURLToPath(new URL('far-end.ts', import.meta.url));
    const said = await start(process.execPath, ['--import', import.meta.resolve('tsx'), main, ...words]);
    return said.replace(/^ready /, '');
  };

  const endAll = async (): Promise<void> => {
    for (const end of ends.splice(0).reverse()) await end();
  };

  return {
    folder,
    firmware: async () => {
      program ??= buildFirmware({ target: 'host', folder: join(folder, 'firmware') });
      const running = await startFirmware({ target: 'host', program });
      ends.push(() => running.stop());
      await farEnd('bench', running.benchPort);
      await awaitBoard(running.hostPort);
      return running.hostPort;
    },
    ptyEcho: (port) => {
      if (echo === undefined) {
        echo = join(folder, 'pty-echo');
        const source = fileURLToPath(new URL('pty-echo.c', import.meta.url));
        execFileSync('gcc', ['-O2', '-Wall', '-Wextra', '-Werror', '-o', echo, source, '-lutil']);
      }
      return start(echo, port === undefined ? [] : [port]);
    },
    farEnd,
    endAll,
    close: async () => {
      await endAll();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** A board answers once its chips are set up. */
async function awaitBoard(path: string): Promise<void> {
  const link = createSerialLink({ path, baudRate: 921_600 });
  const panel = createPanel({ link, clock: createRealClock(), random: createRandom(1) });
  for (let attempt = 0; attempt < 10; attempt++) {
    const shaken = await panel.connect();
    await panel.close();
    if (shaken.ok) return;
  }
  throw new Error(`the firmware on ${path} does not shake hands`);
}
