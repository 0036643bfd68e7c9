/**
 * What a panel knows and does, frames and wire left out: requests in, replies out, as firmware-protocol/PROTOCOL.md sections 5 and 6 say.
 * Staged (slots), latched (the last beam committed or selected) and radiated (what the array is driven with) are three variables, and only
 * `latch`, the safe state and a fault ever touch the last.
 *
 *   chunks ─► staging-area.ts ─ commit ─► [ timed-commit.ts ─ its time ─► ] latch ─► radiated ─► air
 *                                                              silence-watch.ts ─► safe state ─┘
 */
import { userIndex } from '../core/signal/indices.ts';
import type { Clock } from '../core/clock/clock.ts';
import { BeamrigError } from '../core/errors/beamrig-error.ts';
import { maxWordsPerChunk } from '../firmware-protocol/chunking.ts';
import { SESSION_OVER } from '../firmware-protocol/limits.ts';
import type { BeamId, Capabilities, Feature, PanelState, Reply, Request, SafeState } from '../firmware-protocol/messages.ts';
import { beamCrc32c } from '../firmware-protocol/packing.ts';
import { TYPE_CODES } from '../firmware-protocol/type-codes.ts';
import type { AirPart } from './air.ts';
import { createBoardLife } from './board-life.ts';
import { nack } from './nack.ts';
import { createSilenceWatch } from './silence-watch.ts';
import { createStagingArea } from './staging-area.ts';
import type { PanelBeam, StagingSlot } from './staging-slot.ts';
import { createTimedCommit } from './timed-commit.ts';

/** A whole beam; beamId 0 with all words 0 when there is none. */
export interface WholeBeam {
  beamId: BeamId;
  words: Uint16Array;
}

export interface PanelStateOptions {
  clock: Clock;
  air: AirPart;
  capabilities: Capabilities;
  /** A beam has been latched and is radiated. */
  onLatch: (beamId: BeamId) => void;
}

/** The panel without its wire. */
export type PanelCore = ReturnType<typeof createPanelState>;

type Latched = PanelBeam & { beamId: BeamId; timeUs: bigint; wordsCrc32c: number };

