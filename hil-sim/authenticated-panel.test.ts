/** A panel with a key: what it takes, what it refuses without a seal, and how its counters survive a restart. */
import { describe, expect, it } from 'vitest';
import { ReplayWindow, derivePanelKey, openFrame, sealFrame } from '../firmware-protocol/authentication.ts';
import { decodeFrame, encodeFrame } from '../firmware-protocol/codec.ts';
import type { Message, Request } from '../firmware-protocol/messages.ts';
import { WORDS, beamWords, chunk, commitAt, hostWith } from '../test/doubles/panel-host.ts';

const RIG_KEY = new Uint8Array(32).fill(7);
const panelKey = derivePanelKey(RIG_KEY, 'SIM-0001');
const hello: Request = { type: 'hello', minMajor: 1, maxMajor: 1, host: 'test' };
const LIMIT = 131_072n;

interface Heard {
  seq: number;
  message: Message;
  /** Undefined when it came without a seal. */
  counter: bigint | undefined;
}

/** A host with a key, and a panel whose limit is kept in `stored` while `power` is good. */
function sealedHost(options: { counterLimit?: bigint; answerMs?: number } = {}) {
  const stored: bigint[] = [];
  const memory = { works: true };
  const { counterLimit = LIMIT, ...rest } = options;
  const host = hostWith({
    ...rest,
    authentication: {
      panelKey,
      counterLimit,
      storeLimit: (limit) => {
        if (memory.works) stored.push(limit);
        return memory.works;
      },
    },
  });
  const answered: Heard[] = [];
  host.panel.onSend((bytes) => {
    const opened = openFrame(bytes, panelKey);
    const decoded = decodeFrame(opened.ok ? opened.frame : bytes);
    if (decoded.ok) answered.push({ ...decoded.frame, counter: opened.ok ? opened.counter : undefined });
  });
  let counter = counterLimit;
  let seq = 0;
  const sendBytes = (bytes: Uint8Array): Heard | undefined => {
    const before = answered.length;
    host.panel.receive(bytes);
    return answered.slice(before).at(0);
  };
  return {
    ...host,
    answered,
    stored,
    memory,
    sendBytes,
    ask: (request: Request, how: { counter?: bigint; seq?: number } = {}): Heard | undefined =>
      sendBytes(
        sealFrame(encodeFrame({ seq: how.seq ?? (seq += 1), message: request }), panelKey, how.counter ?? (counter += 1n)),
      ),
  };
}

const refusedFor = (code: string) => ({ message: { type: 'nack', code, detail: 0 }, counter: undefined });

