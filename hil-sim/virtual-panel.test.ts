import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeFrame } from '../firmware-protocol/codec.ts';
import { FEATURES, type Request } from '../firmware-protocol/messages.ts';
import { wordsCrc32c } from '../firmware-protocol/packing.ts';
import {
  CHAINS,
  DARK,
  DIGITAL,
  ELEMENTS,
  PHASE_BITS,
  USERS,
  WORDS,
  beamWords,
  chunk,
  hostWith,
  patch,
} from '../test/doubles/panel-host.ts';

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
      gainBits: 5,
      features: FEATURES.filter((feature) => feature !== 'authentication'),
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
      showBeam(beamId, beamWords(beamId), DIGITAL);
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
