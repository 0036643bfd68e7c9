/**
 * Looks for the hardware beside the cycles, while they run on the simulator: shakes hands with it, has it made safe (it may still show the beam of
 * before it was lost), and is over when cycles can move onto it.
 */
import { isBeamrigError } from '../../core/errors/beamrig-error.ts';
import type { Candidate } from './rig-panel.ts';

export interface HardwareSearch {
  /** Begins, unless it is under way. */
  begin(hardware: Candidate): void;
  /** It has a session, was made safe in it, and nobody looks for it any more. */
  hasFound(hardware: Candidate): boolean;
  /** Ends it; resolves when it has ended, `false` when there was none. */
  end(): Promise<boolean>;
}

/** What is there and can never be used, with what makes it the same as the last time. */
export interface Unusable {
  cause: string;
  message: string;
}

export function createHardwareSearch(
  makeSafe: (hardware: Candidate) => Promise<unknown>,
  onUnusable: (found: Unusable) => void,
): HardwareSearch {
  const ending = new AbortController();
  let underWay: Promise<void> | undefined;

  const search = async (hardware: Candidate): Promise<void> => {
    const { recovery, beamIds, rigPanel } = hardware;
    const { signal } = ending;
    try {
      while (!signal.aborted) {
        const outcome = await recovery.recover(signal);
        if (typeof outcome === 'object') onUnusable({ cause: recovery.loss?.cause ?? '', message: outcome.unusable });
        if (outcome !== 'back' || signal.aborted) continue;
        beamIds.sessionBegan();
        await makeSafe(hardware);
        if (rigPanel.panel.capabilities !== undefined) return;
        recovery.release();
      }
    } catch (error) {
      recovery.release();
      if (isBeamrigError(error) && error.code === 'stopped') return;
      const message = error instanceof Error ? error.message : String(error);
      onUnusable({ cause: isBeamrigError(error) ? error.code : 'internal', message });
    }
  };

  return {
    begin(hardware) {
      underWay ??= search(hardware).finally(() => {
        underWay = undefined;
      });
    },
    hasFound({ recovery, rigPanel }) {
      if (underWay !== undefined || recovery.lost) return false;
      if (rigPanel.panel.capabilities !== undefined) return true;
      // Gone again before it was used.
      recovery.release();
      return false;
    },
    async end() {
      ending.abort();
      const ended = underWay;
      await ended;
      return ended !== undefined;
    },
  };
}
