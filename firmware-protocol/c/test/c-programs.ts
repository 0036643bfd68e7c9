/** Builds the C library and its test programs with the system's gcc, under the sanitizers for address and undefined behaviour, once for all tests. */
import { execFile, execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { builtFolder, builtOnce } from '../../../test/built-once.ts';

const LIBRARY = fileURLToPath(new URL('..', import.meta.url));
const TESTS = fileURLToPath(new URL('.', import.meta.url));

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
  const files = [LIBRARY, TESTS].flatMap((place) =>
    readdirSync(place)
      .filter((file) => /\.[ch]$/.test(file))
      .map((file) => join(place, file)),
  );
  const means = execFileSync('gcc', ['--version'], { encoding: 'utf8' }) + [...WARNINGS, ...SANITIZERS].join(' ');
  const folder = builtFolder('beamrig-c', files, means);
  const library = await builtOnce(join(folder, 'libbeamrig.a'), async (target) => {
    const objects = `${target}.objects`;
    mkdirSync(objects);
    const parts = libraryFiles();
    const compile = (part: string[]): Promise<unknown> => runGcc(objects, '-c', ...part);
    await Promise.all([compile(parts.filter((_, i) => i % 2 === 0)), compile(parts.filter((_, i) => i % 2 === 1))]);
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
