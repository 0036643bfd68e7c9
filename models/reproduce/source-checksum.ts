/** A checksum of the program that computes something, so that what an earlier version found is never taken for what this one finds. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { packageVersion } from '../../core/files/package-root.ts';

/**
 * Of the files at these URLs and all that they import by relative paths, JSON included, however deep; of the version of this package, which
 * fixes those of its dependencies; and of Node.js and the processor's kind, whose sines may differ in the last digit.
 * @param entries `import.meta.url` of modules, run from source or built
 * @returns lower-case hex
 */
export function sourceChecksum(entries: readonly string[]): string {
  const files = new Map<string, string>();
  const waiting = [...entries];
  for (let url = waiting.pop(); url !== undefined; url = waiting.pop()) {
    if (files.has(url)) continue;
    const text = readFileSync(new URL(url), 'utf8');
    files.set(url, text);
    if (!url.endsWith('.json')) waiting.push(...importsOf(text).map((path) => new URL(path, url).href));
  }
  const hash = createHash('sha256').update(JSON.stringify([packageVersion(), process.version, process.arch]));
  // By their contents, sorted: where the program is installed does not count.
  for (const digest of [...files.values()].map(sha256Of).sort()) hash.update(digest);
  return hash.digest('hex');
}

/** Of modules of this folder, by their names without an ending, from source or built as this one is. */
export const checksumOfModules = (...names: readonly string[]): string =>
  sourceChecksum(
    names.map((name) => new URL(`./${name}${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url).href),
  );

const RELATIVE_IMPORT = /(?:\bfrom\s*|\bimport\s*\(?\s*)(['"])(\.[^'"]+)\1/g;

const importsOf = (text: string): string[] => Array.from(text.matchAll(RELATIVE_IMPORT), ([, , path]) => path);

const sha256Of = (text: string): string => createHash('sha256').update(text).digest('hex');
