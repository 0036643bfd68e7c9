/** The bench bus in bytes: transfers, weights, readings and memory, as a board's firmware would send them. */
import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { createVirtualClock } from '../../core/clock/virtual-clock.ts';
import { crc32c } from '../crc32c.ts';
import { createRandom } from '../../core/signal/random.ts';
import type { Air } from '../../hil-sim/air.ts';
import { createAir } from '../../hil-sim/air.ts';
import type { BenchBus } from './bench-bus.ts';
import { createBenchBus } from './bench-bus.ts';
import { adar1000 } from '../../hil-sim/chips/adar1000.ts';
import { createMovingUsers } from '../../hil-sim/scene.ts';
import { createSimulatedArray } from '../../hil-sim/simulated-array.ts';

const ELEMENTS = 16;
const CHAINS = 2;
const USERS = 2;

let bus: BenchBus;
let air: Air;
let replies: Uint8Array[];

function airOf(elements: number, rfChains: number): Air {
  const random = createRandom(3);
  const geometry = { kind: 'ula', elements, spacingWavelengths: 0.5 } as const;
  const walk = { paths: 3, scale: 'unit-element', speedMps: 0, carrierGhz: 28 } as const;
  const scene = createMovingUsers({ geometry, users: USERS, ...walk, random });
  const array = createSimulatedArray({ elements, rfChains, phaseBits: 7, random, states: adar1000.states() });
  return createAir({ array, scene, noise: 1, random, clock: createVirtualClock() });
}

beforeEach(() => {
  air = airOf(ELEMENTS, CHAINS);
  bus = createBenchBus({ part: air.part(), chip: adar1000 });
  replies = [];
  bus.onSend((frame) => replies.push(frame));
});

function frame(type: number, payload: readonly number[], number = 7): Uint8Array {
  const bytes = Uint8Array.from([0x10, type, number & 0xff, number >> 8, ...payload, 0, 0, 0, 0]);
  new DataView(bytes.buffer).setUint32(bytes.length - 4, crc32c(bytes, 0, bytes.length - 4), true);
  return bytes;
}

/** Sends a request; what stands in the reply after its header: the status, then the body. */
function ask(type: number, payload: readonly number[]): number[] {
  replies = [];
  bus.receive(frame(type, payload));
  expect(replies).toHaveLength(1);
  expect([...replies[0].subarray(0, 4)]).toEqual([0x10, type | 0x80, 7, 0]);
  return [...replies[0].subarray(4, -4)];
}

const u32 = (value: number): number[] => [value & 0xff, (value >>> 8) & 0xff, (value >>> 16) & 0xff, value >>> 24];
const segment = (lines: number, ...words: number[]): number[] => [
  ...u32(lines),
  words.length,
  0,
  ...words.flatMap((word) => [word >> 16, (word >> 8) & 0xff, word & 0xff]),
];
const ALL = 0b11;
const AMPLIFIERS_OFF = 2;
const AMPLIFIERS_ON = 4;
const LOAD_WEIGHTS = 1;
/** For the chips of all addresses and all lines. */
const everywhere = (...words: number[]): number[] =>
  segment(ALL, ...[0, 1, 2, 3].flatMap((address) => words.map((word) => word | (address << 21))));
const READY = [0x002f7f, 0x003142, 0x003860, 0x001cff, 0x001dff, 0x001eff, 0x001fff];
const ZERO_DEGREES = [0x00203f, 0x002120, 0x00223f, 0x002320, 0x00243f, 0x002520, 0x00263f, 0x002720];
const LOAD = 0x002802;

