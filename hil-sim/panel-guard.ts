/**
 * The panel's end of authentication (firmware-protocol/PROTOCOL.md section 7): takes the seal off what comes in, refuses what is forged or
 * was sent before, seals what goes out. It keeps one number where power cannot take it: a limit that no counter has passed.
 *
 *   counters     … accepted, sent …   │ free to use │ limit │ raised by 65,536 first …
 */
import { MAX_COUNTER, ReplayWindow, openFrame, sealFrame } from '../firmware-protocol/authentication.ts';
import type { NackCode } from '../firmware-protocol/messages.ts';
import { TYPE_CODES, isRequestCode } from '../firmware-protocol/type-codes.ts';

export interface PanelAuthentication {
  /** derivePanelKey of the rig's key and this panel's serial number. */
  panelKey: Uint8Array;
  /** The limit as it was stored last; 0 when it never was. */
  counterLimit: bigint;
  /** Keeps a new limit where a restart does not lose it; false when it could not. */
  storeLimit: (limit: bigint) => boolean;
}

export type Admission =
  | { bare: Uint8Array }
  /** Discarded; `answer` is what is said to that, without a seal. */
  | { discarded: true; answer?: { seq: number; code: NackCode } };

export interface PanelGuard {
  admit(bytes: Uint8Array): Admission;
  /** The frame as it goes out; undefined when no counter can be used any more. */
  seal(bare: Uint8Array): Uint8Array | undefined;
  /** Newest counter accepted from the host. */
  newest(): bigint;
  /** The panel starts anew, and knows its stored limit only. */
  restart(): void;
}

/** How far ahead of the counters the limit is stored, so that memory with few writes lasts. */
const LIMIT_AHEAD = 65_536n;

export function createPanelGuard({ panelKey, counterLimit, storeLimit }: PanelAuthentication): PanelGuard {
  let limit = counterLimit;
  let accepted = new ReplayWindow(limit);
  let sent = limit;

  const within = (counter: bigint): boolean => {
    if (counter <= limit) return true;
    const ahead = counter + LIMIT_AHEAD;
    const raised = ahead < MAX_COUNTER ? ahead : MAX_COUNTER;
    if (!storeLimit(raised)) return false;
    limit = raised;
    return true;
  };

  return {
    admit(bytes) {
      const opened = openFrame(bytes, panelKey);
      if (!opened.ok) {
        if (!('header' in opened) || !isRequestCode(opened.header.typeCode)) return { discarded: true };
        return { discarded: true, answer: { seq: opened.header.seq, code: 'not-authenticated' } };
      }
      const { frame, counter } = opened;
      // A reply with our tag is one of our own that somebody sends back: it must not move the window of the host's counters.
      if (!isRequestCode(frame[1])) return { bare: frame };
      // The host cannot know yet where to go on, so of a challenge the tag alone counts.
      if (frame[1] === TYPE_CODES.challenge) return { bare: frame };
      if (!within(counter)) return { discarded: true };
      if (accepted.accept(counter)) return { bare: frame };
      return { discarded: true, answer: { seq: frame[2] | (frame[3] << 8), code: 'replayed' } };
    },
    seal(bare) {
      const counter = sent + 1n;
      if (counter > MAX_COUNTER || !within(counter)) return undefined;
      sent = counter;
      return sealFrame(bare, panelKey, counter);
    },
    newest: () => accepted.newest,
    restart() {
      accepted = new ReplayWindow(limit);
      sent = limit;
    },
  };
}
