import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { beamFrames } from '../firmware-protocol/chunking.ts';
import { encodeFrame } from '../firmware-protocol/codec.ts';
import { SESSION_OVER } from '../firmware-protocol/limits.ts';
import type { Request } from '../firmware-protocol/messages.ts';
import { wordsCrc32c } from '../firmware-protocol/packing.ts';
import { fromParts, frobeniusNorm, matmul, multiplyAhB, subtract } from '../core/signal/complex-matrix.ts';
import { sinr, toDb } from '../core/signal/rate.ts';
import { createRandom } from '../core/signal/random.ts';
import { createAir } from './air.ts';
import { createSimulatedArray } from './simulated-array.ts';
import { CHAINS, ELEMENTS, PHASE_BITS, USERS, WORDS, beamWords, chunk, hostWith, patch } from '../test/doubles/panel-host.ts';
import { createVirtualPanel } from './virtual-panel.ts';

const DARK = { beamId: 0, words: new Uint16Array(WORDS) };
const digital = fromParts(CHAINS, USERS, [0.5, -0.25, 1, 0.125], [0, 0.5, -1, 2]);

describe('a virtual panel', () => {
  it('shakes hands and says what it is', () => {
    const { ask } = hostWith({ capabilities: { panelSerial: 'SIM-7', arrayId: 3 } });
    expect(ask({ type: 'hello', minMajor: 1, maxMajor: 1, host: 'test' })).toMatchObject({
      type: 'capabilities',
      panelSerial: 'SIM-7',
      arrayId: 3,
      elements: ELEMENTS,
      rfChains: CHAINS,
      users: USERS,
      phaseBits: PHASE_BITS,
      gainBits: 0,
      features: ['digital-weights', 'snr-report', 'pilot-report', 'beam-memory', 'read-back', 'time-sync', 'patch', 'simulated'],
    });
    expect(ask({ type: 'hello', minMajor: 2, maxMajor: 3, host: 'later' })).toEqual({
      type: 'nack',
      code: 'unsupported-version',
      detail: 1,
    });
    expect(ask({ type: 'ping', nonce: 42 })).toMatchObject({ type: 'pong', nonce: 42 });
  });

  it('keeps staged, latched and radiated apart, and moves a beam as a whole', () => {
    const { ask, panel } = hostWith();
    expect(panel.radiated()).toEqual(DARK);
    expect(ask(chunk(5, 0, 16))).toEqual({ type: 'ack' });
    expect(panel.staged(0)).toMatchObject({ beamId: 5, firstMissing: 16 });
    expect(ask({ type: 'commit', slot: 0, beamId: 5, atUs: 0n })).toEqual({ type: 'nack', code: 'not-staged', detail: 16 });
    expect([panel.latched(), panel.radiated()]).toEqual([DARK, DARK]);
    expect(ask(chunk(5, 16, 16))).toEqual({ type: 'ack' });
    expect(panel.radiated()).toEqual(DARK);
    expect(ask({ type: 'commit', slot: 0, beamId: 5, atUs: 0n })).toMatchObject({
      type: 'committed',
      beamId: 5,
      wordsCrc32c: wordsCrc32c(beamWords(5)),
    });
    expect(panel.latched()).toEqual({ beamId: 5, words: beamWords(5) });
    expect(panel.radiated()).toEqual({ beamId: 5, words: beamWords(5) });
  });

  it('takes a chunk any number of times and empties the slot for another beam', () => {
    const { ask, panel } = hostWith();
    for (let i = 0; i < 3; i++) ask(chunk(5, 0, 16));
    expect(panel.staged(0).firstMissing).toBe(16);
    ask(chunk(6, 16, 16));
    expect(panel.staged(0)).toMatchObject({ beamId: 6, firstMissing: 0 });
    expect(ask({ type: 'commit', slot: 0, beamId: 5, atUs: 0n })).toEqual({ type: 'nack', code: 'not-staged', detail: 0 });
  });

  it('does not let later chunks reach into the radiated beam', () => {
    const { ask, panel, showBeam } = hostWith();
    showBeam(5);
    const before = panel.radiatedPrecoder();
    ask(chunk(6, 0, 16));
    expect(panel.radiated().words).toEqual(beamWords(5));
    expect(panel.radiatedPrecoder()).toEqual(before);
  });

  it('waits for all weights of a D that was begun', () => {
    const { ask } = hostWith();
    ask(chunk(5, 0, WORDS));
    const weights = new Float32Array([1, 0]);
    expect(ask({ type: 'set-digital', slot: 0, beamId: 5, users: USERS, offset: 0, weights })).toEqual({ type: 'ack' });
    const refused = ask({ type: 'commit', slot: 0, beamId: 5, atUs: 0n });
    expect(refused).toEqual({ type: 'nack', code: 'not-staged', detail: WORDS + 1 });
  });

  it('answers a commit that is tried again, and refuses an older one', () => {
    const { ask, showBeam, panel, clock } = hostWith();
    const first = showBeam(5);
    expect(ask({ type: 'commit', slot: 0, beamId: 5, atUs: 0n })).toEqual(first);
    showBeam(6);
    ask(chunk(5, 0, WORDS));
    expect(ask({ type: 'commit', slot: 0, beamId: 5, atUs: 0n })).toEqual({ type: 'nack', code: 'stale-beam', detail: 6 });
    expect(panel.radiated().beamId).toBe(6);
    expect(clock.pendingTimers()).toBe(0);
  });

  it('starts the order of beam ids anew with each session, and goes on radiating meanwhile', () => {
    const { ask, showBeam, panel } = hostWith();
    showBeam(9);
    ask(chunk(10, 0, 16));
    ask({ type: 'hello', minMajor: 1, maxMajor: 1, host: 'again' });
    expect(panel.radiated().beamId).toBe(9);
    expect(panel.staged(0)).toMatchObject({ beamId: 0, firstMissing: 0 });
    expect(showBeam(1)).toMatchObject({ type: 'committed', beamId: 1 });
  });

  it('answers the same request under the same number with the same bytes, and carries it out once', () => {
    const { ask, received, showBeam } = hostWith();
    showBeam(5);
    const measure: Request = { type: 'measure-snr', beamId: 5, pilots: 8 };
    ask(measure, 77);
    ask(measure, 77);
    ask(measure, 78);
    const [first, again, another] = received.slice(-3);
    expect(again).toEqual(first);
    expect(another.slice(4)).not.toEqual(first.slice(4));
  });

  it('carries out every hello, also that of a host which has restarted and counts from the same number', () => {
    const { ask, showBeam } = hostWith();
    const hello = { type: 'hello', minMajor: 1, maxMajor: 1, host: 'bench' } as const;
    ask(hello, 1);
    expect(showBeam(9)).toMatchObject({ type: 'committed', beamId: 9 });
    ask(hello, 1);
    // A new session: ids count from the start again, which they would not do had the hello been answered from memory.
    expect(showBeam(1)).toMatchObject({ type: 'committed', beamId: 1 });
  });

  it('does not answer from the memory of the life before a reset', () => {
    const { ask, panel } = hostWith({
      behaviours: [{ do: 'reset', direction: 'to-host', messages: ['committed'], nth: 1, moment: 'before' }],
    });
    const commit: Request = { type: 'commit', slot: 0, beamId: 5, atUs: 0n };
    ask(chunk(5, 0, WORDS));
    expect(ask(commit, 40)).toBeUndefined();
    expect(ask(commit, 40)).toMatchObject({ type: 'nack', code: 'not-staged' });
    expect(panel.radiated().beamId).toBe(0);
  });

  it('has forgotten its stored beams and its safe state after a reset, and waits in the dark', async () => {
    const { ask, panel, clock } = hostWith();
    ask(chunk(5, 0, WORDS));
    expect(ask({ type: 'store-beam', slot: 0, beamId: 5, position: 0 })).toEqual({ type: 'ack' });
    ask({ type: 'set-safe-state', state: 'codeword', position: 0, silenceMs: 50, enter: false });
    panel.reset();
    await clock.advanceTo(1000);
    expect(panel.radiated().words).toEqual(new Uint16Array(WORDS));
    expect(ask({ type: 'get-status' })).toMatchObject({ state: 'idle', beamId: 0, bootCount: 2 });
    expect(ask({ type: 'select-beam', position: 0, beamId: 6 })).toMatchObject({ type: 'nack', code: 'not-staged' });
  });

  it('says nothing of the life before a reset, not even again', async () => {
    const { ask, panel, clock, received } = hostWith({ answerMs: 5 });
    ask(chunk(5, 0, WORDS));
    const commit: Request = { type: 'commit', slot: 0, beamId: 5, atUs: 0n };
    ask(commit, 40);
    await clock.advanceTo(10);
    const before = received.length;
    ask(commit, 40);
    panel.reset();
    await clock.runUntilIdle();
    expect(received.length).toBe(before);
  });

  it('is gone once closed: it hears nothing, says nothing and leaves no timer', async () => {
    const { ask, panel, clock, received } = hostWith({ answerMs: 5 });
    ask({ type: 'set-safe-state', state: 'mute', position: 0, silenceMs: 50, enter: false });
    ask({ type: 'ping', nonce: 1 });
    panel.close();
    ask({ type: 'ping', nonce: 2 });
    await clock.advanceTo(10);
    expect(received).toHaveLength(0);
    expect(clock.pendingTimers()).toBe(0);
  });

  it('reads back what is staged and what is radiated', () => {
    const { ask, showBeam } = hostWith();
    showBeam(5);
    ask(chunk(6, 0, 16));
    const read = (source: 'staged' | 'radiated') => ask({ type: 'read-phases', source, slot: 0, offset: 8, count: 8 });
    expect(read('radiated')).toMatchObject({ beamId: 5, offset: 8, words: beamWords(5).slice(8, 16) });
    expect(read('staged')).toMatchObject({ beamId: 6, offset: 8, words: beamWords(6).slice(8, 16) });
  });

  it('stores beams and radiates them under a new id', () => {
    const { ask, panel, showBeam } = hostWith();
    ask(chunk(5, 0, WORDS));
    expect(ask({ type: 'store-beam', slot: 0, beamId: 5, position: 2 })).toEqual({ type: 'ack' });
    expect(panel.radiated()).toEqual(DARK);
    showBeam(6);
    expect(ask({ type: 'select-beam', position: 2, beamId: 7 })).toMatchObject({ type: 'committed', beamId: 7 });
    expect(panel.radiated()).toEqual({ beamId: 7, words: beamWords(5) });
    expect(ask({ type: 'select-beam', position: 2, beamId: 7 })).toMatchObject({ type: 'committed', beamId: 7 });
    expect(ask({ type: 'select-beam', position: 3, beamId: 8 })).toMatchObject({ type: 'nack', code: 'not-staged' });
  });

  it.each<[string, Request, object]>([
    ['a slot it has not', { ...chunk(5, 0, 8), slot: 2 } as Request, { code: 'no-such-slot', detail: 2 }],
    ['words beyond N·M', { ...chunk(5, 0, 8), offset: WORDS - 4 } as Request, { code: 'wrong-dimensions', detail: 32 }],
    ['another Q', { ...chunk(5, 0, 8), phaseBits: 7 } as Request, { code: 'wrong-bits', detail: PHASE_BITS }],
    ['SNR of another beam', { type: 'measure-snr', beamId: 5, pilots: 9 }, { code: 'beam-mismatch', detail: 4 }],
    ['a user it has not', { type: 'measure-pilots', beamId: 4, user: 2, pilots: 9 }, { code: 'wrong-dimensions', detail: 2 }],
    ['a memory position it has not', { type: 'select-beam', position: 99, beamId: 5 }, { code: 'wrong-dimensions', detail: 16 }],
  ])('refuses %s, and changes nothing', (_name, request, refusal) => {
    const { ask, showBeam, panel } = hostWith();
    showBeam(4);
    const before = panel.radiated();
    expect(ask(request)).toMatchObject({ type: 'nack', ...refusal });
    expect(panel.radiated()).toEqual(before);
  });

  it('refuses what needs a feature that it was built without', () => {
    const { ask, showBeam } = hostWith({ capabilities: { features: ['snr-report'] } });
    expect(ask({ type: 'read-phases', source: 'radiated', slot: 0, offset: 0, count: 1 })).toMatchObject({
      code: 'unsupported-message',
    });
    expect(showBeam(1)).toMatchObject({ type: 'committed' });
    expect(ask({ type: 'commit', slot: 0, beamId: 2, atUs: 9_000n })).toMatchObject({
      code: 'unsupported-message',
      detail: 0x12,
    });
    expect(ask({ type: 'cancel-commit', beamId: 2, atUs: 5n })).toMatchObject({ code: 'unsupported-message', detail: 0x16 });
    expect(ask({ type: 'sync-time', hostSendUs: 1n })).toMatchObject({ code: 'unsupported-message', detail: 0x50 });
    expect(ask({ type: 'challenge', hostNonce: 1n })).toMatchObject({ code: 'unsupported-message', detail: 0x60 });
    expect(ask(patch(2, 1, [0]))).toMatchObject({ code: 'unsupported-message', detail: 0x17 });
    expect(() => hostWith({ capabilities: { features: ['element-gain'] } })).toThrow(/no 'element-gain'/);
    expect(() => hostWith({ capabilities: { features: ['authentication'] } })).toThrow(/without a key/);
  });

  it('survives any bytes, counts the bad ones and still knows its beam', () => {
    const { sendBytes, showBeam, panel, ask } = hostWith();
    showBeam(5);
    const before = panel.radiated();
    const good = encodeFrame({ seq: 9, message: { type: 'commit', slot: 0, beamId: 6, atUs: 0n } });
    fc.assert(fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => sendBytes(bytes)));
    for (let bit = 0; bit < 8 * good.length; bit++) {
      const bad = good.slice();
      bad[bit >> 3] ^= 1 << (bit & 7);
      sendBytes(bad);
    }
    expect(panel.radiated()).toEqual(before);
    const status = ask({ type: 'get-status' });
    expect(status).toMatchObject({ state: 'radiating', beamId: 5 });
    expect(status?.type === 'status' && status.badFrames).toBeGreaterThanOrEqual(8 * good.length);
  });
});

