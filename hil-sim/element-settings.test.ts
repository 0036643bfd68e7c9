/** Enables and gains of elements: part of the staged beam, and of what is radiated. */
import { describe, expect, it } from 'vitest';
import type { CMatrix } from '../core/signal/complex-matrix.ts';
import { createRandom } from '../core/signal/random.ts';
import type { Request } from '../firmware-protocol/messages.ts';
import { beamCrc32c, wordsCrc32c } from '../firmware-protocol/packing.ts';
import {
  CHAINS,
  ELEMENTS,
  PHASE_BITS,
  USERS,
  WORDS,
  beamWords,
  chunk,
  commitAt,
  hostWith,
  patch,
} from '../test/doubles/panel-host.ts';
import { createAir } from './air.ts';
import { createSimulatedArray } from './simulated-array.ts';

const GAIN_BITS = 5;
const ACK = { type: 'ack' } as const;

const enables = (beamId: number, enabled: Uint8Array, offset = 0): Request => ({
  type: 'set-enables',
  slot: 0,
  beamId,
  offset,
  enabled,
});
const gains = (beamId: number, words: Uint16Array, offset = 0): Request => ({
  type: 'set-gains',
  slot: 0,
  beamId,
  gainBits: GAIN_BITS,
  offset,
  gains: words,
});
/** All places of these elements off. */
const without = (...elements: number[]): Uint8Array =>
  Uint8Array.from({ length: WORDS }, (_, place) => (elements.includes(Math.floor(place / CHAINS)) ? 0 : 1));
const rising = Uint16Array.from({ length: WORDS }, (_, place) => place);
const commit = (beamId: number): Request => commitAt(beamId, 0);
const safe = (state: 'mute' | 'hold', enter: boolean, silenceMs = 0): Request => ({
  type: 'set-safe-state',
  state,
  position: 0,
  silenceMs,
  enter,
});
const DARK_POWERS = new Array<number>(ELEMENTS).fill(0);

/** |X_nk|² summed over k, of each element. */
const powers = ({ re, im, cols }: CMatrix): number[] =>
  Array.from({ length: ELEMENTS }, (_, n) => {
    let power = 0;
    for (let at = n * cols; at < (n + 1) * cols; at++) power += re[at] ** 2 + im[at] ** 2;
    return power;
  });

describe('elements that are off', () => {
  it('radiate nothing, exactly they, and the next beam has all on again', () => {
    const { ask, showBeam, panel } = hostWith();
    showBeam(4, beamWords(5));
    const whole = powers(panel.radiatedPrecoder());
    ask(chunk(5, 0, WORDS));
    expect(ask(enables(5, without(3, 7)))).toEqual(ACK);
    const enabled = without(3, 7);
    expect(ask(commit(5))).toMatchObject({ type: 'committed', wordsCrc32c: beamCrc32c({ words: beamWords(5), enabled }) });
    expect(powers(panel.radiatedPrecoder())).toEqual(whole.map((power, n) => (n === 3 || n === 7 ? 0 : power)));
    // Words are told as they are, of places that are off too.
    expect(panel.radiated()).toEqual({ beamId: 5, words: beamWords(5) });
    expect(showBeam(6, beamWords(5))).toMatchObject({ type: 'committed', wordsCrc32c: wordsCrc32c(beamWords(5)) });
    expect(powers(panel.radiatedPrecoder())).toEqual(whole);
  });

  it('can be off for one chain alone', () => {
    const { ask, panel, array } = hostWith();
    const enabled = without();
    enabled[3 * CHAINS + 1] = 0;
    for (const request of [chunk(5, 0, WORDS), enables(5, enabled), commit(5)]) ask(request);
    const { re, im } = panel.radiatedPrecoder();
    const all = array.radiatedAnalog(beamWords(5), 0);
    // Without D chain k carries stream k.
    expect([re[3 * USERS + 1], im[3 * USERS + 1]]).toEqual([0, 0]);
    expect([re[3 * USERS], im[3 * USERS]]).toEqual([all.re[3 * CHAINS], all.im[3 * CHAINS]]);
  });

  it('are off on the elements of their own panel, of two that share an array', () => {
    const { clock, array, scene } = hostWith();
    const air = createAir({ array, scene, noise: 0.1, random: createRandom(2), clock });
    const odd = Array.from({ length: ELEMENTS / 2 }, (_, i) => 2 * i + 1);
    const even = odd.map((n) => n - 1);
    const words = beamWords(5).slice(0, WORDS / 2);
    air.part(even).drive({ words, weights: undefined });
    const amplitudes = new Float64Array(WORDS / 2).fill(1).fill(0, CHAINS, 2 * CHAINS);
    air.part(odd).drive({ words, weights: undefined, amplitudes });
    const dark = powers(air.precoder()).flatMap((power, n) => (power === 0 ? [n] : []));
    expect(dark).toEqual([3]);
  });

  it('stay off when they are stuck at a word, driven by words or by states', () => {
    const array = createSimulatedArray({
      ...{ elements: ELEMENTS, rfChains: CHAINS, phaseBits: PHASE_BITS, random: createRandom(1) },
      impairments: { stuckElements: [{ element: 3, word: 9 }] },
    });
    const { ask, panel, clock, scene } = hostWith({ array });
    for (const request of [chunk(5, 0, WORDS), enables(5, without(3)), commit(5)]) ask(request);
    expect(powers(panel.radiatedPrecoder())[3]).toBe(0);
    const air = createAir({ array, scene, noise: 0.1, random: createRandom(2), clock });
    const re = Float64Array.from(without(3));
    air.part().driveStates({ re, im: new Float64Array(WORDS), weights: undefined });
    expect(powers(air.precoder())[3]).toBe(0);
  });
});

