/**
 * The reference firmware as a host sees it over a serial port, and as its chips do: what they decode to is what was asked for, whatever
 * happens in between; and each fault that drivers are known to have is seen as a wrong beam.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { derivePanelKey } from '../firmware-protocol/authentication.ts';
import { encodeFrame } from '../firmware-protocol/codec.ts';
import { createBenchBus } from '../hil-sim/bench-bus.ts';
import { ELEMENTS, RF_CHAINS, USERS, compare, tellOverLoopback } from '../scripts/same-scenario.ts';
import { createRandom } from '../signal/random.ts';
import { createSerialPanelEnd } from '../src/link/serial-panel-end.ts';
import { createPanel } from '../src/panel/panel-driver.ts';
import type { ArrayMember } from '../src/panel/panel.ts';
import { hasPart } from '../test/parts.ts';
import type { BuildOptions } from './build.ts';
import { buildFirmware } from './build.ts';
import type { RunningFirmware } from './run-firmware.ts';
import { startFirmware } from './run-firmware.ts';
import type { Bench } from './scenario.ts';
import { attachBench, benchAir, tellToFirmware } from './scenario.ts';

const HERE = fileURLToPath(new URL('.', import.meta.url));
const PLACES = ELEMENTS * RF_CHAINS;
const SIZE = ['--elements', ELEMENTS, '--chains', RF_CHAINS, '--users', USERS].map(String);

const folder = mkdtempSync(join(tmpdir(), 'beamrig-firmware-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A beam of which every word from 0 to 127 is part, another one for each id. */
const wordsOf = (beamId: number): Uint16Array =>
  Uint16Array.from({ length: PLACES }, (_, place) => (37 * place + 11 * beamId) % 128);
const weightsOf = (beamId: number): Float32Array =>
  Float32Array.from({ length: 2 * RF_CHAINS * USERS }, (_, at) => ((at * beamId) % 7) / 8);
const beam = (beamId: number, withWeights = true) => ({
  beamId,
  phaseBits: 7,
  words: wordsOf(beamId),
  ...(withWeights ? { digital: { users: USERS, weights: weightsOf(beamId) } } : {}),
});
/** What the chips must show of it. */
const shown = (beamId: number): Int16Array => Int16Array.from(wordsOf(beamId));

/** A firmware with its bench and a host that has shaken hands with it. */
class Lab {
  private constructor(
    readonly firmware: RunningFirmware,
    readonly bench: Bench,
    readonly panel: ArrayMember,
  ) {}

  static async open(target: BuildOptions['target'], program: string, args: readonly string[] = []): Promise<Lab> {
    const firmware = await startFirmware({ target, program, args: [...SIZE, ...args] });
    labs.push(firmware);
    const bench = await attachBench(firmware);
    const panel = createPanel({ link: bench.link, clock: bench.setting.clock, random: createRandom(1) });
    const lab = new Lab(firmware, bench, panel);
    open.push(lab);
    expect(await connectedWithin(panel)).toMatchObject({ ok: true });
    return lab;
  }

  async close(): Promise<void> {
    await this.panel.close();
    await this.bench.close();
  }
}
const open: Lab[] = [];
const labs: RunningFirmware[] = [];
const afterwards: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const end of afterwards.splice(0)) await end();
  await Promise.all(open.splice(0).map((lab) => lab.close()));
  await Promise.all(labs.splice(0).map((firmware) => firmware.stop()));
});

/** A board that is still setting up its chips does not answer yet; whatever else it says is its answer. */
async function connectedWithin(panel: ArrayMember): Promise<Awaited<ReturnType<ArrayMember['connect']>>> {
  const endMs = performance.now() + 20_000;
  for (;;) {
    const connected = await panel.connect();
    if (connected.ok || connected.failure.reason !== 'no-answer' || performance.now() > endMs) return connected;
  }
}

/** A source with one passage changed, as a file of its own; the passage must be there, and as often as said. */
function mutated(file: string, from: string | RegExp, to: string): Record<string, string> {
  const source = readFileSync(join(HERE, file), 'utf8');
  const changed = source.replaceAll(typeof from === 'string' ? from : new RegExp(from, 'g'), to);
  expect(changed, `${file} has no ${String(from)} any more`).not.toBe(source);
  const path = join(mkdtempSync(join(folder, 'mutant-')), file);
  writeFileSync(path, changed);
  return { [file]: path };
}

