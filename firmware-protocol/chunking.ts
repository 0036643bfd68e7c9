/**
 * A beam is larger than a message: its words, weights, enables and gains go in chunks. Chunks of words are a multiple of eight, so that each starts on a
 * whole byte of the packed beam whatever Q is.
 */
import { BeamrigError } from '../core/errors/beamrig-error.ts';
import { DIGITAL_PREFIX_BYTES, MAX_PAYLOAD_BYTES, MIN_PAYLOAD_BYTES, PATCH_PREFIX_BYTES, PHASES_PREFIX_BYTES } from './limits.ts';
import type { BeamId, Frame, Request } from './messages.ts';
import { checkPhaseBits } from './packing.ts';

/** Words of `bits` bits that one 'set-phases', 'set-gains', 'set-enables' or 'phases' message may carry: a multiple of eight. */
export function maxWordsPerChunk(maxPayloadBytes: number, bits: number): number {
  checkPayload(maxPayloadBytes);
  checkPhaseBits(bits);
  return 8 * Math.floor((maxPayloadBytes - PHASES_PREFIX_BYTES) / bits);
}

/** Complex weights that one 'set-digital' message may carry. */
export function maxWeightsPerChunk(maxPayloadBytes: number): number {
  checkPayload(maxPayloadBytes);
  return Math.floor((maxPayloadBytes - DIGITAL_PREFIX_BYTES) / 8);
}

/** Places, each with its word of `bits` bits, that one 'patch-phases' message may carry. */
export function maxPlacesPerPatch(maxPayloadBytes: number, bits: number): number {
  checkPayload(maxPayloadBytes);
  checkPhaseBits(bits);
  return Math.floor((8 * (maxPayloadBytes - PATCH_PREFIX_BYTES)) / (16 + bits));
}

/** Where a word can still be named by a place of 16 bits. */
export const MOST_PATCHABLE_WORDS = 0x10000;

export interface PatchOptions {
  slot: number;
  beamId: BeamId;
  /** The beam radiated, whose words are `from`. */
  fromBeamId: BeamId;
  phaseBits: number;
  from: Uint16Array;
  /** What the words shall be, as many as in `from`. */
  to: Uint16Array;
  maxPayloadBytes: number;
}

/**
 * A beam as the words that differ from the one radiated, in as few messages as the panel's payloads allow. Beams that are equal still take
 * one message (of one word that stays as it is), because the slot is filled by a patch and by nothing else.
 * @throws {BeamrigError} 'argument' when the beams differ in length, or are longer than a place can name
 */
export function patchMessages(options: PatchOptions): (Request & { type: 'patch-phases' })[] {
  const { slot, beamId, fromBeamId, phaseBits, from, to, maxPayloadBytes } = options;
  if (from.length !== to.length || to.length === 0 || to.length > MOST_PATCHABLE_WORDS) {
    throw new BeamrigError('argument', `a beam of ${to.length} words cannot be a patch of one of ${from.length}`, {
      wayOut: `Patch beams of the same panel, of at most ${MOST_PATCHABLE_WORDS} words; send others as chunks.`,
    });
  }
  const changed: number[] = [];
  for (let place = 0; place < to.length; place += 1) if (to[place] !== from[place]) changed.push(place);
  if (changed.length === 0) changed.push(0);
  const perMessage = maxPlacesPerPatch(maxPayloadBytes, phaseBits);
  const messages: (Request & { type: 'patch-phases' })[] = [];
  for (let start = 0; start < changed.length; start += perMessage) {
    const places = Uint16Array.from(changed.slice(start, start + perMessage));
    const words = places.map((place) => to[place]);
    messages.push({ type: 'patch-phases', slot, beamId, fromBeamId, phaseBits, places, words });
  }
  return messages;
}

export interface BeamFramesOptions {
  slot: number;
  beamId: BeamId;
  phaseBits: number;
  /** N·M words, row-major. */
  words: Uint16Array;
  /** D, M×K row-major interleaved re, im, for panels with the feature 'digital-weights'. */
  digital?: { users: number; weights: Float32Array };
  /** N·M of 0 or 1, for panels with the feature 'element-enable'; undefined: all on. */
  enabled?: Uint8Array | undefined;
  /** N·M gain words, for panels with the feature 'element-gain'; undefined: all at full gain. */
  gains?: Uint16Array | undefined;
  /** Bits of a gain word, 1 … 16; of no matter without gains. */
  gainBits?: number;
  maxPayloadBytes: number;
  /** Sequence number of the first frame; the others count up from it, modulo 65,536. */
  firstSeq: number;
}

/**
 * All frames of a whole beam in the order to send them: chunks of words, of weights, of enables and gains, and the commit, which takes effect
 * at once. The frames look into the beam's arrays (no copies), so those must stay as they are until the frames are encoded.
 */
export function beamFrames(options: BeamFramesOptions): Frame[] {
  const { slot, beamId, phaseBits, words, digital, enabled, gains, gainBits = 0, maxPayloadBytes, firstSeq } = options;
  const messages: Request[] = [];
  const wordsPerChunk = maxWordsPerChunk(maxPayloadBytes, phaseBits);
  for (let offset = 0; offset < words.length; offset += wordsPerChunk) {
    const chunk = words.subarray(offset, offset + wordsPerChunk);
    messages.push({ type: 'set-phases', slot, beamId, phaseBits, offset, words: chunk });
  }
  if (digital !== undefined) {
    const { users, weights } = digital;
    const weightsPerChunk = maxWeightsPerChunk(maxPayloadBytes);
    for (let offset = 0; 2 * offset < weights.length; offset += weightsPerChunk) {
      const chunk = weights.subarray(2 * offset, 2 * (offset + weightsPerChunk));
      messages.push({ type: 'set-digital', slot, beamId, users, offset, weights: chunk });
    }
  }
  if (enabled !== undefined) {
    const perChunk = maxWordsPerChunk(maxPayloadBytes, 1);
    for (let offset = 0; offset < enabled.length; offset += perChunk) {
      messages.push({ type: 'set-enables', slot, beamId, offset, enabled: enabled.subarray(offset, offset + perChunk) });
    }
  }
  if (gains !== undefined) {
    const perChunk = maxWordsPerChunk(maxPayloadBytes, gainBits);
    for (let offset = 0; offset < gains.length; offset += perChunk) {
      messages.push({ type: 'set-gains', slot, beamId, gainBits, offset, gains: gains.subarray(offset, offset + perChunk) });
    }
  }
  messages.push({ type: 'commit', slot, beamId, atUs: 0n });
  return messages.map((message, index) => ({ seq: (firstSeq + index) & 0xffff, message }));
}

function checkPayload(maxPayloadBytes: number): void {
  if (!Number.isInteger(maxPayloadBytes) || maxPayloadBytes < MIN_PAYLOAD_BYTES || maxPayloadBytes > MAX_PAYLOAD_BYTES) {
    throw new BeamrigError(
      'argument',
      `maxPayloadBytes is ${maxPayloadBytes}, not a whole number from ${MIN_PAYLOAD_BYTES} to ${MAX_PAYLOAD_BYTES}`,
      { wayOut: "Use the maxPayloadBytes of the panel's capabilities." },
    );
  }
}