describe('what the panel radiates and reports', () => {
  it('is what its array makes of words and D, element faults included', () => {
    const { showBeam, panel, array } = hostWith();
    showBeam(5, beamWords(5), digital);
    const expected = array.radiatedPrecoder(beamWords(5), digital, 0);
    expect(frobeniusNorm(subtract(panel.radiatedPrecoder(), expected))).toBeLessThan(1e-6 * frobeniusNorm(expected));
  });

  it('shows a dead element as power that is missing', () => {
    const random = createRandom(1);
    const withDead = (deadElements: number[]) => {
      const impairments = { deadElements };
      const array = createSimulatedArray({ elements: ELEMENTS, rfChains: CHAINS, phaseBits: PHASE_BITS, random, impairments });
      const { showBeam, panel } = hostWith({ array });
      showBeam(5);
      return frobeniusNorm(panel.radiatedPrecoder()) ** 2;
    };
    expect(withDead([]) - withDead([3, 4])).toBeCloseTo(2 * CHAINS, 9);
  });

  it('changes with the temperature while the beam stays the same', () => {
    const random = createRandom(1);
    const impairments = { temperatureDriftDegPerMinute: 20 };
    const array = createSimulatedArray({ elements: ELEMENTS, rfChains: CHAINS, phaseBits: PHASE_BITS, random, impairments });
    const { showBeam, panel, clock } = hostWith({ array });
    showBeam(5);
    const before = panel.radiatedPrecoder();
    return clock.advanceTo(60_000).then(() => {
      expect(panel.radiated()).toEqual({ beamId: 5, words: beamWords(5) });
      expect(frobeniusNorm(subtract(panel.radiatedPrecoder(), before))).toBeGreaterThan(0.1);
    });
  });

  it('gives SNR near the truth on the channel as it stands, named with the beam', () => {
    const { ask, showBeam, panel, scene } = hostWith();
    showBeam(5, beamWords(5), digital);
    for (const timeS of [0, 1, 2]) {
      scene.moveTo(timeS);
      const truth = sinr(scene.channel(), panel.radiatedPrecoder(), 0.1);
      expect(panel.trueSinr()).toEqual(truth);
      const report = ask({ type: 'measure-snr', beamId: 5, pilots: 100_000 });
      expect(report).toMatchObject({ type: 'snr-report', beamId: 5, pilots: 100_000, firstUser: 0 });
      if (report?.type !== 'snr-report') return;
      truth.forEach((value, user) => expect(report.snrCentiDb[user] / 100).toBeCloseTo(toDb(value), 0));
    }
  });

  it('reports with noise that is set from outside', () => {
    const { showBeam, panel } = hostWith();
    showBeam(5);
    panel.setNoise(1e9);
    for (const value of panel.trueSinr()) expect(value).toBeLessThan(1e-6);
    expect(() => panel.setNoise(0)).toThrow(/noise is 0/);
  });

  it('says how many pilots it took when fewer were asked for than it takes to tell signal from noise', () => {
    const { ask, showBeam } = hostWith();
    showBeam(5);
    expect(ask({ type: 'measure-snr', beamId: 5, pilots: 1 })).toMatchObject({ type: 'snr-report', pilots: 3 });
  });

  it('hears each chain as the channel and the array have it', () => {
    const { ask, showBeam, array, scene } = hostWith();
    showBeam(5, beamWords(5), digital);
    const heard = matmul(scene.channel(), array.radiatedAnalog(beamWords(5), 0));
    for (let user = 0; user < USERS; user++) {
      const report = ask({ type: 'measure-pilots', beamId: 5, user, pilots: 1_000_000 });
      if (report?.type !== 'pilot-report') throw new Error('no pilot report');
      for (let m = 0; m < CHAINS; m++) {
        expect(report.values[2 * m]).toBeCloseTo(heard.re[user * CHAINS + m], 2);
        expect(report.values[2 * m + 1]).toBeCloseTo(heard.im[user * CHAINS + m], 2);
      }
    }
  });

  it('drives chain k with stream k when a beam comes without D', () => {
    const { showBeam, panel } = hostWith();
    showBeam(5);
    const gram = multiplyAhB(panel.radiatedPrecoder(), panel.radiatedPrecoder());
    for (let k = 0; k < USERS; k++) expect(gram.re[k * USERS + k] / ELEMENTS).toBeCloseTo(1, 0);
  });
});

