/**
 * A frame as this end of a serial line puts it there. Where noise was heard since the last one, the other end has most likely heard some too,
 * and holds it for the beginning of a frame: a delimiter ends it first, so that not this frame is lost with it.
 */
import type { SerialFrameReader } from '../../../firmware-protocol/serial-framing.ts';
import { cobsFrame } from '../../../firmware-protocol/serial-framing.ts';

/** Ends whatever the other end has taken for the beginning of a frame. */
export const DELIMITER = 0;

/** @param reader of the same end: what it discards is noise */
export function createFrameBytes(reader: Pick<SerialFrameReader, 'discarded'>): (frame: Uint8Array) => Uint8Array {
  let discarded = reader.discarded;
  return (frame) => {
    const bytes = cobsFrame(frame);
    if (reader.discarded === discarded) return bytes;
    discarded = reader.discarded;
    return Uint8Array.of(DELIMITER, ...bytes);
  };
}
