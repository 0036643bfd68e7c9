import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { counterLimitsInFile, counterLimitsInMemory } from './counter-limits.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'beamrig-limits-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('counter limits', () => {
  it('are there again after a restart, each panel’s own, beyond what a double can count', () => {
    const path = join(folder, 'limits.json');
    const limits = counterLimitsInFile(path);
    expect(limits.of('A-1')).toBe(0n);
    expect(limits.store('A-1', 2n ** 63n + 1n)).toBe(true);
    expect(limits.store('B-1', 65_536n)).toBe(true);
    const again = counterLimitsInFile(path);
    expect([again.of('A-1'), again.of('B-1'), again.of('C-1')]).toEqual([2n ** 63n + 1n, 65_536n, 0n]);
    expect(readdirSync(folder)).toEqual(['limits.json']);
    expect(statSync(path).mode & 0o077).toBe(0);
  });

  it('say so when they cannot be kept, and stay what they were', () => {
    const limits = counterLimitsInFile(join(folder, 'gone', 'limits.json'));
    expect(limits.store('A-1', 65_536n)).toBe(false);
    expect(limits.of('A-1')).toBe(0n);
  });

  it('never begin again at 0 because their file is damaged', () => {
    const path = join(folder, 'limits.json');
    for (const text of ['', '{ "counterLimits": { "A-1": -1 } }', '{}', '[]']) {
      writeFileSync(path, text);
      expect(() => counterLimitsInFile(path)).toThrow(/--state .*holds no counter limits/);
    }
    expect(() => counterLimitsInFile(folder)).toThrow(/cannot be read/);
  });

  it('live as long as the process without a file', () => {
    const limits = counterLimitsInMemory();
    expect(limits.store('A-1', 9n)).toBe(true);
    expect([limits.of('A-1'), limits.of('B-1')]).toEqual([9n, 0n]);
  });
});
