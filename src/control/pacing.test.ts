import { describe, expect, it } from 'vitest';
import { createVirtualClock } from '../../core/clock/virtual-clock.ts';
import { oncePerCause } from './watch/once-per-cause.ts';
import { createPacing } from './pacing.ts';

const never = new AbortController().signal;

describe('pacing by a fixed grid', () => {
  it('keeps the grid although every cycle takes some of its time', async () => {
    const clock = createVirtualClock();
    const pacing = createPacing(clock, 20);
    const starts: number[] = [];
    for (let cycle = 0; cycle < 5; cycle++) {
      await pacing.next(never);
      starts.push(clock.nowMs());
      await clock.sleep(7 + cycle);
    }
    expect(starts).toEqual([0, 50, 100, 150, 200]);
  });

  it('goes on at once after a long cycle, on the old grid, without a burst', async () => {
    const clock = createVirtualClock();
    const pacing = createPacing(clock, 20);
    const starts: number[] = [];
    for (const workMs of [10, 130, 10, 10]) {
      await pacing.next(never);
      starts.push(clock.nowMs());
      await clock.sleep(workMs);
    }
    expect(starts).toEqual([0, 50, 180, 200]);
  });

  it('begins a new grid after a pause', async () => {
    const clock = createVirtualClock();
    const pacing = createPacing(clock, 20);
    await pacing.next(never);
    await clock.sleep(333);
    pacing.restart();
    await pacing.next(never);
    expect(clock.nowMs()).toBe(333);
  });

  it('is woken at once when the rig is stopped', async () => {
    const clock = createVirtualClock();
    const pacing = createPacing(clock, 1);
    await pacing.next(never);
    const stop = new AbortController();
    const waiting = pacing.next(stop.signal);
    stop.abort();
    await expect(waiting).rejects.toMatchObject({ code: 'stopped' });
  });

  it('without a rate lets the event loop go round once a cycle and takes no time', async () => {
    const clock = createVirtualClock();
    const pacing = createPacing(clock, 0);
    let turned = false;
    setImmediate(() => (turned = true));
    await pacing.next(never);
    expect(turned).toBe(true);
    expect(clock.nowMs()).toBe(0);
  });
});

describe('one event per cause', () => {
  it('tells a recurring cause once, another one too, and the first again after a quiet time', async () => {
    const clock = createVirtualClock();
    const news = oncePerCause(clock, 1000);
    expect(news.occurs('push: no-answer')).toBe(true);
    for (let i = 0; i < 50; i++) {
      await clock.sleep(100);
      expect(news.occurs('push: no-answer')).toBe(false);
    }
    expect(news.occurs('measure: no-answer')).toBe(true);
    await clock.sleep(1001);
    expect(news.occurs('push: no-answer')).toBe(true);
  });
});
