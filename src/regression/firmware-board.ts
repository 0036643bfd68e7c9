/**
 * A board with the reference firmware, as a process or emulated: its ports under names that stay, whatever is started anew behind them, and
 * ways to take its power and to hang it.
 */
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '../../core/clock/clock.ts';
import { BeamrigError } from '../../core/errors/beamrig-error.ts';
import type { Random } from '../../core/signal/random.ts';
import { buildFirmware, type BuildOptions } from '../../firmware-protocol/reference/build.ts';
import { startFirmware, type RunningFirmware } from '../../firmware-protocol/reference/run-firmware.ts';
import { panelFailureMessage } from '../control/watch/failure-messages.ts';
import type { Link } from '../link/link.ts';
import { createPanel } from '../panel/panel-driver.ts';

/** A pseudo terminal has no line rate. */
export const BAUD_RATE = 921_600;
/** Longest that a board may take to start its chips once the bench is there, ms. */
const START_MS = 20_000;

export type FirmwareTarget = BuildOptions['target'];

export interface BuiltFirmware {
  program: string;
  sha256: string;
}

const built = new Map<string, BuiltFirmware>();
let buildFolder: string | undefined;

/** Built once for a process, in a folder that goes away with it. @throws {BeamrigError} 'bench-part' where the compiler is not installed */
export function firmwareFor(target: FirmwareTarget, chip: string): BuiltFirmware {
  const key = `${target}-${chip}`;
  const known = built.get(key);
  if (known !== undefined) return known;
  if (buildFolder === undefined) {
    const folder = mkdtempSync(join(tmpdir(), 'beamrig-firmware-'));
    process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
    buildFolder = folder;
  }
  const program = buildFirmware({ target, folder: join(buildFolder, key), chip });
  const made = { program, sha256: createHash('sha256').update(readFileSync(program)).digest('hex') };
  built.set(key, made);
  return made;
}

export interface FirmwareBoard {
  /** These lead to its ports while it has power. */
  readonly hostPort: string;
  readonly benchPort: string;
  /** Ends it as a loss of power does. */
  cut(): Promise<void>;
  start(): Promise<void>;
  hang(hangs: boolean): void;
  close(): Promise<void>;
}

/** @param folder for the names of its ports @throws {BeamrigError} 'bench-part' where the emulator is not installed */
export async function startBoard(
  target: FirmwareTarget,
  program: string,
  args: readonly string[],
  folder: string,
): Promise<FirmwareBoard> {
  const [hostPort, benchPort] = ['host', 'bench'].map((name) => join(folder, name));
  let running: RunningFirmware | undefined;
  let hangs = false;
  const signal = (name: NodeJS.Signals): void => {
    if (running !== undefined) process.kill(running.pid, name);
  };
  const end = async (how: NodeJS.Signals): Promise<void> => {
    if (running === undefined) return;
    signal(how);
    await running.stop();
    running = undefined;
    for (const name of [hostPort, benchPort]) rmSync(name, { force: true });
  };
  const start = async (): Promise<void> => {
    running = await startFirmware({ target, program, args });
    symlinkSync(running.hostPort, hostPort);
    symlinkSync(running.benchPort, benchPort);
    if (hangs) signal('SIGSTOP');
  };
  await start();
  return {
    hostPort,
    benchPort,
    cut: () => end('SIGKILL'),
    start,
    hang(next) {
      hangs = next;
      signal(next ? 'SIGSTOP' : 'SIGCONT');
    },
    close: () => end(hangs ? 'SIGKILL' : 'SIGCONT'),
  };
}

/** A board answers once its chips are set up. @param rigKey where its frames are sealed @throws {BeamrigError} 'panel' */
export async function awaitBoard(
  link: Link,
  clock: Clock,
  random: Random,
  sealed?: { rigKey: Uint8Array; panelSerial: string },
): Promise<void> {
  const panel = createPanel({
    link,
    clock,
    random,
    ...(sealed === undefined ? {} : { authentication: { rigKey: sealed.rigKey }, expected: { panelSerial: sealed.panelSerial } }),
  });
  const endMs = clock.nowMs() + START_MS;
  for (;;) {
    const shaken = await panel.connect();
    if (shaken.ok) return panel.close();
    if (shaken.failure.reason !== 'no-answer' || clock.nowMs() > endMs) {
      await panel.close();
      throw new BeamrigError('panel', `The firmware does not shake hands: ${panelFailureMessage(shaken.failure)}`, {
        wayOut: 'Look at what it has said.',
      });
    }
  }
}
