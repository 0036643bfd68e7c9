/**
 * What a panel knows and does, frames and faults left out: requests in, replies out, as firmware-protocol/PROTOCOL.md sections 5 and 6 say.
 * Staged (slots), latched (the last beam committed or selected) and radiated (what the array is driven with) are three variables, and only
 * `latch` and the safe state ever touch the last.
 */
import { userIndex } from '../signal/indices.ts';
import type { Clock } from '../clock/clock.ts';
import { BeamrigError } from '../errors/beamrig-error.ts';
import { maxWordsPerChunk } from '../firmware-protocol/chunking.ts';
import type { BeamId, Capabilities, Feature, NackCode, PanelState, Reply, Request } from '../firmware-protocol/messages.ts';
import { wordsCrc32c } from '../firmware-protocol/packing.ts';
import { TYPE_CODES } from '../firmware-protocol/type-codes.ts';
import type { Drive, FrontEnd } from './front-end.ts';
import type { SimulatedArray } from './simulated-array.ts';
import { StagingSlot } from './staging-slot.ts';

/** A whole beam; beamId 0 with all words 0 when there is none. */
export interface WholeBeam {
  beamId: BeamId;
  words: Uint16Array;
}

export interface PanelStateOptions {
  clock: Clock;
  array: SimulatedArray;
  frontEnd: FrontEnd;
  capabilities: Capabilities;
  /** K, the streams of D: also of a panel that reports no user. */
  streams: number;
  noise: number;
  /** When the array was switched on (its temperature counts from here; a restart of the panel does not cool it). */
  switchedOnMs: number;
}

/** The panel without its wire. */
export type PanelCore = ReturnType<typeof createPanelState>;

type Latched = Drive & { beamId: BeamId; timeUs: bigint; wordsCrc32c: number };

const U32_MAX = 0xffffffff;
/** A wait shorter than this is what rounding left of one that is over. */
const ROUNDING_MS = 1e-6;

export const nack = (code: NackCode, detail = 0): Reply => ({ type: 'nack', code, detail });

