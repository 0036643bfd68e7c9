/**
 * A panel that is not there: it speaks the protocol in bytes, holds staged, latched and radiated state apart, and lets the simulated array
 * radiate into the scene. The fallback of a rig and the panel of nearly every test; hardware differs from it in the link alone.
 *
 *   bytes ─► behaviours ─► (seal off) ─► decode ─► carry out ─► encode ─► (seal) ─► behaviours ─► bytes
 *                                      │
 *            slots (staged) ─ commit ─► latched ─► radiated ─► array ─► scene ─► pilots ─► reports
 *                                                     ▲
 *                                 safe state (asked for, or by silence)
 */
import type { Clock } from '../core/clock/clock.ts';
import { BeamrigError } from '../core/errors/beamrig-error.ts';
import { decodeFrame, encodeFrame, nackForDiscard } from '../firmware-protocol/codec.ts';
import { CRC_BYTES, HEADER_BYTES, longestReportBytes } from '../firmware-protocol/limits.ts';
import type { BeamId, Capabilities, Feature, Message, Reply, Request } from '../firmware-protocol/messages.ts';
import { FEATURES, PROTOCOL_MAJOR, PROTOCOL_MINOR } from '../firmware-protocol/messages.ts';
import { TYPE_CODES, isRequest } from '../firmware-protocol/type-codes.ts';
import type { CMatrix } from '../core/signal/complex-matrix.ts';
import type { Random } from '../core/signal/random.ts';
import type { Behaviour, Verdict } from './behaviours.ts';
import { createInjector } from './behaviours.ts';
import type { AirPart } from './air.ts';
import { createAir } from './air.ts';
import { nack } from './nack.ts';
import type { PanelAuthentication } from './panel-guard.ts';
import { createPanelGuard } from './panel-guard.ts';
import type { WholeBeam } from './panel-state.ts';
import { createPanelState } from './panel-state.ts';
import type { Scene } from './scene.ts';
import { sameBytes } from './silence-watch.ts';
import type { SimulatedArray } from './simulated-array.ts';

export interface PanelSettings {
  clock: Clock;
  /** For behaviours, and for the pilots of a panel with an array of its own. */
  random: Random;
  behaviours?: readonly Behaviour[];
  /** What the panel says of itself where that is not the array's or the scene's. */
  capabilities?: Partial<
    Pick<
      Capabilities,
      'role' | 'panelSerial' | 'arrayId' | 'firmware' | 'maxPayloadBytes' | 'stagingSlots' | 'beamMemory' | 'features'
    > & {
      /**
       * 1: a panel as it was before 1.2, which every hello and every refused request keeps alive, and which says not that it is simulated.
       * 2: as before 1.3, without element-gain and element-enable.
       */
      protocolMinor: 1 | 2 | typeof PROTOCOL_MINOR;
      /** Bits of a gain word, 0 … 16 (default 5); 0: it has no element-gain. */
      gainBits: number;
      /** Whether single elements can be switched off (default true): element-enable. */
      elementEnable: boolean;
    }
  >;
  /** Time the panel takes to answer, ms (default 0: the reply leaves before `receive` returns). */
  answerMs?: number;
  /** With a key the panel hears sealed frames only. */
  authentication?: PanelAuthentication;
  /** Called when a beam has been latched and is radiated, before the commit is answered. */
  onLatch?: (beamId: BeamId) => void;
}

/** A panel that drives all elements and chains of `array`, whose users are those of `scene`. */
export interface WholeArray {
  array: SimulatedArray;
  scene: Scene;
  /** σ² at each user, linear, > 0. */
  noise: number;
}

/** Or one that drives a part of an array, beside others. */
export interface PartOfArray {
  air: AirPart;
}

export type VirtualPanelOptions = PanelSettings & (WholeArray | PartOfArray);

