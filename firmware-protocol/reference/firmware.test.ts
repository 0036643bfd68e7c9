/**
 * The reference firmware as a host sees it over a serial port, and as its chips do: what they decode to is what was asked for, whatever
 * happens in between.
 */
import { beforeAll, describe, expect, it } from 'vitest';
import { createRealClock } from '../../core/clock/real-clock.ts';
import { encodeFrame } from '../codec.ts';
import { createAir } from '../../hil-sim/air.ts';
import { createBenchBus } from './bench-bus.ts';
import { adar1000 } from '../../hil-sim/chips/adar1000.ts';
import { createMovingUsers } from '../../hil-sim/scene.ts';
import { createSimulatedArray } from '../../hil-sim/simulated-array.ts';
import { ELEMENTS, RF_CHAINS, USERS, compare, tellOverLoopback } from '../../scripts/same-scenario.ts';
import { createRandom } from '../../core/signal/random.ts';
import { createSerialPanelEnd } from '../../src/link/serial/serial-panel-end.ts';
import { createSerialLink } from '../../src/link/serial/serial.ts';
import { createPanel } from '../../src/panel/panel-driver.ts';
import { hasPart } from '../../test/parts.ts';
import { startFirmware } from './run-firmware.ts';
import { benchAir, tellToFirmware } from './scenario.ts';
import { builtFirmware } from './test/built-firmware.ts';
import type { Lab } from './test/firmware-lab.ts';
import {
  PLACES,
  SIZE,
  beam,
  connectedWithin,
  createFirmwareLab,
  darkOf,
  powersOf,
  shown,
  weightsOf,
  without,
  wordsOf,
} from './test/firmware-lab.ts';

const firmwareLab = createFirmwareLab();

