import { describe, expect, it } from 'vitest';
import { cycleRecord } from '../../../test/cycle-record.ts';
import { stageTimes, type CycleRecord } from '../../telemetry/cycle-record.ts';
import { createPaceWatch } from './pace-watch.ts';

const record = (modelMs: number, outcome: 'ok' | 'void' = 'ok'): CycleRecord =>
  cycleRecord({
    outcome,
    stageMs: stageTimes({ channel: 0.1, model: modelMs, quantise: 0.2, push: 3, commit: 1, measure: 2 }),
    cycleMs: modelMs + 7,
  });

/** Cycles that are so long apart, for so long. */
function run(rateHz: number, everyMs: number, seconds: number, made: (atMs: number) => CycleRecord) {
  const watch = createPaceWatch(rateHz);
  let events = 0;
  for (let atMs = 0; atMs <= 1000 * seconds; atMs += everyMs) if (watch.cycle(atMs, made(atMs))) events++;
  return { slow: watch.slow, events };
}

describe('the pace of a loop', () => {
  it('that keeps its rate is nothing to tell, nor is one that runs as fast as it goes', () => {
    expect(run(20, 50, 60, () => record(5))).toEqual({ slow: undefined, events: 0 });
    expect(run(0, 500, 60, () => record(5))).toEqual({ slow: undefined, events: 0 });
  });

  it('that is half of what was asked for names the stage that takes the time', () => {
    const { slow, events } = run(20, 100, 25, () => record(80));
    expect(events).toBe(2);
    expect(slow).toMatchObject({ askedPerSecond: 20, stage: 'model', stageMs: expect.closeTo(80, 6) as number });
    expect(slow?.perSecond).toBeCloseTo(10, 6);
  });

  it('names the time between the stages where that is most of it', () => {
    expect(run(20, 100, 25, () => ({ ...record(5), cycleMs: 90 })).slow?.stage).toBe('other');
  });

  it('that was slow and is not any more has nothing left to say', () => {
    const watch = createPaceWatch(20);
    let atMs = 0;
    for (; atMs < 21_000; atMs += 100) watch.cycle(atMs, record(80));
    expect(watch.slow).toBeDefined();
    for (; atMs < 50_000; atMs += 50) watch.cycle(atMs, record(5));
    expect(watch.slow).toBeUndefined();
  });

  it.each([{ modelId: 'another' }, { phaseBits: 1 }])('is counted anew, and not called slow, from %j on', (other) => {
    const watch = createPaceWatch(20);
    let atMs = 0;
    const slowly = (until: number, what: Partial<CycleRecord> = {}): boolean[] => {
      const found: boolean[] = [];
      for (; atMs < until; atMs += 1000) found.push(watch.cycle(atMs, { ...record(980), ...what }));
      return found;
    };
    for (; atMs < 8000; atMs += 50) watch.cycle(atMs, record(5));
    // Over two of them it would be 16 cycles a second of 24 ms each, which fit: as if something else were in the way.
    expect(slowly(18_000, other)).not.toContain(true);
    expect(slowly(22_000, other)).toContain(true);
    expect(watch.slow).toMatchObject({ stage: 'model', cycleMs: expect.closeTo(987, 6) as number });
    watch.cycle(atMs, record(5));
    expect(watch.slow).toBeUndefined();
  });

  it('is not judged over void cycles: what a lost panel costs is told as that', () => {
    expect(run(20, 100, 60, (atMs) => record(80, atMs % 9000 === 0 ? 'void' : 'ok')).events).toBe(0);
  });

  it('is judged at one cycle in ten seconds too', () => {
    expect(run(0.1, 10_000, 600, () => record(5)).events).toBe(0);
    expect(run(0.1, 15_000, 600, () => record(14_000)).events).toBeGreaterThan(0);
  });
});
