/**
 * A lab for tests of the firmware: the program in a folder of its own, its bench, and a host that has shaken hands with it. Whatever a test
 * starts here is ended after it, also when it fails.
 */
import { randomUUID } from 'node:crypto';
import { rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, expect } from 'vitest';
import type { BenchBus } from '../bench-bus.ts';
import { ELEMENTS, RF_CHAINS, USERS } from '../../../scripts/same-scenario.ts';
import { createRandom } from '../../../core/signal/random.ts';
import { createPanel } from '../../../src/panel/panel-driver.ts';
import type { ArrayMember } from '../../../src/panel/panel.ts';
import type { RunOptions, RunningFirmware } from '../run-firmware.ts';
import { startFirmware } from '../run-firmware.ts';
import type { Bench } from '../scenario.ts';
import { attachBench } from '../scenario.ts';

export const PLACES = ELEMENTS * RF_CHAINS;
export const SIZE = ['--elements', ELEMENTS, '--chains', RF_CHAINS, '--users', USERS].map(String);

/** A beam of which every word from 0 to 127 is part, another one for each id. */
export const wordsOf = (beamId: number): Uint16Array =>
  Uint16Array.from({ length: PLACES }, (_, place) => (37 * place + 11 * beamId) % 128);
export const weightsOf = (beamId: number): Float32Array =>
  Float32Array.from({ length: 2 * RF_CHAINS * USERS }, (_, at) => ((at * beamId) % 7) / 8);
export const beam = (beamId: number, withWeights = true) => ({
  beamId,
  phaseBits: 7,
  words: wordsOf(beamId),
  ...(withWeights ? { digital: { users: USERS, weights: weightsOf(beamId) } } : {}),
});
/** What the chips must show of it. */
export const shown = (beamId: number): Int16Array => Int16Array.from(wordsOf(beamId));

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
  open(target: RunOptions['target'], program: string, args?: readonly string[], prepare?: (bus: BenchBus) => void): Promise<Lab>;
  /** What else is to be ended after the test, before the firmware is. */
  afterwards(end: () => Promise<void>): void;
}

/** Call it once in a test file, outside of all tests. */
export function createFirmwareLab(): FirmwareLab {
  // Made by the first build: where every test is skipped nothing is left behind.
  const folder = join(tmpdir(), `beamrig-firmware-${randomUUID()}`);
  const running: RunningFirmware[] = [];
  const ends: (() => Promise<void>)[] = [];
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
    async open(target, program, args = [], prepare = () => undefined) {
      const firmware = await start({ target, program, args: [...SIZE, ...args] });
      const bench = await attachBench(firmware, prepare);
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
