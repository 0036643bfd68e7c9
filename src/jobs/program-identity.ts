/**
 * Which program this is, down to its bytes: a job is done only by the program that asked for it, for another one comes to other figures.
 * Files that decide what comes of a job are hashed: the program itself, the zoo and the reference firmware.
 */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as z from 'zod';
import { packageRoot } from '../../core/files/package-root.ts';
import { hostFacts } from '../telemetry/run-manifest.ts';

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
const BESIDE_BUILT = ['models/zoo', 'firmware-protocol'];
const DECIDES = /\.(?:ts|js|json|onnx|c|h|ld)$/;
const DOES_NOT = /(?:\.test\.[jt]s$|\.d\.ts$|(?:^|[/\\])(?:node_modules|build|test)(?:[/\\]|$))/;

export function programIdentity(): Program {
  const { program, node, host } = hostFacts();
  const root = packageRoot();
  const isSource = import.meta.url.endsWith('.ts');
  const hash = createHash('sha256').update(JSON.stringify([node.split('.')[0], host.arch]));
  const add = (folder: string, name: string): void => {
    const content = readFileSync(join(folder, name));
    hash.update(`${name.split(sep).join('/')} ${content.length}\n`).update(content);
  };
  add(root, 'package.json');
  if (!isSource) for (const name of filesUnder(builtFolder(), '.')) add(builtFolder(), name);
  for (const folder of isSource ? SOURCES : BESIDE_BUILT) for (const name of filesUnder(root, folder)) add(root, name);
  return { ...program, node, arch: host.arch, hash: hash.digest('hex').slice(0, 16) };
}

/** `dist`, wherever it lies. */
const builtFolder = (): string => resolve(fileURLToPath(import.meta.url), '../../..');

const filesUnder = (root: string, folder: string): string[] =>
  readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(root, join(entry.parentPath, entry.name)))
    .filter((name) => DECIDES.test(name) && !DOES_NOT.test(name))
    .sort();

/** '0.1.0 of commit 1a2b3c4d, modified, node v20.19.4 x64, program 0123456789abcdef' */
export const programName = ({ version, commit, modified, node, arch, hash }: Program): string =>
  `${version}${commit === null ? '' : ` of commit ${commit.slice(0, 8)}`}${modified === true ? ', modified' : ''}, node ${node} ${arch}, program ${hash}`;
