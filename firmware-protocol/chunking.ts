/**
 * A beam is larger than a message: its words and weights go in chunks. Chunks of words are a multiple of eight, so that each starts on a
 * whole byte of the packed beam whatever Q is.
 */
import { BeamrigError } from '../errors/beamrig-error.ts';
import { DIGITAL_PREFIX_BYTES, MAX_PAYLOAD_BYTES, MIN_PAYLOAD_BYTES, PHASES_PREFIX_BYTES } from './limits.ts';
import type { BeamId, Frame, Request } from './messages.ts';
import { checkPhaseBits } from './packing.ts';

/** Words of `bits` bits that one 'set-phases' or 'phases' message may carry: a multiple of eight. */
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

export interface BeamFramesOptions {
  slot: number;
  beamId: BeamId;
  phaseBits: number;
  /** N·M words, row-major. */
  words: Uint16Array;
  /** D, M×K row-major interleaved re, im, for panels with the feature 'digital-weights'. */
  digital?: { users: number; weights: Float32Array };
  maxPayloadBytes: number;
  /** Sequence number of the first frame; the others count up from it, modulo 65,536. */
  firstSeq: number;
}

/**
 * All frames of a whole beam in the order to send them: chunks of words, chunks of weights, and the commit, which takes effect at once.
 * The frames look into `words` and `weights` (no copies), so those must stay as they are until the frames are encoded.
 */
export function beamFrames(options: BeamFramesOptions): Frame[] {
  const { slot, beamId, phaseBits, words, digital, maxPayloadBytes, firstSeq } = options;
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
