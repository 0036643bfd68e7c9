/** What the documentation names is there: files and folders of the repository, and the glossary's names in the code. */
import { readFileSync, readdirSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, expect, it } from 'vitest';
import { packageRoot } from '../core/files/package-root.ts';

const root = packageRoot();
const textOf = (file: string): string => readFileSync(join(root, file), 'utf8');

/** Of the repository, folders with a slash at their end. */
function treeOf(folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
    if (!entry.isDirectory()) return [path];
    const foreign = ['.git', 'node_modules', 'dist', 'runs', 'shared'].includes(path);
    return foreign ? [] : [`${path}/`, ...treeOf(path)];
  });
}
const TREE = treeOf('');
const KNOWN = new Set(TREE);
const under = (folder: string): string[] => TREE.filter((path) => path.startsWith(folder));

const PAGES = TREE.filter((path) =>
  /^(docs\/[^/]+|README|CONTRIBUTING|(models|hil-sim|firmware-protocol(\/.+)?)\/README)\.md$/.test(path),
);

/** Those of a run's folder or a sweep's, and of the reader's own. */
const MADE_LATER = new Set([
  ...['summary.json', 'my-model.json', 'first.yaml', 'report.json'],
  ...['sweep.json', 'phase-net-seed-2-learning-rate-0-003.numbers.json'],
]);
const LIKE_A_FILE = /^[\w.-]+(\/[\w.-]+)*\.(ts|mjs|cjs|js|json|py|c|h|ld|md|html|css|yaml|npy)$/;
const LIKE_A_FOLDER = /^[\w.-]+(\/[\w.-]+)*\/$/;
/** A place that a recipe leaves open. */
const OPEN = /\b(NAME|KIND)\b/;

/** Paths in backticks, outside of blocks of code. */
function pathsOf(text: string): string[] {
  const code = text.replace(/^```.*?^```/gms, '').matchAll(/`([^`\n]+)`/g);
  const paths = [...code].map(([, path]) => path).filter((path) => LIKE_A_FILE.test(path) || LIKE_A_FOLDER.test(path));
  return [...new Set(paths)].filter((path) => !OPEN.test(path) && !MADE_LATER.has(path));
}

/** The names that begin the lines of the block which says what is in a room. */
const listed = (text: string): string[] =>
  [...text.matchAll(/^ {4}(\S.*)$/gm)].flatMap(([, line]) => {
    const [names] = line.split(/ {2,}/);
    return names.split(', ').filter((name) => LIKE_A_FILE.test(name) || LIKE_A_FOLDER.test(name));
  });

/** Whether there is one: from the root, beside the page, or, as the end of its path, anywhere. */
const isThere = (path: string, page: string): boolean =>
  KNOWN.has(path) || KNOWN.has(normalize(join(dirname(page), path))) || TREE.some((known) => known.endsWith(`/${path}`));

describe.each(PAGES)('%s', (page) => {
  it('names files and folders that there are', () => {
    expect(pathsOf(textOf(page)).filter((path) => !isThere(path, page))).toEqual([]);
  });

  it('leads to pages that there are', () => {
    const links = [...textOf(page).matchAll(/\]\(([^)#:]+)(#[^)]*)?\)/g)].map(([, path]) => normalize(join(dirname(page), path)));
    expect(links.filter((path) => !KNOWN.has(path) && !KNOWN.has(`${path}/`))).toEqual([]);
  });

  it('lists what is in its own room, where it does', () => {
    const here = dirname(page);
    expect(listed(textOf(page)).filter((name) => !KNOWN.has(normalize(join(here, name))))).toEqual([]);
  });
});

it('finds what is not there', () => {
  expect(pathsOf('`src/no.ts`, `no/`, `chips/NAME.ts`, `summary.json`, `a.b`')).toEqual(['src/no.ts', 'no/']);
  expect(isThere('src/no.ts', 'README.md')).toBe(false);
  expect(isThere('link.ts', 'README.md')).toBe(true);
  expect(listed('    chip.ts, a/   what they do\n    y = H·x\n')).toEqual(['chip.ts', 'a/']);
});

describe('the tables of files in docs/architecture.md', () => {
  const tables = [...textOf('docs/architecture.md').matchAll(/^\*\*`(src\/\w+)`\*\*(.*?)(?=^\*\*`src|^## )/gms)];

  it.each(tables.map(([, room, text]) => [room, text]))('%s: each file is in that room', (room, text) => {
    const files = pathsOf(text).filter((path) => LIKE_A_FILE.test(path) && !KNOWN.has(path));
    expect(files.length).toBeGreaterThan(2);
    expect(files.filter((path) => !under(`${room}/`).some((known) => known.endsWith(`/${path}`)))).toEqual([]);
  });

  it('are of the six rooms on the way to a panel, of the one that plays them all, and of the one that has others do it', () => {
    const rooms = [
      'src/control',
      'src/panel',
      'src/link',
      'src/server',
      'src/measuring',
      'src/jobs',
      'src/regression',
      'src/rig',
    ];
    expect(tables.map(([, room]) => room)).toEqual(rooms);
  });
});

describe('the glossary', () => {
  const sources = TREE.filter((path) => /^(core|src|models|hil-sim|firmware-protocol)\/.*(?<!\.test)\.ts$/.test(path));
  const words = new Set(sources.flatMap((path) => textOf(path).match(/[A-Za-z][\w-]*/g) ?? []));

  it('has names that the code has', () => {
    const named = [...textOf('docs/glossary.md').matchAll(/`([A-Za-z][\w-]*)`/g)].map(([, name]) => name);
    expect(named.length).toBeGreaterThan(30);
    expect([...new Set(named)].filter((name) => !words.has(name))).toEqual([]);
  });
});
