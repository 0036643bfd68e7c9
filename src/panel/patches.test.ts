/** Beams that go over the wire as what differs from the one before: when, how much shorter, and never believed blindly. */
import { describe, expect, it } from 'vitest';
import { decodeFrame, encodeFrame } from '../../firmware-protocol/codec.ts';
import type { Feature } from '../../firmware-protocol/messages.ts';
import type { Behaviour } from '../../hil-sim/behaviours.ts';
import { panelArray } from '../../test/panel-array.ts';
import type { BenchMember } from '../../test/panel-array.ts';
import type { BeamCommand } from './panel.ts';

const ELEMENTS = Array.from({ length: 64 }, (_, i) => i);

function bench(member: Partial<BenchMember> = {}) {
  const rig = panelArray([{ elements: ELEMENTS, ...member }]);
  const [{ driver, virtual, sent, link }] = rig.panels;
  /** The same beam under another id, with this many words changed. */
  const changed = (beam: BeamCommand, beamId: number, count: number): BeamCommand => {
    const words = beam.words.slice();
    for (let i = 0; i < count; i++) words[(17 * i) % words.length] ^= 1;
    return rig.ask({ ...beam, beamId, words });
  };
  /** What the driver says from now on, by type. */
  const listen = () => {
    const from = sent.length;
    return (): string[] => [...new Set(sent.slice(from).map((message) => message.type))];
  };
  return { rig, driver, virtual, link, changed, listen };
}

const WITHOUT: Feature[] = ['digital-weights', 'snr-report', 'read-back'];

describe('a beam that differs little from the one before', () => {
  it('is sent as the difference, in a fraction of the bytes, and radiated word by word', async () => {
    const { rig, driver, virtual, changed, listen } = bench({ capabilities: { maxPayloadBytes: 1024 } });
    await driver.connect();
    const first = rig.beam(1);
    await driver.apply(first);
    const wholeBytes = driver.counters.stagedBytes ?? 0;
    const said = listen();
    const second = changed(first, 2, 5);
    expect(await driver.apply(second)).toMatchObject({ ok: true });
    expect(virtual.radiated()).toEqual({ beamId: 2, words: second.words });
    expect(said()).toEqual(['patch-phases', 'set-digital', 'commit']);
    expect(driver.counters.patchedBeams).toBe(1);
    expect((driver.counters.stagedBytes ?? 0) - wholeBytes).toBeLessThan(0.8 * wholeBytes);

    // Nothing but the weights is new: one word goes along, because a patch fills the slot.
    const third = rig.ask({ ...second, beamId: 3, digital: { users: 2, weights: new Float32Array(8).fill(0.5) } });
    expect(await driver.apply(third)).toMatchObject({ ok: true });
    expect(virtual.radiated()).toEqual({ beamId: 3, words: second.words });
    expect(driver.counters.patchedBeams).toBe(2);
  });

  it('is sent whole where that is hardly longer, where the panel takes no patches, and after a handshake', async () => {
    const { rig, driver, changed, listen } = bench();
    await driver.connect();
    const first = rig.beam(1);
    await driver.apply(first);
    const said = listen();
    expect(await driver.apply(changed(first, 2, 40))).toMatchObject({ ok: true });
    await driver.connect();
    expect(await driver.apply(changed(first, 3, 1))).toMatchObject({ ok: true });
    expect(said()).not.toContain('patch-phases');

    const old = bench({ capabilities: { features: WITHOUT } });
    await old.driver.connect();
    await old.driver.apply(old.rig.beam(1));
    expect(await old.driver.apply(old.changed(old.rig.beam(1), 2, 1))).toMatchObject({ ok: true });
    expect(old.driver.counters.patchedBeams ?? 0).toBe(0);
  });

  it('is sent whole when the one before had weights and it has none', async () => {
    const { rig, driver, listen } = bench();
    await driver.connect();
    const { digital: _digital, ...bare } = rig.beam(1);
    await driver.apply(rig.beam(1));
    const said = listen();
    expect(await driver.apply(rig.ask({ ...bare, beamId: 2 }))).toMatchObject({ ok: true });
    expect(said()).toEqual(['set-phases', 'commit']);
  });

  it('is sent whole at once when the panel radiates something else than was believed', async () => {
    const { rig, driver, virtual, changed, listen } = bench();
    await driver.connect();
    const first = rig.beam(1);
    await driver.apply(first);
    virtual.fault(1);
    virtual.recover();
    expect(virtual.radiated().beamId).toBe(0);
    const said = listen();
    const second = changed(first, 2, 3);
    expect(await driver.apply(second)).toMatchObject({ ok: true });
    expect(virtual.radiated()).toEqual({ beamId: 2, words: second.words });
    expect(said()).toEqual(expect.arrayContaining(['patch-phases', 'set-phases']));
    expect(driver.counters.patchedBeams ?? 0).toBe(0);
  });

  it('says that the panel restarted when that is why', async () => {
    const { rig, driver, virtual, changed } = bench();
    await driver.connect();
    await driver.apply(rig.beam(1));
    virtual.reset();
    expect(await driver.apply(changed(rig.beam(1), 2, 3))).toMatchObject({ failure: { reason: 'panel-restarted' } });
  });

  it('is not credited when the panel made other words of the patch, and the next is sent whole', async () => {
    const { rig, driver, link, changed, listen } = bench();
    await driver.connect();
    const first = rig.beam(1);
    await driver.apply(first);
    const second = changed(first, 2, 4);
    rig.ask({ ...second, words: second.words.map((word, place) => (word === first.words[place] ? word : word ^ 2)) });
    const send = link.send.bind(link);
    link.send = (frame) => {
      const decoded = decodeFrame(frame);
      if (!decoded.ok || decoded.frame.message.type !== 'patch-phases') return send(frame);
      const { seq, message } = decoded.frame;
      return send(encodeFrame({ seq, message: { ...message, words: message.words.map((word) => word ^ 2) } }));
    };
    expect(await driver.apply(second)).toMatchObject({ ok: false, failure: { reason: 'read-back-differs', beamId: 2 } });
    const said = listen();
    expect(await driver.apply(changed(first, 3, 1))).toMatchObject({ ok: true });
    expect(said()).not.toContain('patch-phases');
  });

  it.each([
    ['a patch is lost', [{ do: 'drop', messages: ['patch-phases'], probability: 0.5 }]],
    ['patches come twice and late', [{ do: 'duplicate' }, { do: 'delay', delayMs: 0, jitterMs: 5, probability: 0.5 }]],
    ['weights overtake the patch', [{ do: 'delay', delayMs: 4, messages: ['patch-phases'] }]],
    ['one frame in ten has a flipped bit', [{ do: 'corrupt', probability: 0.1 }]],
    ['the panel forgets its slot now and then', [{ do: 'nack', code: 'not-staged', messages: ['commit'], probability: 0.3 }]],
  ] satisfies [string, Behaviour[]][])('is radiated all the same when %s', async (_what, behaviours) => {
    const { rig, driver, virtual, changed } = bench({ behaviours });
    await driver.connect();
    let beam: BeamCommand = rig.beam(1);
    let good = 0;
    await driver.apply(beam);
    for (let beamId = 2; beamId <= 40; beamId++) {
      beam = changed(beam, beamId, 1 + (beamId % 7));
      const applied = await driver.apply(beam);
      if (!applied.ok) continue;
      good++;
      expect(virtual.radiated()).toEqual({ beamId, words: beam.words });
    }
    expect(good).toBeGreaterThanOrEqual(33);
    expect(driver.counters.patchedBeams).toBeGreaterThan(20);
  });
});
