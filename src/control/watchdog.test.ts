import { describe, expect, it } from 'vitest';
import { createVirtualClock } from '../../core/clock/virtual-clock.ts';
import { createWatchdog, watchdogMsAt } from './watchdog.ts';
import { silenceMsAt } from './silence-limit.ts';

function watched(excused = false) {
  const clock = createVirtualClock();
  const events: string[] = [];
  const state = { excused };
  const watchdog = createWatchdog({
    clock,
    limitMs: 1000,
    excused: () => state.excused,
    onStuck: (quietMs) => events.push(`stuck ${Math.round(quietMs)}`),
    onTurning: (stuckMs) => events.push(`turning ${Math.round(stuckMs)}`),
  });
  watchdog.watch();
  return { clock, events, state, watchdog };
}

describe('the watchdog', () => {
  it('is quiet while cycles turn, tells once when none does, and once when a good one has', async () => {
    const { clock, events, watchdog } = watched();
    for (let cycle = 0; cycle < 20; cycle++) {
      await clock.sleep(900);
      watchdog.turned(true);
    }
    expect(events).toEqual([]);
    expect(watchdog.stuckMs).toBeUndefined();
    await clock.sleep(5000);
    expect(events).toEqual(['stuck 1000']);
    expect(watchdog.stuckMs).toBe(5000);
    watchdog.turned(false);
    expect(events, 'a void cycle is no end of it').toEqual(['stuck 1000']);
    watchdog.turned(true);
    expect(events).toEqual(['stuck 1000', 'turning 5000']);
    watchdog.rest();
    expect(clock.pendingTimers()).toBe(0);
  });

  it('expects nothing while it rests, nor of a panel that is known to be lost', async () => {
    const { clock, events, state, watchdog } = watched(true);
    await clock.sleep(10_000);
    expect(events).toEqual([]);
    state.excused = false;
    watchdog.rest();
    await clock.sleep(10_000);
    expect(events).toEqual([]);
  });

  it('has a limit above what any slow rig needs, and panels bear a slow model', () => {
    for (const rateHz of [0, 0.01, 0.7, 20, 1000]) {
      for (const deadlineMs of [1, 2000, 60_000]) {
        const periodMs = rateHz === 0 ? 0 : 1000 / rateHz;
        expect(watchdogMsAt(rateHz, deadlineMs, 0)).toBeGreaterThan(periodMs + deadlineMs + 1000);
        expect(silenceMsAt(rateHz, deadlineMs)).toBeGreaterThanOrEqual(periodMs + deadlineMs);
      }
    }
    expect(silenceMsAt(20, 2000)).toBe(3000);
  });
});
