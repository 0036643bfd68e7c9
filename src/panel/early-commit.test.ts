/** A commit at the heels of the chunks, where a panel that lacks any of them refuses it: one round trip less, and never a beam more. */
import { describe, expect, it } from 'vitest';
import type { Behaviour } from '../../hil-sim/behaviours.ts';
import { createRandom } from '../../core/signal/random.ts';
import { panelArray } from '../../test/panel-array.ts';
import type { BenchMember } from '../../test/panel-array.ts';
import type { BeamCommand } from './panel.ts';

const ELEMENTS = Array.from({ length: 96 }, (_, i) => i);
const LATENCY_MS = 5;

/** A panel of 192 words, in three messages of 64, for beams without weights. */
function bench(behaviours: Behaviour[] = [], member: Partial<BenchMember> = {}) {
  const rig = panelArray([{ elements: ELEMENTS, behaviours, latencyMs: LATENCY_MS, ...member }]);
  const [{ driver, virtual, sent }] = rig.panels;
  const bare = (beamId: number): BeamCommand => {
    const { words, phaseBits } = rig.beam(beamId);
    return rig.ask({ beamId, phaseBits, words });
  };
  const commits = (): number => sent.filter(({ type }) => type === 'commit').length;
  return { rig, driver, virtual, bare, commits };
}

describe('a commit at the heels of the chunks', () => {
  it('takes a beam to the elements in one round trip, in place of two', async () => {
    const { rig, driver, virtual, bare, commits } = bench([], { capabilities: { maxPayloadBytes: 1024 } });
    await driver.connect();
    const startMs = rig.clock.nowMs();
    const beam = bare(1);
    expect(await driver.apply(beam)).toMatchObject({ ok: true, value: { beamId: 1 } });
    expect(rig.clock.nowMs() - startMs).toBeLessThan(3 * LATENCY_MS);
    expect(virtual.radiated()).toEqual({ beamId: 1, words: beam.words });
    expect(commits()).toBe(1);
  });

  it('waits for the acknowledgements where a beam could be whole without a chunk: its weights', async () => {
    const { rig, driver, virtual } = bench([{ do: 'drop', messages: ['set-digital'], nth: 1 }], {
      // Few enough requests that an early commit would be sent at all.
      capabilities: { maxPayloadBytes: 1024 },
    });
    await driver.connect();
    const beam = rig.beam(1);
    expect(await driver.apply(beam)).toMatchObject({ ok: true });
    expect(virtual.radiated()).toEqual({ beamId: 1, words: beam.words });
    const types = rig.panels[0].sent.map(({ type }) => type);
    expect(types.indexOf('commit')).toBeGreaterThan(types.lastIndexOf('set-digital'));
  });

  it.each([
    ['a chunk is lost', { do: 'drop', messages: ['set-phases'], nth: 1 }],
    ['the last chunk comes late', { do: 'delay', messages: ['set-phases'], nth: 1, delayMs: 40 }],
    ['an acknowledgement is lost', { do: 'drop', direction: 'to-host', messages: ['ack'], nth: 1 }],
    ['the commit is lost', { do: 'drop', messages: ['commit'], nth: 1 }],
    ['its answer is lost', { do: 'drop', direction: 'to-host', messages: ['committed'], nth: 1 }],
    ['the commit comes twice', { do: 'duplicate', messages: ['commit'], nth: 1 }],
    ['the panel is busy', { do: 'nack', code: 'busy', messages: ['set-phases'], nth: 1 }],
  ] as [string, Behaviour][])('is as good as one that waits when %s', async (_, behaviour) => {
    const { driver, virtual, bare } = bench([behaviour]);
    await driver.connect();
    for (const beamId of [1, 2, 3]) {
      const beam = bare(beamId);
      expect(await driver.apply(beam)).toMatchObject({ ok: true, value: { beamId } });
      expect(virtual.radiated()).toEqual({ beamId, words: beam.words });
    }
  });

  it('switches nothing when the panel refuses a chunk, and leaves nothing under way', async () => {
    const { driver, virtual, bare } = bench([
      { do: 'nack', code: 'wrong-dimensions', messages: ['set-phases'], nth: 4, times: 3 },
    ]);
    await driver.connect();
    const first = bare(1);
    expect(await driver.apply(first)).toMatchObject({ ok: true });
    expect(await driver.apply(bare(2))).toMatchObject({ ok: false, failure: { reason: 'rejected', request: 'set-phases' } });
    expect(virtual.radiated()).toEqual({ beamId: 1, words: first.words });
    const third = bare(3);
    expect(await driver.apply(third)).toMatchObject({ ok: true, value: { beamId: 3 } });
    expect(virtual.radiated()).toEqual({ beamId: 3, words: third.words });
  });

  it('never radiates anything but a whole beam over a line that loses, delays, turns and doubles a fifth of all frames', async () => {
    for (let seed = 1; seed <= 20; seed++) {
      const random = createRandom(seed);
      const bad = (['drop', 'duplicate', 'reorder'] as const).flatMap((what): Behaviour[] => [
        { do: what, direction: 'to-panel', probability: 0.07 },
        { do: what, direction: 'to-host', probability: 0.07 },
      ]);
      const { driver, virtual, bare } = bench([...bad, { do: 'delay', probability: 0.07, delayMs: 60 * random.uniform() }]);
      while (!(await driver.connect()).ok);
      let credited = 0;
      for (let beamId = 1; beamId <= 40; beamId++) {
        const beam = bare(beamId); // the bench throws when anything else than a beam asked for is radiated
        const applied = await driver.apply(beam);
        if (!applied.ok) continue;
        credited++;
        expect(virtual.radiated()).toEqual({ beamId, words: beam.words });
      }
      expect(credited).toBeGreaterThan(30);
    }
  });
});
