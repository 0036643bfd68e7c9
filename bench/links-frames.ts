/** The beams of links.ts, and the bytes that they are on a line. */
import { beamFrames } from '../firmware-protocol/chunking.ts';
import { encodeFrame } from '../firmware-protocol/codec.ts';
import type { Capabilities, Frame } from '../firmware-protocol/messages.ts';
import { cobsFrame } from '../firmware-protocol/serial-framing.ts';
import { createRandom } from '../core/signal/random.ts';
import type { BeamCommand } from '../src/panel/panel.ts';
import type { FullUpdateParts } from './links-report.ts';

export const [ELEMENTS, CHAINS, USERS] = [64, 4, 4];
export const WORDS = ELEMENTS * CHAINS;
export const PILOTS = 64;
const BITS_A_BYTE = 10;

const random = createRandom(1).stream('beams');
/** Ids count up over everything that a panel hears, whoever says it. */
let nextBeamId = 1;

export function randomBeam(phaseBits: number, digital = true): BeamCommand {
  const words = Uint16Array.from({ length: WORDS }, () => Math.floor(random.uniform() * 2 ** phaseBits));
  return { beamId: nextBeamId++, phaseBits, words, ...(digital ? { digital: randomWeights() } : {}) };
}

function randomWeights(): NonNullable<BeamCommand['digital']> {
  return { users: USERS, weights: Float32Array.from({ length: 2 * CHAINS * USERS }, () => random.normal()) };
}

/** The beam after `before`: so many words are others, and all weights. */
export function changedBeam(before: BeamCommand, changed: number): BeamCommand {
  const { phaseBits } = before;
  const words = before.words.slice();
  const places = Array.from(words.keys());
  for (let i = 0; i < changed; i++) {
    const j = i + Math.floor(random.uniform() * (places.length - i));
    [places[i], places[j]] = [places[j], places[i]];
    words[places[i]] = (words[places[i]] + 1 + Math.floor(random.uniform() * (2 ** phaseBits - 1))) % 2 ** phaseBits;
  }
  const digital = before.digital === undefined ? {} : { digital: randomWeights() };
  return { beamId: nextBeamId++, phaseBits, words, ...digital };
}

/** Steps of a cycle that wait for one another, of the frames that the driver would send. */
export function scriptOf(beam: BeamCommand, { maxPayloadBytes, stagingSlots }: Capabilities): Uint8Array[][] {
  const { beamId } = beam;
  const frames = beamFrames({ ...beam, slot: beamId % stagingSlots, maxPayloadBytes, firstSeq: (8 * beamId) & 0xffff });
  const measure = {
    seq: (8 * beamId + frames.length) & 0xffff,
    message: { type: 'measure-snr', beamId, pilots: PILOTS } as const,
  };
  return [frames.slice(0, -1), frames.slice(-1), [measure]].map((step) => step.map((frame) => encodeFrame(frame)));
}

/** Bytes of each frame of a full update with D, as they go onto the line. */
export function fullUpdateParts(baudRate: number): FullUpdateParts {
  const beam = randomBeam(6);
  const [words, digital, commit] = beamFrames({ ...beam, slot: 0, maxPayloadBytes: 2048, firstSeq: 0x0101 }).map(onSerial);
  const ack = onSerial({ seq: 0x0101, message: { type: 'ack' } });
  const timeUs = 123_456_789_012n;
  const committed = onSerial({ seq: 0x0101, message: { type: 'committed', beamId: 257, timeUs, wordsCrc32c: 0x89abcdef } });
  return { words, digital, commit, ack, committed, wireMs: msOnLine(words + digital + ack + commit + committed, baudRate) };
}

export function onSerial(frame: Frame): number {
  return cobsFrame(encodeFrame(frame)).length;
}

export function msOnLine(bytes: number, baudRate: number): number {
  return (1000 * BITS_A_BYTE * bytes) / baudRate;
}
