/**
 * What tests build from sources of this tree, once for all of them: test files that run beside each other, and later runs, share it in
 * node_modules/.cache, under a key that says what it was built from.
 */
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
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { packageRoot } from '../core/files/package-root.ts';

const POLL_MS = 50;
const KEPT_MS = 24 * 3_600_000;

/**
 * Where things of this kind lie that are built from these files by these means; what was built from sources of days ago is removed.
 * @param means versions and options: whatever else decides what is built
 */
export function builtFolder(kind: string, files: readonly string[], means: string): string {
  const all = join(packageRoot(), 'node_modules', '.cache', kind);
  const hash = createHash('sha256').update(means);
  for (const file of [...files].sort()) hash.update(`\n${file}\n`).update(readFileSync(file));
  const folder = join(all, hash.digest('hex').slice(0, 16));
  mkdirSync(folder, { recursive: true });
  for (const name of readdirSync(all)) {
    const other = join(all, name);
    if (other !== folder && Date.now() - statSync(other).mtimeMs > KEPT_MS) rmSync(other, { recursive: true, force: true });
  }
  return folder;
}

/**
 * The file or folder at `path`, built by whoever comes first; others wait for it. It appears under its name when it is whole, so that a build
 * that was interrupted leaves nothing to be taken for it.
 */
export async function builtOnce(path: string, build: (target: string) => unknown): Promise<string> {
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
  mkdirSync(dirname(lock), { recursive: true });
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