describe.skipIf(!hasPart('gcc'))('the firmware as a process, under sanitizers [needs gcc]', () => {
  let program: string;
  beforeAll(async () => {
    program = await builtFirmware({ target: 'host', sanitize: true });
  }, 120_000);
  const lab = (...args: string[]): Promise<Lab> => firmwareLab.open('host', program, { args });

  it('says what it is', async () => {
    const { panel } = await lab('--serial', 'BENCH-17');
    expect(panel.capabilities).toMatchObject({
      ...{ role: 'array', panelSerial: 'BENCH-17', phaseBits: 7, elements: ELEMENTS, rfChains: RF_CHAINS, users: USERS },
      ...{ stagingSlots: 2, beamMemory: 16, protocolMinor: 3 },
    });
    // Its chips are those of the bench: no host may take it for an array that radiates.
    expect(panel.capabilities?.features).toContain('simulated');
  });

  it('tells the story that loopback tells, word by word', async () => {
    const firmware = await firmwareLab.start({ target: 'host', program, args: SIZE });
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

  it('radiates nothing of the elements that a beam has off, exactly of them, at the gains that it has', async () => {
    const { panel, bench } = await lab();
    await panel.apply(beam(1));
    const whole = powersOf(bench.air);
    const patterns = new Set<string>();
    bench.bus.onRadiated(() => patterns.add(darkOf(bench.air).join()));
    expect(await panel.apply({ ...beam(1), beamId: 2, enabled: without(3, 40) })).toMatchObject({ ok: true });
    expect(powersOf(bench.air)).toEqual(whole.map((power, n) => (n === 3 || n === 40 ? 0 : power)));
    const gains = Uint16Array.from({ length: PLACES }, (_, place) => 2 * Math.floor(place / RF_CHAINS));
    expect(await panel.apply({ ...beam(1), beamId: 3, enabled: without(7), gains })).toMatchObject({ ok: true });
    powersOf(bench.air).forEach((power, n) => expect(power / whole[n]).toBeCloseTo(n === 7 ? 0 : ((2 * n + 1) / 128) ** 2, 9));
    expect(await panel.apply({ ...beam(1), beamId: 4 })).toMatchObject({ ok: true });
    expect(powersOf(bench.air)).toEqual(whole);
    // Between the beams there was none with anything else off.
    expect([...patterns].sort()).toEqual(['', '3,40', '7']);
  });

  it('keeps what is off with a beam in the RAM of its chips, and with one that waits for its time', async () => {
    const { panel, bench } = await lab();
    expect(await panel.storeBeam({ ...beam(1), enabled: without(3) }, 3)).toMatchObject({ ok: true });
    await panel.apply(beam(2));
    await panel.setSafeState('codeword', { position: 3, enter: true });
    expect(darkOf(bench.air)).toEqual([3]);
    // Words and weights alone are not the beam at that position.
    expect(await panel.apply({ ...beam(1), beamId: 3 })).toMatchObject({ ok: true });
    expect(darkOf(bench.air)).toEqual([]);
    bench.link.send(encodeFrame({ seq: 9, message: { type: 'select-beam', beamId: 4, position: 3 } }));
    expect(await panel.ping()).toMatchObject({ ok: true });
    expect(darkOf(bench.air)).toEqual([3]);
    const staged = await panel.stage({ ...beam(5), enabled: without(9) });
    const sample = await panel.syncClock();
    if (!staged.ok || !sample.ok) throw new Error(JSON.stringify([staged, sample]));
    expect(await panel.arm(staged.value, sample.value.panelSendUs + 1_000_000n)).toMatchObject({ ok: true });
    expect(darkOf(bench.air)).toEqual([3]);
    await expect.poll(() => darkOf(bench.air), { timeout: 10_000 }).toEqual([9]);
    expect(await panel.confirm(staged.value)).toMatchObject({ ok: true, value: { beamId: 5 } });
  });

  it('keeps off under hold what is off, is dark under mute, and has all on in the next beam', async () => {
    const { panel, bench } = await lab();
    expect(await panel.apply({ ...beam(1), enabled: without(3) })).toMatchObject({ ok: true });
    const held = powersOf(bench.air);
    expect(await panel.setSafeState('hold', { enter: true })).toMatchObject({ ok: true });
    expect(powersOf(bench.air)).toEqual(held);
    expect(darkOf(bench.air)).toEqual([3]);
    expect(await panel.setSafeState('mute', { enter: true })).toMatchObject({ ok: true });
    expect(darkOf(bench.air)).toHaveLength(ELEMENTS);
    expect(await panel.apply(beam(2))).toMatchObject({ ok: true });
    expect(darkOf(bench.air)).toEqual([]);
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
    expect(status.ok && Math.abs((status.value.temperatureC ?? NaN) - 25)).toBeLessThan(5);
  });

  it('falls silent by itself when the host does', async () => {
    const { panel, bench } = await lab();
    await panel.apply(beam(1));
    expect(await panel.setSafeState('mute', { silenceMs: 1000 })).toMatchObject({ ok: true });
    expect(bench.bus.words()).toEqual(shown(1));
    await expect.poll(() => bench.bus.words(), { timeout: 10_000 }).toBeUndefined();
    expect(await panel.status()).toMatchObject({ ok: true, value: { state: 'safe', beamId: 0 } });
    expect(await panel.apply(beam(2))).toMatchObject({ ok: false, failure: { reason: 'session-over' } });
    expect(bench.bus.words()).toBeUndefined();
    await panel.connect();
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
    const askedMs = performance.now();
    // The driver has no word for it; its answer is a stray reply to it.
    bench.link.send(encodeFrame({ seq: 9, message: { type: 'select-beam', beamId: 3, position: 3 } }));
    expect(await panel.ping()).toMatchObject({ ok: true });
    const selected = counters.spiWords - before - whole;
    const lookedMs = performance.now() - askedMs;
    expect(bench.bus.words()).toEqual(shown(1));
    expect(bench.bus.weights()).toEqual(weightsOf(1));
    // Among them are looks at the chips, four words each, every 50 ms: more of them when this process was held up.
    expect(selected).toBeLessThan(50 + 4 * Math.floor(lookedMs / 50));
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
    const chips = createBenchBus({ part: benchAir(bench.setting).part(), chip: adar1000 });
    const back = createSerialPanelEnd({ path: firmware.benchPort, baudRate: 921_600 });
    await back.open(chips);
    firmwareLab.afterwards(() => back.close());
    await expect
      .poll(() => panel.status(), { timeout: 10_000 })
      .toMatchObject({ ok: true, value: { state: 'idle', bootCount: 1 } });
    expect(chips.words()).toBeUndefined();
    expect(await panel.apply(beam(3))).toMatchObject({ ok: true });
    expect(chips.words()).toEqual(shown(3));
  });

  it('says fault when a chip does not answer', async () => {
    const { panel, bench } = await firmwareLab.open('host', program, {
      prepare: (bus) => (bus.chips[21].word = () => undefined),
    });
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

  it('does not trust the RAM of chips that have been without supply', async () => {
    const { panel, bench } = await lab();
    await panel.storeBeam(beam(1), 3);
    await panel.apply(beam(2));
    for (const chip of bench.bus.chips) chip.powerCycle();
    await expect.poll(() => panel.status(), { timeout: 10_000 }).toMatchObject({ ok: true, value: { state: 'idle' } });
    let seq = 9;
    const shownWhenAsked = (): ReturnType<typeof bench.bus.words> => {
      bench.link.send(encodeFrame({ seq: seq++, message: { type: 'select-beam', beamId: 3, position: 3 } }));
      return bench.bus.words();
    };
    await expect.poll(shownWhenAsked, { timeout: 10_000, interval: 300 }).toEqual(shown(1));
  });

  it('switches off both amplifiers and chips in a mute, though either would be dark', async () => {
    const { panel, bench } = await lab();
    const vectors = () => bench.bus.chips.flatMap((chip) => [0, 1, 2, 3].map((channel) => chip.radiated(channel)));
    await panel.apply(beam(1));
    expect(vectors().every(({ re, im }) => re === 0 && im === 0)).toBe(false);
    const effects: number[] = [];
    const receive = bench.bus.receive.bind(bench.bus);
    bench.bus.receive = (frame) => {
      if (frame[1] === 0x70) effects.push(frame[4]);
      receive(frame);
    };
    await panel.setSafeState('mute', { enter: true });
    expect(vectors().every(({ re, im }) => re === 0 && im === 0)).toBe(true);
    expect(effects).toContain(2);
  });

  it('counts its starts in the EEPROM', async () => {
    const first = await lab();
    expect([...first.bench.bus.eeprom.subarray(0, 4)]).toEqual([1, 0, 0, 0]);
    expect(await first.panel.status()).toMatchObject({ ok: true, value: { bootCount: 1 } });
    const second = await lab('--boot-count', '9');
    expect(await second.panel.status()).toMatchObject({ ok: true, value: { bootCount: 9 } });
  });

  it('drives an array whose last line and last chip are not full', async () => {
    const [elements, rfChains, users] = [6, 3, 2];
    const args = ['--elements', elements, '--chains', rfChains, '--users', users].map(String);
    const firmware = await firmwareLab.start({ target: 'host', program, args });
    const random = createRandom(5);
    const geometry = { kind: 'ula', elements, spacingWavelengths: 0.5 } as const;
    const scale = 'unit-element';
    const scene = createMovingUsers({ geometry, users, paths: 3, scale, speedMps: 0, carrierGhz: 28, random });
    const array = createSimulatedArray({ elements, rfChains, phaseBits: 7, random, states: adar1000.states() });
    const clock = createRealClock();
    const bus = createBenchBus({ part: createAir({ array, scene, noise: 1, random, clock }).part(), chip: adar1000 });
    const end = createSerialPanelEnd({ path: firmware.benchPort, baudRate: 921_600 });
    await end.open(bus);
    firmwareLab.afterwards(() => end.close());
    const panel = createPanel({ link: createSerialLink({ path: firmware.hostPort, baudRate: 921_600 }), clock, random });
    firmwareLab.afterwards(() => panel.close());
    expect(await connectedWithin(panel)).toMatchObject({ ok: true, value: { elements, rfChains, users } });
    const words = Uint16Array.from({ length: elements * rfChains }, (_, place) => 7 * place);
    expect(await panel.apply({ beamId: 1, phaseBits: 7, words })).toMatchObject({ ok: true });
    expect(bus.words()).toEqual(Int16Array.from(words));
    expect(await panel.measureSnr(1, 100)).toMatchObject({ ok: true, value: { pilots: 100 } });
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
