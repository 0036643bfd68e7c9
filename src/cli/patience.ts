/**
 * How long the end of a run waits for what it would like to do yet. A run that ended by itself has patience; once a signal has asked for the end,
 * however late, everything shares what is left of 3 s, the last words and the end of the process included:
 *
 *   signal ─ stop ≤ 1.5 s, page ≤ 0.2 s ─► records ─ 1.7 s ─► InfluxDB ─ 2.0 s ─► all of it ─ 2.35 s ─► last words ─ 2.85 s ─► gone
 */
import type { Clock } from '../../core/clock/clock.ts';
import { withinTime } from '../control/within-time.ts';
import { LAST_OUTPUT, UNHURRIED, type DrainLimits } from './outlet.ts';

/** Until when after the signal, ms. */
export const HURRIED = { recordsMs: 1700, influxMs: 2000, closedMs: 2350, saidMs: 2850 } as const;

export interface Patience {
  /** A signal asks for the end now. */
  lose(): void;
  /** Resolves so long after the signal; never without one. */
  lost(afterMs: number): Promise<void>;
  /** What the work comes to, or undefined once it has taken `ms`, or the signal is `hurriedMs` ago. */
  waitFor<T>(work: Promise<T>, ms: number, hurriedMs: number): Promise<T | undefined>;
  /** How long readers of what was printed are waited for. */
  forReaders(): DrainLimits;
}

export function createPatience(clock: Clock): Patience {
  let lostAtMs: number | undefined;
  let tell: () => void = () => undefined;
  const signal = new Promise<void>((resolve) => (tell = resolve));
  const leftMs = (afterMs: number): number => Math.max(0, (lostAtMs ?? clock.nowMs()) + afterMs - clock.nowMs());

  const lost = async (afterMs: number): Promise<void> => {
    await signal;
    await clock.sleep(leftMs(afterMs));
  };

  return {
    lose() {
      lostAtMs ??= clock.nowMs();
      tell();
    },
    lost,
    waitFor: (work, ms, hurriedMs) =>
      Promise.race([withinTime(clock, ms, work, undefined), lost(hurriedMs).then(() => undefined)]),
    forReaders() {
      if (lostAtMs === undefined) return UNHURRIED;
      return { ...LAST_OUTPUT, totalMs: Math.min(LAST_OUTPUT.totalMs, leftMs(HURRIED.saidMs)) };
    },
  };
}
