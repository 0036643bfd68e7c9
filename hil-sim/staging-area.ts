/**
 * The staging slots of a panel and what chunks do to them (firmware-protocol/PROTOCOL.md sections 3 and 5). Refusals come first, in the
 * order of the page; a chunk that is refused has changed nothing. What is radiated is only ever read here.
 */
import type { BeamId, Capabilities, Reply, Request } from '../firmware-protocol/messages.ts';
import type { Drive } from './air.ts';
import { nack } from './nack.ts';
import { StagingSlot } from './staging-slot.ts';

export type Chunk = Request & { type: 'set-phases' | 'set-digital' | 'set-gains' | 'set-enables' | 'patch-phases' };

export interface StagingAreaOptions {
  capabilities: Capabilities;
  /** K, the streams of D. */
  streams: number;
  /** Newest beam latched in this session; 0 = none. */
  newest: () => BeamId;
  /** The slot whose beam waits for its time, and that beam. */
  waiting: () => { slot: number; beamId: BeamId } | undefined;
  radiated: () => (Drive & { beamId: BeamId }) | undefined;
}

export interface StagingArea {
  put(chunk: Chunk): Reply;
  slot(index: number): StagingSlot | undefined;
  noSuchSlot(): Reply;
  emptyAll(): void;
}

export function createStagingArea(options: StagingAreaOptions): StagingArea {
  const { capabilities, streams, newest, waiting, radiated } = options;
  const wordCount = capabilities.elements * capabilities.rfChains;
  const weightCount = capabilities.features.includes('digital-weights') ? capabilities.rfChains * streams : 0;
  const slots = Array.from(
    { length: capabilities.stagingSlots },
    () => new StagingSlot(wordCount, weightCount, capabilities.gainBits),
  );
  const slotOf = (index: number): StagingSlot | undefined => slots[index];
  const noSuchSlot = (): Reply => nack('no-such-slot', slots.length);

  const bitsMisfit = (chunk: Exclude<Chunk, { type: 'set-digital' }>): Reply | undefined => {
    const { phaseBits, gainBits } = capabilities;
    if (chunk.type === 'set-enables') return undefined;
    if (chunk.type === 'set-gains') return chunk.gainBits === gainBits ? undefined : nack('wrong-bits', gainBits);
    return chunk.phaseBits === phaseBits ? undefined : nack('wrong-bits', phaseBits);
  };

  /** Why a chunk does not fit this panel, whatever beams there are. */
  const misfit = (chunk: Chunk): Reply | undefined => {
    if (chunk.type === 'set-digital') {
      const fits = chunk.users === streams && chunk.offset + chunk.weights.length / 2 <= weightCount;
      return fits ? undefined : nack('wrong-dimensions', weightCount);
    }
    const wrongBits = bitsMisfit(chunk);
    if (wrongBits) return wrongBits;
    const fits =
      chunk.type === 'patch-phases'
        ? chunk.places.every((place) => place < wordCount)
        : chunk.offset + placesIn(chunk) <= wordCount;
    return fits ? undefined : nack('wrong-dimensions', wordCount);
  };

  /** Why a chunk may not touch this slot now. */
  const kept = (index: number, slot: StagingSlot, chunk: Chunk): Reply | undefined => {
    if (slot.beamId === chunk.beamId) return undefined;
    // The host counts its ids up: a copy that the wire kept back must not empty a slot for a beam of the past.
    if (chunk.beamId <= newest()) return nack('stale-beam', newest());
    if (chunk.beamId < slot.beamId) return nack('stale-beam', slot.beamId);
    return waiting()?.slot === index ? nack('busy') : undefined;
  };

  return {
    put(chunk) {
      const slot = slotOf(chunk.slot);
      if (!slot) return noSuchSlot();
      const refusal = misfit(chunk) ?? kept(chunk.slot, slot, chunk);
      if (refusal) return refusal;
      switch (chunk.type) {
        case 'set-phases':
          slot.putWords(chunk.beamId, chunk.offset, chunk.words);
          break;
        case 'set-digital':
          slot.putWeights(chunk.beamId, chunk.offset, chunk.weights);
          break;
        case 'set-enables':
          slot.putEnables(chunk.beamId, chunk.offset, chunk.enabled);
          break;
        case 'set-gains':
          slot.putGains(chunk.beamId, chunk.offset, chunk.gains);
          break;
        case 'patch-phases': {
          const base = radiated();
          if (base?.beamId !== chunk.fromBeamId) return nack('beam-mismatch', base?.beamId ?? 0);
          if (slot.beamId !== chunk.beamId) slot.fill(chunk.beamId, base);
          slot.putPlaces(chunk.places, chunk.words);
        }
      }
      return { type: 'ack' };
    },
    slot: slotOf,
    noSuchSlot,
    emptyAll: () => {
      for (const slot of slots) slot.empty();
    },
  };
}

function placesIn(chunk: Request & { type: 'set-phases' | 'set-gains' | 'set-enables' }): number {
  switch (chunk.type) {
    case 'set-phases':
      return chunk.words.length;
    case 'set-gains':
      return chunk.gains.length;
    case 'set-enables':
      return chunk.enabled.length;
  }
}
