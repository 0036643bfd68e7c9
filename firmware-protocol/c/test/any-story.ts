/** Stories drawn at random in which beams, slots and positions meet often, with copies, waits, garbage and frames that are wrong inside. */
import { encodeFrame } from '../../codec.ts';
import { crc32c } from '../../crc32c.ts';
import type { Request } from '../../messages.ts';
import type { Step } from './panel-process.ts';

export interface StoryOptions {
  /** Draws a whole number from 0 to limit − 1. */
  below: (limit: number) => number;
  chunk: (beamId: number, offset: number, count: number) => Request & { type: 'set-phases' };
  /** N·M */
  words: number;
  users: number;
  steps: number;
}

export function anyStory(options: StoryOptions): Step[] {
  let nowMs = 0;
  return Array.from({ length: options.steps }, (): Step => {
    const { below } = options;
    const kind = below(18);
    if (kind < 12) return { kind: 'request', request: anyRequest(options), seq: below(0x10000) };
    if (kind < 14) return { kind: 'again', back: 1 + below(20) };
    if (kind < 16) return { kind: 'at', timeMs: (nowMs += [1, 6, 8, 30][below(4)]) };
    if (kind < 17) return { kind: 'bytes', bytes: Uint8Array.from({ length: below(40) }, () => below(256)) };
    return { kind: 'bytes', bytes: spoilt(encodeFrame({ seq: 3, message: anyRequest(options) }), below) };
  });
}

function anyRequest({ below, chunk, words, users }: StoryOptions): Request {
  const slot = [0, 0, 0, 1, 2][below(5)];
  const beamId = 1 + below(5);
  const position = [0, 1, 99][below(3)];
  const kind = below(20);
  if (kind < 5) {
    const part = chunk(beamId, [0, 0, words / 2][below(3)], [words / 2, words][below(2)]);
    return { ...part, slot, phaseBits: part.phaseBits + (below(6) === 0 ? 1 : 0) };
  }
  if (kind < 10) return { type: 'commit', slot, beamId, atUs: below(5) === 0 ? 3n : 0n };
  const weights = new Float32Array([2, 8][below(2)]).fill(1);
  const others: (() => Request)[] = [
    () => ({ type: 'ping', nonce: below(4) }),
    () => ({ type: 'get-status' }),
    () => ({ type: 'hello', minMajor: [1, 1, 2][below(3)], maxMajor: 2, host: 'bench'.slice(below(6)) }),
    () => ({ type: 'set-digital', slot, beamId, users: below(4) === 0 ? 1 : users, offset: below(4), weights }),
    () => ({
      type: 'read-phases',
      source: below(2) === 0 ? 'staged' : 'radiated',
      slot,
      offset: below(words + 1),
      count: 1 + below(9),
    }),
    () => ({ type: 'measure-snr', beamId, pilots: 1 + below(0xffffffff) }),
    () => ({ type: 'measure-pilots', beamId, user: below(3), pilots: 1 }),
    () => ({ type: 'store-beam', slot, beamId, position }),
    () => ({ type: 'select-beam', position, beamId }),
    () => {
      const state = (['mute', 'hold', 'codeword'] as const)[below(3)];
      return { type: 'set-safe-state', state, position, silenceMs: [0, 7, 7][below(3)], enter: below(2) === 0 };
    },
  ];
  return others[kind - 10]();
}

/** Type or last payload byte changed, behind a CRC that is right again. */
function spoilt(frame: Uint8Array, below: (limit: number) => number): Uint8Array {
  frame[below(3) === 0 ? 1 : frame.length - 5] = below(256);
  const end = frame.length - 4;
  new DataView(frame.buffer, frame.byteOffset).setUint32(end, crc32c(frame.subarray(0, end)), true);
  return frame;
}