export function createPanelState(options: PanelStateOptions) {
  const { clock, array, frontEnd, capabilities, streams, switchedOnMs } = options;
  const wordCount = capabilities.elements * capabilities.rfChains;
  const { users } = capabilities;
  const weightCount = capabilities.rfChains * streams;
  const slots = Array.from({ length: capabilities.stagingSlots }, () => new StagingSlot(wordCount, weightCount));
  const memory = new Map<number, Drive>();
  const darkness = new Uint16Array(wordCount);

  let noise = requirePositive(options.noise);
  let bootCount = 1;
  let bootedMs = switchedOnMs;
  let badFrames = 0;
  let state: PanelState = 'idle';
  let latched: Latched | undefined;
  /** Newest beam id latched in this session. */
  let newest: BeamId = 0;
  let radiated: (Drive & { beamId: BeamId }) | undefined;
  let safe: { state: 'mute' | 'hold' | 'codeword'; position: number; silenceMs: number } = MUTE;
  let lastHeardMs = clock.nowMs();
  let cancelSilence: (() => void) | undefined;

  const timeUs = (): bigint => BigInt(Math.floor((clock.nowMs() - bootedMs) * 1000));
  const timeS = (): number => (clock.nowMs() - switchedOnMs) / 1000;
  const has = (feature: Feature): boolean => capabilities.features.includes(feature);

  const radiate = (beam: (Drive & { beamId: BeamId }) | undefined): void => {
    radiated = beam;
    frontEnd.drive(beam);
  };

  const latch = (beamId: BeamId, beam: Drive): Reply => {
    latched = { ...beam, beamId, timeUs: timeUs(), wordsCrc32c: wordsCrc32c(beam.words) };
    newest = beamId;
    state = 'radiating';
    radiate(latched);
    return committed(latched);
  };

  /** A commit or select-beam that was seen before, or comes too late; undefined when it is new. */
  const repeatedOrStale = (beamId: BeamId): Reply | undefined => {
    // Said again only while it is true: after a mute, a commit that the wire kept back must not switch the array on.
    if (latched && beamId === newest && radiated?.beamId === beamId) return committed(latched);
    return beamId <= newest ? nack('stale-beam', newest) : undefined;
  };

  /** Why a slot is not this beam as a whole; undefined when it is. */
  const notStaged = (slot: StagingSlot, beamId: BeamId): Reply | undefined => {
    const missing = slot.beamId === beamId ? slot.firstMissing() : 0;
    return missing === undefined ? undefined : nack('not-staged', missing);
  };

  const enterSafeState = (): void => {
    state = 'safe';
    if (safe.state === 'hold') return;
    const stored = safe.state === 'codeword' ? memory.get(safe.position) : undefined;
    radiate(stored && { ...stored, beamId: 0 });
  };

  /** One timer for all frames: when it fires early, because the host has spoken since, it is set again for the rest. */
  const watchSilence = (): void => {
    cancelSilence?.();
    cancelSilence = undefined;
    if (safe.silenceMs === 0) return;
    const leftMs = lastHeardMs + safe.silenceMs - clock.nowMs();
    if (leftMs < ROUNDING_MS) enterSafeState();
    else cancelSilence = clock.after(leftMs, watchSilence);
  };

  const slotOf = (index: number): StagingSlot | undefined => slots[index];
  const noSuchSlot = (): Reply => nack('no-such-slot', slots.length);
  const unsupported = (request: Request): Reply => nack('unsupported-message', TYPE_CODES[request.type]);

  const carryOut = (request: Request): Reply => {
    const lacking = FEATURE_NEEDED[request.type];
    if (lacking && !has(lacking)) return unsupported(request);
    switch (request.type) {
      case 'hello':
        if (request.minMajor > capabilities.protocolMajor || request.maxMajor < capabilities.protocolMajor) {
          return nack('unsupported-version', capabilities.protocolMajor);
        }
        for (const slot of slots) slot.empty();
        newest = 0;
        return { type: 'capabilities', ...capabilities };
      case 'ping':
        return { type: 'pong', nonce: request.nonce, timeUs: timeUs() };
      case 'get-status':
        return {
          type: 'status',
          state,
          beamId: radiated?.beamId ?? 0,
          temperatureCentiC: Math.round(100 * array.temperatureC(timeS())),
          uptimeMs: Math.min(Math.floor(clock.nowMs() - bootedMs), U32_MAX),
          bootCount,
          badFrames: Math.min(badFrames, U32_MAX),
        };
      case 'set-phases':
        return setPhases(request);
      case 'set-digital':
        return setDigital(request);
      case 'commit':
        return commit(request);
      case 'read-phases':
        return readPhases(request);
      case 'measure-snr':
        if (radiated?.beamId !== request.beamId) return nack('beam-mismatch', radiated?.beamId ?? 0);
        return {
          type: 'snr-report',
          beamId: request.beamId,
          timeUs: timeUs(),
          firstUser: 0,
          ...frontEnd.measureSnr(timeS(), noise, request.pilots),
        };
      case 'measure-pilots':
        if (radiated?.beamId !== request.beamId) return nack('beam-mismatch', radiated?.beamId ?? 0);
        if (request.user >= users) return nack('wrong-dimensions', users);
        return {
          type: 'pilot-report',
          beamId: request.beamId,
          timeUs: timeUs(),
          user: request.user,
          ...frontEnd.measureChains(timeS(), noise, request.pilots, userIndex(request.user)),
        };
      case 'store-beam':
        return storeBeam(request);
      case 'select-beam': {
        if (request.position >= capabilities.beamMemory) return nack('wrong-dimensions', capabilities.beamMemory);
        const stored = memory.get(request.position);
        return repeatedOrStale(request.beamId) ?? (stored ? latch(request.beamId, stored) : nack('not-staged'));
      }
      case 'set-safe-state':
        return setSafeState(request);
      case 'patch-phases':
      case 'cancel-commit':
      case 'sync-time':
      case 'challenge':
        return unsupported(request);
    }
  };

  const setPhases = (request: Request & { type: 'set-phases' }): Reply => {
    const slot = slotOf(request.slot);
    if (!slot) return noSuchSlot();
    if (request.phaseBits !== capabilities.phaseBits) return nack('wrong-bits', capabilities.phaseBits);
    if (request.offset + request.words.length > wordCount) return nack('wrong-dimensions', wordCount);
    slot.putWords(request.beamId, request.offset, request.words);
    return { type: 'ack' };
  };

  const setDigital = (request: Request & { type: 'set-digital' }): Reply => {
    const slot = slotOf(request.slot);
    if (!slot) return noSuchSlot();
    if (request.users !== streams || request.offset + request.weights.length / 2 > weightCount) {
      return nack('wrong-dimensions', weightCount);
    }
    slot.putWeights(request.beamId, request.offset, request.weights);
    return { type: 'ack' };
  };

  const commit = (request: Request & { type: 'commit' }): Reply => {
    if (request.atUs !== 0n) return unsupported(request);
    const slot = slotOf(request.slot);
    if (!slot) return noSuchSlot();
    return repeatedOrStale(request.beamId) ?? notStaged(slot, request.beamId) ?? latch(request.beamId, copyOf(slot));
  };

  const readPhases = (request: Request & { type: 'read-phases' }): Reply => {
    const { source, offset, count } = request;
    const slot = source === 'staged' ? slotOf(request.slot) : undefined;
    if (source === 'staged' && !slot) return noSuchSlot();
    const most = maxWordsPerChunk(capabilities.maxPayloadBytes, capabilities.phaseBits);
    if (offset + count > wordCount || count > most) return nack('wrong-dimensions', Math.min(wordCount, most));
    const { beamId, words } = slot ?? radiated ?? { beamId: 0, words: darkness };
    const { phaseBits } = capabilities;
    return { type: 'phases', beamId, offset, phaseBits, words: words.slice(offset, offset + count) };
  };

  const storeBeam = (request: Request & { type: 'store-beam' }): Reply => {
    const slot = slotOf(request.slot);
    if (!slot) return noSuchSlot();
    if (request.position >= capabilities.beamMemory) return nack('wrong-dimensions', capabilities.beamMemory);
    const refusal = notStaged(slot, request.beamId);
    if (refusal) return refusal;
    memory.set(request.position, copyOf(slot));
    return { type: 'ack' };
  };

  const setSafeState = (request: Request & { type: 'set-safe-state' }): Reply => {
    if (request.state === 'codeword') {
      if (request.position >= capabilities.beamMemory) return nack('wrong-dimensions', capabilities.beamMemory);
      if (!memory.has(request.position)) return nack('not-staged');
    }
    safe = { state: request.state, position: request.position, silenceMs: request.silenceMs };
    watchSilence();
    if (request.enter) enterSafeState();
    return { type: 'ack' };
  };

  const whole = (beam: WholeBeam | undefined): WholeBeam => ({
    beamId: beam?.beamId ?? 0,
    words: (beam?.words ?? darkness).slice(),
  });

  return {
    capabilities,
    carryOut,
    /** A good request has come: the silence starts anew. */
    heard: () => {
      lastHeardMs = clock.nowMs();
      if (safe.silenceMs > 0 && !cancelSilence) watchSilence();
    },
    countBadFrame: () => {
      badFrames += 1;
    },
    bootCount: () => bootCount,
    noise: () => noise,
    setNoise: (next: number) => {
      noise = requirePositive(next);
    },
    staged: (index: number): WholeBeam & { firstMissing: number | undefined } => {
      const slot = slotOf(index);
      if (!slot) throw new BeamrigError('argument', `slot ${index} is outside 0 … ${slots.length - 1}`);
      return { ...whole(slot), firstMissing: slot.firstMissing() };
    },
    latched: (): WholeBeam => whole(latched),
    radiated: (): WholeBeam => whole(radiated),
    reset: () => {
      bootCount += 1;
      bootedMs = clock.nowMs();
      badFrames = 0;
      for (const slot of slots) slot.empty();
      memory.clear();
      latched = undefined;
      newest = 0;
      state = 'idle';
      safe = MUTE;
      watchSilence();
      radiate(undefined);
    },
    close: () => cancelSilence?.(),
  };
}

const MUTE = { state: 'mute', position: 0, silenceMs: 0 } as const;

const FEATURE_NEEDED: Partial<Record<Request['type'], Feature>> = {
  'set-digital': 'digital-weights',
  'read-phases': 'read-back',
  'measure-snr': 'snr-report',
  'measure-pilots': 'pilot-report',
  'store-beam': 'beam-memory',
  'select-beam': 'beam-memory',
};

const committed = ({ beamId, timeUs, wordsCrc32c: crc }: Latched): Reply => ({
  type: 'committed',
  beamId,
  timeUs,
  wordsCrc32c: crc,
});

/** A beam leaves its slot by copy: later chunks must not reach what is latched or stored. */
const copyOf = (slot: StagingSlot): Drive => ({
  words: slot.words.slice(),
  weights: slot.hasWeights ? slot.weights.slice() : undefined,
});

function requirePositive(noise: number): number {
  if (noise > 0 && noise < Infinity) return noise;
  throw new BeamrigError('argument', `noise is ${noise}`, { wayOut: 'Choose a noise power above 0.' });
}
