/**
 * One run at a time has a bench: a file for each wire of it, which everybody on this machine sees, names who has it. What a process has left behind
 * that is gone is taken over.
 */
import { createHash } from 'node:crypto';
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import * as z from 'zod';
import type { Clock } from '../../core/clock/clock.ts';
import { BeamrigError } from '../../core/errors/beamrig-error.ts';
import { isThere, thisProcess } from '../../core/files/process-identity.ts';
import { counted } from '../../core/errors/counted.ts';
import type { RigLink } from '../config/rig-file.ts';
import { ofKind } from '../link/link-kinds.ts';

const holderSchema = z.object({
  user: z.string().max(200),
  host: z.string().max(300),
  pid: z.int().min(1),
  started: z.string().max(40),
  command: z.string().max(1000),
  since: z.iso.datetime(),
});
type Holder = z.output<typeof holderSchema>;

export interface HoldOptions {
  links: readonly RigLink[];
  /** As it was typed, for others who want the bench. */
  command: string;
  /** For how long to wait until it is free. */
  waitS: number;
  clock: Clock;
  /** Ends the waiting. */
  signal?: AbortSignal;
  /** Whose file was taken over. */
  tell: (message: string) => void;
  /** Where the files lie. */
  folder?: string;
}

const LOOK_EVERY_MS = 250;

/** @returns lets go of it @throws {BeamrigError} 'bench-busy' naming who has it */
export async function holdBench(options: HoldOptions): Promise<() => void> {
  const { links, command, waitS, clock, signal, tell, folder = tmpdir() } = options;
  const me: Holder = {
    ...{ ...thisProcess(), user: userInfo().username },
    ...{ command: command.slice(0, 1000), since: new Date().toISOString() },
  };
  // In one order for all: nobody waits for half of what another one has.
  const files = [...new Set(links.map((link) => join(folder, `beamrig-bench-${keyOf(link)}.lock`)))].sort();
  const held: string[] = [];
  const release = (): void => {
    process.removeListener('exit', release);
    for (const file of held.splice(0)) rmSync(file, { force: true });
  };
  process.once('exit', release);
  const endMs = clock.nowMs() + 1000 * waitS;
  try {
    for (const file of files) {
      while (!take(file, me, tell)) {
        if (signal?.aborted === true) throw new BeamrigError('stopped', 'asked to stop while waiting for the bench');
        if (clock.nowMs() >= endMs) throw busy(file, waitS);
        await clock.sleep(Math.min(LOOK_EVERY_MS, endMs - clock.nowMs()));
      }
      held.push(file);
    }
  } catch (error) {
    release();
    throw error;
  }
  return release;
}

/** The port behind the name where that is there, whatever it is called by; else what the rig file says. */
function keyOf(link: RigLink): string {
  const { kind, of } = ofKind(link);
  const place = kind.behind?.(of.block) ?? kind.describe(of);
  return createHash('sha256').update(`${link.kind} ${place}`).digest('hex').slice(0, 16);
}

function take(file: string, me: Holder, tell: (message: string) => void): boolean {
  try {
    writeFileSync(file, JSON.stringify(me), { flag: 'wx' });
    return true;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code !== 'EEXIST') throw new BeamrigError('bench-busy', `${file} cannot be made: ${message}`, { cause: error });
  }
  const other = holderIn(file);
  if (other === undefined || isThere(other) !== false) return false;
  // Whoever moves it away first may take its place; of two that do, the second has moved a file that is in use, and puts it back.
  const aside = `${file}.${process.pid}`;
  try {
    renameSync(file, aside);
  } catch {
    return false; // somebody else was faster, or it is another user's
  }
  const moved = holderIn(aside);
  if (moved !== undefined && isThere(moved) !== false) {
    renameSync(aside, file);
    return false;
  }
  rmSync(aside, { force: true });
  tell(`The bench was left behind by ${who(other)}, which is gone: it is taken over.`);
  return take(file, me, tell);
}

function holderIn(file: string): Holder | undefined {
  try {
    return holderSchema.safeParse(JSON.parse(readFileSync(file, 'utf8'))).data;
  } catch {
    return undefined; // gone meanwhile, or just being written
  }
}

const who = ({ user, host, pid, command }: Holder): string => `${user} on ${host} (process ${pid}: ${command})`;

function busy(file: string, waitS: number): BeamrigError {
  const other = holderIn(file);
  const waited = waitS > 0 ? `, after ${counted(waitS, 'second')} of waiting` : '';
  if (other === undefined) {
    return new BeamrigError('bench-busy', `The bench is held by ${file}, which names nobody${waited}.`, {
      wayOut: 'Remove that file, if no run is on the bench.',
    });
  }
  const ageS = Math.max(0, Math.round((Date.now() - Date.parse(other.since)) / 1000));
  return new BeamrigError('bench-busy', `The bench is held by ${who(other)} since ${counted(ageS, 'second')}${waited}.`, {
    wayOut: `Wait until it is free (--wait-for-bench SECONDS; from code, waitForBenchS), or ask there; if that run is gone, remove ${file}.`,
  });
}