export interface VirtualPanel {
  readonly capabilities: Readonly<Capabilities>;
  /** A frame from the host, damaged ones included: never throws. The bytes are not kept. */
  receive(frame: Uint8Array): void;
  /** Its wire has dropped so many frames that were damaged: they stand among its badFrames. */
  discarded(frames: number): void;
  /** The one listener to what the panel sends. */
  onSend(listener: (frame: Uint8Array) => void): void;
  /** What has arrived in a slot so far; words that have not come are 0 and counted from `firstMissing`, undefined when complete. */
  staged(slot: number): WholeBeam & { firstMissing: number | undefined };
  /** The beam of the last commit or select. */
  latched(): WholeBeam;
  /** The words that the shifters are driven with now. What the elements make of them is `radiatedPrecoder`. */
  radiated(): WholeBeam;
  /** The truth: N×K of the whole array, C·E·S·D of what is radiated now; zero when nothing is. */
  radiatedPrecoder(): CMatrix;
  /** The truth: SINR of each user on the scene's channel now, linear. */
  trueSinr(): Float64Array;
  /** From now on σ² is this. */
  setNoise(noise: number): void;
  /** The panel finds a fault of its own: it stops radiating and says so, with this code as detail, until it recovers or is reset. */
  fault(code: number): void;
  /** The cause of the fault is gone: the panel is idle and muted. Without a fault nothing happens. */
  recover(): void;
  /** Pulls the plug and puts it back: the panel hears nothing for bootMs and has forgotten everything but its serial number. */
  reset(bootMs?: number): void;
  /** Stops its timers; nothing is received or sent any more. */
  close(): void;
}

/** Requests remembered with their replies, so that one that is repeated is answered again and not carried out again. */
const REMEMBERED_REQUESTS = 16;
/** Frames that wait in the buffer of a stalled panel; more are lost. */
const STALLED_FRAMES_KEPT = 16;
const TYPE_OF_CODE = new Map(Object.entries(TYPE_CODES).map(([type, code]) => [code, type as Message['type']]));

/**
 * @throws {BeamrigError} 'shape' when array and scene differ in elements, 'argument' for noise, behaviours or capabilities out of range
 */