describe('the bench bus', () => {
  it('radiates what its chips were told, all at the end of a transfer', () => {
    const moments: boolean[] = [];
    bus.onRadiated(() => moments.push(bus.words() !== undefined));
    expect(bus.words()).toBeUndefined();
    expect(ask(0x70, [0, ...everywhere(...READY, ...ZERO_DEGREES)])).toEqual([0]);
    expect(bus.words()).toBeUndefined();
    // Line 1, address 2, channel 3: place 16 + 8 + 2 shows 90°, word 32.
    ask(0x70, [AMPLIFIERS_ON, ...segment(0b10, 0x402421, 0x40253d), ...everywhere(LOAD)]);
    const expected = new Int16Array(ELEMENTS * CHAINS);
    expected[26] = 32;
    expect(bus.words()).toEqual(expected);
    expect(moments).toEqual([false, true]);
    const precoder = air.precoder();
    expect(Math.hypot(precoder.re[0], precoder.im[0])).toBeCloseTo(31 / 30.167, 3);
  });

  it('says -1 of a vector that is no state of the table', () => {
    ask(0x70, [AMPLIFIERS_ON, ...everywhere(...READY, ...ZERO_DEGREES), ...segment(1, 0x00203e), ...everywhere(LOAD)]);
    expect(bus.words()?.[0]).toBe(-1);
    expect(bus.words()?.[1]).toBe(0);
  });

  it('is dark while the amplifiers are off, whatever the chips show', () => {
    ask(0x70, [AMPLIFIERS_ON, ...everywhere(...READY, ...ZERO_DEGREES, LOAD)]);
    expect(air.trueSinr().some((sinr) => sinr > 0)).toBe(true);
    ask(0x70, [AMPLIFIERS_OFF]);
    expect(bus.words()).toBeUndefined();
    expect([...air.trueSinr()]).toEqual([0, 0]);
  });

  it('loads weights in the moment of the transfer and not when they are staged', () => {
    const weights = Float32Array.from([1, 0, 0.5, -0.5, 0, 1, 0.25, 0]);
    const payload = [CHAINS, 0, USERS, 0, ...new Uint8Array(weights.buffer)];
    expect(ask(0x71, payload)).toEqual([0]);
    expect(bus.weights()).toBeUndefined();
    ask(0x70, [LOAD_WEIGHTS]);
    expect(bus.weights()).toEqual(weights);
    expect(ask(0x71, [0, 0, 0, 0])).toEqual([0]);
    ask(0x70, [LOAD_WEIGHTS]);
    expect(bus.weights()).toBeUndefined();
  });

  it('gives what chips read out, in order, and a high line where none answers', () => {
    ask(0x70, [0, ...everywhere(0x000018), ...segment(0b10, 0x200a5a)]);
    expect(ask(0x70, [0, ...segment(0b10, 0xa00a00), ...segment(0b01, 0xa00a00), ...segment(0b100, 0xa00a00)])).toEqual([
      0, 0x5a, 0x00, 0xff,
    ]);
  });

  it('measures what the users hear of this beam', () => {
    ask(0x70, [AMPLIFIERS_ON, ...everywhere(...READY, ...ZERO_DEGREES, LOAD)]);
    const snr = ask(0x72, u32(100_000));
    const view = new DataView(Uint8Array.from(snr).buffer);
    expect([snr[0], snr.length, view.getUint32(1, true)]).toEqual([0, 5 + 2 * USERS, 100_000]);
    air.trueSinr().forEach((sinr, user) => expect(view.getInt16(5 + 2 * user, true) / 100).toBeCloseTo(10 * Math.log10(sinr), 0));
    expect(ask(0x73, [...u32(10), 1, 0])).toHaveLength(5 + 8 * CHAINS);
    expect(ask(0x74, [])).toEqual([0, 0xc4, 0x09]);
  });

  it('keeps what is written to its EEPROM', () => {
    expect(ask(0x76, [250, 0, 1, 2, 3])).toEqual([0]);
    expect(ask(0x75, [249, 0, 5, 0])).toEqual([0, 0, 1, 2, 3, 0]);
  });

  it.each([
    ['an unknown effect', 0x70, [8]],
    ['half a segment', 0x70, [0, 1, 0, 0]],
    // The words before it in the same frame would switch a channel off.
    ['a segment longer than its payload', 0x70, [2, ...everywhere(0x002f00), ...u32(ALL), 200, 0, 0, 0x28, 2]],
    ['fewer words than it says', 0x70, [0, ...u32(1), 2, 0, 1, 2, 3]],
    ['weights for another array', 0x71, [3, 0, 2, 0]],
    [
      'weights that are not numbers',
      0x71,
      [2, 0, 2, 0, ...new Uint8Array(Float32Array.from(new Array<number>(8).fill(NaN)).buffer)],
    ],
    ['no pilots', 0x72, u32(0)],
    ['a user who is not there', 0x73, [...u32(5), USERS, 0]],
    ['memory beyond its end', 0x75, [250, 0, 7, 0]],
    ['a write beyond its end', 0x76, [255, 0, 1, 2]],
    ['an unknown request', 0x7f, []],
  ])('refuses %s, and nothing changes', (_what, type, payload) => {
    ask(0x70, [AMPLIFIERS_ON, ...everywhere(...READY, ...ZERO_DEGREES, LOAD)]);
    const before = [bus.words(), bus.weights(), bus.eeprom.slice()];
    expect(ask(type, payload)).toEqual([1]);
    expect([bus.words(), bus.weights(), bus.eeprom]).toEqual(before);
    expect(bus.counters.refused).toBe(1);
  });

  it('passes over damaged frames and replies in silence, and takes any bytes', () => {
    const damaged = frame(0x74, []);
    damaged[2] ^= 1;
    bus.receive(damaged);
    bus.receive(frame(0xf4, []));
    expect(replies).toEqual([]);
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 255 }), fc.uint8Array({ maxLength: 60 }), (type, payload) => {
        bus.receive(payload);
        bus.receive(frame(type, [...payload]));
      }),
    );
  });

  it('cannot have more chips than its select lines reach', () => {
    expect(() => createBenchBus({ part: airOf(129, 4).part(), chip: adar1000 })).toThrow(/516 places are more than the 512/);
  });
});
