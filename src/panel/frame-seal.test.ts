import { describe, expect, it } from 'vitest';
import { derivePanelKey, openFrame } from '../../firmware-protocol/authentication.ts';
import { encodeFrame } from '../../firmware-protocol/codec.ts';
import { createFrameSeal, type FrameSeal } from './frame-seal.ts';

const KEY = Uint8Array.from({ length: 32 }, (_, i) => 7 * i + 1);
const ping = encodeFrame({ seq: 1, message: { type: 'ping', nonce: 1 } });

/** Under which counter the next frame leaves. */
function nextCounter(seal: FrameSeal): bigint {
  const opened = openFrame(seal.seal(ping), derivePanelKey(KEY, 'P'));
  if (!opened.ok) throw new Error(opened.reason);
  return opened.counter;
}

describe('the counter of a host', () => {
  it('goes on beyond what the panel has heard', () => {
    const seal = createFrameSeal(KEY, 'P');
    seal.agree(5_000_000n);
    expect(nextCounter(seal)).toBeGreaterThan(5_000_000n);
  });

  it('never goes back to what a panel says that lost its memory or heard none of it', () => {
    const seal = createFrameSeal(KEY, 'P');
    seal.agree(5_000_000n);
    const used = nextCounter(seal);
    seal.forget();
    seal.agree(3n);
    expect(nextCounter(seal)).toBeGreaterThan(used);
  });

  it('is moved by the first answer to a challenge only', () => {
    const seal = createFrameSeal(KEY, 'P');
    seal.agree(0n);
    const used = nextCounter(seal);
    seal.agree(5_000_000n);
    expect(nextCounter(seal)).toBe(used + 1n);
  });
});
