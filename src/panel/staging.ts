/**
 * How a beam gets into a slot of the panel: whole, in chunks, or as what differs from the beam radiated where that is well shorter.
 * Either way the slot is complete or the commit is refused, and the checksum of the commit is compared with the words that were asked for.
 */
import { counted } from '../../core/errors/counted.ts';
import { BeamrigError } from '../../core/errors/beamrig-error.ts';
import {
  MOST_PATCHABLE_WORDS,
  beamFrames,
  maxPlacesPerPatch,
  maxWordsPerChunk,
  patchMessages,
} from '../../firmware-protocol/chunking.ts';
import {
  CRC_BYTES,
  DIGITAL_PREFIX_BYTES,
  HEADER_BYTES,
  PATCH_PREFIX_BYTES,
  PHASES_PREFIX_BYTES,
} from '../../firmware-protocol/limits.ts';
import type { Capabilities, Feature, Request } from '../../firmware-protocol/messages.ts';
import { packedLength } from '../../firmware-protocol/packing.ts';
import type { BeamCommand, PanelFailure } from './panel.ts';
import type { RequestOf } from './replies.ts';

type ChunkType = 'set-phases' | 'set-digital' | 'set-enables' | 'set-gains';
export type StagingType = ChunkType | 'patch-phases';

/** A patch is sent when its bytes are at most this share of those of the full words: below, a lost guess costs more than it saves. */
const WORTHWHILE = 0.7;
const FRAME_BYTES = HEADER_BYTES + CRC_BYTES;

/** A copy of what the panel takes of a beam: the caller's buffers may be reused while chunks wait for their turn. */
export function copyFor(beam: BeamCommand, capabilities: Capabilities): BeamCommand {
  const { beamId, phaseBits, words, digital, enabled, gains } = beam;
  const takesDigital = capabilities.features.includes('digital-weights');
  return {
    beamId,
    phaseBits,
    words: words.slice(),
    ...(digital && takesDigital && { digital: { users: digital.users, weights: digital.weights.slice() } }),
    ...(enabled && { enabled: enabled.slice() }),
    ...(gains && { gains: gains.slice() }),
  };
}

/**
 * Why a beam is not for this panel, although its dimensions are: it would radiate elements that are to be off, or at another gain.
 * @param who has these capabilities: the panel, or the array of several
 * @throws {BeamrigError} 'argument' for a gain word beyond the panel's bits: a mistake of the program
 */
export function whyNotTaken(
  { beamId, enabled, gains }: BeamCommand,
  { features, gainBits }: Pick<Capabilities, 'features' | 'gainBits'>,
  who: string,
): PanelFailure | undefined {
  const lacks = (field: 'enabled' | 'gains', request: ChunkType, feature: Feature): PanelFailure => ({
    reason: 'not-sent',
    request,
    detail: `beam ${beamId} has '${field}', and ${who} has no ${feature}`,
    wayOut: `Leave '${field}' out of the beam, or take panels with ${feature} (panel protocol 1.3).`,
  });
  if (enabled !== undefined && !features.includes('element-enable')) return lacks('enabled', 'set-enables', 'element-enable');
  if (gains === undefined) return undefined;
  if (!features.includes('element-gain') || gainBits === 0) return lacks('gains', 'set-gains', 'element-gain');
  const wide = gains.findIndex((word) => word >= 2 ** gainBits);
  if (wide < 0) return undefined;
  throw new BeamrigError('argument', `gains[${wide}] of beam ${beamId} is ${gains[wide]}, beyond ${counted(gainBits, 'bit')}`, {
    wayOut: `Give gain words below ${2 ** gainBits}; ${2 ** gainBits - 1} is full gain.`,
  });
}

/** The chunks of a whole beam; they look into its arrays. */
export function wholeBeam(beam: BeamCommand, slot: number, capabilities: Capabilities): RequestOf<ChunkType>[] {
  const { maxPayloadBytes, gainBits } = capabilities;
  const frames = beamFrames({ ...beam, gainBits, slot, maxPayloadBytes, firstSeq: 0 });
  return frames.map((frame) => frame.message as Request).filter(isChunk);
}

/**
 * The beam as patches of the one radiated, with its full weights, enables and gains.
 * @param from the beam that the panel is believed to radiate, as `copyFor` made it
 * @returns undefined when the whole beam is not much longer, or cannot be had from that one, or the panel takes no patches
 */
