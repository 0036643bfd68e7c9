/** Builds the C library and its test programs with the system's gcc, under the sanitizers for address and undefined behaviour. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const LIBRARY = fileURLToPath(new URL('..', import.meta.url));
const TESTS = fileURLToPath(new URL('.', import.meta.url));

/** What the library promises to be clean under. */
export const WARNINGS: readonly string[] = ['-std=c99', '-Wall', '-Wextra', '-Werror', '-pedantic'];
const SANITIZERS = ['-g', '-O1', '-fsanitize=address,undefined', '-fno-sanitize-recover=all', '-fno-omit-frame-pointer'];

/** Paths of the library's C files. */
export const libraryFiles = (): string[] =>
  readdirSync(LIBRARY)
    .filter((file) => file.endsWith('.c'))
    .map((file) => join(LIBRARY, file));

export const corpusFolder = join(TESTS, 'corpus');

/** A place for what is compiled; `remove` it at the end. */
export function buildFolder(): { path: string; remove: () => void } {
  const path = mkdtempSync(join(tmpdir(), 'beamrig-c-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** Runs gcc in `folder`; throws with its messages when it is not content. */
export function gcc(folder: string, ...options: string[]): void {
  execFileSync('gcc', [...options, `-I${LIBRARY}`], { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'], encoding: 'utf8' });
}

/** Builds test programs (sources in this folder, by name without .c) on the library; returns the path of the program. */
export function buildProgram(folder: string, name: string, ...sources: string[]): string {
  const program = join(folder, name);
  const files = sources.map((source) => join(TESTS, `${source}.c`));
  gcc(folder, ...WARNINGS, ...SANITIZERS, ...files, ...libraryFiles(), '-o', program);
  return program;
}

/** Runs a program to its end; throws with what it said on stderr when it fails, be it by a sanitizer. */
export function runProgram(program: string, args: readonly string[] = [], input: string | Uint8Array = ''): Buffer {
  const run = spawnSync(program, args, { input, maxBuffer: 1 << 28 });
  if (run.status !== 0) {
    throw new Error(`${program} ended with ${run.status ?? run.signal ?? String(run.error)}: ${String(run.stderr)}`);
  }
  return run.stdout;
}