describe('gains', () => {
  it('are amplitudes (w + 1) / 2^G, full where none were sent', () => {
    const { ask, showBeam, panel } = hostWith();
    showBeam(4, beamWords(5));
    const whole = powers(panel.radiatedPrecoder());
    const sent = Uint16Array.from({ length: WORDS }, (_, place) => Math.floor(place / CHAINS));
    for (const request of [chunk(5, 0, WORDS), gains(5, sent)]) expect(ask(request)).toEqual(ACK);
    expect(ask(commit(5))).toMatchObject({ type: 'committed', wordsCrc32c: beamCrc32c({ words: beamWords(5), gains: sent }) });
    powers(panel.radiatedPrecoder()).forEach((power, n) => expect(power).toBeCloseTo(whole[n] * ((n + 1) / 32) ** 2, 12));
    showBeam(6, beamWords(5));
    expect(powers(panel.radiatedPrecoder())).toEqual(whole);
  });

  it('at the top word are the beam without gains, to the last digit, and off is off at any gain', () => {
    const { ask, showBeam, panel } = hostWith();
    showBeam(4, beamWords(5));
    const whole = powers(panel.radiatedPrecoder());
    const top = new Uint16Array(WORDS).fill(31);
    for (const request of [chunk(5, 0, WORDS), gains(5, top), enables(5, without(0)), commit(5)]) ask(request);
    expect(powers(panel.radiatedPrecoder())).toEqual(whole.map((power, n) => (n === 0 ? 0 : power)));
  });
});

