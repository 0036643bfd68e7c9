import { describe, expect, it } from 'vitest';
import { createVirtualClock } from '../../../core/clock/virtual-clock.ts';
import { createRateMeter } from './rate-meter.ts';

describe('cycles a second', () => {
  it('counts the last second only', async () => {
    const clock = createVirtualClock();
    const meter = createRateMeter(clock);
    for (let cycle = 0; cycle < 100; cycle++) {
      await clock.sleep(50);
      meter.count();
    }
    expect(meter.perSecond()).toBe(20);
    for (let cycle = 0; cycle < 400; cycle++) {
      await clock.sleep(5);
      meter.count();
    }
    expect(meter.perSecond()).toBe(200);
  });

  it('is 0 at the start and again a second after the last cycle', async () => {
    const clock = createVirtualClock();
    const meter = createRateMeter(clock);
    expect(meter.perSecond()).toBe(0);
    meter.count();
    await clock.sleep(500);
    expect(meter.perSecond()).toBe(1);
    await clock.sleep(60_000);
    expect(meter.perSecond()).toBe(0);
  });
});
