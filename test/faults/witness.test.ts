/** A witness that never complains is worth nothing: each invariant, broken on purpose, is named. */
import { describe, expect, it } from 'vitest';
import { encodeFrame } from '../../firmware-protocol/codec.ts';
import type { Link, LinkState } from '../../src/link/link.ts';
import type { CycleRecord } from '../../src/telemetry/cycle-record.ts';
import { cycleRecord } from '../cycle-record.ts';
import { createWitness, type Witness } from './witness.ts';

const words = Uint16Array.of(1, 2, 3, 4);
const weights = Float32Array.of(1, 0, 0, 1);
const whole = { words, weights };
const ping = (nonce: number): Uint8Array => encodeFrame({ seq: nonce, message: { type: 'ping', nonce } });
const report = (beamId: number, snrCentiDb: number): Uint8Array =>
  encodeFrame({
    seq: 1,
    message: { type: 'snr-report', beamId, timeUs: 1n, pilots: 8, firstUser: 0, snrCentiDb: Int16Array.of(snrCentiDb) },
  });
const record = (cycle: number, more: Partial<CycleRecord> = {}): CycleRecord =>
  cycleRecord({
    cycle,
    source: 'played-panel',
    phaseBits: 6,
    panels: 'a',
    predictedSnrDb: Float64Array.of(1),
    measuredSnrDb: Float64Array.of(12.34),
    ...more,
  });

/** One panel of two elements and two chains that did everything right in cycle 0. */
function witnessOfOneCycle(): Witness {
  const witness = createWitness({ rfChains: 2, safeWords: false, nowMs: () => 0 });
  witness.knows('a', [0, 1], undefined);
  witness.latched('a', 1);
  witness.radiates('a', { beamId: 1, ...whole });
  witness.givenOut('a', report(1, 1234));
  witness.recorded(record(0), whole);
  return witness;
}

/** A link whose states and frames are in the test's hands. */
function linkInHand(): { link: Link; become: (state: LinkState) => void } {
  let become: (state: LinkState) => void = () => undefined;
  const link: Link = {
    kind: 'serial',
    name: 'a',
    source: 'hardware',
    state: { state: 'open' },
    counters: { framesSent: 0, framesReceived: 0, bytesSent: 0, bytesReceived: 0, discarded: 0, reconnects: 0 },
    open: () => Promise.resolve(),
    close: () => Promise.resolve(),
    send: () => true,
    onFrame: () => undefined,
    onState: (listener) => {
      become = listener;
    },
  };
  return { link, become: (state) => become(state) };
}

describe('a witness of faults', () => {
  it('has nothing to say of a cycle in which everything was right', () => {
    expect(witnessOfOneCycle().broken()).toEqual([]);
  });

  it('names half a beam, one with other weights, and a beam that nobody commanded', () => {
    const witness = witnessOfOneCycle();
    witness.recorded(record(1, { outcome: 'void', beamId: 0, failure: 'commit: no answer' }), whole);
    witness.radiates('a', { beamId: 2, words: Uint16Array.of(1, 2, 3, 5), weights });
    witness.radiates('a', { beamId: 2, words, weights: Float32Array.of(1, 0, 0, 2) });
    witness.radiates('a', { beamId: 2, words });
    witness.radiates('a', { beamId: 77, ...whole });
    expect(witness.broken()).toEqual([
      '1: a radiated words under beam 2 that are not the ones commanded',
      '1: a radiated beam 2 with other weights than the ones commanded',
      '1: a radiated beam 2 with other weights than the ones commanded',
      '1: a radiated beam 77, which was not commanded',
    ]);
  });

  it('names panels that go on with different beams, and one that goes on alone', () => {
    let nowMs = 0;
    const witness = createWitness({ rfChains: 2, safeWords: false, nowMs: () => nowMs });
    for (const panel of ['a', 'b']) witness.knows(panel, panel === 'a' ? [0] : [1], undefined);
    for (const beamId of [1, 2]) {
      witness.recorded(record(beamId - 1, { outcome: 'void', beamId: 0, failure: 'commit: no answer' }), whole);
    }
    const part = (beamId: number, panel: 'a' | 'b') => ({
      beamId,
      words: panel === 'a' ? words.slice(0, 2) : words.slice(2),
      weights,
    });
    witness.radiates('a', part(1, 'a'));
    witness.radiates('b', part(1, 'b'));
    nowMs = 10_000;
    expect(witness.broken()).toEqual([]);
    witness.radiates('a', part(2, 'a'));
    nowMs += 2000;
    expect(witness.broken()).toEqual([]);
    nowMs += 1000;
    witness.radiates('b', undefined);
    expect(witness.broken()).toEqual(['1: panels showed different beams for 3000 ms']);
    nowMs += 6000;
    expect(witness.broken()).toContain('1: a panel went on alone for 6000 ms');
    expect(witness.apart).toEqual({ differentMs: 3000, aloneMs: 6000 });
  });

  it('names an SNR of another beam, and one of a beam that was never latched', () => {
    const witness = witnessOfOneCycle();
    witness.givenOut('a', report(3, 1234));
    witness.recorded(record(1), whole);
    expect(witness.broken()).toEqual([
      '2: the SNR of cycle 1 is not what a panel reported for beam 2',
      '2: cycle 1 is ok and a never latched beam 2',
    ]);
  });

  it('names a frame of before a loss that comes in after it, and a panel that goes back to an older beam', () => {
    const witness = witnessOfOneCycle();
    const { link, become } = linkInHand();
    const watched = witness.watch('a', link);
    watched.onState(() => undefined);
    become({ state: 'open' });
    watched.send(ping(1));
    become({ state: 'closed', reason: 'lost' });
    become({ state: 'open' });
    watched.send(ping(2));
    witness.takenIn('a', ping(2));
    witness.takenIn('a', ping(1));
    witness.latched('a', 1);
    expect(witness.broken()).toEqual([
      '3: a took in a ping that was sent before the link was lost',
      '3: a went from beam 1 back to 1',
    ]);
  });

  it('names requests that pile up', () => {
    const witness = witnessOfOneCycle();
    const { link } = linkInHand();
    const watched = witness.watch('a', link);
    for (let seq = 0; seq < 100; seq++) watched.send(ping(seq));
    expect(witness.broken()).toEqual(['4: 100 requests to a were under way at once']);
  });

  it('names cycles that are missing, void without a reason, or void and credited', () => {
    const witness = witnessOfOneCycle();
    witness.recorded(record(2, { outcome: 'void' }), whole);
    expect(witness.broken()).toEqual([
      '6: record 1 is of cycle 2',
      '6: cycle 2 is void without a reason',
      '2: cycle 2 is void and credited to beam 3',
    ]);
  });
});
