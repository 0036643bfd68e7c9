import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Request } from '../firmware-protocol/messages.ts';
import { USERS, WORDS, beamWords, chunk, hostWith } from './test-host.ts';

const aBeam = fc.integer({ min: 1, max: 3 });
const aChunk = fc
  .tuple(small(2), aBeam, fc.constantFrom(0, 16), fc.constantFrom(16, 32))
  .map(([slot, beamId, offset, count]): Request => ({ ...chunk(beamId, offset, count), ...{ slot } }));
const aCommit = fc.record({
  type: fc.constant('commit' as const),
  slot: small(2),
  beamId: aBeam,
  atUs: fc.constantFrom(0n, 0n, 0n, 5n),
});
const anyRequest: fc.Arbitrary<Request> = fc.oneof(
  { arbitrary: aChunk, weight: 4 },
  { arbitrary: aCommit, weight: 4 },

  fc.record({ type: fc.constant('ping' as const), nonce: small(9) }),
  fc.record({ type: fc.constant('get-status' as const) }),
  fc.record({
    type: fc.constant('hello' as const),
    minMajor: fc.constantFrom(1, 2),
    maxMajor: fc.constant(2),
    host: fc.string({ maxLength: 8 }),
  }),
  fc.record({
    type: fc.constant('set-digital' as const),
    slot: small(2),
    beamId: aBeam,
    users: fc.constantFrom(1, USERS),
    offset: small(5),
    weights: fc.constantFrom(2, 8).map((length) => new Float32Array(length).fill(1)),
  }),
  fc.record({
    type: fc.constant('read-phases' as const),
    source: fc.constantFrom('staged' as const, 'radiated' as const),
    slot: small(2),
    offset: small(WORDS),
    count: fc.integer({ min: 1, max: 9 }),
  }),
  fc.record({
    type: fc.constant('measure-snr' as const),
    beamId: aBeam,
    pilots: fc.integer({ min: 1, max: 0xffffffff }),
  }),
  fc.record({
    type: fc.constant('measure-pilots' as const),
    beamId: aBeam,
    pilots: fc.constant(1),
    user: small(2),
  }),
  fc.record({
    type: fc.constant('store-beam' as const),
    slot: small(2),
    beamId: aBeam,
    position: fc.constantFrom(0, 1, 99),
  }),
  fc.record({
    type: fc.constant('select-beam' as const),
    beamId: aBeam,
    position: fc.constantFrom(0, 1, 99),
  }),
  fc.record({
    type: fc.constant('set-safe-state' as const),
    state: fc.constantFrom('mute' as const, 'hold' as const, 'codeword' as const),
    position: fc.constantFrom(0, 1, 99),
    silenceMs: fc.constantFrom(0, 7),
    enter: fc.boolean(),
  }),
);

describe('any story of good requests', () => {
  it('is answered request by request, and only whole beams are ever radiated', () => {
    const whole = [new Uint16Array(WORDS), ...[1, 2, 3].map(beamWords)].map((words) => words.join());
    const shown = new Set<string>();
    fc.assert(
      fc.property(fc.array(anyRequest, { minLength: 10, maxLength: 60 }), (requests) => {
        const { ask, panel, received } = hostWith();
        ask(chunk(2, 0, WORDS));
        for (const request of requests) {
          const before = received.length;
          expect(ask(request)).toBeDefined();
          expect(received.length).toBe(before + 1);
          shown.add(panel.radiated().words.join());
        }
        panel.close();
      }),
      { numRuns: 300, seed: 1 },
    );
    expect([...shown].sort()).toEqual(whole.sort());
  });
});

function small(max: number): fc.Arbitrary<number> {
  return fc.integer({ min: 0, max });
}
