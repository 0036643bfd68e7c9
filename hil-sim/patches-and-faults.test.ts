/** Beams as what differs from the one radiated, chunks that come too late, and faults that a panel finds by itself. */
import { describe, expect, it } from 'vitest';
import { patchMessages } from '../firmware-protocol/chunking.ts';
import type { Request } from '../firmware-protocol/messages.ts';
import { fromParts } from '../core/signal/complex-matrix.ts';
import { CHAINS, PHASE_BITS, USERS, WORDS, beamWords, chunk, commitAt, hostWith, patch } from '../test/doubles/panel-host.ts';

const ACK = { type: 'ack' };
const hello: Request = { type: 'hello', minMajor: 1, maxMajor: 1, host: 'test' };
const now = (beamId: number, slot = 0): Request => ({ type: 'commit', slot, beamId, atUs: 0n });

describe('a patch', () => {
  it('is one whole beam after its first message, and the beam meant after its last', () => {
    const { ask, panel, showBeam } = hostWith();
    showBeam(5);
    const messages = patchMessages({
      slot: 1,
      beamId: 6,
      fromBeamId: 5,
      phaseBits: PHASE_BITS,
      from: beamWords(5),
      to: beamWords(6),
      maxPayloadBytes: 64,
    });
    expect(messages.length).toBeGreaterThan(1);
    for (const message of messages) {
      expect(ask(message)).toEqual(ACK);
      expect(panel.staged(1)).toMatchObject({ beamId: 6, firstMissing: undefined });
      expect(panel.radiated()).toEqual({ beamId: 5, words: beamWords(5) });
    }
    expect(ask(now(6, 1))).toMatchObject({ type: 'committed', beamId: 6 });
    expect(panel.radiated()).toEqual({ beamId: 6, words: beamWords(6) });
  });

  it('may be sent any number of times, in any order of its places', () => {
    const { ask, panel, showBeam } = hostWith();
    showBeam(5);
    for (let i = 0; i < 3; i++) expect(ask(patch(6, 5, [31, 0, 7]))).toEqual(ACK);
    const words = beamWords(5);
    for (const place of [0, 7, 31]) words[place] = beamWords(6)[place];
    expect(panel.staged(0)).toEqual({ beamId: 6, words, firstMissing: undefined });
  });

  it('takes the weights of the radiated beam along', () => {
    const { ask, panel, showBeam } = hostWith();
    const digital = fromParts(CHAINS, USERS, [0.5, -0.25, 1, 0.125], [0, 0.5, -1, 2]);
    showBeam(5, beamWords(5), digital);
    const before = panel.radiatedPrecoder();
    ask({ ...patch(6, 5, [0]), words: beamWords(5).slice(0, 1) });
    ask(now(6));
    expect(panel.radiated().beamId).toBe(6);
    expect(panel.radiatedPrecoder()).toEqual(before);
  });

  it('may be given weights of its own', () => {
    const { ask, showBeam } = hostWith();
    showBeam(5);
    ask(patch(6, 5, [0]));
    const weights = new Float32Array(2 * CHAINS * USERS).fill(0.5);
    expect(ask({ type: 'set-digital', slot: 0, beamId: 6, users: USERS, offset: 0, weights })).toEqual(ACK);
    expect(ask(now(6))).toMatchObject({ type: 'committed' });
  });

  it('adds to chunks of its own beam without filling up what has not come', () => {
    const { ask, showBeam } = hostWith();
    showBeam(5);
    ask(chunk(6, 0, 8));
    expect(ask(patch(6, 5, [20]))).toEqual(ACK);
    expect(ask(now(6))).toEqual({ type: 'nack', code: 'not-staged', detail: 8 });
  });

  it.each<[string, Request, object]>([
    ['of a beam that is not radiated', patch(6, 4, [0]), { code: 'beam-mismatch', detail: 5 }],
    [
      'with a place beyond N·M',
      { ...patch(6, 5, [0]), places: Uint16Array.of(WORDS) },
      { code: 'wrong-dimensions', detail: WORDS },
    ],
    ['of another Q', { ...patch(6, 5, [0]), phaseBits: 7 }, { code: 'wrong-bits', detail: PHASE_BITS }],
    ['into a slot it has not', { ...patch(6, 5, [0]), slot: 2 }, { code: 'no-such-slot', detail: 2 }],
    ['of the beam that is radiated, into an empty slot', { ...patch(5, 5, [0]), slot: 1 }, { code: 'stale-beam', detail: 5 }],
  ])('%s is refused, and the slot stays as it is', (_what, request, refusal) => {
    const { ask, panel, showBeam } = hostWith();
    showBeam(5);
    const before = [panel.staged(0), panel.staged(1)];
    expect(ask(request)).toMatchObject({ type: 'nack', ...refusal });
    expect([panel.staged(0), panel.staged(1)]).toEqual(before);
  });

  it('has nothing to start from while the panel is dark, or shows a codeword', () => {
    const { ask, showBeam } = hostWith();
    expect(ask(patch(6, 5, [0]))).toEqual({ type: 'nack', code: 'beam-mismatch', detail: 0 });
    showBeam(5);
    ask({ type: 'store-beam', slot: 0, beamId: 5, position: 0 });
    ask({ type: 'set-safe-state', state: 'codeword', position: 0, silenceMs: 0, enter: true });
    expect(ask(patch(6, 5, [0]))).toEqual({ type: 'nack', code: 'beam-mismatch', detail: 0 });
  });

  it('may start from the beam of the session before, which is still radiated', () => {
    const { ask, panel, showBeam } = hostWith();
    showBeam(5);
    ask(hello);
    expect(ask(patch(1, 5, [3]))).toEqual(ACK);
    expect(ask(now(1))).toMatchObject({ type: 'committed', beamId: 1 });
    const words = beamWords(5);
    words[3] = beamWords(1)[3];
    expect(panel.radiated()).toEqual({ beamId: 1, words });
  });
});

