/** Keeps the estimate of one panel's clock fresh: a handful of exchanges at the start of a session, one now and then afterwards. */
import type { Clock } from '../../core/clock/clock.ts';
import type { Capabilities } from '../../firmware-protocol/messages.ts';
import type { ClockEstimate } from './clock-estimate.ts';
import { createClockEstimate } from './clock-estimate.ts';
import type { ArrayMember, ClockSample, PanelFailure, Result } from './panel.ts';

export interface ClockKeeping {
  readonly estimate: ClockEstimate;
  /**
   * Exchanges times with the panel where that is due. Fails only when too little is known of its clock. A clock that jumped is followed at once;
   * `jumpedMs` says so.
   */
  refresh(): Promise<Result<void>>;
  /** By how much the clock was found to have jumped in the newest refresh, ms; 0 where it did not. */
  readonly jumpedMs: number;
  /** The next refresh is due at once: something came at a time when it should not. */
  doubt(): void;
  /**
   * Is the clock where it was thought to be when a beam was switched by it? One exchange, which the estimate does not learn from. Where nothing is
   * heard nothing is known, which is no failure of the clock.
   */
  verify(): Promise<PanelFailure | undefined>;
}

const SAMPLES_AT_START = 6;
const FEWEST_SAMPLES = 3;
const EVERY_MS = 250;
/**
 * How far a panel's time may lie outside what it can be between the two ends of an exchange. No clock is estimated so badly, and none drifts so far
 * between two exchanges: parts of a beam that were switched further apart than this, beside what the estimate says of itself, make no beam.
 */
const JUMP_US = 20_000;

export function createClockKeeping(panel: ArrayMember, clock: Clock): ClockKeeping {
  const estimate = createClockEstimate();
  /** The session that the samples are of: its panel may have been restarted since. */
  let session: Capabilities | undefined;
  let sampledMs = -Infinity;
  let jumpedMs = 0;
  let doubted = false;

  /**
   * By how much its time is outside what it can be between the two ends of the exchange: behind as after a restart, or ahead as when this host
   * slept and its clock stood still. Old samples are then of another clock, and would spoil the estimate for as long as they are remembered.
   */
  const jump = ({ hostSendUs, panelReceiveUs, hostReceiveUs }: ClockSample): number => {
    if (estimate.samples === 0) return 0;
    const behindUs = Number(estimate.toPanelUs(hostSendUs) - panelReceiveUs);
    const aheadUs = Number(panelReceiveUs - estimate.toPanelUs(hostReceiveUs));
    const byUs = Math.max(behindUs, aheadUs);
    const doubtUs = estimate.samples < FEWEST_SAMPLES ? 0 : estimate.uncertaintyUs(hostSendUs);
    return byUs > JUMP_US + doubtUs ? byUs / 1000 : 0;
  };

  return {
    estimate,
    get jumpedMs() {
      return jumpedMs;
    },
    doubt: () => {
      doubted = true;
    },
    refresh: async () => {
      jumpedMs = 0;
      if (panel.capabilities !== session) {
        session = panel.capabilities;
        estimate.reset();
      }
      while (estimate.samples < SAMPLES_AT_START || doubted || clock.nowMs() - sampledMs >= EVERY_MS) {
        const own = session;
        const sample = await panel.syncClock();
        if (sample.ok && panel.capabilities === own) {
          doubted = false;
          const byMs = jump(sample.value);
          if (byMs > 0) {
            // The panel knows best: when it was restarted, asking ends the session.
            const status = await panel.status();
            if (!status.ok) return status;
            estimate.reset();
            jumpedMs = byMs;
          }
          estimate.add(sample.value);
          sampledMs = clock.nowMs();
        } else if (!sample.ok) return estimate.samples < FEWEST_SAMPLES || panel.capabilities !== own ? sample : DONE;
        else break;
      }
      return DONE;
    },
    verify: async () => {
      const sample = await panel.syncClock();
      if (!sample.ok || panel.capabilities !== session) return undefined;
      const byMs = jump(sample.value);
      if (byMs === 0) return undefined;
      doubted = true;
      return { reason: 'clock-jumped', byMs };
    },
  };
}

const DONE = { ok: true, value: undefined } as const;
