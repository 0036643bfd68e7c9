import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AppendFile } from './append-file.ts';

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'beamrig-append-'))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('a file that only grows', () => {
  it('keeps order over many small lines', async () => {
    const path = join(folder, 'log');
    const file = new AppendFile(path);
    for (let index = 0; index < 20_000; index++) file.append(`line ${index}`);
    expect(await file.close()).toBe(0);
    const lines = readFileSync(path, 'utf8').trimEnd().split('\n');
    expect(lines).toHaveLength(20_000);
    expect(lines.every((line, index) => line === `line ${index}`)).toBe(true);
  });

  it('drops and counts what its bounded queue cannot hold', async () => {
    const path = join(folder, 'log');
    const file = new AppendFile(path, { limitBytes: 100 });
    const taken = Array.from({ length: 30 }, () => file.append('123456789')).filter(Boolean).length;
    expect(taken).toBe(10);
    expect(await file.close()).toBe(20);
    expect(readFileSync(path, 'utf8')).toHaveLength(100);
  });
});
