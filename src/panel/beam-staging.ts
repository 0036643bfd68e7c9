/**
 * Beams on their way into the slots of a panel: as what differs from the beam that it radiates where that is known and well shorter, else whole, and whole
 * once more where the panel turns out to radiate another. staging.ts are the messages.
 */
import type { Clock } from '../../core/clock/clock.ts';
import { beamCrc32c } from '../../firmware-protocol/packing.ts';
import { refused, type Staged } from './commit.ts';
import type { BeamCommand, PanelFailure, Result } from './panel.ts';
import type { PanelSession } from './panel-session.ts';
import { pipeline } from './pipeline.ts';
import type { RequestOf } from './replies.ts';
import type { StagingType } from './staging.ts';
import { beamAsPatch, bytesOf, checkDimensions, copyFor, refusedUnlessWhole, whyNotTaken, wholeBeam } from './staging.ts';

export interface BeamStaging {
  /**
   * @param commitEarly a commit may follow at the heels of the chunks: one round trip less
   * @throws {BeamrigError} 'argument' for a beam of other dimensions
   */
  stage(beam: BeamCommand, commitEarly?: boolean): Promise<Result<Staged>>;
  /** The slot is not what it was, or never became it. Nothing was switched, so staging the whole beam once more is safe. */
  again(staged: Staged): Promise<Result<void>>;
  /** The beam that the panel confirmed last in this session and may radiate still: what a patch starts from, and nothing else. Undefined: not known. */
  radiates(beam: BeamCommand | undefined): void;
}

export function createBeamStaging(options: {
  panel: PanelSession;
  clock: Clock;
  /** Chunks sent and not yet acknowledged, at most. */
  window: number;
  explain: (failure: PanelFailure) => Promise<{ ok: false; failure: PanelFailure }>;
}): BeamStaging {
  const { panel, clock, window, explain } = options;
  const { counters } = panel.line;
  let radiated: BeamCommand | undefined;
  let nextSlot = 0;

  const send = (requests: readonly RequestOf<StagingType>[]): Promise<Result<unknown>> => {
    counters.stagedBytes = (counters.stagedBytes ?? 0) + bytesOf(requests);
    return pipeline<StagingType>(panel.line, requests, window);
  };

  return {
    radiates: (beam) => void (radiated = beam),
    async stage(beam, commitEarly = false) {
      const session = panel.current;
      if (session === undefined) return refused(panel.absence);
      const { capabilities } = session;
      checkDimensions(beam, capabilities);
      const unfit = whyNotTaken(beam, capabilities, 'the panel');
      if (unfit !== undefined) return refused(unfit);
      const startMs = clock.nowMs();
      // A late chunk of the last beam must not fall into the slot of this one, where the panel has more than one.
      const slot = nextSlot++ % capabilities.stagingSlots;
      const kept = copyFor(beam, capabilities);
      const crc = beamCrc32c(kept);
      const patch = radiated && beamAsPatch(kept, radiated, slot, capabilities);
      const requests = patch ?? wholeBeam(kept, slot, capabilities);
      const sending = send(requests);
      let earlyCommit: Staged['earlyCommit'];
      if (commitEarly && refusedUnlessWhole(requests) && requests.length < window) {
        earlyCommit = panel.ask<'commit'>(session, { type: 'commit', slot, beamId: beam.beamId, atUs: 0n });
      }
      let sent = await sending;
      if (!sent.ok && earlyCommit !== undefined) {
        // Nothing of this beam is under way when the next one begins; whether it was switched is unknown.
        await earlyCommit;
        radiated = undefined;
      }
      if (!sent.ok && patch !== undefined && sent.failure.reason === 'rejected') {
        // Whatever the panel radiates, it is not what we believed.
        radiated = undefined;
        const why = await explain(sent.failure);
        if (session !== panel.current) return why;
        sent = await send(wholeBeam(kept, slot, capabilities));
      } else if (sent.ok && patch !== undefined) counters.patchedBeams = (counters.patchedBeams ?? 0) + 1;
      if (!sent.ok) return explain(sent.failure);
      const pushMs = clock.nowMs() - startMs;
      return { ok: true, value: { beamId: beam.beamId, session, slot, beam: kept, crc, pushMs, atUs: 0n, earlyCommit } };
    },
    async again(staged) {
      const startMs = clock.nowMs();
      if (staged.session !== panel.current) return refused(panel.absence);
      const sent = await send(wholeBeam(staged.beam, staged.slot, staged.session.capabilities));
      staged.pushMs += clock.nowMs() - startMs;
      return sent.ok ? { ok: true, value: undefined } : explain(sent.failure);
    },
  };
}
