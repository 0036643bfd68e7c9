/** Stories drawn at random in which beams, slots and positions meet often, with copies, waits, garbage and frames that are wrong inside. */
import { sealFrame } from '../../authentication.ts';
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
  return Array.from({ length: options.steps }, (_, i): Step => {
    const { below } = options;
    // Beam ids go up as a host counts them, and back a little, as a link delays them.
    const any = (): Request => anyRequest(options, nowMs, 1 + Math.floor(i / 8));
    const kind = below(38);
    if (kind < 24) return { kind: 'request', request: any(), seq: below(0x10000) };
    if (kind < 28) return { kind: 'again', back: 1 + below(20) };
    if (kind < 32) return { kind: 'at', timeMs: (nowMs += [1, 6, 8, 30][below(4)]) };
    if (kind < 34) return { kind: 'bytes', bytes: Uint8Array.from({ length: below(40) }, () => below(256)) };
    if (kind < 36) return { kind: 'bytes', bytes: spoilt(encodeFrame({ seq: 3, message: any() }), below) };
    // Faults are short: a story that is spent in one says little.
    return below(8) === 0 ? { kind: 'fault', code: below(3) } : { kind: 'recover' };
  });
}

/** A request that a panel whose time is `nowMs` may well carry out, of beams from `oldest` on. */
function anyRequest({ below, chunk, words, users }: StoryOptions, nowMs: number, oldest: number): Request {
  const slot = [0, 0, 0, 1, 2][below(5)];
  const beamId = oldest + below(4);
  const position = [0, 1, 99][below(3)];
  const kind = below(30);
  if (kind < 6) {
    const part = chunk(beamId, [0, 0, words / 2][below(3)], [words / 2, words, words][below(3)]);
    return { ...part, slot, phaseBits: part.phaseBits + (below(6) === 0 ? 1 : 0) };
  }
  if (kind < 10) return { type: 'commit', slot, beamId, atUs: 0n };
  // Silences are 7 ms: some commits fall due at the moment at which one is over.
  const atUs = BigInt(Math.max(0, 1000 * nowMs + [-500, 100, 500, 1500, 2500, 6500, 7000, 7000][below(8)]));
  if (kind < 13) return { type: 'commit', slot, beamId, atUs };
  if (kind < 16) {
    const { phaseBits } = chunk(beamId, 0, 1);
    const places = Uint16Array.from({ length: 1 + below(3) }, () => below(words + (below(8) === 0 ? 9 : 0)));
    const changed = places.map(() => below(2 ** phaseBits));
    return {
      type: 'patch-phases',
      slot,
      beamId,
      fromBeamId: Math.max(1, oldest - 1 + below(4)),
      phaseBits,
      places,
      words: changed,
    };
  }
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
    () => ({ type: 'sync-time', hostSendUs: BigInt(below(1000)) }),
    () => ({
      type: 'set-enables',
      slot,
      beamId,
      offset: below(6) === 0 ? 5 : 0,
      enabled: Uint8Array.from({ length: below(6) === 0 ? 9 : words }, () => below(2)),
    }),
    () => ({
      type: 'set-gains',
      slot,
      beamId,
      gainBits: below(6) === 0 ? 6 : 5,
      offset: below(6) === 0 ? 5 : 0,
      gains: Uint16Array.from({ length: below(6) === 0 ? 9 : words }, () => below(32)),
    }),
    () => (below(4) === 0 ? { type: 'challenge', hostNonce: BigInt(below(9)) } : { type: 'cancel-commit', beamId, atUs }),
  ];
  return others[kind - 16]();
}

/** Type or last payload byte changed, behind a CRC that is right again. */
function spoilt(frame: Uint8Array, below: (limit: number) => number): Uint8Array {
  frame[below(3) === 0 ? 1 : frame.length - 5] = below(256);
  const end = frame.length - 4;
  new DataView(frame.buffer, frame.byteOffset).setUint32(end, crc32c(frame.subarray(0, end)), true);
  return frame;
}

/** The same story to a panel with a key: most requests authenticated under the next counter, others under an old one, by somebody else, or not at all. */
export function anySealedStory(options: StoryOptions & { key: Uint8Array }): Step[] {
  const { below, key } = options;
  const stranger = key.map((byte) => byte ^ 1);
  let counter = 0;
  let boots = 1;
  return anyStory(options).map((step): Step => {
    // A host that knows where to go on after the panel has started anew: above the limit that the panel had stored.
    if (step.kind === 'recover' && below(2) === 0) return { kind: 'reset', bootCount: (boots += 1) };
    if (step.kind === 'recover') return { kind: 'storage', works: below(3) > 0 };
    if (step.kind !== 'request') return step;
    const { request, seq } = step;
    const sealed = (request: Request, counter: number, by = key): Step => ({
      kind: 'sealed',
      request,
      seq,
      counter: BigInt(counter),
      key: by,
    });
    switch (below(16)) {
      case 0:
        return step;
      case 6: {
        // One of the panel's own replies, sent back to it, from far ahead.
        const reply = encodeFrame({ seq, message: { type: 'ack' } });
        return { kind: 'bytes', bytes: sealFrame(reply, key, BigInt(counter + below(200_000))) };
      }
      case 1:
        return sealed(request, (counter += 1), stranger);
      case 2:
        return sealed(request, Math.max(0, counter - below(70)));
      case 3:
        return sealed(request, (counter += 1 + below(100)));
      case 4:
        return sealed(request, (counter += 66_000));
      case 5:
        return sealed({ type: 'challenge', hostNonce: BigInt(below(100)) }, below(2 * counter + 9));
      default:
        return sealed(request, (counter += 1));
    }
  });
}
