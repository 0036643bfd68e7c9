/**
 * A lab for tests of the firmware: the program in a folder of its own, its bench, and a host that has shaken hands with it. Whatever a test
 * starts here is ended after it, also when it fails.
 */
import { randomUUID } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect } from 'vitest';
import { ELEMENTS, RF_CHAINS, USERS } from '../../../scripts/same-scenario.ts';
import { createRandom } from '../../../core/signal/random.ts';
import type { Air } from '../../../hil-sim/air.ts';
import { createPanel } from '../../../src/panel/panel-driver.ts';
import type { ArrayMember } from '../../../src/panel/panel.ts';
import type { RunOptions, RunningFirmware } from '../run-firmware.ts';
import { startFirmware } from '../run-firmware.ts';
import type { Bench, BenchOptions } from '../scenario.ts';
import { attachBench } from '../scenario.ts';

export const PLACES = ELEMENTS * RF_CHAINS;
export const SIZE = ['--elements', ELEMENTS, '--chains', RF_CHAINS, '--users', USERS].map(String);

/** A beam of which every state of an ADAR1000, or of a chip with so many, is part; another one for each id. */
export const wordsOf = (beamId: number, states = 128): Uint16Array =>
  Uint16Array.from({ length: PLACES }, (_, place) => (37 * place + 11 * beamId) % states);
export const weightsOf = (beamId: number): Float32Array =>
  Float32Array.from({ length: 2 * RF_CHAINS * USERS }, (_, at) => ((at * beamId) % 7) / 8);
export const beam = (beamId: number, withWeights = true, states = 128) => ({
  beamId,
  phaseBits: Math.log2(states),
  words: wordsOf(beamId, states),
  ...(withWeights ? { digital: { users: USERS, weights: weightsOf(beamId) } } : {}),
});
/** What the chips must show of it. */
export const shown = (beamId: number, states = 128): Int16Array => Int16Array.from(wordsOf(beamId, states));

/** Enables with all places of these elements off. */
export const without = (...elements: number[]): Uint8Array =>
  Uint8Array.from({ length: PLACES }, (_, place) => (elements.includes(Math.floor(place / RF_CHAINS)) ? 0 : 1));

/** Σ|X_nk|² of each element. */
export function powersOf(air: Air): number[] {
  const { re, im, cols } = air.precoder();
  return Array.from({ length: ELEMENTS }, (_, n) => {
    let power = 0;
    for (let at = n * cols; at < (n + 1) * cols; at++) power += re[at] ** 2 + im[at] ** 2;
    return power;
  });
}

/** Elements that radiate nothing. */
export const darkOf = (air: Air): number[] => powersOf(air).flatMap((power, n) => (power === 0 ? [n] : []));

export interface Lab {
  firmware: RunningFirmware;
  bench: Bench;
  panel: ArrayMember;
}

export interface FirmwareLab {
  /** A folder that is removed after the last test. */
  folder: string;
  /** Starts a firmware that is stopped after the test. */
  start(options: RunOptions): Promise<RunningFirmware>;
  /** Starts it for 64 × 4 places with its bench, and shakes hands. */
  open(target: RunOptions['target'], program: string, options?: BenchOptions & { args?: readonly string[] }): Promise<Lab>;
  /** What else is to be ended after the test, before the firmware is. */
  afterwards(end: () => Promise<void>): void;
}

/** Call it once in a test file, outside of all tests. */
export function createFirmwareLab(): FirmwareLab {
  // Where every test is skipped nothing is left behind.
  const folder = join(tmpdir(), `beamrig-firmware-${randomUUID()}`);
  const running: RunningFirmware[] = [];
  const ends: (() => Promise<void>)[] = [];
  beforeAll(() => mkdirSync(folder));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  afterEach(async () => {
    for (const end of ends.splice(0)) await end();
    await Promise.all(running.splice(0).map((firmware) => firmware.stop()));
  });

  const start = async (options: RunOptions): Promise<RunningFirmware> => {
    const firmware = await startFirmware(options);
    running.push(firmware);
    return firmware;
  };
  return {
    folder,
    start,
    async open(target, program, { args = [], ...options } = {}) {
      const firmware = await start({ target, program, args: [...SIZE, ...args] });
      const bench = await attachBench(firmware, options);
      ends.push(() => bench.close());
      const panel = createPanel({ link: bench.link, clock: bench.setting.clock, random: createRandom(1) });
      ends.push(() => panel.close());
      expect(await connectedWithin(panel)).toMatchObject({ ok: true });
      return { firmware, bench, panel };
    },
    afterwards: (end) => void ends.push(end),
  };
}

/** A board that is still setting up its chips does not answer yet; whatever else it says is its answer. */
export async function connectedWithin(panel: ArrayMember): Promise<Awaited<ReturnType<ArrayMember['connect']>>> {
  const endMs = performance.now() + 20_000;
  for (;;) {
    const connected = await panel.connect();
    if (connected.ok || connected.failure.reason !== 'no-answer' || performance.now() > endMs) return connected;
  }
}

/** A source of the firmware with one passage changed wherever it stands, as a file of its own: what `buildFirmware` takes as changed. */
export function mutated(folder: string, file: string, from: string | RegExp, to: string): Record<string, string> {
  const source = readFileSync(new URL(`../${file}`, import.meta.url), 'utf8');
  const changed = source.replaceAll(typeof from === 'string' ? from : new RegExp(from, 'g'), to);
  expect(changed, `${file} has no ${String(from)} any more`).not.toBe(source);
  const name = basename(file);
  const path = join(mkdtempSync(join(folder, 'mutant-')), name);
  writeFileSync(path, changed);
  return { [name]: path };
}