export function beamAsPatch(
  beam: BeamCommand,
  from: BeamCommand,
  slot: number,
  capabilities: Capabilities,
): RequestOf<StagingType>[] | undefined {
  const { beamId, phaseBits, words, digital } = beam;
  const { maxPayloadBytes, features } = capabilities;
  if (!features.includes('patch')) return undefined;
  if (from.phaseBits !== phaseBits || words.length > MOST_PATCHABLE_WORDS) return undefined;
  // The patch takes the weights of the beam radiated along, and nothing takes them away again.
  if (from.digital !== undefined && digital?.users !== from.digital.users) return undefined;

  let changed = 0;
  for (let place = 0; place < words.length; place++) if (words[place] !== from.words[place]) changed++;
  const patches = Math.max(1, Math.ceil(changed / maxPlacesPerPatch(maxPayloadBytes, phaseBits)));
  const patchBytes = patches * (FRAME_BYTES + PATCH_PREFIX_BYTES) + 2 * changed + packedLength(changed, phaseBits);
  const chunks = Math.ceil(words.length / maxWordsPerChunk(maxPayloadBytes, phaseBits));
  const wholeBytes = chunks * (FRAME_BYTES + PHASES_PREFIX_BYTES) + packedLength(words.length, phaseBits);
  if (patchBytes > WORTHWHILE * wholeBytes) return undefined;

  const requests: RequestOf<StagingType>[] = patchMessages({
    slot,
    beamId,
    fromBeamId: from.beamId,
    phaseBits,
    from: from.words,
    to: words,
    maxPayloadBytes,
  });
  return [...requests, ...wholeBeam(beam, slot, capabilities).filter(({ type }) => type !== 'set-phases')];
}

/**
 * Whether a panel that lacks any of these has an incomplete slot and refuses the commit: not so of weights, enables and gains, without which a
 * beam may be whole, nor of several patches, the first of which fills the slot. Then a commit need not wait for the acknowledgements.
 */
export const refusedUnlessWhole = (requests: readonly RequestOf<StagingType>[]): boolean =>
  requests.every(({ type }) => type === 'set-phases') || (requests.length === 1 && requests[0].type === 'patch-phases');

/** Bytes of the bare frames of these requests. */
export function bytesOf(requests: readonly RequestOf<StagingType>[]): number {
  let bytes = 0;
  for (const request of requests) {
    bytes += FRAME_BYTES;
    if (request.type === 'set-digital') bytes += DIGITAL_PREFIX_BYTES + 4 * request.weights.length;
    else if (request.type === 'set-enables') bytes += PHASES_PREFIX_BYTES + packedLength(request.enabled.length, 1);
    else if (request.type === 'set-gains') bytes += PHASES_PREFIX_BYTES + packedLength(request.gains.length, request.gainBits);
    else if (request.type === 'set-phases') bytes += PHASES_PREFIX_BYTES + packedLength(request.words.length, request.phaseBits);
    else bytes += PATCH_PREFIX_BYTES + 2 * request.places.length + packedLength(request.words.length, request.phaseBits);
  }
  return bytes;
}

/** @throws {BeamrigError} 'shape' when the beam is not one for this panel, 'argument' for an enable that is neither 0 nor 1: mistakes of the program, not of the link */
export function checkDimensions(beam: BeamCommand, capabilities: Pick<Capabilities, 'elements' | 'rfChains'>): void {
  const { elements, rfChains } = capabilities;
  if (beam.words.length !== elements * rfChains) {
    const expected = `${counted(elements, 'element')} × ${counted(rfChains, 'chain')} = ${elements * rfChains}`;
    throw new BeamrigError(
      'shape',
      `beam ${beam.beamId} has ${counted(beam.words.length, 'word')}; the panel takes ${expected}.`,
    );
  }
  for (const field of ['enabled', 'gains'] as const) {
    const given = beam[field]?.length ?? beam.words.length;
    if (given === beam.words.length) continue;
    throw new BeamrigError('shape', `${field} of beam ${beam.beamId} has ${counted(given, 'place')}, not ${beam.words.length}.`, {
      wayOut: `Give one for each word, or leave ${field} out.`,
    });
  }
  const odd = beam.enabled?.findIndex((on) => on > 1) ?? -1;
  if (odd >= 0) {
    throw new BeamrigError('argument', `enabled[${odd}] of beam ${beam.beamId} is ${beam.enabled?.[odd]}.`, {
      wayOut: 'Give 0 for off and 1 for on.',
    });
  }
  const { digital } = beam;
  if (digital !== undefined && digital.weights.length !== 2 * rfChains * digital.users) {
    const expected = `2·${counted(rfChains, 'chain')}·${counted(digital.users, 'user')} = ${2 * rfChains * digital.users}`;
    throw new BeamrigError(
      'shape',
      `digital.weights of beam ${beam.beamId} has ${digital.weights.length} numbers, not ${expected}.`,
    );
  }
}

const isChunk = (request: Request): request is RequestOf<ChunkType> =>
  request.type === 'set-phases' ||
  request.type === 'set-digital' ||
  request.type === 'set-enables' ||
  request.type === 'set-gains';
