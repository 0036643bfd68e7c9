/**
 * Which beam a firmware shows. Its chips decode to words and know nothing of beams: these are known from the frames that got through to it, those
 * of the fixed beam by their words, since a panel that falls back to it is told nothing.
 */
import { openFrame } from '../../firmware-protocol/authentication.ts';
import { decodeFrame } from '../../firmware-protocol/codec.ts';
import { TYPE_CODES } from '../../firmware-protocol/type-codes.ts';
import { SAFE_BEAM_ID } from '../control/beam-ids.ts';

export interface FirmwareBeams {
  /** A frame that got through. */
  arrived(frame: Uint8Array): void;
  /** The beam that is shown with these words. */
  shownBy(words: Uint16Array): number;
}

const TELLING = new Set<number>([TYPE_CODES['set-phases'], TYPE_CODES.commit, TYPE_CODES['select-beam']]);

/** @param places N·M */
export function watchBeams(places: number, panelKey: Uint8Array | undefined): FirmwareBeams {
  let newest = 0;
  let fixed: Uint16Array | undefined;
  const bare = (frame: Uint8Array): Uint8Array | undefined => {
    if (panelKey === undefined) return frame;
    const opened = openFrame(frame, panelKey);
    return opened.ok ? opened.frame : undefined;
  };
  return {
    arrived(frame) {
      if (!TELLING.has(frame[1])) return;
      const plain = bare(frame);
      const decoded = plain === undefined ? undefined : decodeFrame(plain);
      if (decoded?.ok !== true) return;
      const { message } = decoded.frame;
      if (message.type === 'commit' || message.type === 'select-beam') newest = message.beamId;
      if (message.type === 'set-phases' && message.beamId === SAFE_BEAM_ID) {
        fixed ??= new Uint16Array(places);
        // What does not fit the panel refuses.
        if (message.offset + message.words.length <= places) fixed.set(message.words, message.offset);
      }
    },
    shownBy: (words) => (fixed?.every((word, place) => word === words[place]) === true ? SAFE_BEAM_ID : newest),
  };
}
