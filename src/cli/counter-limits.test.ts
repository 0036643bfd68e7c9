import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { derivePanelKey } from '../../firmware-protocol/authentication.ts';
import { encodeFrame } from '../../firmware-protocol/codec.ts';
import { createPanelGuard } from '../../hil-sim/panel-guard.ts';
import { createFrameSeal } from '../panel/frame-seal.ts';
import { counterLimitsInFolder, counterLimitsInMemory } from './counter-limits.ts';

let folder: string;
let state: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'beamrig-limits-'));
  state = join(folder, 'state');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('counter limits', () => {
  it('are there again after a restart, each panel’s own, beyond what a double can count', () => {
    const limits = counterLimitsInFolder(state, ['A-1', 'B-1']);
    expect(limits.of('A-1')).toBe(0n);
    expect(limits.store('A-1', 2n ** 63n + 1n)).toBe(true);
    expect(limits.store('B-1', 65_536n)).toBe(true);
    const again = counterLimitsInFolder(state, ['A-1', 'B-1']);
    expect([again.of('A-1'), again.of('B-1'), again.of('C-1')]).toEqual([2n ** 63n + 1n, 65_536n, 0n]);
    expect(readdirSync(state).sort()).toEqual(['panel-A-1.json', 'panel-B-1.json']);
    expect(statSync(join(state, 'panel-A-1.json')).mode & 0o077).toBe(0);
  });

  it('of two panels in two processes survive each other, so that no recorded frame is taken after a restart', () => {
    const rigKey = new Uint8Array(32).fill(7);
    const guardOf = (panel: string) => {
      const limits = counterLimitsInFolder(state, [panel]);
      const storeLimit = (limit: bigint): boolean => limits.store(panel, limit);
      return createPanelGuard({ panelKey: derivePanelKey(rigKey, panel), counterLimit: limits.of(panel), storeLimit });
    };
    const [a, b] = [guardOf('A'), guardOf('B')];
    const host = createFrameSeal(rigKey, 'B');
    host.agree(0n);
    const recorded = host.seal(encodeFrame({ seq: 1, message: { type: 'ping', nonce: 1 } }));
    expect(b.admit(recorded)).toHaveProperty('bare');
    expect(a.seal(encodeFrame({ seq: 1, message: { type: 'ack' } }))).toBeDefined();
    expect(guardOf('B').admit(recorded)).toMatchObject({ discarded: true, answer: { code: 'replayed' } });
  });

  it('never go back, whoever else plays the same panel', () => {
    const [one, other] = [counterLimitsInFolder(state, ['A-1']), counterLimitsInFolder(state, ['A-1'])];
    expect(one.store('A-1', 200_000n)).toBe(true);
    expect(other.store('A-1', 65_536n)).toBe(true);
    expect(one.of('A-1')).toBe(200_000n);
  });

  it('keep any serial number inside the folder', () => {
    for (const serial of ['../../x', '__proto__', '..', 'a/b', 'é\u001b[31m']) {
      expect(counterLimitsInFolder(state, [serial]).store(serial, 7n)).toBe(true);
      expect(counterLimitsInFolder(state, [serial]).of(serial)).toBe(7n);
    }
    expect(readdirSync(folder)).toEqual(['state']);
  });

  it('are refused at the start where nothing can be kept', () => {
    const refusal = (path: string): unknown => {
      try {
        return counterLimitsInFolder(path, ['A-1']);
      } catch (error) {
        return error;
      }
    };
    const at = (path: string, why: string): object => ({
      code: 'argument',
      message: `--state ${path}: ${why}`,
      wayOut: expect.any(String) as string,
    });
    const gone = join(folder, 'gone', 'state');
    expect(refusal(gone)).toMatchObject(at(gone, 'the folder that it should be in is not there'));
    const file = join(folder, 'limits.json');
    writeFileSync(file, '{}');
    expect(refusal(file)).toMatchObject(at(file, 'is a file, and a folder is needed'));
    expect(refusal('/proc')).toMatchObject({
      code: 'argument',
      message: expect.stringMatching(/nothing can be kept there/) as string,
    });
  });

  it('say so when they cannot be kept in mid-run, and stay what they were', () => {
    const limits = counterLimitsInFolder(state, ['A-1']);
    limits.store('A-1', 65_536n);
    rmSync(state, { recursive: true });
    writeFileSync(state, 'a file where the folder was');
    expect(limits.store('A-1', 131_072n)).toBe(false);
    rmSync(state);
  });

  it('never begin again at 0 because their file is damaged, another’s, or beyond what a counter can be', () => {
    const path = join(state, 'panel-A-1.json');
    counterLimitsInFolder(state, ['A-1']);
    const refusedWith = (text: string): (() => unknown) => {
      writeFileSync(path, text);
      return () => counterLimitsInFolder(state, ['A-1']);
    };
    for (const text of ['', '{ "panel": "A-1", "counterLimit": -1 }', '{}', '[]', '{ "panel": "A-1" }']) {
      expect(refusedWith(text)).toThrow(/--state .*panel-A-1\.json: holds no counter limit/);
    }
    expect(refusedWith('{ "panel": "a-1", "counterLimit": "5" }')).toThrow('is that of panel "a-1"');
    expect(refusedWith(`{ "panel": "A-1", "counterLimit": "${2n ** 64n}" }`)).toThrow(/allowed: up to 18446744073709551615$/);
    expect(refusedWith(`{ "panel": "A-1", "counterLimit": "${2n ** 64n - 1n}" }`)).not.toThrow();
  });

  it('live as long as the process without a folder', () => {
    const limits = counterLimitsInMemory();
    expect(limits.store('A-1', 9n)).toBe(true);
    expect([limits.of('A-1'), limits.of('B-1')]).toEqual([9n, 0n]);
  });
});