export function createPanelState(options: PanelStateOptions) {
  const { clock, air, capabilities, onLatch } = options;
  const wordCount = capabilities.elements * capabilities.rfChains;
  const memory = new Map<number, PanelBeam>();
  const darkness = new Uint16Array(wordCount);

  const life = createBoardLife(clock);
  const { timeUs } = life;
  let state: PanelState = 'idle';
  let faultCode = 0;
  let latched: Latched | undefined;
  /** Newest beam id latched in this session. */
  let newest: BeamId = 0;
  /** Newest beam id whose commit or select-beam was answered 'fault' in this session. */
  let spent: BeamId = 0;
  /** Silence has ended the session: nothing more of it is taken. */
  let over = false;
  let radiated: (PanelBeam & { beamId: BeamId }) | undefined;
  let safe: { state: SafeState; position: number } = MUTE;

  const has = (feature: Feature): boolean => capabilities.features.includes(feature);

  const radiate = (beam: (PanelBeam & { beamId: BeamId }) | undefined): void => {
    radiated = beam;
    air.drive(beam);
  };

  const latch = (beamId: BeamId, beam: PanelBeam): Reply => {
    timed.drop();
    latched = { ...beam, beamId, timeUs: timeUs(), wordsCrc32c: beamCrc32c(beam) };
    newest = beamId;
    state = 'radiating';
    radiate(latched);
    onLatch(beamId);
    return committed(latched);
  };

  /** Ids up to this one are stale. */
  const newestTaken = (): BeamId => (over ? SESSION_OVER : Math.max(newest, spent));

  const timed = createTimedCommit(clock, timeUs, ({ beamId, beam }) => latch(beamId, beam));
  const staging = createStagingArea({
    capabilities,
    streams: air.users,
    newest: newestTaken,
    waiting: () => timed.waiting,
    radiated: () => radiated,
  });

  const enterSafeState = (): void => {
    // Only the end of a fault, or a reset, takes a panel out of it.
    if (state === 'fault') return;
    timed.drop();
    state = 'safe';
    if (safe.state === 'hold') return;
    const stored = safe.state === 'codeword' ? memory.get(safe.position) : undefined;
    radiate(stored && { ...stored, beamId: 0 });
  };
  const silence = createSilenceWatch(clock, (lateMs) => {
    // A commit whose time is this very moment, or was before, comes first, whichever timer does.
    timed.settle(timeUs() - BigInt(Math.floor(1000 * lateMs)));
    const wasSafe = state === 'safe' || state === 'fault';
    enterSafeState();
    // What a wire or a broker has kept back of this session must not switch the array on again.
    if (!wasSafe) over = true;
  });

  /** The beam latched last, asked for again while it is radiated: after a mute, a late copy must not switch the array on. */
  const repeated = (beamId: BeamId): Reply | undefined =>
    latched && beamId === newest && radiated?.beamId === beamId ? committed(latched) : undefined;

  const stale = (beamId: BeamId): Reply | undefined => (beamId <= newestTaken() ? nack('stale-beam', newestTaken()) : undefined);

  /** Why a slot is not this beam as a whole; undefined when it is. */
  const notStaged = (slot: StagingSlot, beamId: BeamId): Reply | undefined => {
    const missing = slot.beamId === beamId ? slot.firstMissing() : 0;
    return missing === undefined ? undefined : nack('not-staged', missing);
  };

  const unsupported = (request: Request): Reply => nack('unsupported-message', TYPE_CODES[request.type]);

  const carryOut = (request: Request): Reply => {
    timed.settle();
    const lacking = featureNeeded(request);
    if (lacking && !has(lacking)) return unsupported(request);
    if (state === 'fault' && changesBeam(request)) {
      // The host was told that it did not happen: after the fault, a copy that the wire kept back must not switch the array on.
      if (request.type === 'commit' || request.type === 'select-beam') spent = Math.max(spent, request.beamId);
      return nack('fault', faultCode);
    }
    switch (request.type) {
      case 'hello':
        if (request.minMajor > capabilities.protocolMajor || request.maxMajor < capabilities.protocolMajor) {
          return nack('unsupported-version', capabilities.protocolMajor);
        }
        staging.emptyAll();
        timed.forgetAll();
        newest = 0;
        spent = 0;
        over = false;
        return { type: 'capabilities', ...capabilities };
      case 'ping':
        return { type: 'pong', nonce: request.nonce, timeUs: timeUs() };
      case 'get-status':
        return {
          type: 'status',
          state,
          beamId: radiated?.beamId ?? 0,
          temperatureCentiC: Math.round(100 * air.temperatureC()),
          ...life.counts(),
        };
      case 'set-phases':
      case 'set-digital':
      case 'set-gains':
      case 'set-enables':
      case 'patch-phases':
        return staging.put(request);
      case 'commit':
        return commit(request);
      case 'cancel-commit':
        if (request.beamId === newest) return nack('too-late');
        timed.cancel({ beamId: request.beamId, atUs: request.atUs });
        return { type: 'ack' };
      case 'read-phases':
        return readPhases(request);
      case 'measure-snr':
        if (radiated?.beamId !== request.beamId) return nack('beam-mismatch', radiated?.beamId ?? 0);
        return {
          type: 'snr-report',
          beamId: request.beamId,
          timeUs: timeUs(),
          firstUser: 0,
          ...air.measureSnr(request.pilots),
        };
      case 'measure-pilots':
        if (radiated?.beamId !== request.beamId) return nack('beam-mismatch', radiated?.beamId ?? 0);
        if (request.user >= air.receiverCount) return nack('wrong-dimensions', air.receiverCount);
        return {
          type: 'pilot-report',
          beamId: request.beamId,
          timeUs: timeUs(),
          user: request.user,
          ...air.measureChains(request.pilots, userIndex(request.user)),
        };
      case 'store-beam':
        return storeBeam(request);
      case 'select-beam': {
        if (request.position >= capabilities.beamMemory) return nack('wrong-dimensions', capabilities.beamMemory);
        const stored = memory.get(request.position);
        const known = repeated(request.beamId) ?? stale(request.beamId);
        return known ?? (stored ? latch(request.beamId, stored) : nack('not-staged'));
      }
      case 'set-safe-state':
        return setSafeState(request);
      case 'sync-time':
        return { type: 'synced', hostSendUs: request.hostSendUs, panelReceiveUs: timeUs(), panelSendUs: timeUs() };
      case 'challenge':
        // Answered where the counters are, before it comes here; without a key there is nothing to challenge.
        return unsupported(request);
    }
  };

  const commit = ({ slot: index, beamId, atUs }: Request & { type: 'commit' }): Reply => {
    const slot = staging.slot(index);
    if (!slot) return staging.noSuchSlot();
    const again = repeated(beamId);
    if (again) return again;
    if (atUs !== 0n && (atUs <= timeUs() || timed.isCancelled({ beamId, atUs }))) return nack('too-late');
    const refusal = stale(beamId) ?? notStaged(slot, beamId);
    if (refusal) return refusal;
    if (atUs === 0n) return latch(beamId, slot.beam());
    timed.arm({ slot: index, beamId, atUs, beam: slot.beam() });
    return { type: 'ack' };
  };

  const readPhases = (request: Request & { type: 'read-phases' }): Reply => {
    const { source, offset, count } = request;
    const slot = source === 'staged' ? staging.slot(request.slot) : undefined;
    if (source === 'staged' && !slot) return staging.noSuchSlot();
    const most = maxWordsPerChunk(capabilities.maxPayloadBytes, capabilities.phaseBits);
    if (offset + count > wordCount || count > most) return nack('wrong-dimensions', Math.min(wordCount, most));
    const { beamId, words } = slot ?? radiated ?? { beamId: 0, words: darkness };
    const { phaseBits } = capabilities;
    return { type: 'phases', beamId, offset, phaseBits, words: words.slice(offset, offset + count) };
  };

  const storeBeam = (request: Request & { type: 'store-beam' }): Reply => {
    const slot = staging.slot(request.slot);
    if (!slot) return staging.noSuchSlot();
    if (request.position >= capabilities.beamMemory) return nack('wrong-dimensions', capabilities.beamMemory);
    const refusal = notStaged(slot, request.beamId);
    if (refusal) return refusal;
    memory.set(request.position, slot.beam());
    return { type: 'ack' };
  };

  const setSafeState = (request: Request & { type: 'set-safe-state' }): Reply => {
    if (request.state === 'codeword') {
      if (request.position >= capabilities.beamMemory) return nack('wrong-dimensions', capabilities.beamMemory);
      if (!memory.has(request.position)) return nack('not-staged');
    }
    safe = { state: request.state, position: request.position };
    silence.limit(request.silenceMs);
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
    /** A frame is about to be taken: what is due comes first. */
    settleSilence: () => silence.settle(),
    /** A request was carried out: the silence starts anew, unless it is the one that began it. Without its bytes: whatever it is. */
    hostSpoke: (request?: Uint8Array) => silence.hostSpoke(request),
    countBadFrames: life.countBadFrames,
    bootCount: life.bootCount,
    staged: (index: number): WholeBeam & { firstMissing: number | undefined } => {
      const slot = staging.slot(index);
      if (!slot) throw new BeamrigError('argument', `slot ${index} is outside 0 … ${capabilities.stagingSlots - 1}`);
      return { ...whole(slot), firstMissing: slot.firstMissing() };
    },
    latched: (): WholeBeam => whole(latched),
    radiated: (): WholeBeam => whole(radiated),
    fault: (code: number) => {
      timed.drop();
      state = 'fault';
      faultCode = code;
      radiate(undefined);
    },
    recover: () => {
      if (state === 'fault') state = 'idle';
    },
    reset: () => {
      life.restart();
      staging.emptyAll();
      timed.forgetAll();
      memory.clear();
      latched = undefined;
      newest = 0;
      spent = 0;
      over = false;
      state = 'idle';
      safe = MUTE;
      silence.limit(0);
      silence.stop();
      radiate(undefined);
    },
    close: () => {
      silence.stop();
      timed.drop();
    },
  };
}

