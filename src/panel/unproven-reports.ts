/**
 * What others say of the panel, on a line whose frames are sealed: it is asked itself, and its sealed answer decides.
 *
 *   link: 'offline', 'restarted', … ─► get-status ─┬─► answered, and the same life of the panel ─► refuted, nothing happens
 *                                                  └─► nothing, or a panel that counts from nought ─► believed: the link is lost
 *
 * At most one question a second, whatever pours in.
 */
import type { Clock } from '../../core/clock/clock.ts';
import type { UnprovenReports } from '../link/link.ts';
import type { Session } from './handshake.ts';
import type { PanelStatus, Result } from './panel.ts';
import type { RequestLimits } from './request-timeouts.ts';

/** A panel that is there answers within milliseconds. */
const ASKED_FOR: RequestLimits = { totalMs: 700 };
const EVERY_MS = 1000;
/** How slow the panel's clock may be, and how late its answer, before it is taken for one that was restarted. */
const CLOCK_SLACK = 0.9;
const ANSWER_SLACK_MS = 1000;

export interface UnprovenReportsOptions {
  unproven: UnprovenReports;
  clock: Clock;
  session: () => Session | undefined;
  status: (limits: RequestLimits) => Promise<Result<PanelStatus>>;
}

/** Looks into what `unproven` doubts, from now on. */
export function checkUnprovenReports({ unproven, clock, session, status }: UnprovenReportsOptions): void {
  let looking = false;
  let askedMs = -Infinity;
  let known: { session: Session; uptimeMs: number; atMs: number } | undefined;

  /** Counts of a life that began after what we know of the panel. */
  const isAnother = (now: Session, uptimeMs: number): boolean => {
    const nowMs = clock.nowMs();
    const before = known?.session === now ? known : undefined;
    known = { session: now, uptimeMs, atMs: nowMs };
    // Modulo 2^32, after which the panel counts from nought.
    if ((uptimeMs - now.uptimeMs) >>> 0 > 2 ** 31) return true;
    return before !== undefined && uptimeMs - before.uptimeMs < CLOCK_SLACK * (nowMs - before.atMs) - ANSWER_SLACK_MS;
  };

  const look = async (): Promise<void> => {
    while (unproven.doubt !== undefined) {
      const pauseMs = askedMs + EVERY_MS - clock.nowMs();
      if (pauseMs > 0) await clock.sleep(pauseMs);
      const asked = session();
      // Without a session the handshake shows who is there.
      if (asked === undefined || unproven.doubt === undefined) return;
      askedMs = clock.nowMs();
      const answer = await status(ASKED_FOR);
      if (session() !== asked) return;
      if (answer.ok ? isAnother(asked, answer.value.uptimeMs) : answer.failure.reason === 'no-answer') unproven.believe();
      else unproven.refute();
    }
  };

  unproven.onDoubt(() => {
    if (looking) return;
    looking = true;
    void look().finally(() => {
      looking = false;
    });
  });
}
