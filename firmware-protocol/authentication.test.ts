import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ReplayWindow, derivePanelKey, openFrame, sealFrame } from './authentication.ts';
import { decodeFrame, encodeFrame } from './codec.ts';
import { crc32c } from './crc32c.ts';
import type { Message } from './messages.ts';

const RIG_KEY = Uint8Array.from({ length: 32 }, (_, i) => i);
const key = derivePanelKey(RIG_KEY, 'BOARD-0001');
const bare = (message: Message): Uint8Array => encodeFrame({ seq: 513, message });
const ping = bare({ type: 'ping', nonce: 7 });

/** Puts the CRC right again: what is left to find out is for the tag. */
function withGoodCrc(bytes: Uint8Array): Uint8Array {
  const copy = bytes.slice();
  new DataView(copy.buffer).setUint32(copy.length - 4, crc32c(copy, 0, copy.length - 4), true);
  return copy;
}

describe('the key of a panel', () => {
  it('is 32 bytes, always the same for one board and another for each', () => {
    expect(key).toHaveLength(32);
    expect(derivePanelKey(RIG_KEY, 'BOARD-0001')).toEqual(key);
    expect(derivePanelKey(RIG_KEY, 'BOARD-0002')).not.toEqual(key);
    expect(
      derivePanelKey(
        RIG_KEY.map((byte) => byte ^ 1),
        'BOARD-0001',
      ),
    ).not.toEqual(key);
  });

  it.each([0, 15, 65])('is not derived from a rig key of %i bytes, and no message shows the key', (length) => {
    expect(() => derivePanelKey(new Uint8Array(length).fill(0xab), 'x')).toThrow(
      expect.objectContaining({ code: 'argument', message: expect.not.stringMatching(/ab/i) as string }) as Error,
    );
  });

  it.each([16, 64])('may be derived from one of %i', (length) => {
    expect(derivePanelKey(new Uint8Array(length), 'x')).toHaveLength(32);
  });
});