describe.skipIf(!hasPart('gcc'))('the firmware as a process, under sanitizers [needs gcc]', () => {
  let program: string;
  beforeAll(() => {
    program = buildFirmware({ target: 'host', folder: join(folder, 'checked'), sanitize: true });
  }, 120_000);
  const lab = (...args: string[]): Promise<Lab> => Lab.open('host', program, args);

  it('says what it is', async () => {
    const { panel } = await lab('--serial', 'BENCH-17');
    expect(panel.capabilities).toMatchObject({
      ...{ role: 'array', panelSerial: 'BENCH-17', phaseBits: 7, elements: ELEMENTS, rfChains: RF_CHAINS, users: USERS },
      ...{ stagingSlots: 2, beamMemory: 16 },
    });
  });

  it('tells the story that loopback tells, word by word', async () => {
    const firmware = await startFirmware({ target: 'host', program, args: SIZE });
    labs.push(firmware);
    const comparison = compare(await tellOverLoopback(5), await tellToFirmware(firmware, 5));
    expect(comparison).toMatchObject({ cycles: 5, differentWords: 0, cyclesThatDiffer: 0, greatestTrueDifferenceDb: 0 });
    expect(firmware.complaints()).toBe('');
  });

  it('switches words and weights in one moment, and shows no half of a beam in between', async () => {
    const { panel, bench } = await lab();
    const moments: string[] = [];
    bench.bus.onRadiated(() => moments.push(`${bench.bus.words()?.join()} ${bench.bus.weights()?.join()}`));
    for (const beamId of [1, 2, 3]) {
      expect(await panel.apply(beam(beamId))).toMatchObject({ ok: true });
      expect(bench.bus.words()).toEqual(shown(beamId));
      expect(bench.bus.weights()).toEqual(weightsOf(beamId));
    }
    const whole = [1, 2, 3].map((beamId) => `${shown(beamId).join()} ${weightsOf(beamId).join()}`);
    expect([...new Set(moments)].filter((moment) => !moment.startsWith('undefined'))).toEqual(whole);
  });

  it('measures with the users of the bench, and reads back what it radiates', async () => {
    const { panel, bench } = await lab();
    await panel.apply(beam(1, false));
    expect(bench.bus.weights()).toBeUndefined();
    const measured = await panel.measureSnr(1, 100_000);
    expect(measured).toMatchObject({ ok: true, value: { beamId: 1, pilots: 100_000 } });
    const truth = [...bench.air.trueSinr()].map((sinr) => 10 * Math.log10(sinr));
    if (measured.ok) measured.value.snrDb.forEach((db, user) => expect(Math.abs(db - truth[user])).toBeLessThan(0.5));
    expect(await panel.measurePilots(1, 2 as never, 10)).toMatchObject({ ok: true, value: { user: 2 } });
    expect(await panel.readBack()).toEqual({ ok: true, value: { beamId: 1, words: wordsOf(1) } });
    expect(await panel.status()).toMatchObject({ ok: true, value: { state: 'radiating', beamId: 1 } });
    const status = await panel.status();
    expect(status.ok && Math.abs(status.value.temperatureC - 25)).toBeLessThan(5);
  });

  it('falls silent by itself when the host does', async () => {
    const { panel, bench } = await lab();
    await panel.apply(beam(1));
    expect(await panel.setSafeState('mute', { silenceMs: 100 })).toMatchObject({ ok: true });
    expect(bench.bus.words()).toEqual(shown(1));
    await expect.poll(() => bench.bus.words()).toBeUndefined();
    expect(await panel.status()).toMatchObject({ ok: true, value: { state: 'safe', beamId: 0 } });
    expect(await panel.apply(beam(2))).toMatchObject({ ok: true });
    expect(bench.bus.words()).toEqual(shown(2));
  });

  it('keeps a beam in the RAM of its chips, and shows it in a few words', async () => {
    const { panel, bench } = await lab();
    const { counters } = bench.bus;
    expect(await panel.storeBeam(beam(1), 3)).toMatchObject({ ok: true });
    expect(bench.bus.words()).toBeUndefined();
    const before = counters.spiWords;
    expect(await panel.apply(beam(2))).toMatchObject({ ok: true });
    const whole = counters.spiWords - before;
    // The driver has no word for it; its answer is a stray reply to it.
    bench.link.send(encodeFrame({ seq: 9, message: { type: 'select-beam', beamId: 3, position: 3 } }));
    expect(await panel.ping()).toMatchObject({ ok: true });
    expect(bench.bus.words()).toEqual(shown(1));
    expect(bench.bus.weights()).toEqual(weightsOf(1));
    expect(counters.spiWords - before - whole).toBeLessThan(50);
    expect(whole).toBeGreaterThan(2 * PLACES);
    expect(await panel.apply(beam(4))).toMatchObject({ ok: true });
    expect(bench.bus.words()).toEqual(shown(4));
  });

  it('shows a stored beam when it is told to be safe with it', async () => {
    const { panel, bench } = await lab();
    await panel.storeBeam(beam(1), 3);
    await panel.apply(beam(2));
    await panel.setSafeState('codeword', { position: 3, enter: true });
    expect(bench.bus.words()).toEqual(shown(1));
    expect(await panel.status()).toMatchObject({ ok: true, value: { state: 'safe', beamId: 0 } });
  });

  it('says fault while its bench is gone, and is idle and dark when it is back', async () => {
    const { panel, bench, firmware } = await lab();
    await panel.apply(beam(1));
    await bench.end.close();
    expect(await panel.apply(beam(2))).toMatchObject({ ok: false, failure: { reason: 'rejected', code: 'fault', detail: 1 } });
    const chips = createBenchBus({ part: benchAir(bench.setting).part() });
    const back = createSerialPanelEnd({ path: firmware.benchPort, baudRate: 921_600 });
    await back.open(chips);
    afterwards.push(() => back.close());
    await expect
      .poll(() => panel.status(), { timeout: 10_000 })
      .toMatchObject({ ok: true, value: { state: 'idle', bootCount: 1 } });
    expect(chips.words()).toBeUndefined();
    expect(await panel.apply(beam(3))).toMatchObject({ ok: true });
    expect(chips.words()).toEqual(shown(3));
  });

  it('says fault when a chip does not answer', async () => {
    const firmware = await startFirmware({ target: 'host', program, args: SIZE });
    labs.push(firmware);
    const bench = await attachBench(firmware, (bus) => (bus.chips[21].word = () => undefined));
    afterwards.push(() => bench.close());
    const panel = createPanel({ link: bench.link, clock: bench.setting.clock, random: createRandom(1) });
    expect(await connectedWithin(panel)).toMatchObject({ ok: true });
    expect(await panel.apply(beam(1))).toMatchObject({ ok: false, failure: { reason: 'rejected', code: 'fault', detail: 2 } });
    expect(bench.bus.words()).toBeUndefined();
  });

  it('goes dark when chips have lost their supply, and shows a whole beam when they have it again', async () => {
    const { panel, bench } = await lab();
    await panel.apply(beam(1));
    for (const chip of bench.bus.chips.slice(10, 20)) chip.powerCycle();
    expect(
      bench.bus
        .words()
        ?.slice(40, 80)
        .every((word) => word === -1),
    ).toBe(true);
    await expect.poll(() => bench.bus.words(), { timeout: 10_000 }).toBeUndefined();
    await expect.poll(() => panel.status(), { timeout: 10_000 }).toMatchObject({ ok: true, value: { state: 'idle' } });
    expect(await panel.apply(beam(2))).toMatchObject({ ok: true });
    expect(bench.bus.words()).toEqual(shown(2));
  });

  it('counts its starts in the EEPROM', async () => {
    const first = await lab();
    expect([...first.bench.bus.eeprom.subarray(0, 4)]).toEqual([1, 0, 0, 0]);
    expect(await first.panel.status()).toMatchObject({ ok: true, value: { bootCount: 1 } });
    const second = await lab('--boot-count', '9');
    expect(await second.panel.status()).toMatchObject({ ok: true, value: { bootCount: 9 } });
  });

  it('speaks only with a host that has its key, and takes no counter twice over a restart', async () => {
    const rigKey = Uint8Array.from({ length: 32 }, (_, i) => 7 * i);
    const panelKey = derivePanelKey(rigKey, 'BOARD-0001');
    const eeprom = new Uint8Array(256);
    eeprom[16] = panelKey.length;
    eeprom.set(panelKey, 17);
    /** A host's view of the firmware, started anew each time with the same EEPROM. */
    const visit = async (args: string[], env: NodeJS.ProcessEnv, key: Uint8Array | undefined) => {
      const firmware = await startFirmware({
        target: 'host',
        program,
        args: [...SIZE, ...args],
        env: { ...process.env, ...env },
      });
      labs.push(firmware);
      const bench = await attachBench(firmware, (bus) => bus.eeprom.set(eeprom));
      const panel = createPanel({
        link: bench.link,
        clock: bench.setting.clock,
        random: createRandom(3),
        expected: { panelSerial: 'BOARD-0001' },
        ...(key === undefined ? {} : { authentication: { rigKey: key } }),
      });
      const connected = await connectedWithin(panel);
      const applied = connected.ok ? await panel.apply(beam(1)) : undefined;
      eeprom.set(bench.bus.eeprom);
      await panel.close();
      await bench.close();
      await firmware.stop();
      expect(firmware.complaints()).toBe('');
      return { connected, applied, words: bench.bus.words() };
    };
    const good = { connected: { ok: true }, applied: { ok: true }, words: shown(1) };
    expect(await visit([], {}, rigKey)).toMatchObject(good);
    const limit = new DataView(eeprom.buffer).getBigUint64(8, true);
    expect(limit).toBeGreaterThan(0n);
    expect(await visit([], {}, rigKey)).toMatchObject(good);
    expect(new DataView(eeprom.buffer).getBigUint64(8, true)).toBeGreaterThan(limit);
    for (const key of [undefined, rigKey.map((byte) => byte ^ 1)]) {
      const { connected, words } = await visit([], {}, key);
      expect([connected.ok, words]).toEqual([false, undefined]);
    }
    eeprom[16] = 0;
    const env = { PANEL_KEY: Buffer.from(panelKey).toString('hex') };
    expect(await visit(['--key-env', 'PANEL_KEY'], env, rigKey)).toMatchObject(good);
  });

  it('switches at a time of its own clock when it is told to', async () => {
    const { panel, bench } = await lab();
    const staged = await panel.stage(beam(1));
    const sample = await panel.syncClock();
    if (!staged.ok || !sample.ok) throw new Error('not staged or no time');
    expect(await panel.arm(staged.value, sample.value.panelSendUs + 150_000n)).toMatchObject({ ok: true });
    expect(bench.bus.words()).toBeUndefined();
    await expect.poll(() => bench.bus.words()).toEqual(shown(1));
    expect(await panel.confirm(staged.value)).toMatchObject({ ok: true, value: { beamId: 1 } });
  });

  it('ends when its input is closed', async () => {
    const { firmware } = await lab();
    await firmware.stop();
    expect(() => process.kill(firmware.pid, 0)).toThrow();
    expect(firmware.complaints()).toBe('');
  });

  it('refuses sizes it has no memory for, and options it does not know', async () => {
    const refused = (...args: string[]) => startFirmware({ target: 'host', program, args });
    await expect(refused('--elements', '0')).rejects.toThrow(/--elements 0 is not understood/);
    await expect(refused('--baud', '9600')).rejects.toThrow(/--baud 9600 is not understood/);
  });
});