describe('a panel with a key', () => {
  it('announces it, and answers sealed requests with sealed replies whose counters go up', () => {
    const { ask, answered, panel } = sealedHost();
    expect(ask(hello)?.message).toMatchObject({
      type: 'capabilities',
      features: expect.arrayContaining(['authentication', 'time-sync', 'patch']) as string[],
    });
    ask(chunk(1, 0, WORDS));
    ask({ type: 'commit', slot: 0, beamId: 1, atUs: 0n });
    expect(panel.radiated()).toEqual({ beamId: 1, words: beamWords(1) });
    expect(answered.map((reply) => reply.counter)).toEqual([LIMIT + 1n, LIMIT + 2n, LIMIT + 3n]);
  });

  it.each<[string, (frame: Uint8Array) => Uint8Array]>([
    ['no seal', (frame) => frame],
    ['the key of another board', (frame) => sealFrame(frame, derivePanelKey(RIG_KEY, 'SIM-0002'), LIMIT + 1n)],
    ['the key of the rig itself', (frame) => sealFrame(frame, RIG_KEY, LIMIT + 1n)],
  ])('refuses requests with %s, without a seal, and does nothing', (_what, seal) => {
    const { sendBytes, panel, ask } = sealedHost();
    for (const message of [chunk(1, 0, WORDS), hello, { type: 'challenge', hostNonce: 1n } as const]) {
      expect(sendBytes(seal(encodeFrame({ seq: 9, message })))).toMatchObject({ seq: 9, ...refusedFor('not-authenticated') });
    }
    expect(panel.staged(0).beamId).toBe(0);
    expect(ask({ type: 'get-status' })?.message).toMatchObject({ type: 'status', badFrames: 3 });
  });

  it('says nothing to damaged frames, and nothing to replies', () => {
    const { sendBytes } = sealedHost();
    const sealed = sealFrame(encodeFrame({ seq: 1, message: hello }), panelKey, LIMIT + 1n);
    for (let bit = 0; bit < 8 * sealed.length; bit += 1) {
      const damaged = sealed.slice();
      damaged[bit >> 3] ^= 1 << (bit & 7);
      expect(sendBytes(damaged)).toBeUndefined();
    }
    expect(sendBytes(encodeFrame({ seq: 1, message: { type: 'ack' } }))).toBeUndefined();
    expect(sendBytes(sealFrame(encodeFrame({ seq: 1, message: { type: 'ack' } }), panelKey, 1n))).toBeUndefined();
    expect(sendBytes(sealed)?.message).toMatchObject({ type: 'capabilities' });
  });

  it('is not locked up by its own replies sent back to it, however far ahead their counters are', () => {
    const { ask, sendBytes, received, stored } = sealedHost();
    ask(hello);
    for (const own of [...received]) expect(sendBytes(own)).toBeUndefined();
    const pong = encodeFrame({ seq: 1, message: { type: 'pong', nonce: 1, timeUs: 0n } });
    expect(sendBytes(sealFrame(pong, panelKey, LIMIT + 5_000_000n))).toBeUndefined();
    expect(stored, 'the limit of counters is not moved either').toEqual([LIMIT + 65_537n]);
    expect(ask({ type: 'challenge', hostNonce: 1n }, { counter: 0n })?.message).toMatchObject({ lastCounter: LIMIT + 1n });
    expect(ask({ type: 'ping', nonce: 2 })?.message).toMatchObject({ type: 'pong' });
  });

  it('refuses what was sent before, and takes what the wire has only reordered', () => {
    const { ask, panel } = sealedHost();
    const at = (beamId: number, counter: bigint) => ask(chunk(beamId, 0, 8), { counter });
    expect(at(1, LIMIT)).toMatchObject(refusedFor('replayed'));
    expect(at(1, LIMIT + 10n)?.message).toEqual({ type: 'ack' });
    expect(at(1, LIMIT + 10n)).toMatchObject(refusedFor('replayed'));
    expect(ask(chunk(1, 8, 8), { counter: LIMIT + 9n })?.message).toEqual({ type: 'ack' });
    expect(panel.staged(0).firstMissing).toBe(16);
    expect(at(1, LIMIT + 200n)?.message).toEqual({ type: 'ack' });
    expect(at(1, LIMIT + 11n)).toMatchObject(refusedFor('replayed'));
  });

  it('cannot be made to show an old beam by a commit that was recorded', async () => {
    const { ask, panel, clock, sendBytes } = sealedHost();
    ask(chunk(1, 0, WORDS));
    const recorded = sealFrame(
      encodeFrame({ seq: 900, message: { type: 'commit', slot: 0, beamId: 1, atUs: 0n } }),
      panelKey,
      LIMIT + 50n,
    );
    expect(sendBytes(recorded)?.message).toMatchObject({ type: 'committed' });
    ask({ type: 'set-safe-state', state: 'mute', position: 0, silenceMs: 0, enter: true }, { counter: LIMIT + 51n });
    ask(hello, { counter: LIMIT + 52n });
    ask(chunk(1, 0, WORDS), { counter: LIMIT + 53n });
    await clock.advanceTo(10);
    expect(sendBytes(recorded)).toMatchObject(refusedFor('replayed'));
    expect(panel.radiated().beamId).toBe(0);
  });

  it('does not count a forged or repeated frame as a sign of life from the host', async () => {
    const { ask, sendBytes, panel, clock } = sealedHost();
    ask(chunk(1, 0, WORDS));
    ask({ type: 'commit', slot: 0, beamId: 1, atUs: 0n });
    ask({ type: 'set-safe-state', state: 'mute', position: 0, silenceMs: 50, enter: false });
    await clock.advanceTo(40);
    sendBytes(encodeFrame({ seq: 1, message: { type: 'ping', nonce: 1 } }));
    ask({ type: 'ping', nonce: 1 }, { counter: LIMIT + 1n });
    ask({ type: 'challenge', hostNonce: 1n });
    await clock.advanceTo(55);
    expect(panel.radiated().beamId).toBe(0);
  });

  it('gives a reply again from memory under a new counter', () => {
    const { ask } = sealedHost();
    const first = ask({ type: 'ping', nonce: 4 }, { seq: 7 });
    const again = ask({ type: 'ping', nonce: 4 }, { seq: 7 });
    expect(again).toEqual({ ...first, counter: (first?.counter ?? 0n) + 1n });
  });

  it('latches a timed commit that came sealed', async () => {
    const { ask, panel, clock } = sealedHost();
    ask(chunk(1, 0, WORDS));
    expect(ask(commitAt(1, 30))?.message).toEqual({ type: 'ack' });
    await clock.advanceTo(31);
    expect(panel.radiated().beamId).toBe(1);
    expect(ask(commitAt(1, 30))?.message).toMatchObject({ type: 'committed', timeUs: 30_000n });
  });
});