describe('two panels of one array', () => {
  it('drive their own elements, are told apart by nothing on the air, and hear what both radiate', () => {
    const { clock, array, scene } = hostWith();
    const random = createRandom(2);
    const air = createAir({ array, scene, noise: 0.1, random, clock });
    const halves = [0, 1].map((half) => {
      const own = Array.from({ length: ELEMENTS / 2 }, (_, i) => half * (ELEMENTS / 2) + i);
      const settings = { clock, random: random.stream(`panel ${half}`), capabilities: { panelSerial: `HALF-${half}` } };
      return createVirtualPanel({ ...settings, air: air.part(own) });
    });
    const whole = beamWords(5);
    halves.forEach((panel, half) => {
      expect(panel.capabilities).toMatchObject({ elements: ELEMENTS / 2, rfChains: CHAINS, users: USERS });
      const words = whole.slice((half * WORDS) / 2, ((half + 1) * WORDS) / 2);
      const frames = beamFrames({ slot: 0, beamId: 5, phaseBits: PHASE_BITS, words, maxPayloadBytes: 1024, firstSeq: 0 });
      for (const frame of frames) panel.receive(encodeFrame(frame));
      expect(panel.radiated()).toEqual({ beamId: 5, words });
    });
    const { showBeam, panel: alone } = hostWith({ array, scene, clock });
    showBeam(5, whole);
    for (const panel of halves) {
      expect(frobeniusNorm(subtract(panel.radiatedPrecoder(), alone.radiatedPrecoder()))).toBeLessThan(1e-9);
      expect(panel.trueSinr()).toEqual(halves[0].trueSinr());
    }
    expect(() => halves[0].fault(1)).not.toThrow();
    expect(frobeniusNorm(halves[1].radiatedPrecoder())).toBeLessThan(frobeniusNorm(alone.radiatedPrecoder()));
  });
});

