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
    const file = new AppendFile(path, { gatherBytes: 60 });
    file.append('first', 'zweitens: ä');
    expect(readFileSync(path, 'utf8')).toBe('');
    file.append('third, and long');
    expect(readFileSync(path, 'utf8')).toBe('first\nzweitens: ä\n');
    file.append(Buffer.from('fourth'));
    expect(readFileSync(path, 'utf8')).toBe('first\nzweitens: ä\nthird, and long\nfourth\n');
    file.append('fifth');
    expect(await file.flush(1000)).toBe(true);
    expect(readFileSync(path, 'utf8')).toMatch(/fifth\n$/);
    file.append('sixth');
    expect(await file.close()).toBe(0);
    expect(readFileSync(path, 'utf8')).toMatch(/fifth\nsixth\n$/);
    expect(file.missingLines).toBe(0);
  });

  it('drops and counts gathered lines that its queue cannot hold', async () => {
    const path = join(folder, 'log');
    const file = new AppendFile(path, { gatherBytes: 100, limitBytes: 10 });
    file.append('1234', '5678');
    file.append('90');
    expect(await file.close()).toBe(3);
  });

  it('lets gathered lines wait no longer than until it looks at its file', async () => {
    const path = join(folder, 'log');
    const file = new AppendFile(path, { gatherBytes: 1e6, checkMs: 10 });
    file.append('alone');
    await expect.poll(() => readFileSync(path, 'utf8')).toBe('alone\n');
    await file.close();
  });
});