describe.skipIf(!hasPart('gcc'))('a driver with a fault is seen as a wrong beam [needs gcc]', () => {
  const right = join(folder, 'right');
  let program: string;
  beforeAll(() => {
    program = buildFirmware({ target: 'host', folder: right });
  }, 120_000);

  /** How many places show something else than they should, and whether the weights are right. */
  async function wrongPlaces(built: string): Promise<{ places: number; weights: boolean }> {
    const { panel, bench } = await Lab.open('host', built);
    await panel.apply(beam(1));
    expect(await panel.apply(beam(2))).toMatchObject({ ok: true });
    const words = bench.bus.words();
    const places = shown(2).filter((word, place) => words?.[place] !== word).length;
    return { places, weights: bench.bus.weights()?.join() === weightsOf(2).join() };
  }

  it('and one without a fault is not', async () => {
    expect(await wrongPlaces(program)).toEqual({ places: 0, weights: true });
  });

  it.each<[string, string, string | RegExp, string]>([
    ['an empty table', 'adar1000.c', /adar1000_phases\[128\] = \{[^;]*\}/, 'adar1000_phases[128] = {{0, 0}}'],
    ['registers counted from 1', 'adar1000.c', '2u * channel', '2u * (channel + 1u)'],
    ['a wrap at 360° to the wrong neighbour', 'adar1000.c', 'words[place] & 127u', 'words[place] % 127u'],
    ['the latch bit of the other direction', 'adar1000.c', 'LD_WRK_REGS, LDTX_OVERRIDE', 'LD_WRK_REGS, 0x01'],
    ['I and Q changed over', 'adar1000.c', /channel\), codes\.i/, 'channel), codes.q'],
    ['channels in reverse', 'adar1000.c', '(place % ADAR1000_CHANNELS)', '(3u - place % ADAR1000_CHANNELS)'],
    ['chips in reverse', 'adar1000.c', '(uint8_t)(chip % ADAR1000_CHIPS_PER_LINE)', '(uint8_t)(3u - chip % 4u)'],
    ['select lines off by one', 'adar1000.c', '<< (chip / ADAR1000_CHIPS_PER_LINE)', '<< (chip / 4u ^ 1u)'],
    [
      'a latch on the first line only',
      'adar1000.c',
      'write_all(array, LD_WRK_REGS, LDTX_OVERRIDE);',
      'for (uint8_t a = 0; a < 4u; a++) write_register(array, 1u, a, LD_WRK_REGS, LDTX_OVERRIDE);',
    ],
    ['a sign turned over', 'adar1000.c', 'codes.i);', 'codes.i ^ 0x20u);'],
  ])('%s', async (_fault, file, from, to) => {
    const changed = { build: right, sources: mutated(file, from, to) };
    const built = buildFirmware({ target: 'host', folder: mkdtempSync(join(folder, 'mutant-')), changed });
    const { places } = await wrongPlaces(built);
    expect(places).toBeGreaterThan(0);
  });

  it('weights that are staged and never loaded', async () => {
    const changed = {
      build: right,
      sources: mutated('firmware.c', 'BENCH_LOAD_WEIGHTS | BENCH_AMPLIFIERS_ON', 'BENCH_AMPLIFIERS_ON'),
    };
    const built = buildFirmware({ target: 'host', folder: mkdtempSync(join(folder, 'mutant-')), changed });
    expect(await wrongPlaces(built)).toEqual({ places: 0, weights: false });
  });
});

