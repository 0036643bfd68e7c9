/** What a run was made of: enough to make it again, or to see why it cannot be. Written when the run starts, whole or not at all. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { arch, cpus, platform, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { packageRoot, packageVersion } from '../../core/files/package-root.ts';
import { writeWholeFile } from '../../core/files/whole-file.ts';
import type { BeamformerKind } from '../beamforming/beamformer.ts';
import type { RigFile } from '../config/rig-file.ts';
import type { BoardUsed, ChannelOrigin, ModelUsed, Source } from './cycle-record.ts';

/** What is known only once the rig is assembled. */
export interface RigIdentity {
  source: Source;
  channelSource: ChannelOrigin;
  sourceReason: string;
  model: {
    id: string;
    kind: BeamformerKind;
    steps?: number;
    phaseBits?: number;
    sensing?: true;
    sha256?: string;
    cardSha256?: string;
  };
  panels: { link: string; kind: string; panel: string; firmware: string }[];
  calibration: string;
  /** The file of what sensing wishes for, where it came from one. */
  covariance?: { file: string; sha256: string };
}

/** Where something began that lasts until the next entry of its list. */
export interface SinceCycle {
  fromCycle: number;
  time: string;
}

export interface RunManifest {
  format: 1;
  run: string;
  rig: string;
  startedAt: string;
  users: number;
  /** Runs of before it was kept lack it. */
  setting?: {
    snrDb: number;
    elements: number;
    rfChains: number;
    phaseBits: number;
    /** Runs of before it was kept lack these. */
    connection?: RigFile['array']['connection'];
    keep?: RigFile['telemetry']['keep'];
  };
  seed: number;
  time: 'real' | 'virtual';
  rigFile: { path: string; sha256: string; text: string };
  /** The file that channels came from, when they were not simulated. */
  channels: { file: string; sha256: string; count: number; conjugated: boolean } | null;
  /** What rig file and channels say that is allowed and most probably meant otherwise. */
  doubts: readonly string[];
  /** Every model that chose beams, in the order of the first cycle of each turn. */
  models: (ModelUsed & SinceCycle)[];
  /** The boards that answered, anew whenever another one did on one of the links. */
  boards: ({ boards: BoardUsed[] } & SinceCycle)[];
  /** What phase states were known by; tables are files of the folder calibration/ of the run. Runs of before there were tables lack it. */
  calibrations?: ({ id: string; tables: string[] } & SinceCycle)[];
  /** Null until the rig is assembled. */
  identity: RigIdentity | null;
  program: { version: string; commit: string | null; modified: boolean | null };
  node: string;
  host: { platform: string; release: string; arch: string; cpu: string; cores: number; memoryBytes: number };
}

/** Of what others read of a manifest; whoever only keeps it may keep more. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;
const readSchema = z.object({
  run: z.string().regex(NAME, 'a run is named by letters, digits, ".", "_" and "-"'),
  rig: z.string().regex(NAME, 'a rig is named by letters, digits, ".", "_" and "-"'),
  users: z.int().min(1).max(256),
  rigFile: z.object({ path: z.string(), sha256: z.string(), text: z.string() }).optional(),
});

/** What in a manifest cannot be of a run, in words; undefined when nothing is wrong. */
export function flawOf(manifest: RunManifest): string | undefined {
  const parsed = readSchema.safeParse(manifest);
  if (parsed.success) return undefined;
  const [{ path, message }] = parsed.error.issues;
  const key = path.join('.');
  const found = path.reduce<unknown>((within, part) => (isObject(within) ? Reflect.get(within, part) : undefined), manifest);
  const value = JSON.stringify(found ?? null).slice(0, 60);
  return `${key} is ${value} (${message.toLowerCase()}${key === 'users' ? '; a rig has 1 to 256' : ''})`;
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;

export function hostFacts(): Pick<RunManifest, 'program' | 'node' | 'host'> {
  const processors = cpus();
  return {
    program: { version: packageVersion(), ...commitOf(packageRoot()) },
    node: process.version,
    host: {
      platform: platform(),
      release: release(),
      arch: arch(),
      cpu: processors[0]?.model ?? 'unknown',
      cores: processors.length,
      memoryBytes: totalmem(),
    },
  };
}

export const sha256 = (content: string | Uint8Array): string => createHash('sha256').update(content).digest('hex');

/** Writes a whole JSON file or leaves what was there. */
export function writeJsonAtomically(path: string, content: unknown): void {
  writeWholeFile(path, `${JSON.stringify(content, null, 2)}\n`);
}

/** The commit this program runs from, where it runs from a clone. */
function commitOf(folder: string): { commit: string | null; modified: boolean | null } {
  if (!existsSync(join(folder, '.git'))) return { commit: null, modified: null };
  const git = (...words: string[]): string =>
    execFileSync('git', ['-C', folder, ...words], {
      encoding: 'utf8',
      timeout: 5000,
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
  try {
    return { commit: git('rev-parse', 'HEAD'), modified: git('status', '--porcelain', '--untracked-files=no') !== '' };
  } catch {
    return { commit: null, modified: null }; // no git here, or no commit yet: the version still stands
  }
}