describe('a chunk that the wire kept back', () => {
  const weights = new Float32Array(2);

  it.each<[string, Request]>([
    ['words', chunk(5, 0, 8)],
    ['weights', { type: 'set-digital', slot: 0, beamId: 5, users: USERS, offset: 0, weights }],
    ['a patch', patch(5, 6, [1])],
  ])('(%s) does not empty a slot for a beam of the past', (_what, late) => {
    const { ask, panel, showBeam } = hostWith();
    showBeam(5);
    showBeam(6);
    ask(chunk(7, 0, WORDS));
    expect(ask(late)).toEqual({ type: 'nack', code: 'stale-beam', detail: 6 });
    expect(panel.staged(0)).toMatchObject({ beamId: 7, firstMissing: undefined });
  });

  it('does not take the place of a newer beam that is still staged', () => {
    const { ask, panel } = hostWith();
    ask(chunk(7, 0, WORDS));
    expect(ask(chunk(6, 0, 8))).toEqual({ type: 'nack', code: 'stale-beam', detail: 7 });
    expect(panel.staged(0)).toMatchObject({ beamId: 7, firstMissing: undefined });
    expect(ask({ ...chunk(6, 0, 8), slot: 1 } as Request)).toEqual(ACK);
  });

  it('is taken for the beam that its slot still holds, and changes nothing that is radiated', () => {
    const { ask, panel, showBeam } = hostWith();
    showBeam(5);
    expect(ask(chunk(5, 0, 8))).toEqual(ACK);
    expect(panel.radiated()).toEqual({ beamId: 5, words: beamWords(5) });
  });

  it('is no longer late in a new session', () => {
    const { ask, showBeam } = hostWith();
    showBeam(9);
    ask(hello);
    expect(ask(chunk(1, 0, 8))).toEqual(ACK);
  });
});

describe('a fault that the panel finds', () => {
  it('darkens it and is said of every request that would change the beam, with its code', () => {
    const { ask, panel, showBeam } = hostWith();
    showBeam(5);
    ask({ ...chunk(6, 0, WORDS), slot: 1 } as Request);
    ask({ type: 'store-beam', slot: 1, beamId: 6, position: 0 });
    panel.fault(42);
    expect(panel.radiated()).toEqual({ beamId: 0, words: new Uint16Array(WORDS) });
    expect(ask({ type: 'get-status' })).toMatchObject({ state: 'fault', beamId: 0 });
    const changes: Request[] = [
      now(6, 1),
      commitAt(6, 50, 1),
      chunk(6, 0, 8),
      patch(7, 6, [0]),
      { type: 'set-digital', slot: 0, beamId: 6, users: USERS, offset: 0, weights: new Float32Array(2) },
      { type: 'select-beam', position: 0, beamId: 8 },
      { type: 'set-safe-state', state: 'codeword', position: 0, silenceMs: 0, enter: true },
    ];
    for (const request of changes) expect(ask(request)).toEqual({ type: 'nack', code: 'fault', detail: 42 });
    expect(ask({ type: 'ping', nonce: 1 })).toMatchObject({ type: 'pong' });
    expect(ask(hello)).toMatchObject({ type: 'capabilities' });
    expect(ask({ type: 'measure-snr', beamId: 5, pilots: 8 })).toMatchObject({ code: 'beam-mismatch', detail: 0 });
  });

  it('ends with its cause: the panel is idle and dark, and takes the next beam', () => {
    const { ask, panel, showBeam } = hostWith();
    showBeam(5);
    panel.fault(1);
    panel.recover();
    expect(ask({ type: 'get-status' })).toMatchObject({ state: 'idle', beamId: 0 });
    expect(ask(now(5))).toMatchObject({ code: 'stale-beam', detail: 5 });
    expect(showBeam(6)).toMatchObject({ type: 'committed', beamId: 6 });
    panel.recover();
    expect(panel.radiated().beamId).toBe(6);
  });

  it('ends with a reset', () => {
    const { ask, panel } = hostWith();
    panel.fault(1);
    panel.reset();
    expect(ask({ type: 'get-status' })).toMatchObject({ state: 'idle' });
  });

  it('is not covered up by the safe state when the host falls silent', async () => {
    const { ask, panel, showBeam, clock } = hostWith();
    showBeam(5);
    ask({ type: 'store-beam', slot: 0, beamId: 5, position: 0 });
    ask({ type: 'set-safe-state', state: 'codeword', position: 0, silenceMs: 20, enter: false });
    panel.fault(1);
    await clock.advanceTo(100);
    expect(panel.radiated().beamId).toBe(0);
    expect(panel.radiated().words).toEqual(new Uint16Array(WORDS));
    expect(ask({ type: 'get-status' })).toMatchObject({ state: 'fault' });
  });
});
