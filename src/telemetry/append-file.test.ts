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

  it('gathers lines where it is told to, until they are many or somebody wants them in the file', async () => {
    const path = join(folder, 'log');
    const file = new AppendFile(path, { gatherLength: 20 });
    file.append('first', 'second');
    expect(readFileSync(path, 'utf8')).toBe('');
    file.append('third', Buffer.from('fourth'));
    expect(readFileSync(path, 'utf8')).toBe('first\nsecond\nthird\nfourth\n');
    file.append('fifth');
    expect(await file.flush(1000)).toBe(true);
    expect(readFileSync(path, 'utf8')).toMatch(/fifth\n$/);
    file.append('sixth');
    expect(await file.close()).toBe(0);
    expect(readFileSync(path, 'utf8')).toMatch(/fifth\nsixth\n$/);
    expect(file.missingLines).toBe(0);
  });

  it('lets gathered lines wait no longer than until it looks at its file', async () => {
    const path = join(folder, 'log');
    const file = new AppendFile(path, { gatherLength: 1e6, checkMs: 10 });
    file.append('alone');
    await expect.poll(() => readFileSync(path, 'utf8')).toBe('alone\n');
    await file.close();
  });
});
