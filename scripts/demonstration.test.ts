/** How the demonstrations take their options, and what they say when something that they need is missing. */
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { startFirmware } from '../firmware-protocol/reference/run-firmware.ts';
import { packageRoot } from '../core/files/package-root.ts';
import { hasPart, partPath } from '../test/parts.ts';
import { demonstrationOptions } from './demonstration.ts';
import { documentedBench } from './documented-bench.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'beamrig-demonstration-'));
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

function demonstrate(name: string, ...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const words = ['--import', import.meta.resolve('tsx'), join(packageRoot(), 'scripts', name), ...args];
  return new Promise((resolve) => {
    execFile(process.execPath, words, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code ?? -1), stdout, stderr });
    });
  });
}

describe('the options of a demonstration', () => {
  const options = { board: { type: 'boolean' }, broker: { type: 'string' } } as const;

  it('are read in any order, and have defaults', () => {
    expect(demonstrationOptions([], options)).toEqual({ help: false, json: false, cycles: 100, more: {} });
    expect(demonstrationOptions(['--cycles=5', '--board', '--json', '--broker', 'embedded'], options)).toEqual({
      help: false,
      json: true,
      cycles: 5,
      more: { board: true, broker: 'embedded' },
    });
  });

  it.each([
    [['--bord'], '--bord is unknown; did you mean --board?'],
    [['--cyles', '5'], '--cyles is unknown; did you mean --cycles?'],
    [['5'], '5 is unknown; known: --cycles'],
    [['--cycles', '1'], '--cycles is 1, not a whole number from 2 on'],
    [['--cycles', 'many'], '--cycles is many, not a whole number'],
    [['--cycles'], '--cycles needs a value'],
    [['--cycles', '--json'], '--cycles is --json, not a whole number'],
    [['--board=yes'], '--board takes no value'],
  ])('are refused by the word that is wrong: %j', (args, message) => {
    expect(() => demonstrationOptions(args, options)).toThrow(message);
  });

  it.each(['demo-firmware.ts', 'demo-mqtt.ts'])('end %s before anything is built or started', async (name) => {
    const helped = await demonstrate(name, '--help');
    expect(helped).toMatchObject({ code: 0, stderr: '' });
    expect(helped.stdout).toMatch(/^npm run demo:.*--cycles <n>/s);
    const refused = await demonstrate(name, '--bord');
    expect(refused).toMatchObject({ code: 2, stdout: '' });
    expect(refused.stderr).toContain('--bord is unknown');
  });
});

describe('what a demonstration needs', () => {
  it('is named when QEMU is not installed, with the package that has it', async () => {
    const attempt = startFirmware({ target: 'board', program: 'firmware.elf', env: { PATH: folder } });
    await expect(attempt).rejects.toMatchObject({
      message: 'The board needs qemu-system-arm, which is not installed.',
      wayOut: 'Install it (Debian: apt-get install qemu-system-arm).',
    });
  });

  it.skipIf(!hasPart('openssl'))('is named when it is mosquitto_passwd, and no key stays behind [needs openssl]', async () => {
    const [programs, temporary] = ['programs', 'temporary'].map((name) => join(folder, name));
    for (const made of [programs, temporary]) mkdirSync(made);
    symlinkSync(partPath('openssl') ?? '', join(programs, 'openssl'));
    for (const tool of ['cp', 'cat'])
      symlinkSync(existsSync(`/bin/${tool}`) ? `/bin/${tool}` : `/usr/bin/${tool}`, join(programs, tool));
    vi.stubEnv('PATH', programs);
    vi.stubEnv('TMPDIR', temporary);
    await expect(documentedBench()).rejects.toMatchObject({
      message: 'The commands of examples/mqtt/README.md under “3. Passwords” need mosquitto_passwd, which is not installed.',
      wayOut: expect.stringContaining('apt-get install mosquitto') as string,
    });
    expect(readdirSync(temporary)).toEqual([]);
  });
});
