/**
 * Authentication on one line, host's side (PROTOCOL.md section 7): every frame leaves under a counter of its own, and what comes in must
 * be sealed with the panel's key and fresh. Until the panel has said where its counters stand, only its answer to a challenge is fresh, and
 * that by the nonce in it.
 */
import { randomBytes } from 'node:crypto';
import { BeamrigError } from '../../core/errors/beamrig-error.ts';
import { MAX_COUNTER, ReplayWindow, derivePanelKey, openFrame, sealFrame } from '../../firmware-protocol/authentication.ts';
import { TYPE_CODES, isRequestCode } from '../../firmware-protocol/type-codes.ts';

export type Unsealed =
  | { as: 'frame'; frame: Uint8Array }
  /** Whole, and sealed by nobody. */
  | { as: 'plain' }
  /** Sealed with another key, or by ourselves, or seen before, or before its time. */
  | { as: 'untrusted' }
  | { as: 'damaged' };

export interface FrameSeal {
  seal(frame: Uint8Array): Uint8Array;
  open(bytes: Uint8Array): Unsealed;
  /** The challenge whose answer `open` returned last was ours: counters go on from there. */
  agree(lastCounter: bigint): void;
  /** Whether our next frame is fresh to a panel whose newest counter is this. */
  isAhead(lastCounter: bigint): boolean;
  /** Until the next `agree` only answers to a challenge are let in. */
  forget(): void;
}

/** Frames kept back that a new session leaves behind the panel's window of 64 counters; far more than go unanswered before a host gives up. */
const LEAP = 1024n;

/** @throws {BeamrigError} 'argument' for a key that is too short or too long */
export function createFrameSeal(rigKey: Uint8Array, panelSerial: string): FrameSeal {
  const panelKey = derivePanelKey(rigKey, panelSerial);
  let counter = 0n;
  let heardCounter = 0n;
  let window: ReplayWindow | undefined;

  return {
    seal: (frame) => {
      if (counter < MAX_COUNTER) counter++;
      return sealFrame(frame, panelKey, counter);
    },
    open: (bytes) => {
      const opened = openFrame(bytes, panelKey);
      if (!opened.ok) {
        if (opened.reason === 'plain') return { as: 'plain' };
        return { as: opened.reason === 'not-authenticated' ? 'untrusted' : 'damaged' };
      }
      const { frame } = opened;
      // One of our own requests, sent back by somebody: it must not move the window of the panel's counters.
      if (isRequestCode(frame[1])) return { as: 'untrusted' };
      if (window === undefined) {
        if (frame[1] !== TYPE_CODES.challenged) return { as: 'untrusted' };
        heardCounter = opened.counter;
      } else if (!window.accept(opened.counter)) return { as: 'untrusted' };
      return { as: 'frame', frame };
    },
    agree: (lastCounter) => {
      // A second answer to one challenge changes nothing.
      if (window !== undefined) return;
      // Never back: a frame of ours that is still on its way must not meet another one under its counter. And far on: from our next frame on
      // the panel refuses what somebody has kept back until now, of this session's predecessor or of a process before this one.
      const newest = lastCounter > counter ? lastCounter : counter;
      counter = newest < MAX_COUNTER - LEAP ? newest + LEAP : newest;
      window = new ReplayWindow(heardCounter);
    },
    isAhead: (lastCounter) => counter >= lastCounter,
    forget: () => {
      window = undefined;
    },
  };
}

/** @throws {BeamrigError} 'argument' for a key of the wrong length, or when nobody says whose key it is */
export function sealOf(rigKey: Uint8Array, panelSerial: string | undefined, linkName: string): FrameSeal {
  if (panelSerial === undefined) {
    throw new BeamrigError('argument', `the panel on ${linkName} is to be authenticated and its serial number is not known`, {
      wayOut: "Name the panel in the rig file ('panel:' beside the link): its key is derived from its serial number.",
    });
  }
  return createFrameSeal(rigKey, panelSerial);
}

/** A number that nobody can foresee: an answer that names it was made after it was drawn. */
export const drawNonce = (): bigint => randomBytes(8).readBigUInt64LE();