describe('enables and gains of a staged beam', () => {
  it('come in any order and number of chunks, again and again', () => {
    const { ask, panel } = hostWith();
    const enabled = without(2, 15);
    for (const request of [
      gains(5, rising.slice(20), 20),
      enables(5, enabled.slice(0, 20)),
      enables(5, without(), 0),
      chunk(5, 0, WORDS),
      enables(5, enabled),
      gains(5, rising.slice(0, 20)),
      gains(5, rising.slice(0, 20)),
    ]) {
      expect(ask(request)).toEqual(ACK);
    }
    const parts = { words: beamWords(5), enabled, gains: rising };
    expect(ask(commit(5))).toMatchObject({ type: 'committed', wordsCrc32c: beamCrc32c(parts) });
    expect(powers(panel.radiatedPrecoder())[2]).toBe(0);
  });

  it.each<[string, Request[], number]>([
    ['a word', [enables(5, without())], 0],
    ['an enable', [chunk(5, 0, WORDS), enables(5, without().slice(0, 9))], WORDS + CHAINS * USERS + 9],
    ['a gain', [chunk(5, 0, WORDS), enables(5, without()), gains(5, rising.slice(1), 1)], 2 * WORDS + CHAINS * USERS],
  ])('are refused without %s that was begun, and nothing is switched', (_what, staged, missing) => {
    const { ask, panel } = hostWith();
    for (const request of staged) expect(ask(request)).toEqual(ACK);
    const refusal = { type: 'nack', code: 'not-staged', detail: missing };
    expect(ask(commit(5))).toEqual(refusal);
    expect(ask({ type: 'store-beam', slot: 0, beamId: 5, position: 0 })).toEqual(refusal);
    expect(panel.radiated().beamId).toBe(0);
  });

  it.each<[string, Request, object]>([
    ['slots that there are not', { ...enables(5, without()), slot: 2 } as Request, { code: 'no-such-slot', detail: 2 }],
    ['gains of other bits', { ...gains(5, rising), gainBits: 6 } as Request, { code: 'wrong-bits', detail: GAIN_BITS }],
    ['places beyond the last', enables(5, without(), 1), { code: 'wrong-dimensions', detail: WORDS }],
    ['gains beyond the last', gains(5, rising, 1), { code: 'wrong-dimensions', detail: WORDS }],
    ['a beam of the past', enables(3, without()), { code: 'stale-beam', detail: 4 }],
  ])('are refused for %s', (_what, request, refusal) => {
    const { ask, showBeam } = hostWith();
    showBeam(4);
    expect(ask(request)).toEqual({ type: 'nack', ...refusal });
  });

  it('are refused by a panel in fault, and by one that waits for the time of another beam in that slot', () => {
    const { ask, panel } = hostWith();
    ask(chunk(5, 0, WORDS));
    ask(commitAt(5, 50));
    expect(ask(gains(6, rising))).toMatchObject({ type: 'nack', code: 'busy' });
    panel.fault(9);
    expect(ask(enables(6, without()))).toEqual({ type: 'nack', code: 'fault', detail: 9 });
    expect(ask(gains(6, rising))).toEqual({ type: 'nack', code: 'fault', detail: 9 });
  });

  it('wait with their beam for its time, are stored with it and selected again', async () => {
    const { ask, showBeam, panel, clock } = hostWith();
    const enabled = without(3);
    const crc = beamCrc32c({ words: beamWords(5), enabled });
    for (const request of [chunk(5, 0, WORDS), enables(5, enabled), commitAt(5, 50)]) expect(ask(request)).toEqual(ACK);
    // What comes for the beam after it was armed is not of the commit any more.
    ask(enables(5, without()));
    await clock.advanceTo(50);
    expect(ask(commitAt(5, 50))).toMatchObject({ type: 'committed', wordsCrc32c: crc });
    expect(powers(panel.radiatedPrecoder())[3]).toBe(0);
    for (const request of [chunk(6, 0, WORDS), enables(6, enabled)]) ask(request);
    expect(ask({ type: 'store-beam', slot: 0, beamId: 6, position: 1 })).toEqual(ACK);
    showBeam(7);
    expect(powers(panel.radiatedPrecoder())[3]).toBeGreaterThan(0);
    expect(ask({ type: 'select-beam', position: 1, beamId: 8 })).toMatchObject({
      type: 'committed',
      wordsCrc32c: beamCrc32c({ words: beamWords(6), enabled }),
    });
    expect(powers(panel.radiatedPrecoder())[3]).toBe(0);
  });

  it('are not copied by a patch, which may bring its own', () => {
    const { ask, panel } = hostWith();
    for (const request of [chunk(5, 0, WORDS), enables(5, without(3)), gains(5, rising), commit(5)]) ask(request);
    const words = beamWords(5);
    words[0] = beamWords(6)[0];
    expect(ask(patch(6, 5, [0]))).toEqual(ACK);
    expect(ask(commit(6))).toMatchObject({ type: 'committed', wordsCrc32c: wordsCrc32c(words) });
    expect(powers(panel.radiatedPrecoder())[3]).toBeGreaterThan(0);
    const enabled = without(8);
    for (const request of [patch(7, 6, [0]), enables(7, enabled)]) expect(ask(request)).toEqual(ACK);
    words[0] = beamWords(7)[0];
    expect(ask(commit(7))).toMatchObject({ type: 'committed', wordsCrc32c: beamCrc32c({ words, enabled }) });
  });

  it('are muted like everything else, and forgotten: the next beam has all on', () => {
    const { ask, showBeam, panel } = hostWith();
    for (const request of [chunk(5, 0, WORDS), enables(5, without(3)), gains(5, rising), commit(5)]) ask(request);
    ask(safe('mute', true));
    expect(powers(panel.radiatedPrecoder())).toEqual(DARK_POWERS);
    showBeam(6);
    const after = powers(panel.radiatedPrecoder());
    const fresh = hostWith();
    fresh.showBeam(6);
    expect(after).toEqual(powers(fresh.panel.radiatedPrecoder()));
  });

  it('stay as they are under hold, entered by command or by silence', async () => {
    const { ask, panel } = hostWith();
    for (const request of [chunk(5, 0, WORDS), enables(5, without(3)), gains(5, rising), commit(5)]) ask(request);
    const held = powers(panel.radiatedPrecoder());
    expect(held.flatMap((power, n) => (power === 0 ? [n] : []))).toEqual([3]);
    expect(ask(safe('hold', true))).toEqual(ACK);
    expect(powers(panel.radiatedPrecoder())).toEqual(held);
    expect(ask({ type: 'get-status' })).toMatchObject({ state: 'safe', beamId: 5 });

    const silent = hostWith();
    for (const request of [chunk(5, 0, WORDS), enables(5, without(3)), gains(5, rising), commit(5)]) silent.ask(request);
    silent.ask(safe('hold', false, 100));
    await silent.clock.advanceTo(500);
    expect(silent.ask({ type: 'get-status' })).toMatchObject({ state: 'safe', beamId: 5 });
    expect(powers(silent.panel.radiatedPrecoder())).toEqual(held);
  });

  it('are forgotten by a panel that restarts, with the slot that held them and the memory', () => {
    const { ask, showBeam, panel } = hostWith();
    const told = [chunk(5, 0, WORDS), enables(5, without(3)), gains(5, rising)];
    for (const request of [...told, commit(5), { type: 'store-beam', slot: 0, beamId: 5, position: 1 } as const]) ask(request);
    // Half a beam on its way: its enables alone have come.
    ask(enables(6, without(7)));
    panel.reset();
    expect(powers(panel.radiatedPrecoder())).toEqual(DARK_POWERS);
    expect(ask({ type: 'select-beam', position: 1, beamId: 7 })).toEqual({ type: 'nack', code: 'not-staged', detail: 0 });
    expect(ask(commit(6))).toEqual({ type: 'nack', code: 'not-staged', detail: 0 });
    expect(showBeam(6)).toMatchObject({ type: 'committed', wordsCrc32c: wordsCrc32c(beamWords(6)) });
    expect(powers(panel.radiatedPrecoder()).every((power) => power > 0)).toBe(true);
  });
});

describe('a panel without them', () => {
  it.each([{ protocolMinor: 2 as const }, { protocolMinor: 1 as const }, { gainBits: 0, elementEnable: false }])(
    'names neither feature, refuses both and goes on as ever: %o',
    (capabilities) => {
      const { ask, showBeam, panel } = hostWith({ capabilities });
      expect(panel.capabilities.gainBits).toBe(0);
      expect(panel.capabilities.features.filter((feature) => feature.startsWith('element-'))).toEqual([]);
      expect(ask(enables(5, without()))).toEqual({ type: 'nack', code: 'unsupported-message', detail: 0x15 });
      expect(ask(gains(5, rising))).toEqual({ type: 'nack', code: 'unsupported-message', detail: 0x14 });
      expect(showBeam(5)).toMatchObject({ type: 'committed', wordsCrc32c: wordsCrc32c(beamWords(5)) });
    },
  );
});
