/**
 * What a panel is known to keep in its beam memory. A beam that lies there is switched to by one short frame, whatever its size. Memory cannot be read,
 * and a panel that was restarted has lost it; so it is known of a session and no longer, and the checksum of each switch is compared all the same.
 */
import { createHash } from 'node:crypto';
import type { Capabilities } from '../../firmware-protocol/messages.ts';
import { beamCrc32c } from '../../firmware-protocol/packing.ts';
import type { Staged } from './commit.ts';
import type { Session } from './handshake.ts';
import type { BeamCommand, PanelFailure } from './panel.ts';
import { copyFor } from './staging.ts';

/** Everything of a beam that the panel takes, but its id: where two are equal, one may stand for the other. */
export const contentOf = (beam: BeamCommand, capabilities: Capabilities): string => hashOf(copyFor(beam, capabilities));

function hashOf({ phaseBits, words, digital, enabled, gains }: BeamCommand): string {
  const hash = createHash('sha256').update(`${phaseBits} bits`);
  const part = (name: string, array: Uint8Array | Uint16Array | Float32Array | undefined): void => {
    if (array === undefined) return;
    hash.update(` ${name} ${array.length} `).update(new Uint8Array(array.buffer, array.byteOffset, array.byteLength));
  };
  part('words', words);
  part(`digital ${digital?.users ?? 0}`, digital?.weights);
  part('enabled', enabled);
  part('gains', gains);
  return hash.digest('hex');
}

export interface BeamMemory {
  /** A beam that is known to lie there, as if it were staged; undefined of any other. */
  stagedFrom(session: Session, beam: BeamCommand): Staged | undefined;
  /** A position was filled. */
  filled(position: number, beam: BeamCommand): void;
  /** What it was found to hold, content by position; nothing else of it is known any more. */
  found(contents: ReadonlyMap<number, string>): void;
  /** Whatever lies there is not what it was taken for. */
  forget(position: number): void;
}

export function createBeamMemory(): BeamMemory {
  const positions = new Map<string, number>();
  const forget = (position: number): void => {
    for (const [content, at] of positions) if (at === position) positions.delete(content);
  };
  return {
    stagedFrom(session, beam) {
      // Nobody's beams are hashed where nothing is stored.
      if (positions.size === 0) return undefined;
      const kept = copyFor(beam, session.capabilities);
      const position = positions.get(hashOf(kept));
      if (position === undefined) return undefined;
      const crc = beamCrc32c(kept);
      return { beamId: beam.beamId, session, slot: 0, position, beam: kept, crc, pushMs: 0, atUs: 0n, earlyCommit: undefined };
    },
    filled(position, beam) {
      forget(position);
      positions.set(hashOf(beam), position);
    },
    found(contents) {
      positions.clear();
      for (const [position, content] of contents) positions.set(content, position);
    },
    forget,
  };
}

/** What a switch comes to where a position holds nothing, or another beam than it was taken for. */
export const isOtherBeam = ({ reason }: PanelFailure): boolean =>
  reason === 'not-staged' || reason === 'read-back-differs' || reason === 'rejected';
