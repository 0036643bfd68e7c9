/**
 * The id of each beam: **beam b of a run belongs to slot b − 1**, on whichever panel; slots are cycles, and beams that are shown between them. A
 * panel in a process of its own knows by it which slot it radiates. The panel refuses ids that are not newer than what it has seen in its session,
 * so where it has seen a newer one (of another host, say) ids go on above that, until the slots have caught up or a new handshake has begun the
 * order anew.
 *
 * A beam that is kept in a panel's beam memory and not switched to has SAFE_BEAM_ID, which no cycle ever has: chunks of it that the wire kept
 * back can then not slip into the beam of a cycle. Whoever stores it shakes hands afterwards, which empties the panel's staging slots.
 */
import type { BeamId } from '../../firmware-protocol/messages.ts';

/** One below the last id there is, which a panel uses to say that its session is over. */
export const SAFE_BEAM_ID: BeamId = 0xfffffffe;
const LAST_BEAM_ID: BeamId = SAFE_BEAM_ID - 1;

export interface BeamIds {
  /** The id for a slot. Shakes hands first when none is left; should that fail, the panel refuses the beam, and the next one tries again. */
  take(slot: number): Promise<BeamId>;
  /** The panel has seen this id already: go on above it. */
  passed(newest: BeamId): void;
  /** A handshake has begun the order of ids anew. */
  sessionBegan(): void;
}

/** @param connect shakes hands; true when the panel answered */
export function createBeamIds(connect: () => Promise<boolean>): BeamIds {
  let newest: BeamId = 0;
  return {
    async take(slot) {
      const own = (slot % LAST_BEAM_ID) + 1;
      if (own <= newest && newest >= LAST_BEAM_ID && (await connect())) newest = 0;
      newest = own > newest ? own : Math.min(newest + 1, LAST_BEAM_ID);
      return newest;
    },
    passed(seen) {
      newest = Math.max(newest, Math.min(seen, LAST_BEAM_ID));
    },
    sessionBegan() {
      newest = 0;
    },
  };
}
