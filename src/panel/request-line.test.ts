import { describe, expect, it } from 'vitest';
import { createVirtualClock } from '../../core/clock/virtual-clock.ts';
import { decodeFrame, encodeFrame } from '../../firmware-protocol/codec.ts';
import type { Message, Reply } from '../../firmware-protocol/messages.ts';
import { createRandom } from '../../core/signal/random.ts';
import { createLoopbackLink } from '../link/loopback.ts';
import { pipeline } from './pipeline.ts';
import { createRequestLine } from './request-line.ts';
import { DEFAULT_TIMEOUTS, type LineTimeouts } from './request-timeouts.ts';
import { linkClosed } from './session-ends.ts';

interface Heard {
  seq: number;
  message: Message;
  atMs: number;
  /** How often this very number was heard before. */
  repeats: number;
  bytes: Uint8Array;
}

/** A line to a peer that speaks real bytes and answers as `script` says: a reply, or one after some ms, or nothing. */
async function lineTo(
  script: (received: Heard) => Reply | { reply: Reply; afterMs: number } | undefined,
  timeouts: Partial<LineTimeouts> = {},
) {
  const clock = createVirtualClock();
  const received: Heard[] = [];
  const times = new Map<number, number>();
  let send: (frame: Uint8Array) => void = () => undefined;
  const link = createLoopbackLink({
    receive: (bytes) => {
      const decoded = decodeFrame(bytes);
      if (!decoded.ok) throw new Error(`the line sent a ${decoded.reason} frame`);
      const { seq, message } = decoded.frame;
      const entry: Heard = { seq, message, atMs: clock.nowMs(), repeats: times.get(seq) ?? 0, bytes };
      times.set(seq, entry.repeats + 1);
      received.push(entry);
      const answer = script(entry);
      if (answer === undefined) return;
      if ('reply' in answer) clock.after(answer.afterMs, () => send(encodeFrame({ seq, message: answer.reply })));
      else send(encodeFrame({ seq, message: answer }));
    },
    onSend: (listener) => {
      send = listener;
    },
  });
  const line = createRequestLine({ link, clock, random: createRandom(1), timeouts: { ...DEFAULT_TIMEOUTS, ...timeouts } });
  link.onFrame((frame) => line.receive(frame));
  link.onState((state) => {
    if (state.state === 'closed') line.failAll(linkClosed(link));
  });
  await link.open();
  return { clock, link, line, received, say: (seq: number, message: Message) => send(encodeFrame({ seq, message })) };
}

const pong = (received: Heard): Reply => ({
  type: 'pong',
  nonce: received.message.type === 'ping' ? received.message.nonce : 0,
  timeUs: 7n,
});
const ack: Reply = { type: 'ack' };
const chunks = (count: number) =>
  Array.from({ length: count }, (_, index) => ({
    type: 'set-phases' as const,
    slot: 0,
    beamId: 1,
    phaseBits: 6,
    offset: 8 * index,
    words: new Uint16Array(8).fill(index),
  }));

