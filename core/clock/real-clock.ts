/**
 * The machine's own time. Node's timers count whole milliseconds and wrap above 2³¹ - 1, so both are smoothed over here: a wait never ends
 * early by the monotonic clock, and a very long one is taken in pieces.
 */
import { BeamrigError } from '../errors/beamrig-error.ts';
import type { Clock } from './clock.ts';
import { sleepOn } from './sleep.ts';
import { createWallTime, MACHINE_CLOCKS, type MachineClocks } from './wall-time.ts';

const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** Time of this machine: performance.now for waits, and a wall clock that never steps back while the process lives. */
export function createRealClock(clocks: MachineClocks = MACHINE_CLOCKS): Clock {
  const wall = createWallTime(clocks);

  const after = (ms: number, call: () => void): (() => void) => {
    if (Number.isNaN(ms)) throw new BeamrigError('argument', 'A wait of NaN ms was asked for; it must be a number.');
    const dueMs = performance.now() + ms;
    let timer: NodeJS.Timeout;
    const arm = (): void => {
      const leftMs = Math.min(Math.max(dueMs - performance.now(), 0), LONGEST_TIMER_MS);
      timer = setTimeout(() => (performance.now() < dueMs ? arm() : call()), Math.ceil(leftMs));
    };
    arm();
    return () => clearTimeout(timer);
  };

  return {
    nowMs: () => performance.now(),
    epochNs: wall.epochNs,
    onWallStep: wall.onWallStep,
    after,
    sleep: (ms, signal) => sleepOn(after, ms, signal),
    during: (work) => work,
  };
}
