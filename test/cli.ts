/** The command line as its user has it: in a folder of its own, with files that differ from good ones as a test tells. */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, vi } from 'vitest';
import type { zeros } from '../core/signal/complex-matrix.ts';
import { salehValenzuela } from '../core/signal/channel.ts';
import { createRandom } from '../core/signal/random.ts';
import { commandLine } from '../src/cli/command-line.ts';
import { writeChannelFile } from './doubles/write-channel-file.ts';
import { BEAMRIG } from './built-program.ts';

// Whatever began the tests: hints of what to type next depend on it.
process.env.npm_command = 'test';

export interface Ended {
  code: number;
  stdout: string;
  stderr: string;
}

/** A folder where `beamrig` is typed, and what may lie in it. */
export class CliFolder {
  readonly path = mkdtempSync(join(tmpdir(), 'beamrig-cli-'));
  #files = 0;

  /** Runs `beamrig …` in this folder to its end. */
  beamrig(...words: string[]): Promise<Ended> {
    return new Promise((resolve) => {
      execFile(process.execPath, [...BEAMRIG, ...words], { cwd: this.path, timeout: 60_000 }, (error, stdout, stderr) => {
        resolve({ code: error === null ? 0 : Number(error.code ?? -1), stdout, stderr });
      });
    });
  }

  /** A rig file that differs from a small good one as told. */
  rigFile(change: (text: string) => string = (text) => text): string {
    const text = `
name: bench
array: { geometry: { kind: ula, elements: 16 }, rfChains: 2, phaseBits: 4 }
users: { count: 2 }
beamformer: { model: aligned }
loop: { rateHz: 100 }
telemetry: { runFolder: ${JSON.stringify(join(this.path, 'runs'))} }
dashboard: { port: 0 }
`;
    const path = join(this.path, `rig-${++this.#files}.yaml`);
    writeFileSync(path, change(text));
    return path;
  }

  /** Six channels, the third spoilt as told. */
  channelFile(users: number, elements: number, spoil: (channel: ReturnType<typeof zeros>) => void = () => undefined): string {
    const random = createRandom(3);
    const geometry = { kind: 'ula', elements, spacingWavelengths: 0.5 } as const;
    const channels = Array.from({ length: 6 }, () =>
      salehValenzuela({ random, geometry, users, paths: 3, scale: 'unit-element' }),
    );
    if (channels[2]) spoil(channels[2]);
    const path = join(this.path, `channels-${++this.#files}.npy`);
    writeChannelFile(path, channels);
    return path;
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

/** As `CliFolder.beamrig`, inside this process: quicker, for commands that neither run a rig nor end the process. */
export async function beamrigHere(...words: string[]): Promise<Ended> {
  const said = { stdout: '', stderr: '' };
  const spies = (['stdout', 'stderr'] as const).map((name) =>
    vi.spyOn(process[name], 'write').mockImplementation((text) => {
      said[name] += String(text);
      return true;
    }),
  );
  try {
    await commandLine(words);
    return { code: Number(process.exitCode ?? 0), ...said };
  } finally {
    for (const spy of spies) spy.mockRestore();
    process.exitCode = undefined;
  }
}

/** One clear message with a way out, an exit code, no stack trace. */
export function expectRefusal({ code, stderr }: Ended, message: string | RegExp): void {
  expect(stderr).toMatch(message);
  expect(code).toBeGreaterThan(0);
  expect(stderr).not.toMatch(/^\s+at /m);
  expect(stderr).not.toMatch(/\.[jt]s:/);
}