describe('request line', () => {
  it('gives each request the reply with its number, whatever order they come in', async () => {
    const { line } = await lineTo((received) => {
      const nonce = received.message.type === 'ping' ? received.message.nonce : 0;
      return { reply: pong(received), afterMs: 10 - nonce };
    });
    const answers = await Promise.all([1, 2, 3].map((nonce) => line.request<'ping'>({ type: 'ping', nonce })));
    expect(answers.map((answer) => answer.ok && answer.value.nonce)).toEqual([1, 2, 3]);
    expect(line.counters).toMatchObject({ requests: 3, retries: 0, strayReplies: 0 });
  });

  it('sends the same bytes again when no answer comes, each time later, and takes the answer to any of them', async () => {
    const { line, received } = await lineTo((one) => (one.repeats < 3 ? undefined : pong(one)), { retryMs: 1000 });
    const answer = await line.request<'ping'>({ type: 'ping', nonce: 5 });
    expect(answer).toMatchObject({ ok: true, value: { nonce: 5 } });
    expect(received).toHaveLength(4);
    for (const one of received) expect(one.bytes).toEqual(received[0].bytes);
    const waits = received.slice(1).map((one, i) => one.atMs - received[i].atMs);
    expect(waits[0]).toBe(250);
    expect(waits[1]).toBeGreaterThanOrEqual(500);
    expect(waits[1]).toBeLessThanOrEqual(625);
    expect(waits[2]).toBeGreaterThan(waits[1]);
    expect(line.counters).toMatchObject({ retries: 3, timeouts: 3 });
  });

  it('asks a quick panel that fell silent again and again, so that it is found soon after it is back', async () => {
    let silent = false;
    const { line, received, clock } = await lineTo((one) => (silent ? undefined : { reply: pong(one), afterMs: 2 }));
    for (let nonce = 0; nonce < 10; nonce++) await line.request<'ping'>({ type: 'ping', nonce });
    silent = true;
    const from = received.length;
    expect(await line.request<'ping'>({ type: 'ping', nonce: 99 })).toMatchObject({ failure: { reason: 'no-answer' } });
    const waits = received.slice(from + 1).map((one, i) => one.atMs - received[from + i].atMs);
    expect(Math.max(...waits)).toBeCloseTo(DEFAULT_TIMEOUTS.retryMs, 6);
    expect(received[received.length - 1].atMs - received[from].atMs).toBeGreaterThan(1000);
    expect(clock.pendingTimers()).toBe(0);
  });

  it('offers a frame again to a link that has no room, and says so when there never is any', async () => {
    const { line, link, received, clock } = await lineTo((one) => pong(one));
    const send = link.send.bind(link);
    let refusals = 5;
    link.send = (frame) => refusals-- <= 0 && send(frame);
    expect(await line.request<'ping'>({ type: 'ping', nonce: 1 })).toMatchObject({ ok: true });
    expect(clock.nowMs()).toBe(10);
    expect(line.counters).toMatchObject({ linkFull: 5, retries: 0, timeouts: 0 });

    refusals = Infinity;
    const asking = line.request<'ping'>({ type: 'ping', nonce: 2 });
    const { [0]: answer } = await Promise.all([asking, clock.sleep(1)]);
    expect(answer).toMatchObject({
      failure: { reason: 'link-closed', detail: expect.stringMatching(/no room.*2000 ms/) as string },
    });
    expect(received).toHaveLength(1);

    const cut = line.request<'ping'>({ type: 'ping', nonce: 3 });
    clock.after(5, () => link.lose('cable pulled'));
    expect(await cut).toMatchObject({
      failure: { reason: 'link-closed', cause: 'unplugged', detail: 'loopback: lost: cable pulled' },
    });
    expect(clock.pendingTimers()).toBe(0);
  });

  it('takes an acknowledgement for the answer to a commit that waits for its time, and to no other', async () => {
    const { line } = await lineTo(() => ack, { attempts: 2 });
    const commit = { type: 'commit', slot: 0, beamId: 8 } as const;
    expect(await line.request<'commit'>({ ...commit, atUs: 5n })).toEqual({ ok: true, value: ack });
    expect(await line.request<'commit'>({ ...commit, atUs: 0n })).toMatchObject({ failure: { reason: 'no-answer' } });
  });

  it('gives up after its attempts or its time, and names the request', async () => {
    const silent = await lineTo(() => undefined, { attempts: 3, totalMs: 60_000 });
    const byAttempts = await silent.line.request<'get-status'>({ type: 'get-status' });
    expect(byAttempts).toMatchObject({ ok: false, failure: { reason: 'no-answer', request: 'get-status', attempts: 3 } });
    expect(silent.received).toHaveLength(3);

    const short = await lineTo(() => undefined, { attempts: 50, totalMs: 1000 });
    const byTime = await short.line.request<'get-status'>({ type: 'get-status' });
    expect(byTime).toMatchObject({ ok: false, failure: { reason: 'no-answer', waitedMs: 1000 } });
    expect(short.clock.pendingTimers()).toBe(0);
  });

  it('learns the round trip, and asks a quick panel again soon', async () => {
    let silent = false;
    const { line, received, clock } = await lineTo((one) =>
      silent && one.repeats === 0 ? undefined : { reply: pong(one), afterMs: 2 },
    );
    for (let nonce = 0; nonce < 20; nonce++) await line.request<'ping'>({ type: 'ping', nonce });
    expect(line.counters.roundTripMs).toBeCloseTo(2, 6);
    silent = true;
    const startMs = clock.nowMs();
    await line.request<'ping'>({ type: 'ping', nonce: 99 });
    expect(received[received.length - 1].atMs - startMs).toBe(25);
  });

  it('asks only once when every answer is slow but sure, after it has learnt so', async () => {
    const { line, received } = await lineTo((one) => ({
      reply: pong(one),
      afterMs: one.repeats === 0 && received.length <= 5 ? 2 : 60,
    }));
    for (let nonce = 0; nonce < 12; nonce++) await line.request<'ping'>({ type: 'ping', nonce });
    const before = line.counters.retries;
    for (let nonce = 20; nonce < 40; nonce++) await line.request<'ping'>({ type: 'ping', nonce });
    expect(line.counters.retries).toBe(before);
    expect(line.counters.strayReplies).toBeGreaterThan(0);
  });

  it('ignores what nobody asked: strangers, duplicates, late answers, wrong kinds and other nonces', async () => {
    const { line, say, received, clock } = await lineTo((one) => ({ reply: pong(one), afterMs: 5 }));
    const asking = line.request<'ping'>({ type: 'ping', nonce: 1 });
    await clock.sleep(1);
    const { seq } = received[0];
    say((seq + 1000) & 0xffff, ack);
    say(seq, ack);
    say(seq, { type: 'pong', nonce: 2, timeUs: 0n });
    say(seq, { type: 'get-status' });
    expect(await asking).toMatchObject({ ok: true, value: { nonce: 1, timeUs: 7n } });
    say(seq, { type: 'pong', nonce: 1, timeUs: 9n });
    await clock.sleep(1);
    expect(line.counters.strayReplies).toBe(5);
  });

  it('takes no word of another beam, or of other words, for the answer', async () => {
    const { line, say, received, clock } = await lineTo(() => undefined);
    const committing = line.request<'commit'>({ type: 'commit', slot: 0, beamId: 8, atUs: 0n });
    const reading = line.request<'read-phases'>({ type: 'read-phases', source: 'radiated', slot: 0, offset: 8, count: 8 });
    await clock.sleep(1);
    const [commitSeq, readSeq] = received.map(({ seq }) => seq);
    say(commitSeq, { type: 'committed', beamId: 7, wordsCrc32c: 1, timeUs: 1n });
    say(readSeq, phasesOf(0));
    say(readSeq, { ...phasesOf(8), words: new Uint16Array(7) } as Reply);
    say(commitSeq, { type: 'committed', beamId: 8, wordsCrc32c: 2, timeUs: 2n });
    say(readSeq, phasesOf(8));
    expect(await committing).toMatchObject({ ok: true, value: { beamId: 8, wordsCrc32c: 2 } });
    expect(await reading).toMatchObject({ ok: true, value: { offset: 8 } });
    expect(line.counters.strayReplies).toBe(3);
  });

  it('counts a damaged frame and waits on', async () => {
    const { line, clock } = await lineTo((one) => ({ reply: pong(one), afterMs: 5 }));
    const asking = line.request<'ping'>({ type: 'ping', nonce: 1 });
    line.receive(Uint8Array.from([1, 2, 3]));
    line.receive(new Uint8Array(0));
    expect(await asking).toMatchObject({ ok: true });
    expect(line.counters.badFrames).toBe(2);
    await clock.runUntilIdle();
  });

  it('hands over a refusal with its code, and asks a busy panel again under a new number', async () => {
    const refusing = await lineTo(() => ({ type: 'nack', code: 'wrong-bits', detail: 6 }));
    expect(await refusing.line.request<'set-phases'>(chunks(1)[0])).toEqual({
      ok: false,
      failure: { reason: 'rejected', request: 'set-phases', code: 'wrong-bits', detail: 6 },
    });
    let refusals = 2;
    const busy = await lineTo(() => (refusals-- > 0 ? { type: 'nack', code: 'busy', detail: 0 } : ack));
    expect(await busy.line.request<'set-phases'>(chunks(1)[0])).toMatchObject({ ok: true });
    expect(new Set(busy.received.map((one) => one.seq)).size).toBe(3);
    expect(busy.line.counters.nacks).toBe(2);

    const alwaysBusy = await lineTo(() => ({ type: 'nack', code: 'busy', detail: 0 }));
    expect(await alwaysBusy.line.request<'ping'>({ type: 'ping', nonce: 1 })).toMatchObject({ failure: { code: 'busy' } });
    expect(alwaysBusy.received.length).toBeGreaterThan(1);
    expect(alwaysBusy.clock.nowMs()).toBeLessThan(DEFAULT_TIMEOUTS.totalMs);
    await alwaysBusy.clock.runUntilIdle();
    expect(alwaysBusy.clock.pendingTimers()).toBe(0);
  });

  it('fails everything under way when the link is lost, and sends none of it again after a reconnect', async () => {
    const { line, link, received, clock } = await lineTo(() => undefined);
    const asking = Promise.all([1, 2, 3].map((nonce) => line.request<'ping'>({ type: 'ping', nonce })));
    await clock.sleep(10);
    link.lose('cable pulled');
    for (const answer of await asking) {
      expect(answer).toEqual({
        ok: false,
        failure: { reason: 'link-closed', cause: 'unplugged', detail: 'loopback: lost: cable pulled' },
      });
    }
    expect(await line.request<'ping'>({ type: 'ping', nonce: 4 })).toMatchObject({ failure: { reason: 'link-closed' } });
    await link.open();
    await clock.sleep(60_000);
    expect(received).toHaveLength(3);
  });

  it('refuses more in flight than it has room for', async () => {
    const { line } = await lineTo(() => undefined);
    const answers = await Promise.all(Array.from({ length: 200 }, (_, nonce) => line.request<'ping'>({ type: 'ping', nonce })));
    const count = (reason: string): number => answers.filter((answer) => !answer.ok && answer.failure.reason === reason).length;
    expect([count('no-answer'), count('not-sent')]).toEqual([64, 136]);
  });

  it('never gives a number to two requests in flight, even after numbers have come round', async () => {
    const { line, received } = await lineTo((one) => (one.message.type === 'get-status' ? undefined : pong(one)), {
      attempts: 1000,
      totalMs: 1e9,
    });
    const waiting = line.request<'get-status'>({ type: 'get-status' });
    for (let nonce = 0; nonce < 66_000; nonce++) await line.request<'ping'>({ type: 'ping', nonce });
    const seqOfStatus = received[0].seq;
    expect(received.filter((one) => one.seq === seqOfStatus && one.message.type === 'ping')).toHaveLength(0);
    line.failAll({ reason: 'link-closed', cause: 'closed-by-us', detail: 'the story ends' });
    expect(await waiting).toMatchObject({ failure: { detail: 'the story ends' } });
  });
});

