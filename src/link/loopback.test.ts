import { describe, expect, it } from 'vitest';
import { createVirtualClock } from '../../core/clock/virtual-clock.ts';
import type { LinkState } from './link.ts';
import { createLoopbackLink } from './loopback.ts';
import { echo } from '../../test/doubles/echo.ts';

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);

const microtasks = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('loopback link', () => {
  it('carries frames both ways in order, never from inside send', async () => {
    const peer = echo();
    const link = createLoopbackLink(peer);
    const answered: number[] = [];
    link.onFrame((frame) => answered.push(frame[0]));
    await link.open();
    expect([1, 2, 3].map((value) => link.send(bytes(value)))).toEqual([true, true, true]);
    expect(peer.received).toHaveLength(0);
    await microtasks();
    expect(peer.received.map((frame) => frame[0])).toEqual([1, 2, 3]);
    expect(answered).toEqual([1, 2, 3]);
    expect(link.counters).toMatchObject({ framesSent: 3, framesReceived: 3, bytesSent: 3, bytesReceived: 3 });
  });

  it('hands over a copy, so that a sender who reuses its buffer changes nothing under way', async () => {
    const peer = echo();
    const link = createLoopbackLink(peer);
    await link.open();
    const buffer = Buffer.from([1, 2, 3]);
    link.send(buffer);
    buffer.fill(0);
    await microtasks();
    expect([...peer.received[0]]).toEqual([1, 2, 3]);
  });

  it('sends nothing before it is open and after it is closed, and says so', async () => {
    const peer = echo();
    const link = createLoopbackLink(peer);
    expect(link.state).toEqual({ state: 'closed', reason: 'not-opened' });
    expect(link.send(bytes(1))).toBe(false);
    await link.open();
    await link.close();
    expect(link.state).toEqual({ state: 'closed', reason: 'closed-by-us' });
    expect(link.send(bytes(2))).toBe(false);
    await microtasks();
    expect(peer.received).toHaveLength(0);
    expect(link.counters.framesSent).toBe(0);
  });

  it('loses what is under way when the plug is pulled, and never delivers it after a reconnect', async () => {
    const peer = echo();
    const link = createLoopbackLink(peer);
    const states: LinkState[] = [];
    const answered: number[] = [];
    link.onState((state) => states.push(state));
    link.onFrame((frame) => answered.push(frame[0]));
    await link.open();
    link.send(bytes(1));
    link.lose('cable pulled');
    link.lose('said twice');
    peer.say(bytes(9));
    await link.open();
    link.send(bytes(2));
    await microtasks();
    expect(answered).toEqual([2]);
    expect(states.map((state) => (state.state === 'closed' ? `${state.reason}: ${state.detail}` : 'open'))).toEqual([
      'open',
      'lost: cable pulled',
      'open',
    ]);
    expect(link.counters).toMatchObject({ reconnects: 1, discarded: 2 });
  });

  it('takes its latency from the clock, and drops late frames of a link that was lost meanwhile', async () => {
    const clock = createVirtualClock();
    const peer = echo();
    const link = createLoopbackLink(peer, clock, { latencyMs: 5 });
    const answered: [number, number][] = [];
    link.onFrame((frame) => answered.push([frame[0], clock.nowMs()]));
    await link.open();
    link.send(bytes(1));
    clock.after(2, () => link.send(bytes(2)));
    clock.after(20, () => link.send(bytes(3)));
    clock.after(22, () => link.lose('cable pulled'));
    clock.after(23, () => {
      void link.open();
      link.send(bytes(4));
    });
    await clock.runUntilIdle();
    expect(answered).toEqual([
      [1, 10],
      [2, 12],
      [4, 33],
    ]);
  });

  it('refuses a latency without a clock', () => {
    expect(() => createLoopbackLink(echo(), undefined, { latencyMs: 1 })).toThrow(/needs a clock/);
  });
});
