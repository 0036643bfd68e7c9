import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { removeIfPossible, writeWholeFile } from './whole-file.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'beamrig-whole-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('a file that is written whole', () => {
  it('takes the place of the one before, and leaves nothing beside it', () => {
    const path = join(folder, 'a.json');
    writeFileSync(path, 'before');
    writeWholeFile(path, 'after');
    expect(readFileSync(path, 'utf8')).toBe('after');
    expect(readdirSync(folder)).toEqual(['a.json']);
  });

  it('leaves no part of itself where it cannot take its place', () => {
    mkdirSync(join(folder, 'a.json', 'full'), { recursive: true });
    expect(() => writeWholeFile(join(folder, 'a.json'), 'after')).toThrow(/EISDIR|ENOTEMPTY|EEXIST/);
    expect(readdirSync(folder)).toEqual(['a.json']);
  });

  it('says why it could not be written, and not why its part could not be removed', () => {
    const file = join(folder, 'a-file');
    writeFileSync(file, '');
    expect(() => writeWholeFile(join(file, 'a.json'), 'x')).toThrow(/ENOTDIR: not a directory, open/);
  });
});

it('removing what may be there never throws, below a file neither', () => {
  const file = join(folder, 'a-file');
  writeFileSync(file, '');
  removeIfPossible(join(file, 'below'));
  removeIfPossible(join(folder, 'nothing'));
  removeIfPossible(folder);
  expect(readdirSync(folder)).toEqual(['a-file']);
});
