/** Keeps the estimate of one panel's clock fresh: a handful of exchanges at the start of a session, one now and then afterwards. */
import type { Clock } from '../../clock/clock.ts';
import type { Capabilities } from '../../firmware-protocol/messages.ts';
import type { ClockEstimate } from './clock-estimate.ts';
import { createClockEstimate } from './clock-estimate.ts';
import type { ArrayMember, ClockSample, Result } from './panel.ts';

export interface ClockKeeping {
  readonly estimate: ClockEstimate;
  /** Exchanges times with the panel where that is due. Fails only when too little is known of its clock. */
  refresh(): Promise<Result<void>>;
}

const SAMPLES_AT_START = 6;
const FEWEST_SAMPLES = 3;
const EVERY_MS = 250;
/** No clock is estimated so badly, and none drifts so far between two exchanges. */
const LEAP_US = 20_000n;

export function createClockKeeping(panel: ArrayMember, clock: Clock): ClockKeeping {
  const estimate = createClockEstimate();
  /** The session that the samples are of: its panel may have been restarted since. */
  let session: Capabilities | undefined;
  let sampledMs = -Infinity;

  /**
   * Its time is outside what it can be between the two ends of the exchange: behind as after a restart, or ahead as when this host slept and
   * its clock stood still. Old samples are then of another clock, and would spoil the estimate for as long as they are remembered.
   */
  const leapt = ({ hostSendUs, panelReceiveUs, hostReceiveUs }: ClockSample): boolean =>
    estimate.samples > 0 &&
    (estimate.toPanelUs(hostSendUs) - panelReceiveUs > LEAP_US || panelReceiveUs - estimate.toPanelUs(hostReceiveUs) > LEAP_US);

  return {
    estimate,
    refresh: async () => {
      if (panel.capabilities !== session) {
        session = panel.capabilities;
        estimate.reset();
      }
      while (estimate.samples < SAMPLES_AT_START || clock.nowMs() - sampledMs >= EVERY_MS) {
        const own = session;
        const sample = await panel.syncClock();
        if (sample.ok && panel.capabilities === own) {
          if (leapt(sample.value)) {
            // The panel knows best: when it was restarted, asking ends the session.
            const status = await panel.status();
            if (!status.ok) return status;
            estimate.reset();
          }
          estimate.add(sample.value);
          sampledMs = clock.nowMs();
        } else if (!sample.ok) return estimate.samples < FEWEST_SAMPLES || panel.capabilities !== own ? sample : DONE;
        else break;
      }
      return DONE;
    },
  };
}

const DONE = { ok: true, value: undefined } as const;