describe('the safe state', () => {
  const mute: Request = { type: 'set-safe-state', state: 'mute', position: 0, silenceMs: 200, enter: false };

  it('comes by itself when the host falls silent', async () => {
    const { ask, showBeam, panel, clock } = hostWith();
    ask(mute);
    showBeam(5);
    await clock.advanceTo(150);
    ask({ type: 'ping', nonce: 1 });
    await clock.advanceTo(349);
    expect(panel.radiated().beamId).toBe(5);
    await clock.advanceTo(351);
    expect(panel.radiated()).toEqual(DARK);
    expect(frobeniusNorm(panel.radiatedPrecoder())).toBe(0);
    expect(ask({ type: 'get-status' })).toMatchObject({ state: 'safe', beamId: 0 });
    expect(ask({ type: 'measure-snr', beamId: 5, pilots: 9 })).toMatchObject({ code: 'beam-mismatch', detail: 0 });
  });

  it('is left by no beam of the session that silence ended, then by a new one, and the watch goes on', async () => {
    const { ask, showBeam, panel, clock } = hostWith();
    ask(mute);
    showBeam(5);
    await clock.advanceTo(500);
    for (const beamId of [5, 6, 0xffff_ffff]) {
      expect(ask({ type: 'commit', slot: 0, beamId, atUs: 0n })).toMatchObject({ code: 'stale-beam', detail: SESSION_OVER });
    }
    const words = beamWords(6);
    expect(ask({ type: 'set-phases', slot: 0, beamId: 6, offset: 0, phaseBits: PHASE_BITS, words })).toMatchObject({
      code: 'stale-beam',
      detail: SESSION_OVER,
    });
    expect(panel.radiated()).toEqual(DARK);
    ask({ type: 'hello', minMajor: 1, maxMajor: 1, host: 'bench' });
    showBeam(6);
    expect(panel.radiated().beamId).toBe(6);
    await clock.advanceTo(1000);
    expect(panel.radiated()).toEqual(DARK);
  });

  it('keeps the session when it was commanded, however long the host is silent then', async () => {
    const { ask, showBeam, panel, clock } = hostWith();
    ask({ ...mute, enter: true });
    showBeam(5);
    ask({ ...mute, enter: true });
    await clock.advanceTo(60_000);
    showBeam(6);
    expect(panel.radiated().beamId).toBe(6);
  });

  it('is not entered by garbage being silence too, nor put off by it', async () => {
    const { ask, showBeam, panel, clock, sendBytes } = hostWith();
    ask(mute);
    showBeam(5);
    await clock.advanceTo(150);
    sendBytes(new Uint8Array([1, 2, 3]));
    await clock.advanceTo(201);
    expect(panel.radiated()).toEqual(DARK);
  });

  it('may hold the last beam', async () => {
    const { ask, showBeam, panel, clock } = hostWith();
    ask({ ...mute, state: 'hold' });
    showBeam(5);
    await clock.advanceTo(300);
    expect(panel.radiated()).toEqual({ beamId: 5, words: beamWords(5) });
    expect(ask({ type: 'get-status' })).toMatchObject({ state: 'safe', beamId: 5 });
  });

  it('may be a stored beam, at once', () => {
    const { ask, showBeam, panel } = hostWith();
    const codeword: Request = { type: 'set-safe-state', state: 'codeword', position: 1, silenceMs: 0, enter: true };
    expect(ask(codeword)).toMatchObject({ code: 'not-staged' });
    ask(chunk(4, 0, WORDS));
    ask({ type: 'store-beam', slot: 0, beamId: 4, position: 1 });
    showBeam(5);
    expect(ask(codeword)).toEqual({ type: 'ack' });
    expect(panel.radiated()).toEqual({ beamId: 0, words: beamWords(4) });
  });
});

describe('the same seed and the same virtual time', () => {
  const story = async (seed: number): Promise<Uint8Array[]> => {
    const { ask, showBeam, clock, received } = hostWith({
      seed,
      behaviours: [
        { do: 'corrupt', direction: 'to-host', probability: 0.2 },
        { do: 'delay', delayMs: 1, jitterMs: 5, probability: 0.3 },
      ],
    });
    for (let beamId = 1; beamId < 20; beamId++) {
      showBeam(beamId, beamWords(beamId), digital);
      ask({ type: 'measure-snr', beamId, pilots: 16 });
      await clock.advanceTo(beamId * 10);
    }
    return received;
  };

  it('give the same bytes, faults included', async () => {
    const first = await story(3);
    expect(first.length).toBeGreaterThan(50);
    expect(await story(3)).toEqual(first);
    expect(await story(4)).not.toEqual(first);
  });
});