const MUTE = { state: 'mute', position: 0 } as const;

const FEATURE_NEEDED: Partial<Record<Request['type'], Feature>> = {
  'set-digital': 'digital-weights',
  'set-gains': 'element-gain',
  'set-enables': 'element-enable',
  'patch-phases': 'patch',
  'cancel-commit': 'time-sync',
  'read-phases': 'read-back',
  'measure-snr': 'snr-report',
  'measure-pilots': 'pilot-report',
  'store-beam': 'beam-memory',
  'select-beam': 'beam-memory',
  'sync-time': 'time-sync',
  challenge: 'authentication',
};

const featureNeeded = (request: Request): Feature | undefined =>
  request.type === 'commit' && request.atUs !== 0n ? 'time-sync' : FEATURE_NEEDED[request.type];

/** What a panel with a fault does not do. */
const changesBeam = (request: Request): boolean =>
  request.type === 'set-phases' ||
  request.type === 'set-digital' ||
  request.type === 'set-gains' ||
  request.type === 'set-enables' ||
  request.type === 'patch-phases' ||
  request.type === 'commit' ||
  request.type === 'select-beam' ||
  (request.type === 'set-safe-state' && request.enter);

const committed = ({ beamId, timeUs, wordsCrc32c: crc }: Latched): Reply => ({
  type: 'committed',
  beamId,
  timeUs,
  wordsCrc32c: crc,
});
