import { setTimeout as realTimeout } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { VIRTUAL_EPOCH_NS, createVirtualClock } from './virtual-clock.ts';

describe('virtual clock', () => {
  it('starts at nought and at a fixed date', () => {
    const clock = createVirtualClock();
    expect(clock.nowMs()).toBe(0);
    expect(clock.epochNs()).toBe(VIRTUAL_EPOCH_NS);
    expect(new Date(Number(VIRTUAL_EPOCH_NS / 1_000_000n)).toISOString()).toBe('2026-01-01T00:00:00.000Z');
  });

  it('jumps an hour as soon as nobody has anything else to do', async () => {
    const clock = createVirtualClock();
    await clock.sleep(3_600_000);
    expect(clock.nowMs()).toBe(3_600_000);
    expect(clock.epochNs() - VIRTUAL_EPOCH_NS).toBe(3_600_000_000_000n);
  });

  it('fires in order of time, then of setting, whatever order they were set in', async () => {
    const clock = createVirtualClock();
    const fired: string[] = [];
    for (const [name, ms] of [
      ['c', 30],
      ['a', 10],
      ['b1', 20],
      ['b2', 20],
      ['a0', 0],
      ['b3', 20],
    ] as const) {
      clock.after(ms, () => fired.push(`${name}@${clock.nowMs()}`));
    }
    await clock.runUntilIdle();
    expect(fired).toEqual(['a0@0', 'a@10', 'b1@20', 'b2@20', 'b3@20', 'c@30']);
  });

  it('keeps order and count through a thousand timers of which half are cancelled', async () => {
    const clock = createVirtualClock();
    const fired: number[] = [];
    const cancels: (() => void)[] = [];
    for (let i = 0; i < 1000; i++) cancels.push(clock.after((i * 7919) % 1000, () => fired.push(clock.nowMs())));
    for (let i = 0; i < 1000; i += 2) cancels[i]();
    expect(clock.pendingTimers()).toBe(500);
    await clock.runUntilIdle();
    expect(fired).toHaveLength(500);
    expect(fired).toEqual([...fired].sort((a, b) => a - b));
    expect(clock.pendingTimers()).toBe(0);
  });

  it('does not jump to a deadline that was cancelled', async () => {
    const clock = createVirtualClock();
    const cancel = clock.after(1000, () => expect.unreachable('the deadline was cancelled'));
    await clock.sleep(5);
    cancel();
    cancel();
    await clock.runUntilIdle();
    expect(clock.nowMs()).toBe(5);
  });

  it('lets every consequence of one timer happen before the next timer of the same instant', async () => {
    const clock = createVirtualClock();
    const story: string[] = [];
    clock.after(5, () => {
      story.push('first');
      void Promise.resolve()
        .then(() => story.push('its promise'))
        .then(() => new Promise<void>((resolve) => setImmediate(resolve)))
        .then(() => story.push('its immediate'));
    });
    clock.after(5, () => story.push('second'));
    await clock.runUntilIdle();
    expect(story).toEqual(['first', 'its promise', 'its immediate', 'second']);
  });

  it('stands still while work on another thread is under way, so that no deadline fires because of it', async () => {
    const clock = createVirtualClock();
    const story: string[] = [];
    clock.after(1, () => story.push('deadline'));
    const answer = await clock.during(realTimeout(20, 'answer'));
    story.push(answer);
    expect(clock.nowMs()).toBe(0);
    await clock.runUntilIdle();
    expect(story).toEqual(['answer', 'deadline']);
  });

  it('moves on when the held work fails, and hands the failure to whoever waits', async () => {
    const clock = createVirtualClock();
    await expect(clock.during(Promise.reject(new Error('worker gone')))).rejects.toThrow('worker gone');
    await clock.sleep(10);
    expect(clock.nowMs()).toBe(10);
  });

  it('wakes a sleeper at once when it is told to stop, and leaves no timer behind', async () => {
    const clock = createVirtualClock();
    const stop = new AbortController();
    const sleeping = clock.sleep(1000, stop.signal);
    stop.abort();
    await expect(sleeping).rejects.toMatchObject({ code: 'stopped' });
    await expect(clock.sleep(1000, stop.signal)).rejects.toMatchObject({ code: 'stopped' });
    expect(clock.pendingTimers()).toBe(0);
    expect(clock.nowMs()).toBe(0);
  });

  it('advances to an instant after everything that was due before it', async () => {
    const clock = createVirtualClock();
    const fired: number[] = [];
    const tick = (): void => {
      fired.push(clock.nowMs());
      clock.after(10, tick);
    };
    clock.after(10, tick);
    await clock.advanceTo(35);
    expect(fired).toEqual([10, 20, 30]);
    expect(clock.nowMs()).toBe(35);
  });

  it('never fires a wait without end, and refuses one that is not a number', async () => {
    const clock = createVirtualClock();
    clock.after(Infinity, () => expect.unreachable('Infinity never comes'));
    await clock.runUntilIdle();
    expect(clock.nowMs()).toBe(0);
    expect(() => clock.after(NaN, () => undefined)).toThrow(/NaN/);
    await expect(clock.sleep(NaN)).rejects.toMatchObject({ code: 'argument' });
  });

  it('does not grow when a million deadlines are set and met', () => {
    const clock = createVirtualClock();
    const heapBefore = process.memoryUsage().heapUsed;
    for (let i = 0; i < 1_000_000; i++) clock.after(1e9, () => undefined)();
    expect(clock.pendingTimers()).toBe(0);
    expect(process.memoryUsage().heapUsed - heapBefore).toBeLessThan(64 * 2 ** 20);
  });

  it('tells the same story twice', async () => {
    const tell = async (): Promise<string[]> => {
      const clock = createVirtualClock();
      const story: string[] = [];
      const walker = async (name: string, stepMs: number): Promise<void> => {
        for (let i = 0; i < 20; i++) {
          await clock.sleep(stepMs);
          story.push(`${name}@${clock.nowMs()}`);
        }
      };
      await Promise.all([walker('a', 3), walker('b', 2), walker('c', 6)]);
      return story;
    };
    expect(await tell()).toEqual(await tell());
  });
});