export function createVirtualPanel(options: VirtualPanelOptions): VirtualPanel {
  const { clock, random, answerMs = 0, onLatch = () => undefined } = options;
  const injector = createInjector(options.behaviours ?? [], random.stream('behaviours'));
  const air = 'air' in options ? options.air : createAir(options).part();
  const state = createPanelState({ clock, air, capabilities: capabilitiesOf(options, air), onLatch });
  const guard = options.authentication && createPanelGuard(options.authentication);
  const isOld = state.capabilities.protocolMinor < 2;

  let listener: (frame: Uint8Array) => void = () => undefined;
  let remembered: Remembered[] = [];
  let deafUntilMs = -Infinity;
  let stalledUntilMs = -Infinity;
  let waiting: (() => void)[] = [];
  let closed = false;

  const reset = (bootMs = 0): void => {
    state.reset();
    guard?.restart();
    remembered = [];
    waiting = [];
    stalledUntilMs = -Infinity;
    deafUntilMs = clock.nowMs() + bootMs;
  };

  const later = (delayMs: number, call: () => void): void => {
    if (delayMs > 0) clock.after(delayMs, () => closed || call());
    else call();
  };

  /** @param open a refusal for somebody who may have no key */
  const send = (reply: Uint8Array, open = false): void => {
    const boots = state.bootCount();
    later(answerMs, () => {
      // A panel that restarts meanwhile says nothing.
      if (boots !== state.bootCount()) return;
      const bytes = guard && !open ? guard.seal(reply) : reply;
      if (bytes) transmit(bytes);
    });
  };

  const transmit = (reply: Uint8Array): void => {
    const verdict = injector.judge('to-host', TYPE_OF_CODE.get(reply[1]), reply);
    if (verdict.reset?.moment !== 'before') {
      for (const { bytes, delayMs } of verdict.deliveries) later(delayMs, () => listener(bytes));
    }
    if (verdict.reset) reset(verdict.reset.bootMs);
  };

  const takeIn = (bytes: Uint8Array, verdict: Verdict): void => {
    const admission = guard ? guard.admit(bytes) : { bare: bytes };
    if ('bare' in admission) {
      takeInBare(admission.bare, verdict);
      return;
    }
    state.countBadFrames(1);
    const { answer: refusal } = admission;
    if (refusal) send(encodeFrame({ seq: refusal.seq, message: nack(refusal.code) }), true);
  };

  const takeInBare = (bytes: Uint8Array, verdict: Verdict): void => {
    const decoded = decodeFrame(bytes);
    const refusal = decoded.ok ? undefined : nackForDiscard(decoded);
    if (!decoded.ok) state.countBadFrames(1);
    if (refusal) send(encodeFrame(refusal));
    if (!decoded.ok || !isRequest(decoded.frame.message)) return;

    const { seq, message } = decoded.frame;
    state.settleSilence();
    // A challenge may be an old one, sent again by anybody: the host is not the less silent for it. A panel of version 1.1 heard all others.
    if (isOld && message.type !== 'challenge') state.hostSpoke();
    // A hello is always carried out: it may be that of a host which has restarted and counts from the same number.
    if (message.type === 'hello') remembered = [];
    const known = remembered.find((old) => old.seq === seq && sameBytes(old.request, bytes));
    if (known) {
      send(known.reply);
      return;
    }
    const answered = answer(message, bytes.length, verdict);
    // Neither a refusal nor a greeting is a session that works.
    if (!isOld && answered.type !== 'nack' && message.type !== 'hello' && message.type !== 'challenge') state.hostSpoke(bytes);
    const reply = encodeFrame({ seq, message: answered }, { major: verdict.major ?? PROTOCOL_MAJOR });
    // Remembered before it is sent: sending may reset the panel, and a panel that was reset has forgotten this too.
    if (!isAnsweredAnew(message)) remembered.push({ seq, request: new Uint8Array(bytes), reply });
    if (remembered.length > REMEMBERED_REQUESTS) remembered.shift();
    send(reply);
  };

  const answer = (request: Request, frameBytes: number, verdict: Verdict): Reply => {
    const { nack: injected, major } = verdict;
    if (injected) return nack(injected.code, injected.detail);
    if (major !== undefined) {
      const offered = request.type === 'hello' && request.minMajor <= major && major <= request.maxMajor;
      return offered ? { type: 'capabilities', ...state.capabilities, protocolMajor: major } : nack('unsupported-version', major);
    }
    if (frameBytes - HEADER_BYTES - CRC_BYTES > state.capabilities.maxPayloadBytes) {
      return nack('malformed', TYPE_CODES[request.type]);
    }
    if (guard && request.type === 'challenge') {
      return { type: 'challenged', hostNonce: request.hostNonce, lastCounter: guard.newest() };
    }
    return state.carryOut(request);
  };

  const hear = (bytes: Uint8Array, verdict: Verdict): void => {
    const nowMs = clock.nowMs();
    if (nowMs < deafUntilMs) return;
    if (nowMs >= stalledUntilMs) {
      takeIn(bytes, verdict);
      return;
    }
    if (waiting.length < STALLED_FRAMES_KEPT) waiting.push(() => takeIn(bytes, verdict));
  };

  const stall = (forMs: number): void => {
    stalledUntilMs = Math.max(stalledUntilMs, clock.nowMs() + forMs);
    later(forMs, () => {
      if (clock.nowMs() < stalledUntilMs) return;
      const frames = waiting;
      waiting = [];
      for (const frame of frames) frame();
    });
  };

  return {
    capabilities: state.capabilities,
    receive(frame) {
      if (closed) return;
      const verdict = injector.judge('to-panel', TYPE_OF_CODE.get(frame[1]), frame);
      if (verdict.reset?.moment === 'before') {
        reset(verdict.reset.bootMs);
        return;
      }
      if (verdict.stallMs > 0) stall(verdict.stallMs);
      for (const { bytes, delayMs, of = verdict } of verdict.deliveries) {
        // A frame that waits outlives the caller's buffer; `slice` would not copy a Node Buffer.
        const kept = delayMs > 0 || clock.nowMs() < stalledUntilMs ? new Uint8Array(bytes) : bytes;
        later(delayMs, () => hear(kept, of));
      }
      if (verdict.reset) reset(verdict.reset.bootMs);
    },
    discarded: (frames) => state.countBadFrames(frames),
    onSend(next) {
      listener = next;
    },
    staged: state.staged,
    latched: state.latched,
    radiated: state.radiated,
    radiatedPrecoder: () => air.precoder(),
    trueSinr: () => air.trueSinr(),
    setNoise: (noise) => air.setNoise(noise),
    fault: state.fault,
    recover: state.recover,
    reset,
    close() {
      closed = true;
      state.close();
    },
  };
}

