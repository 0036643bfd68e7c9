/** What any board keeps count of: its starts, its time, and what came damaged. */
import type { Clock } from '../core/clock/clock.ts';

export interface BoardLife {
  bootCount: () => number;
  /** Panel time, µs since the start. */
  timeUs: () => bigint;
  countBadFrames: (count: number) => void;
  /** As the status says them. */
  counts: () => { uptimeMs: number; bootCount: number; badFrames: number };
  restart: () => void;
}

const U32_MAX = 0xffffffff;

export function createBoardLife(clock: Clock): BoardLife {
  let bootCount = 1;
  let bootedMs = clock.nowMs();
  let badFrames = 0;
  return {
    bootCount: () => bootCount,
    timeUs: () => BigInt(Math.floor((clock.nowMs() - bootedMs) * 1000)),
    countBadFrames: (count) => {
      badFrames += count;
    },
    counts: () => ({
      uptimeMs: Math.min(Math.floor(clock.nowMs() - bootedMs), U32_MAX),
      bootCount,
      badFrames: Math.min(badFrames, U32_MAX),
    }),
    restart() {
      bootCount += 1;
      bootedMs = clock.nowMs();
      badFrames = 0;
    },
  };
}
