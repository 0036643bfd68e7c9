import { describe, expect, it } from 'vitest';
import { createRealClock } from './real-clock.ts';

describe('real clock', () => {
  it('never wakes a sleeper early by its own time', async () => {
    const clock = createRealClock();
    for (const ms of [0, 0.4, 1.7, 5.3]) {
      const startMs = clock.nowMs();
      await clock.sleep(ms);
      expect(clock.nowMs() - startMs).toBeGreaterThanOrEqual(ms);
    }
  });

  it('reads the wall clock to the nanosecond, in the same direction as time', () => {
    const clock = createRealClock();
    expect(Math.abs(Number(clock.epochNs() / 1_000_000n) - Date.now())).toBeLessThan(1000);
    let last = clock.epochNs();
    for (let i = 0; i < 1000; i++) {
      const now = clock.epochNs();
      expect(now >= last).toBe(true);
      last = now;
    }
  });

  it('does not fire what was cancelled, nor at once what is due in a year', async () => {
    const clock = createRealClock();
    const fired: string[] = [];
    const cancelSoon = clock.after(1, () => fired.push('soon'));
    const cancelYear = clock.after(365 * 86_400_000, () => fired.push('year'));
    cancelSoon();
    await clock.sleep(10);
    cancelYear();
    expect(fired).toEqual([]);
  });

  it('wakes a sleeper at once when it is told to stop', async () => {
    const clock = createRealClock();
    const stop = new AbortController();
    const sleeping = clock.sleep(60_000, stop.signal);
    stop.abort();
    await expect(sleeping).rejects.toMatchObject({ code: 'stopped' });
  });

  it('does not wait for work that it is told about', async () => {
    const work = Promise.resolve(7);
    expect(createRealClock().during(work)).toBe(work);
    expect(await work).toBe(7);
  });
});
