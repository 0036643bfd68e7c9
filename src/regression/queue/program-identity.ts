/**
 * Which program this is, down to its bytes: a job is played only by the program that asked for it, for another one plays the same seed otherwise.
 * Files that decide what is played are hashed: the program itself, the zoo and the reference firmware.
 */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join, sep } from 'node:path';
import * as z from 'zod';
import { packageRoot } from '../../../core/files/package-root.ts';
import { hostFacts } from '../../telemetry/run-manifest.ts';

export const programSchema = z.object({
  version: z.string(),
  commit: z.string().nullable(),
  modified: z.boolean().nullable(),
  /** 'v20.19.4', 'x64': engines differ in the last bit of a sine. */
  node: z.string(),
  arch: z.string(),
  /** Of all of it. */
  hash: z.string().regex(/^[0-9a-f]{16}$/),
});
export type Program = z.output<typeof programSchema>;

const SOURCES = ['core', 'firmware-protocol', 'models', 'calibration', 'sounding', 'hil-sim', 'src'];
const BUILT = ['dist', 'models/zoo', 'firmware-protocol'];
const DECIDES = /\.(?:ts|js|json|onnx|c|h|ld)$/;
const DOES_NOT = /(?:\.test\.[jt]s$|\.d\.ts$|(?:^|[/\\])(?:node_modules|build|test)(?:[/\\]|$))/;

export function programIdentity(): Program {
  const { program, node, host } = hostFacts();
  const root = packageRoot();
  const folders = import.meta.url.endsWith('.ts') ? SOURCES : BUILT;
  const hash = createHash('sha256').update(JSON.stringify([node.split('.')[0], host.arch]));
  for (const name of ['package.json', ...folders.flatMap((folder) => filesUnder(root, folder))]) {
    const content = readFileSync(join(root, name));
    hash.update(`${name.split(sep).join('/')} ${content.length}\n`).update(content);
  }
  return { ...program, node, arch: host.arch, hash: hash.digest('hex').slice(0, 16) };
}

const filesUnder = (root: string, folder: string): string[] =>
  readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1))
    .filter((name) => DECIDES.test(name) && !DOES_NOT.test(name))
    .sort();

/** '0.1.0 of commit 1a2b3c4d, modified, node v20.19.4 x64, program 0123456789abcdef' */
export const programName = ({ version, commit, modified, node, arch, hash }: Program): string =>
  `${version}${commit === null ? '' : ` of commit ${commit.slice(0, 8)}`}${modified === true ? ', modified' : ''}, node ${node} ${arch}, program ${hash}`;