describe('pipeline', () => {
  it('keeps its window full and no fuller, and returns replies in the order of the requests', async () => {
    let inFlight = 0;
    let most = 0;
    const { line } = await lineTo((one) => {
      most = Math.max(most, ++inFlight);
      queueMicrotask(() => inFlight--);
      return { reply: one.message.type === 'read-phases' ? phasesOf(one.message.offset) : ack, afterMs: 5 };
    });
    const requests = [0, 8, 16, 24, 32, 40, 48].map((offset) => ({
      type: 'read-phases' as const,
      source: 'radiated' as const,
      slot: 0,
      offset,
      count: 8,
    }));
    const read = await pipeline<'read-phases'>(line, requests, 3);
    expect(read.ok && read.value.map((phases) => phases.offset)).toEqual([0, 8, 16, 24, 32, 40, 48]);
    expect(most).toBe(3);
  });

  it('takes a tenth of the round trips that stop-and-wait takes', async () => {
    const time = async (window: number): Promise<number> => {
      const { line, clock } = await lineTo(() => ({ reply: ack, afterMs: 5 }));
      await pipeline<'set-phases'>(line, chunks(20), window);
      return clock.nowMs();
    };
    expect([await time(1), await time(10)]).toEqual([100, 10]);
  });

  it('sends only what was lost again, and at once when later chunks were answered', async () => {
    const { line, received, clock } = await lineTo((one) => {
      const lost = one.message.type === 'set-phases' && one.message.offset === 16 && one.repeats === 0;
      return lost ? undefined : { reply: ack, afterMs: 2 };
    });
    expect(await pipeline<'set-phases'>(line, chunks(12), 6)).toMatchObject({ ok: true });
    expect(received).toHaveLength(13);
    expect(line.counters).toMatchObject({ retries: 1, timeouts: 0 });
    expect(clock.nowMs()).toBeLessThan(25);
  });

  it('stops at the first refusal and withdraws the rest', async () => {
    const { line, received, clock } = await lineTo((one) => {
      if (one.message.type !== 'set-phases') return ack;
      return one.message.offset === 8 ? { type: 'nack', code: 'no-such-slot', detail: 0 } : undefined;
    });
    expect(await pipeline<'set-phases'>(line, chunks(10), 4)).toMatchObject({ failure: { code: 'no-such-slot' } });
    await clock.runUntilIdle();
    expect(received).toHaveLength(4);
  });

  it('tells its caller of a later request that cannot be encoded, and sends no more', async () => {
    const { line, received, clock } = await lineTo(() => ({ reply: ack, afterMs: 1 }));
    const requests = chunks(10);
    requests[6] = { ...requests[6], words: Uint16Array.of(64) };
    await expect(pipeline<'set-phases'>(line, requests, 2)).rejects.toMatchObject({ code: 'argument' });
    await clock.runUntilIdle();
    expect(received).toHaveLength(6);
  });

  it('fails once when the link is closed already', async () => {
    const { line, link, received } = await lineTo(() => ack);
    await link.close();
    expect(await pipeline<'set-phases'>(line, chunks(10), 4)).toMatchObject({ failure: { reason: 'link-closed' } });
    expect(received).toHaveLength(0);
    expect(await pipeline<'set-phases'>(line, [], 4)).toEqual({ ok: true, value: [] });
  });
});

const phasesOf = (offset: number): Reply => ({ type: 'phases', beamId: 1, offset, phaseBits: 6, words: new Uint16Array(8) });
