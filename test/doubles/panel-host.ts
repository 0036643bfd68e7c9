/** A host for the tests of this folder: sends requests to a virtual panel as bytes, on virtual time, and keeps every frame that comes back. */
import type { VirtualClock } from '../../core/clock/virtual-clock.ts';
import { createVirtualClock } from '../../core/clock/virtual-clock.ts';
import { beamFrames } from '../../firmware-protocol/chunking.ts';
import { decodeFrame, encodeFrame } from '../../firmware-protocol/codec.ts';
import type { Frame, Message, Reply, Request } from '../../firmware-protocol/messages.ts';
import { fromParts, type CMatrix } from '../../core/signal/complex-matrix.ts';
import { createRandom } from '../../core/signal/random.ts';
import { createAir } from '../../hil-sim/air.ts';
import type { UserRun } from '../../core/signal/indices.ts';
import type { Scene } from '../../hil-sim/scene.ts';
import { createMovingUsers } from '../../hil-sim/scene.ts';
import type { SimulatedArray } from '../../hil-sim/simulated-array.ts';
import { createSimulatedArray } from '../../hil-sim/simulated-array.ts';
import type { PanelSettings, VirtualPanel, WholeArray } from '../../hil-sim/virtual-panel.ts';
import { createVirtualPanel } from '../../hil-sim/virtual-panel.ts';

export const ELEMENTS = 16;
export const CHAINS = 2;
export const USERS = 2;
export const PHASE_BITS = 6;
export const WORDS = ELEMENTS * CHAINS;

export const DARK = { beamId: 0, words: new Uint16Array(WORDS) };
/** Some digital weights, real and imaginary parts. */
export const DIGITAL = fromParts(CHAINS, USERS, [0.5, -0.25, 1, 0.125], [0, 0.5, -1, 2]);

export interface TestHost {
  clock: VirtualClock;
  panel: VirtualPanel;
  array: SimulatedArray;
  scene: Scene;
  /** Everything the panel has sent, as bytes. */
  received: Uint8Array[];
  /** Sends a request under the next sequence number (or this one) and returns what came back at once under it. */
  ask: (request: Request, seq?: number) => Reply | undefined;
  /** Sends these bytes as they are. */
  sendBytes: (bytes: Uint8Array) => void;
  /** Stages and commits a whole beam, and returns what the commit was answered. */
  showBeam: (beamId: number, words?: Uint16Array, digital?: CMatrix) => Reply | undefined;
  /** Messages received so far, damaged ones left out. */
  messages: () => Message[];
}

/** @param options.hears in place of a panel with the array: a board with receivers of these users, in a world where nothing is radiated */
export function hostWith(options: Partial<PanelSettings & WholeArray> & { seed?: number; hears?: UserRun } = {}): TestHost {
  const random = createRandom(options.seed ?? 1);
  const clock = createVirtualClock();
  const scene = createMovingUsers({
    geometry: { kind: 'ula', elements: ELEMENTS, spacingWavelengths: 0.5 },
    users: USERS,
    paths: 6,
    scale: 'unit-element',
    speedMps: 1,
    carrierGhz: 28,
    random: random.stream('scene'),
  });
  const array = createSimulatedArray({
    elements: ELEMENTS,
    rfChains: CHAINS,
    phaseBits: PHASE_BITS,
    random: random.stream('array'),
    impairments: { gainErrorDb: 0.5, phaseErrorDeg: 5 },
  });
  const settings = { clock, random: random.stream('panel'), ...options };
  const world = { array, scene, noise: 0.1, ...options };
  const panel =
    options.hears === undefined
      ? createVirtualPanel({ ...settings, ...world })
      : createVirtualPanel({ ...settings, receivers: createAir({ ...settings, ...world }).receivers(), hears: options.hears });
  const received: Uint8Array[] = [];
  panel.onSend((frame) => received.push(frame));
  let nextSeq = 0;

  const ask = (request: Request, seq = nextSeq++): Reply | undefined => {
    const before = received.length;
    panel.receive(encodeFrame({ seq, message: request }));
    const replies = received.slice(before).map(decodeFrame);
    const own = replies.find((reply): reply is { ok: true; frame: Frame } => reply.ok && reply.frame.seq === seq);
    return own?.frame.message as Reply | undefined;
  };

  return {
    clock,
    panel,
    array: options.array ?? array,
    scene: options.scene ?? scene,
    received,
    ask,
    sendBytes: (bytes) => panel.receive(bytes),
    showBeam(beamId, words = beamWords(beamId), digital) {
      const frames = beamFrames({
        slot: 0,
        beamId,
        phaseBits: PHASE_BITS,
        words,
        maxPayloadBytes: 64,
        firstSeq: 0,
        ...(digital === undefined ? {} : { digital: { users: digital.cols, weights: interleaved(digital) } }),
      });
      return frames.map(({ message }) => ask(message as Request)).at(-1);
    },
    messages: () => received.map(decodeFrame).flatMap((decoded) => (decoded.ok ? [decoded.frame.message] : [])),
  };
}

/** Some words, different for each beam. */
export const beamWords = (beamId: number): Uint16Array =>
  Uint16Array.from({ length: WORDS }, (_, i) => (i * 7 + beamId * 13 + 1) % 2 ** PHASE_BITS);

/** One chunk of a beam. */
export const chunk = (beamId: number, offset: number, count: number): Request => ({
  type: 'set-phases',
  slot: 0,
  beamId,
  phaseBits: PHASE_BITS,
  offset,
  words: beamWords(beamId).slice(offset, offset + count),
});

/** A patch: these places take the words that beamWords has there. */
export const patch = (beamId: number, fromBeamId: number, places: number[]): Request & { type: 'patch-phases' } => ({
  type: 'patch-phases',
  slot: 0,
  beamId,
  fromBeamId,
  phaseBits: PHASE_BITS,
  places: Uint16Array.from(places),
  words: Uint16Array.from(places, (place) => beamWords(beamId)[place]),
});

/** A commit at panel time `atMs`, which in these tests is the clock's until the panel restarts. */
export const commitAt = (beamId: number, atMs: number, slot = 0): Request => ({
  type: 'commit',
  slot,
  beamId,
  atUs: BigInt(Math.round(1000 * atMs)),
});

function interleaved(matrix: CMatrix): Float32Array {
  return Float32Array.from({ length: 2 * matrix.re.length }, (_, i) => (i % 2 === 0 ? matrix.re : matrix.im)[i >> 1]);
}