describe.skipIf(!hasPart('arm-none-eabi-gcc') || !hasPart('qemu-system-arm'))(
  'the firmware on an emulated Cortex-M3 [needs arm-none-eabi-gcc, qemu-system-arm]',
  () => {
    let image: string;
    beforeAll(() => {
      image = buildFirmware({ target: 'board', folder: join(folder, 'board') });
    }, 120_000);

    it('tells the story that loopback tells, word by word', async () => {
      const firmware = await startFirmware({ target: 'board', program: image });
      labs.push(firmware);
      const comparison = compare(await tellOverLoopback(3), await tellToFirmware(firmware, 3));
      expect(comparison).toMatchObject({ cycles: 3, differentWords: 0, greatestTrueDifferenceDb: 0 });
    }, 60_000);

    it('falls silent by itself when the host does, and counts time as the host does', async () => {
      const { panel, bench } = await Lab.open('board', image);
      await panel.apply(beam(1));
      expect(bench.bus.words()).toEqual(shown(1));
      await panel.setSafeState('mute', { silenceMs: 200 });
      await expect.poll(() => bench.bus.words(), { timeout: 5_000 }).toBeUndefined();
      expect(await panel.status()).toMatchObject({ ok: true, value: { state: 'safe', bootCount: 1 } });
    }, 60_000);
  },
);