describe('a challenge', () => {
  it('tells a host that knows nothing where to go on, whatever its own counter', () => {
    const { ask } = sealedHost();
    ask(hello, { counter: LIMIT + 500n });
    for (const counter of [0n, 3n, 3n, LIMIT + 900n]) {
      const answer = ask({ type: 'challenge', hostNonce: counter + 77n }, { counter, seq: 1 });
      expect(answer?.message).toEqual({ type: 'challenged', hostNonce: counter + 77n, lastCounter: LIMIT + 500n });
      expect(answer?.counter).toBeDefined();
    }
    // Its counter was not remembered: the session goes on where it was.
    expect(ask({ type: 'ping', nonce: 1 }, { counter: LIMIT + 501n })?.message).toMatchObject({ type: 'pong' });
  });

  it('said again is answered anew, with the counter as it is then', () => {
    const { ask } = sealedHost();
    const challenge: Request = { type: 'challenge', hostNonce: 5n };
    expect(ask(challenge, { seq: 1 })?.message).toMatchObject({ lastCounter: LIMIT });
    ask(hello, { counter: LIMIT + 9n });
    expect(ask(challenge, { seq: 1 })?.message).toMatchObject({ lastCounter: LIMIT + 9n });
  });
});

describe('the counters of a panel', () => {
  it('stay below a limit that is stored first, far ahead and seldom', () => {
    const { ask, stored } = sealedHost({ counterLimit: 0n });
    for (let i = 0; i < 200; i += 1) ask({ type: 'ping', nonce: i });
    expect(stored).toEqual([65_537n]);
    ask({ type: 'ping', nonce: 0 }, { counter: 70_000n });
    expect(stored).toEqual([65_537n, 135_536n]);
  });

  it('go on above the limit after a restart, so nothing of the life before is taken or used again', () => {
    const { ask, panel, stored, answered } = sealedHost();
    ask(hello);
    ask({ type: 'ping', nonce: 1 });
    const limit = stored.at(-1) ?? 0n;
    panel.reset();
    expect(ask({ type: 'ping', nonce: 2 }, { counter: LIMIT + 3n })).toMatchObject(refusedFor('replayed'));
    expect(ask({ type: 'ping', nonce: 2 }, { counter: limit })).toMatchObject(refusedFor('replayed'));
    const challenged = ask({ type: 'challenge', hostNonce: 8n }, { counter: 0n });
    expect(challenged).toMatchObject({ message: { lastCounter: limit }, counter: limit + 1n });
    expect(ask(hello, { counter: limit + 1n })?.message).toMatchObject({ type: 'capabilities' });
    const window = new ReplayWindow(0n);
    for (const { counter } of answered) if (counter !== undefined) expect(window.accept(counter)).toBe(true);
  });

  it('stand still when the limit cannot be stored: nothing above it is accepted or sent', () => {
    const { ask, memory, panel, answered } = sealedHost();
    memory.works = false;
    expect(ask(hello)).toBeUndefined();
    expect(ask(chunk(1, 0, WORDS))).toBeUndefined();
    expect(ask({ type: 'commit', slot: 0, beamId: 1, atUs: 0n })).toBeUndefined();
    expect(ask({ type: 'challenge', hostNonce: 1n }, { counter: 0n })).toBeUndefined();
    expect(answered).toEqual([]);
    expect(panel.staged(0).beamId).toBe(0);
    expect(panel.radiated().beamId).toBe(0);
    memory.works = true;
    expect(ask(hello)?.message).toMatchObject({ type: 'capabilities' });
  });

  it('end at 2^64 − 1 without a throw', () => {
    const { ask } = sealedHost({ counterLimit: 2n ** 64n - 3n });
    expect(ask({ type: 'ping', nonce: 1 })?.counter).toBe(2n ** 64n - 2n);
    expect(ask({ type: 'ping', nonce: 1 })?.counter).toBe(2n ** 64n - 1n);
    expect(ask({ type: 'ping', nonce: 1 }, { counter: 5n })).toMatchObject(refusedFor('replayed'));
    expect(ask({ type: 'challenge', hostNonce: 1n }, { counter: 0n })).toBeUndefined();
  });
});