describe('a sealed frame', () => {
  it('opens to the frame it was, with its counter', () => {
    const payloads = fc.record({
      nonce: fc.integer({ min: 0, max: 0xffffffff }),
      counter: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
    });
    fc.assert(
      fc.property(payloads, ({ nonce, counter }) => {
        const frame = bare({ type: 'ping', nonce });
        const sealed = sealFrame(frame, key, counter);
        expect(sealed).toHaveLength(frame.length + 16);
        expect(openFrame(sealed, key)).toEqual({ ok: true, frame, counter });
        // As a link hands it on: a piece of a larger buffer.
        expect(openFrame(Buffer.concat([Buffer.from([9]), sealed]).subarray(1), key)).toEqual({ ok: true, frame, counter });
      }),
      { numRuns: 50 },
    );
  });

  it('is the one that PROTOCOL.md works out', () => {
    const page = readFileSync(new URL('PROTOCOL.md', import.meta.url), 'utf8');
    const printed = /^```sealed\n(.*)\n```$/m.exec(page)?.[1] ?? '';
    const frame = encodeFrame({ seq: 1, message: { type: 'ping', nonce: 0x11223344 } });
    expect(Buffer.from(sealFrame(frame, key, 65_537n)).toString('hex')).toBe(printed.replaceAll(' ', ''));
    expect(page).toContain(Buffer.from(key).toString('hex'));
  });

  it('is no frame to an end without a key', () => {
    expect(decodeFrame(sealFrame(ping, key, 1n))).toMatchObject({ ok: false, reason: 'reserved-flags' });
  });

  it('opens with no other key', () => {
    const other = derivePanelKey(RIG_KEY, 'BOARD-0002');
    expect(openFrame(sealFrame(ping, key, 1n), other)).toMatchObject({
      ok: false,
      reason: 'not-authenticated',
      header: { seq: 513 },
    });
  });

  it('cannot be changed in one bit, its CRC put right or not', () => {
    const sealed = sealFrame(ping, key, 77n);
    for (let bit = 0; bit < 8 * (sealed.length - 4); bit += 1) {
      const changed = sealed.slice();
      changed[bit >> 3] ^= 1 << (bit & 7);
      expect(openFrame(changed, key)).toEqual({ ok: false, reason: 'bad-crc' });
      // Bit 0 is the flag itself: without it the frame claims no authentication.
      expect(openFrame(withGoodCrc(changed), key)).toMatchObject({
        ok: false,
        reason: bit === 0 ? 'plain' : 'not-authenticated',
      });
    }
  });

  it('says so when it has no tag, or no room for one', () => {
    expect(openFrame(ping, key)).toEqual({
      ok: false,
      reason: 'plain',
      header: { major: 1, flags: 0, typeCode: 2, seq: 513 },
    });
    const stump = withGoodCrc(Uint8Array.of(0x11, 0x03, 1, 2, 0, 0, 0, 0));
    expect(openFrame(stump, key)).toMatchObject({ ok: false, reason: 'not-authenticated' });
    expect(openFrame(new Uint8Array(3), key)).toEqual({ ok: false, reason: 'too-short' });
    expect(openFrame(new Uint8Array(5000), key)).toEqual({ ok: false, reason: 'too-long' });
  });

  it('may be as long as any frame', () => {
    const largest = bare({
      type: 'set-phases',
      slot: 0,
      beamId: 1,
      phaseBits: 16,
      offset: 0,
      words: new Uint16Array(2042).fill(9),
    });
    expect(largest).toHaveLength(4104);
    expect(openFrame(sealFrame(largest, key, 5n), key)).toEqual({ ok: true, frame: largest, counter: 5n });
  });

  it('keeps the other flags for the codec to refuse', () => {
    const odd = withGoodCrc(Uint8Array.from(ping, (byte, i) => (i === 0 ? byte | 4 : byte)));
    const opened = openFrame(sealFrame(odd, key, 1n), key);
    expect(opened.ok && decodeFrame(opened.frame)).toMatchObject({ ok: false, reason: 'reserved-flags', header: { flags: 4 } });
  });

  it.each<[string, Uint8Array, bigint]>([
    ['a frame that is sealed already', sealFrame(ping, key, 1n), 2n],
    ['what is no frame', new Uint8Array(7), 2n],
    ['what is too long', new Uint8Array(4105), 2n],
    ['a counter below 0', ping, -1n],
    ['a counter above 64 bits', ping, 2n ** 64n],
  ])('is not made of %s', (_name, frame, counter) => {
    expect(() => sealFrame(frame, key, counter)).toThrow(expect.objectContaining({ code: 'argument' }) as Error);
  });

  it('is told from any bytes without a throw', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
        expect(openFrame(bytes, key).ok).toBe(false);
        expect(openFrame(withGoodCrc(Uint8Array.of(0x11, ...bytes, 0, 0, 0, 0)), key).ok).toBe(false);
      }),
      { numRuns: 200 },
    );
  });
});

describe('a replay window', () => {
  it('takes nothing up to where it starts', () => {
    const window = new ReplayWindow(100n);
    for (const counter of [100n, 99n, 37n, 0n]) expect(window.accept(counter)).toBe(false);
    expect(window.accept(101n)).toBe(true);
    expect(window.newest).toBe(101n);
  });

  it('takes what a link has reordered, once, and not what is 64 behind', () => {
    const window = new ReplayWindow(0n);
    expect(window.accept(100n)).toBe(true);
    expect(window.accept(37n)).toBe(true);
    expect(window.accept(36n)).toBe(false);
    expect(window.accept(37n)).toBe(false);
    expect(window.accept(99n)).toBe(true);
    expect(window.newest).toBe(100n);
  });

  it('goes to the end of all counters, and no further', () => {
    const window = new ReplayWindow(0n);
    expect(window.accept(2n ** 64n - 1n)).toBe(true);
    expect(window.accept(2n ** 64n - 1n)).toBe(false);
    expect(window.accept(5n)).toBe(false);
    expect(window.accept(2n ** 64n - 2n)).toBe(true);
  });

  it('agrees with a plain list of what was accepted, for any order of counters', () => {
    const orders = fc.array(fc.oneof(fc.bigInt({ min: 0n, max: 200n }), fc.bigInt({ min: 0n, max: 20_000n })), {
      maxLength: 200,
    });
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 100n }), orders, (start, counters) => {
        const window = new ReplayWindow(start);
        const accepted = new Set<bigint>();
        let newest = start;
        for (const counter of counters) {
          const fresh = counter > start && counter > newest - 64n && !accepted.has(counter);
          expect(window.accept(counter)).toBe(fresh);
          if (fresh) accepted.add(counter);
          if (fresh && counter > newest) newest = counter;
          expect(window.newest).toBe(newest);
        }
      }),
    );
  });
});
