/**
 * Runs the reference firmware, as a process or on the board that QEMU emulates, and says where its two UARTs are. The program ends with
 * whoever started it: the process because its input is closed, QEMU because it is told (and by the kernel, where setpriv is installed).
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { BeamrigError } from '../../core/errors/beamrig-error.ts';

export interface RunOptions {
  target: 'host' | 'board';
  /** As `buildFirmware` gives it. */
  program: string;
  /** For the host's program: --elements, --chains, --users, … */
  args?: readonly string[];
  env?: NodeJS.ProcessEnv;
}

export interface RunningFirmware {
  /** The port with the panel protocol, and the one with the bench bus. */
  hostPort: string;
  benchPort: string;
  pid: number;
  /** What it has said on its error output. */
  complaints(): string;
  /** Ends it and waits for that. */
  stop(): Promise<void>;
}

const START_MS = 20_000;
const GRACE_MS = 2_000;
const SETPRIV = '/usr/bin/setpriv';

/** @throws {BeamrigError} 'bench-part' when QEMU is missing; 'argument' when it does not start */
export async function startFirmware(options: RunOptions): Promise<RunningFirmware> {
  const { target, program, args = [], env = process.env } = options;
  if (target === 'board') requireQemu(env);
  const [command, ...rest] = target === 'host' ? [program, ...args] : withParent([...QEMU, program]);
  const child = spawn(command, rest, { stdio: ['pipe', 'pipe', 'pipe'], env });
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const killChild = (): void => void child.kill('SIGKILL');
  process.once('exit', killChild);
  void ended.then(() => process.removeListener('exit', killChild));
  let complaints = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (complaints = (complaints + text).slice(-10_000)));
  // An input that breaks because the program has ended is no error of ours.
  child.stdin.on('error', () => undefined);

  const stop = async (): Promise<void> => {
    child.stdin.end();
    if (target === 'board') child.kill('SIGTERM');
    const late = setTimeout(killChild, GRACE_MS);
    await ended;
    clearTimeout(late);
  };
  try {
    const [hostPort, benchPort] = await portNames(child, target);
    return { hostPort, benchPort, pid: child.pid ?? 0, complaints: () => complaints, stop };
  } catch (error) {
    killChild();
    const why = `${error instanceof Error ? error.message : String(error)} ${complaints}`.trim();
    throw new BeamrigError('argument', `The firmware does not start: ${why}`, {
      wayOut: 'Look at the message above.',
    });
  }
}

const QEMU = [
  'qemu-system-arm',
  ...['-M', 'lm3s6965evb', '-nographic', '-monitor', 'none', '-serial', 'pty', '-serial', 'pty', '-kernel'],
];

/** Said here, because setpriv would say it in words of its own. */
function requireQemu({ PATH = '' }: NodeJS.ProcessEnv): void {
  const [name] = QEMU;
  for (const folder of PATH.split(delimiter)) {
    try {
      return accessSync(join(folder, name), constants.X_OK);
    } catch {
      continue; // not in this folder
    }
  }
  throw new BeamrigError('bench-part', `The board needs ${name}, which is not installed.`, {
    wayOut: `Install it (Debian: apt-get install ${name}).`,
  });
}

/** QEMU does not notice that its parent is gone; with setpriv the kernel sees to it. */
function withParent(command: string[]): string[] {
  try {
    accessSync(SETPRIV, constants.X_OK);
    return [SETPRIV, '--pdeathsig', 'KILL', ...command];
  } catch {
    return command;
  }
}

/** The host's program says both names in one line of JSON, QEMU each in a line of its own, that of the first UART first. */
function portNames(child: ChildProcess, target: RunOptions['target']): Promise<[string, string]> {
  return new Promise((resolve, reject) => {
    let said = '';
    const timer = setTimeout(() => reject(new Error(`no port names within ${START_MS / 1000} s.`)), START_MS);
    const settle = (act: () => void): void => {
      clearTimeout(timer);
      act();
    };
    child.once('error', (error) => settle(() => reject(error)));
    child.once('close', (code) => settle(() => reject(new Error(`it ended with ${code ?? 'a signal'}.`))));
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(-10_000);
      const names = target === 'host' ? namesInJson(said) : [...said.matchAll(/redirected to (\S+)/g)].map((match) => match[1]);
      const [hostPort, benchPort] = names;
      if (hostPort !== undefined && benchPort !== undefined) settle(() => resolve([hostPort, benchPort]));
    });
  });
}

function namesInJson(said: string): string[] {
  const end = said.indexOf('\n');
  if (end < 0) return [];
  const { host, bench } = JSON.parse(said.slice(0, end)) as { host: string; bench: string };
  return [host, bench];
}
