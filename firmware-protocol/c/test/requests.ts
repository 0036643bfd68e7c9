/** The requests of the stories that both panels are told, to a panel as test/doubles/panel-host.ts has it. */
import { CHAINS, PHASE_BITS, USERS, WORDS, chunk } from '../../../test/doubles/panel-host.ts';
import type { Request } from '../../messages.ts';

export const hello: Request = { type: 'hello', minMajor: 1, maxMajor: 1, host: 'bench' };
export const status: Request = { type: 'get-status' };
export const ping: Request = { type: 'ping', nonce: 7 };
export const challenge: Request = { type: 'challenge', hostNonce: 0xabcdef0123456789n };

/** All words of a beam in one chunk. */
export const whole = (beamId: number, slot = 0): Request => ({ ...chunk(beamId, 0, WORDS), slot }) as Request;

export const weights = (beamId: number, offset = 0, count = CHAINS * USERS, slot = 0): Request => ({
  type: 'set-digital',
  slot,
  beamId,
  users: USERS,
  offset,
  weights: new Float32Array(2 * count).fill(0.5),
});

export const enables = (beamId: number, off: readonly number[] = [], offset = 0, count = WORDS, slot = 0): Request => ({
  type: 'set-enables',
  slot,
  beamId,
  offset,
  enabled: Uint8Array.from({ length: count }, (_, i) => (off.includes(offset + i) ? 0 : 1)),
});

/** Gain words of 5 bits, which are those of the virtual panel. */
export const gains = (beamId: number, offset = 0, count = WORDS, slot = 0): Request => ({
  type: 'set-gains',
  slot,
  beamId,
  gainBits: 5,
  offset,
  gains: Uint16Array.from({ length: count }, (_, i) => (7 * (offset + i) + beamId) % 32),
});

export const patch = (
  beamId: number,
  fromBeamId: number,
  changes: readonly [place: number, word: number][],
  over: object = {},
): Request => ({
  type: 'patch-phases',
  slot: 0,
  beamId,
  fromBeamId,
  phaseBits: PHASE_BITS,
  places: Uint16Array.from(changes, ([place]) => place),
  words: Uint16Array.from(changes, ([, word]) => word),
  ...over,
});

/** At once when atMs is 0. */
export const commit = (beamId: number, atMs = 0, slot = 0): Request => ({
  type: 'commit',
  slot,
  beamId,
  atUs: BigInt(1000 * atMs),
});
export const cancel = (beamId: number, upToMs: number): Request => ({
  type: 'cancel-commit',
  beamId,
  atUs: BigInt(1000 * upToMs),
});

export const read = (source: 'staged' | 'radiated', offset = 0, count = WORDS): Request => ({
  type: 'read-phases',
  source,
  slot: 0,
  offset,
  count,
});

export const safe = (over: Partial<Request & { type: 'set-safe-state' }> = {}): Request => ({
  type: 'set-safe-state',
  state: 'mute',
  position: 0,
  silenceMs: 200,
  enter: false,
  ...over,
});

export const store = (beamId: number, position = 0): Request => ({ type: 'store-beam', slot: 0, beamId, position });
export const select = (position: number, beamId: number): Request => ({ type: 'select-beam', position, beamId });
export const snr = (beamId: number): Request => ({ type: 'measure-snr', beamId, pilots: 16 });
export const pilots = (beamId: number, user: number): Request => ({ type: 'measure-pilots', beamId, user, pilots: 16 });
