import { describe, expect, it } from 'vitest';
import type { Clock } from '../../core/clock/clock.ts';
import { createVirtualClock } from '../../core/clock/virtual-clock.ts';
import { createListeners } from './listeners.ts';

/** A clock that a listener can make run while it works. */
function handClock(): Clock & { pass(ms: number): void } {
  let nowMs = 0;
  return { ...createVirtualClock(), nowMs: () => nowMs, pass: (ms) => void (nowMs += ms) };
}

describe('those who listen to the loop', () => {
  it('hear every value when they are quick, or slow for once', () => {
    const clock = handClock();
    const received: number[] = [];
    const listeners = createListeners<number>(clock, true, () => undefined);
    listeners.add((value) => {
      received.push(value);
      clock.pass(value === 7 ? 150 : 0.1);
    });
    for (let value = 0; value < 100; value++) {
      clock.pass(5);
      listeners.tell(value);
    }
    expect(received).toHaveLength(100);
  });

  it('get about a twentieth of the time when they are slow for good, and others hear all the same', () => {
    const clock = handClock();
    const listeners = createListeners<number>(clock, true, () => undefined);
    let slowMs = 0;
    let others = 0;
    listeners.add(() => {
      slowMs += 20;
      clock.pass(20);
    });
    listeners.add(() => others++);
    const startMs = clock.nowMs();
    for (let value = 0; value < 10_000; value++) {
      clock.pass(5);
      listeners.tell(value);
    }
    expect(others).toBe(10_000);
    expect(slowMs / (clock.nowMs() - startMs)).toBeLessThan(0.06);
    expect(slowMs / (clock.nowMs() - startMs)).toBeGreaterThan(0.04);
  });

  it('are told of once when they throw, and still called', () => {
    const failures: unknown[] = [];
    const listeners = createListeners<number>(createVirtualClock(), true, (error) => failures.push(error));
    let calls = 0;
    listeners.add(() => {
      calls++;
      throw new Error('broken');
    });
    for (let value = 0; value < 5; value++) listeners.tell(value);
    expect(calls).toBe(5);
    expect(failures).toHaveLength(1);
  });

  it('hear nothing any more once they have left, even from within a call', () => {
    const listeners = createListeners<number>(createVirtualClock(), false, () => undefined);
    const received: number[] = [];
    const leave = listeners.add((value) => {
      received.push(value);
      leave();
    });
    listeners.tell(1);
    listeners.tell(2);
    expect(received).toEqual([1]);
  });
});
