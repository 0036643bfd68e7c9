import { describe, expect, it } from 'vitest';
import type { WallStep } from './clock.ts';
import { createRealClock } from './real-clock.ts';

const HOUR = 3_600_000;
const START_MS = 1_790_000_000_000;

/** A machine whose clocks stand until they are told to move. */
function machine() {
  let ms = 5000;
  let wallAheadMs = START_MS;
  let asleepMs = 0;
  const clock = createRealClock({
    wallMs: () => ms + wallAheadMs,
    monotonicNs: () => BigInt(Math.round(ms * 1e6)),
    uptimeS: () => (ms + asleepMs) / 1000,
  });
  const steps: WallStep[] = [];
  const forget = clock.onWallStep?.((step) => steps.push(step));
  return {
    steps,
    forget: () => forget?.(),
    pass: (by: number) => void (ms += by),
    setClock: (by: number) => void (wallAheadMs += by),
    sleep: (by: number) => {
      wallAheadMs += by;
      asleepMs += by;
    },
    /** ms since the start, as records would have it. */
    time: () => Number(clock.epochNs() / 1_000_000n) - START_MS,
    settle: () => new Promise((resolve) => setImmediate(resolve)),
  };
}

describe('time of records, when the clock of the machine is set', () => {
  it('eight hours forward: goes on from the new time, and says so once', async () => {
    const { steps, forget, pass, setClock, time, settle } = machine();
    expect(time()).toBe(5000);
    pass(50);
    setClock(8 * HOUR);
    expect(time()).toBe(8 * HOUR + 5050);
    pass(50);
    expect(time()).toBe(8 * HOUR + 5100);
    await settle();
    expect(steps).toEqual([{ cause: 'set', changeMs: 8 * HOUR, movedNs: BigInt(8 * HOUR) * 1_000_000n, aheadMs: 0 }]);
    forget();
  });

  it('an hour back: goes on at its own pace, ahead of the clock, and says by how much', async () => {
    const { steps, forget, pass, setClock, time, settle } = machine();
    setClock(-HOUR);
    const times = Array.from({ length: 100 }, () => {
      pass(50);
      return time();
    });
    expect(times).toEqual(Array.from({ length: 100 }, (_, index) => 5050 + 50 * index));
    await settle();
    expect(steps).toEqual([{ cause: 'set', changeMs: -HOUR, movedNs: 0n, aheadMs: HOUR }]);
    // Set right again: nothing is ahead any more, and no time is skipped.
    setClock(HOUR);
    expect(time()).toBe(10_000);
    await settle();
    expect(steps[1]).toMatchObject({ changeMs: HOUR, movedNs: 0n, aheadMs: 0 });
    forget();
  });

  it('back and then further forward: follows only what is new', async () => {
    const { steps, forget, setClock, time, settle } = machine();
    setClock(-HOUR);
    expect(time()).toBe(5000);
    setClock(3 * HOUR);
    expect(time()).toBe(5000 + 2 * HOUR);
    await settle();
    expect(steps.map(({ aheadMs }) => aheadMs)).toEqual([HOUR, 0]);
    forget();
  });

  it('and tells sleep from a clock that was set', async () => {
    const { steps, forget, sleep, time, settle } = machine();
    sleep(20 * 60_000);
    expect(time()).toBe(5000 + 20 * 60_000);
    await settle();
    expect(steps).toMatchObject([{ cause: 'suspended', changeMs: 20 * 60_000 }]);
    forget();
  });

  it('by less than half a second, is not a step', async () => {
    const { steps, forget, setClock, time, settle } = machine();
    setClock(400);
    expect(time()).toBe(5000);
    await settle();
    expect(steps).toEqual([]);
    forget();
  });

  it('notices it without being asked for the time, until nobody listens', async () => {
    const { steps, forget, setClock } = machine();
    setClock(-HOUR);
    while (steps.length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
    forget();
  });
});