interface Remembered {
  seq: number;
  request: Uint8Array;
  reply: Uint8Array;
}

/** What must not be answered from memory: a clock reading, a counter, how a commit that waited has ended, a new session. */
const isAnsweredAnew = (request: Request): boolean =>
  request.type === 'hello' ||
  request.type === 'challenge' ||
  request.type === 'sync-time' ||
  // What was committed may be muted since.
  request.type === 'commit' ||
  request.type === 'select-beam';

/** Longest payload where nobody says one and its reports are no longer, bytes. */
const USUAL_PAYLOAD_BYTES = 1024;
const DEFAULT_GAIN_BITS = 5;
/** Minor version since which panels have a feature, where not all have. */
const FIRST_MINOR: Partial<Record<Feature, number>> = { simulated: 2, 'element-gain': 3, 'element-enable': 3 };
function capabilitiesOf({ authentication, capabilities = {} }: VirtualPanelOptions, air: AirPart): Capabilities {
  const { elementEnable = true, ...said } = capabilities;
  const { beamMemory = 16, protocolMinor = PROTOCOL_MINOR, gainBits = DEFAULT_GAIN_BITS } = said;
  const { features = FEATURES.filter((feature) => protocolMinor >= (FIRST_MINOR[feature] ?? 0)) } = said;
  if (said.features?.includes('authentication') && !authentication) {
    throw new BeamrigError('argument', "a panel without a key has no 'authentication'", { wayOut: 'Give it a panel key.' });
  }
  const hasFor: Partial<Record<Feature, boolean>> = {
    'beam-memory': beamMemory > 0,
    'element-gain': gainBits > 0,
    'element-enable': elementEnable,
  };
  const announced = (feature: Feature): boolean =>
    feature === 'authentication' ? authentication !== undefined : features.includes(feature) && hasFor[feature] !== false;
  const longestReport = longestReportBytes(air.users, air.rfChains);
  const all: Capabilities = {
    role: 'array',
    panelSerial: 'SIM-0001',
    arrayId: 0,
    firmware: 'beamrig-simulator',
    stagingSlots: 2,
    ...said,
    maxPayloadBytes: said.maxPayloadBytes ?? Math.max(USUAL_PAYLOAD_BYTES, longestReport),
    protocolMajor: PROTOCOL_MAJOR,
    protocolMinor,
    elements: air.elements,
    rfChains: air.rfChains,
    phaseBits: air.phaseBits,
    gainBits: announced('element-gain') ? gainBits : 0,
    users: features.includes('snr-report') || features.includes('pilot-report') ? air.users : 0,
    beamMemory: features.includes('beam-memory') ? beamMemory : 0,
    features: FEATURES.filter(announced),
  };
  // A capability that the wire cannot carry is refused here and not at the first hello.
  encodeFrame({ seq: 0, message: { type: 'capabilities', ...all } });
  if (all.maxPayloadBytes < longestReport) {
    throw new BeamrigError('argument', `maxPayloadBytes is ${all.maxPayloadBytes}; a report takes ${longestReport}`, {
      wayOut: `Choose maxPayloadBytes ≥ ${longestReport}.`,
    });
  }
  return all;
}
