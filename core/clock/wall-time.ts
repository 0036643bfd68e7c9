/**
 * Wall-clock time that records can be ordered by. It runs with the machine's monotonic clock; where the wall clock was set forward or the
 * machine slept, it moves to the new time; where the wall clock was set back, it goes on at its own pace, ahead of the wall clock by a known
 * amount, until that is set forward again. So it never goes back, never stands still, and each step is told once.
 */
import { uptime } from 'node:os';
import type { Clock, WallStep } from './clock.ts';

/** Where time comes from; handed in where a clock that is set is to be played. */
export interface MachineClocks {
  /** ms since 1970, as the machine's clock says now. */
  wallMs(): number;
  /** ns, never set; stands still while the machine sleeps. */
  monotonicNs(): bigint;
  /** s since the machine was started, sleep included. */
  uptimeS(): number;
}

export const MACHINE_CLOCKS: MachineClocks = {
  wallMs: () => Date.now(),
  monotonicNs: () => process.hrtime.bigint(),
  uptimeS: uptime,
};

/** Clocks that are set by less are only corrected; both clocks are then read on the way, not in one instant. */
const STEP_NS = 500_000_000n;
/** Between two looks at different clocks the process may have been held up: such a look says nothing. */
const HELD_UP_NS = 50_000_000n;
const LOOK_MS = 1000;

export function createWallTime(clocks: MachineClocks): Required<Pick<Clock, 'epochNs' | 'onWallStep'>> {
  const listeners = new Set<(step: WallStep) => void>();
  const bootNs = (): bigint => BigInt(Math.round(clocks.uptimeS() * 1e9));
  const wallNs = (): bigint => BigInt(Math.round(clocks.wallMs())) * 1_000_000n;
  let baseNs = wallNs() - clocks.monotonicNs();
  let asleepNs = bootNs() - clocks.monotonicNs();
  let aheadNs = 0n;
  let timer: NodeJS.Timeout | undefined;

  /** Records ask for the time in every cycle: how long the machine slept, which takes the system long to say, is asked for only where time has moved. */
  const look = (asks: 'on a step' | 'always'): void => {
    const before = clocks.monotonicNs();
    const wall = wallNs();
    if (asks === 'on a step' && size(wall - (baseNs + before - aheadNs)) < STEP_NS) return;
    const boot = bootNs();
    const now = clocks.monotonicNs();
    if (now - before > HELD_UP_NS) return;
    const time = baseNs + now;
    const change = wall - (time - aheadNs);
    const slept = boot - now - asleepNs;
    asleepNs += slept;
    if (size(change) < STEP_NS) return;
    const movedNs = wall > time ? wall - time : 0n;
    baseNs += movedNs;
    aheadNs = wall > time ? 0n : time - wall;
    const cause = slept >= STEP_NS && size(slept - change) < 2n * STEP_NS ? 'suspended' : 'set';
    const step: WallStep = { cause, changeMs: Number(change) / 1e6, movedNs, aheadMs: Number(aheadNs) / 1e6 };
    // Not in the middle of whatever asked for the time.
    for (const listener of listeners) queueMicrotask(() => listener(step));
  };

  return {
    epochNs: () => {
      look('on a step');
      return baseNs + clocks.monotonicNs();
    },
    onWallStep: (listener) => {
      listeners.add(listener);
      timer ??= setInterval(() => look('always'), LOOK_MS).unref();
      return () => {
        listeners.delete(listener);
        if (listeners.size > 0) return;
        clearInterval(timer);
        timer = undefined;
      };
    },
  };
}

const size = (ns: bigint): bigint => (ns < 0n ? -ns : ns);
