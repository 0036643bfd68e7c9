/**
 * Builds the C library and its test programs with the system's gcc, under the sanitizers for address and undefined behaviour. What was built
 * from the same sources is not built again: test files that run beside each other, and later runs, share it in node_modules/.cache.
 */
import { execFile, execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const LIBRARY = fileURLToPath(new URL('..', import.meta.url));
const TESTS = fileURLToPath(new URL('.', import.meta.url));
const BUILT = fileURLToPath(new URL('../../../node_modules/.cache/beamrig-c', import.meta.url));

/** What the library promises to be clean under. */
export const WARNINGS: readonly string[] = ['-std=c99', '-Wall', '-Wextra', '-Werror', '-pedantic'];
const SANITIZERS = ['-g', '-O1', '-fsanitize=address,undefined', '-fno-sanitize-recover=all', '-fno-omit-frame-pointer'];
/** For building, or for waiting until another test file has built the same, on a machine that is busy. */
export const BUILD_MS = 300_000;

/** Paths of the library's C files. */
export const libraryFiles = (): string[] =>
  readdirSync(LIBRARY)
    .filter((file) => file.endsWith('.c'))
    .map((file) => join(LIBRARY, file));

export const corpusFolder = join(TESTS, 'corpus');

/** A place for what one test file compiles for itself; `remove` it at the end. */
export function buildFolder(): { path: string; remove: () => void } {
  const path = mkdtempSync(join(tmpdir(), 'beamrig-c-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** Runs gcc in `folder`; throws with its messages when it is not content. */
export function gcc(folder: string, ...options: string[]): void {
  execFileSync('gcc', [...options, `-I${LIBRARY}`], { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'], encoding: 'utf8' });
}

/** A test program (sources in this folder, by name without .c) on the library; returns its path, which others use too. */
export async function buildProgram(name: string, ...sources: string[]): Promise<string> {
  const folder = join(BUILT, keyOfSources());
  const library = await builtOnce(join(folder, 'libbeamrig.a'), async (target) => {
    removeOld(folder);
    const objects = `${target}.objects`;
    mkdirSync(objects);
    const files = libraryFiles();
    const compile = (part: string[]): Promise<unknown> => runGcc(objects, '-c', ...part);
    await Promise.all([compile(files.filter((_, i) => i % 2 === 0)), compile(files.filter((_, i) => i % 2 === 1))]);
    execFileSync('ar', ['rcs', target, ...readdirSync(objects).map((object) => join(objects, object))]);
    rmSync(objects, { recursive: true });
  });
  return builtOnce(join(folder, name), async (target) => {
    await runGcc(folder, ...sources.map((source) => join(TESTS, `${source}.c`)), library, '-o', target);
  });
}

/** Runs a program to its end; throws with what it said on stderr when it fails, be it by a sanitizer. */
export function runProgram(program: string, args: readonly string[] = [], input: string | Uint8Array = ''): Buffer {
  const run = spawnSync(program, args, { input, maxBuffer: 1 << 28 });
  if (run.status !== 0) {
    throw new Error(`${program} ended with ${run.status ?? run.signal ?? String(run.error)}: ${String(run.stderr)}`);
  }
  return run.stdout;
}

const runGcc = (cwd: string, ...options: string[]): Promise<unknown> =>
  promisify(execFile)('gcc', [...WARNINGS, ...SANITIZERS, `-I${LIBRARY}`, ...options], { cwd });

/** Says what everything here is built from: the same key, the same programs. */
function keyOfSources(): string {
  const hash = createHash('sha256');
  hash.update(execFileSync('gcc', ['--version'], { encoding: 'utf8' })).update([...WARNINGS, ...SANITIZERS].join(' '));
  for (const folder of [LIBRARY, TESTS]) {
    for (const file of readdirSync(folder).sort()) {
      if (/\.[ch]$/.test(file)) hash.update(`\n${file}\n`).update(readFileSync(join(folder, file)));
    }
  }
  return hash.digest('hex').slice(0, 16);
}

const POLL_MS = 50;
const KEPT_MS = 24 * 3_600_000;

/**
 * The file at `path`, built by whoever comes first; others wait for it. It appears under its name when it is whole, so that a build that was
 * interrupted leaves nothing to be taken for it.
 */
async function builtOnce(path: string, build: (target: string) => Promise<void>): Promise<string> {
  const lock = `${path}.lock`;
  while (!existsSync(path)) {
    if (!take(lock)) {
      await sleep(POLL_MS);
      continue;
    }
    const scratch = mkdtempSync(`${path}.`);
    try {
      // Another may have finished between the look and the lock.
      if (existsSync(path)) break;
      const target = join(scratch, basename(path));
      await build(target);
      renameSync(target, path);
    } finally {
      rmSync(scratch, { recursive: true, force: true });
      rmSync(lock, { force: true });
    }
  }
  return path;
}

/** Takes the lock, or leaves it to whoever has it and lives. */
function take(lock: string): boolean {
  mkdirSync(join(lock, '..'), { recursive: true });
  try {
    writeFileSync(lock, String(process.pid), { flag: 'wx' });
    return true;
  } catch {
    if (!ownerLives(lock)) rmSync(lock, { force: true });
    return false;
  }
}

function ownerLives(lock: string): boolean {
  try {
    const owner = Number(readFileSync(lock, 'utf8'));
    // Not written yet.
    if (owner === 0) return true;
    process.kill(owner, 0);
    return true;
  } catch {
    return false;
  }
}

/** What was built from sources of days ago. */
function removeOld(current: string): void {
  for (const name of readdirSync(BUILT)) {
    const folder = join(BUILT, name);
    if (folder === current || Date.now() - statSync(folder).mtimeMs < KEPT_MS) continue;
    rmSync(folder, { recursive: true, force: true });
  }
}
