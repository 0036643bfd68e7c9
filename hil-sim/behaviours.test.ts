import { describe, expect, it } from 'vitest';
import { encodeFrame } from '../firmware-protocol/codec.ts';
import type { Request } from '../firmware-protocol/messages.ts';
import { createRandom } from '../core/signal/random.ts';
import type { Behaviour } from './behaviours.ts';
import { createInjector } from './behaviours.ts';
import { WORDS, beamWords, chunk, hostWith } from '../test/doubles/panel-host.ts';

const ping: Request = { type: 'ping', nonce: 1 };
const commit = (beamId: number): Request => ({ type: 'commit', slot: 0, beamId, atUs: 0n });

describe('injected behaviours', () => {
  it('lose the reply to a commit: asked again, the panel says committed and not stale', () => {
    const { ask, panel } = hostWith({
      behaviours: [{ do: 'drop', direction: 'to-host', messages: ['committed'], nth: 1 }],
    });
    ask(chunk(5, 0, WORDS));
    expect(ask(commit(5), 40)).toBeUndefined();
    expect(panel.radiated().beamId).toBe(5);
    expect(ask(commit(5), 40)).toMatchObject({ type: 'committed', beamId: 5 });
    expect(ask(commit(5), 41)).toMatchObject({ type: 'committed', beamId: 5 });
  });

  it('never show half a beam when the panel resets between two chunks', async () => {
    const { ask, panel, clock } = hostWith({
      capabilities: { maxPayloadBytes: 64 },
      behaviours: [{ do: 'reset', messages: ['set-phases'], nth: 6, bootMs: 50 }],
    });
    const quarter = WORDS / 4;
    for (let i = 0; i < 4; i++) ask(chunk(1, i * quarter, quarter));
    ask(commit(1));
    for (let i = 0; i < 4; i++) {
      ask(chunk(2, i * quarter, quarter));
      expect([beamWords(1), new Uint16Array(WORDS)]).toContainEqual(panel.radiated().words);
      if (i === 1) await clock.advanceTo(100);
    }
    expect(ask(commit(2))).toEqual({ type: 'nack', code: 'not-staged', detail: 0 });
    expect(panel.radiated()).toEqual({ beamId: 0, words: new Uint16Array(WORDS) });
    expect(ask({ type: 'get-status' })).toMatchObject({ state: 'idle', bootCount: 2 });
  });

  it('never show half a beam whichever frame of a story the panel resets at, before or after it', () => {
    for (const moment of ['before', 'after'] as const) {
      for (let nth = 1; nth <= 12; nth++) {
        const { ask, panel } = hostWith({ behaviours: [{ do: 'reset', moment, nth }] });
        for (const beamId of [1, 2]) {
          for (let offset = 0; offset < WORDS; offset += 8) {
            ask(chunk(beamId, offset, 8));
            expect([new Uint16Array(WORDS), beamWords(1)]).toContainEqual(panel.radiated().words);
          }
          ask(commit(beamId));
          expect([new Uint16Array(WORDS), beamWords(1), beamWords(2)]).toContainEqual(panel.radiated().words);
        }
      }
    }
  });

  it('let the next frame overtake one, which then arrives with what was meant for it', () => {
    const { ask, panel, messages } = hostWith({
      behaviours: [
        { do: 'reorder', messages: ['commit'], nth: 1 },
        { do: 'nack', code: 'busy', messages: ['ping'] },
      ],
    });
    ask(chunk(5, 0, WORDS));
    expect(ask(commit(5), 40)).toBeUndefined();
    expect(panel.radiated().beamId).toBe(0);
    expect(ask(ping, 41)).toMatchObject({ code: 'busy' });
    expect(messages().slice(-2)).toMatchObject([
      { type: 'nack', code: 'busy' },
      { type: 'committed', beamId: 5 },
    ]);
    expect(panel.radiated().beamId).toBe(5);
  });

  it('swap frames in pairs when every one may be held back, and keep them apart by direction', () => {
    const { ask, received, messages } = hostWith({ behaviours: [{ do: 'reorder', direction: 'to-host', messages: ['pong'] }] });
    const nonces = [1, 2, 3, 4, 5];
    for (const nonce of nonces) ask({ type: 'ping', nonce });
    expect(messages().map((message) => (message.type === 'pong' ? message.nonce : 0))).toEqual([2, 1, 4, 3]);
    ask({ type: 'get-status' });
    expect(messages().slice(-2)).toMatchObject([{ type: 'status' }, { type: 'pong', nonce: 5 }]);
    expect(received).toHaveLength(6);
  });

  it('keep a copy of a frame that is held back: the buffer it came in may be used again', () => {
    const { sendBytes, ask, panel } = hostWith({ behaviours: [{ do: 'reorder', messages: ['set-phases'], nth: 1 }] });
    const bytes = encodeFrame({ seq: 1, message: chunk(5, 0, WORDS) });
    sendBytes(bytes);
    bytes.fill(0);
    ask(ping);
    expect(panel.staged(0)).toMatchObject({ beamId: 5, firstMissing: undefined });
  });

  it('flip one bit, which the panel notices', () => {
    const { ask } = hostWith({ behaviours: [{ do: 'corrupt', messages: ['ping'], times: 3 }] });
    for (let i = 0; i < 3; i++) expect(ask(ping)).toBeUndefined();
    expect(ask(ping)).toMatchObject({ type: 'pong' });
    expect(ask({ type: 'get-status' })).toMatchObject({ badFrames: 3 });
  });

  it('duplicate a request: it is answered twice and carried out once', () => {
    const { ask, received, panel } = hostWith({ behaviours: [{ do: 'duplicate', messages: ['commit'] }] });
    ask(chunk(5, 0, WORDS));
    ask(commit(5));
    expect(received.at(-1)).toEqual(received.at(-2));
    expect(panel.radiated().beamId).toBe(5);
  });

  it('delay frames, both ways, and let others overtake', async () => {
    const { ask, clock, messages } = hostWith({
      behaviours: [
        { do: 'delay', delayMs: 30, messages: ['ping'] },
        { do: 'delay', delayMs: 5, direction: 'to-host', messages: ['pong'] },
      ],
    });
    expect(ask(ping)).toBeUndefined();
    expect(ask({ type: 'get-status' })).toMatchObject({ type: 'status' });
    await clock.advanceTo(34);
    expect(messages()).toHaveLength(1);
    await clock.advanceTo(36);
    expect(messages()[1]).toMatchObject({ type: 'pong', timeUs: 30_000n });
  });

  it('stall the panel: what came meanwhile is answered afterwards, up to its buffer', async () => {
    const { ask, clock, messages } = hostWith({ behaviours: [{ do: 'stall', forMs: 100, nth: 2 }] });
    expect(ask(ping)).toMatchObject({ type: 'pong' });
    for (let i = 0; i < 30; i++) expect(ask(ping)).toBeUndefined();
    await clock.advanceTo(101);
    expect(messages()).toHaveLength(1 + 16);
    expect(ask(ping)).toMatchObject({ type: 'pong' });
  });

  it('restart the panel before it has read a frame, deaf while it boots', async () => {
    const { ask, clock, panel } = hostWith({
      behaviours: [{ do: 'reset', moment: 'before', messages: ['commit'], nth: 1, bootMs: 200 }],
    });
    ask(chunk(5, 0, WORDS));
    expect(ask(commit(5))).toBeUndefined();
    await clock.advanceTo(199);
    expect(ask(ping)).toBeUndefined();
    await clock.advanceTo(200);
    expect(ask({ type: 'get-status' })).toMatchObject({ bootCount: 2, uptimeMs: 200, state: 'idle' });
    expect(panel.staged(0).beamId).toBe(0);
  });

  it('restart the panel between a commit and its reply: nobody knows, and nothing is radiated', () => {
    const { ask, panel } = hostWith({
      behaviours: [{ do: 'reset', moment: 'before', direction: 'to-host', messages: ['committed'] }],
    });
    ask(chunk(5, 0, WORDS));
    expect(ask(commit(5))).toBeUndefined();
    expect(panel.radiated().beamId).toBe(0);
  });

  it('play a panel of another version', () => {
    const { ask } = hostWith({ behaviours: [{ do: 'wrong-version', major: 2 }] });
    expect(ask({ type: 'hello', minMajor: 1, maxMajor: 1, host: 'test' })).toEqual({
      type: 'nack',
      code: 'unsupported-version',
      detail: 2,
    });
    expect(ask({ type: 'hello', minMajor: 1, maxMajor: 2, host: 'test' })).toMatchObject({
      type: 'capabilities',
      protocolMajor: 2,
    });
  });

  it('refuse a request with a given code, and do not carry it out', () => {
    const { ask, panel } = hostWith({ behaviours: [{ do: 'nack', code: 'busy', messages: ['commit'], times: 2 }] });
    ask(chunk(5, 0, WORDS));
    expect(ask(commit(5))).toEqual({ type: 'nack', code: 'busy', detail: 0 });
    expect(ask(commit(5))).toEqual({ type: 'nack', code: 'busy', detail: 0 });
    expect(panel.radiated().beamId).toBe(0);
    expect(ask(commit(5))).toMatchObject({ type: 'committed' });
  });

  it('are judged in order, each on what the one before left', () => {
    const injector = createInjector(
      [
        { do: 'duplicate', copies: 3 },
        { do: 'delay', delayMs: 7 },
        { do: 'drop', messages: ['hello'] },
      ],
      createRandom(1),
    );
    const bytes = new Uint8Array(9);
    expect(injector.judge('to-panel', 'ping', bytes).deliveries.map((d) => d.delayMs)).toEqual([7, 7, 7]);
    expect(injector.judge('to-panel', 'hello', bytes).deliveries).toEqual([]);
    expect(injector.judge('to-host', 'pong', bytes).deliveries).toEqual([{ bytes, delayMs: 0 }]);
  });

  it('act with their probability, the same for the same seed, whatever stands beside them', () => {
    const lossy: Behaviour = { do: 'drop', probability: 0.3 };
    const pattern = (behaviours: Behaviour[]): boolean[] => {
      const injector = createInjector(behaviours, createRandom(4));
      return Array.from({ length: 500 }, () => injector.judge('to-panel', 'ping', new Uint8Array(8)).deliveries.length === 0);
    };
    const alone = pattern([lossy]);
    expect(alone.filter(Boolean).length / 500).toBeCloseTo(0.3, 1);
    expect(pattern([lossy, { do: 'delay', delayMs: 1, jitterMs: 9 }])).toEqual(alone);
  });

  it('are refused when they are written wrongly, by number and field', () => {
    expect(() => hostWith({ behaviours: [{ do: 'drop' }, { do: 'delay', delayMs: -1 }] })).toThrow(/behaviour 1 .*delayMs/);
    expect(() => createInjector(JSON.parse('[{"do":"explode"}]') as Behaviour[], createRandom(1))).toThrow(/behaviour 0/);
    expect(() => createInjector(JSON.parse('[{"do":"drop","chance":1}]') as Behaviour[], createRandom(1))).toThrow(/chance/);
  });
});
