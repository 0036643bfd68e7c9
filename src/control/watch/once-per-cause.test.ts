import { describe, expect, it } from 'vitest';
import { createVirtualClock } from '../../../core/clock/virtual-clock.ts';
import { oncePerCause } from './once-per-cause.ts';

describe('a cause', () => {
  it('that comes back every cycle is told once, and again when it has been away for a minute', async () => {
    const clock = createVirtualClock();
    const news = oncePerCause(clock);
    const announced: boolean[] = [];
    for (let cycle = 0; cycle < 5; cycle++) {
      announced.push(news.occurs('commit: no-answer'));
      await clock.sleep(59_000);
    }
    expect(announced).toEqual([true, false, false, false, false]);
    await clock.sleep(2_000);
    expect(news.occurs('commit: no-answer')).toBe(true);
  });

  it('is no other cause', () => {
    const news = oncePerCause(createVirtualClock());
    expect([news.occurs('push'), news.occurs('commit'), news.occurs('push')]).toEqual([true, true, false]);
  });
});

describe('outages', () => {
  it('are told one by one until they come too often, and again after a quiet minute', async () => {
    const clock = createVirtualClock();
    const news = oncePerCause(clock);
    const announced: { announced: boolean; last: boolean }[] = [];
    for (let outage = 0; outage < 5; outage++) {
      announced.push(news.begins('lost: link-closed'));
      await clock.sleep(10_000);
    }
    expect(announced.map((it) => it.announced)).toEqual([true, true, true, false, false]);
    expect(announced.map((it) => it.last)).toEqual([false, false, true, false, false]);
    await clock.sleep(60_000);
    expect(news.begins('lost: link-closed')).toEqual({ announced: true, last: false });
  });
});
