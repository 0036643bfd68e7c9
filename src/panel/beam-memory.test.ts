/** Beams that lie in a panel's beam memory: switched to by one short frame, checked like any other, and believed of one session alone. */
import { describe, expect, it } from 'vitest';
import { encodeFrame } from '../../firmware-protocol/codec.ts';
import type { Message } from '../../firmware-protocol/messages.ts';
import type { Behaviour } from '../../hil-sim/behaviours.ts';
import { bench } from '../../test/doubles/driver-bench.ts';
import { beamOf } from '../../test/doubles/whole-beam.ts';
import { panelArray } from '../../test/panel-array.ts';
import { contentOf } from './beam-memory.ts';
import type { BeamCommand } from './panel.ts';

const STORED = 40;
const named = (beam: BeamCommand, beamId: number): BeamCommand => ({ ...beam, beamId });
const types = (sent: readonly Message[]): string[] => sent.map(({ type }) => type);
const bytesOf = (sent: readonly Message[]): number =>
  sent.reduce((sum, message) => sum + encodeFrame({ seq: 1, message }).length, 0);

/** A panel that keeps two beams. */
async function filled(options: Parameters<typeof bench>[0] = {}) {
  const rig = bench(options);
  await rig.driver.connect();
  const beams = [beamOf(STORED), beamOf(STORED + 1)];
  for (const [position, beam] of beams.entries()) {
    expect(await rig.driver.storeBeam(beam, position + 3, true)).toEqual({ ok: true, value: undefined });
  }
  rig.sent.length = 0;
  return { ...rig, beams };
}

describe('a beam in the panel’s memory', () => {
  it('is switched to by one short frame, and its words are those that were asked for', async () => {
    const { driver, virtual, sent, beams } = await filled();
    expect(virtual.radiated().beamId, 'nothing is switched by storing').toBe(0);
    for (const [at, beamId] of [
      [1, 60],
      [0, 61],
      [1, 62],
    ]) {
      expect(await driver.apply(named(beams[at], beamId))).toMatchObject({ ok: true, value: { beamId, pushMs: 0 } });
      expect(virtual.radiated()).toEqual({ beamId, words: beams[at].words });
      expect(await driver.measureSnr(beamId, 4)).toMatchObject({ ok: true, value: { beamId } });
    }
    expect(types(sent).filter((type) => type !== 'measure-snr')).toEqual(['select-beam', 'select-beam', 'select-beam']);
    expect(driver.counters.selectedBeams).toBe(3);
    const selected = bytesOf(sent.filter(({ type }) => type === 'select-beam')) / 3;
    sent.length = 0;
    // Another one is sent whole: nothing of it lies there.
    expect(await driver.apply(beamOf(63))).toMatchObject({ ok: true });
    expect(types(sent)).not.toContain('select-beam');
    expect(bytesOf(sent) / selected).toBeGreaterThan(20);
  });

  it('is read back from the slot before it is kept, and not kept where the panel has other words there', async () => {
    const forge = (message: Message): Message =>
      message.type === 'phases' ? { ...message, words: message.words.map((word) => word ^ 1) } : message;
    const { driver, sent } = bench({ forge });
    await driver.connect();
    expect(await driver.storeBeam(beamOf(STORED), 3, true)).toMatchObject({
      ok: false,
      failure: { reason: 'read-back-differs' },
    });
    expect(types(sent)).not.toContain('store-beam');
  });

  it('is sent like any other where its weights differ, and where another beam took its position', async () => {
    const { driver, virtual, sent, beams } = await filled();
    const weights = beams[0].digital?.weights.map((weight) => weight / 2) ?? new Float32Array();
    expect(await driver.apply({ ...beams[0], beamId: 60, digital: { users: 4, weights } })).toMatchObject({ ok: true });
    expect(types(sent)).not.toContain('select-beam');
    expect(await driver.storeBeam(beamOf(70), 3)).toMatchObject({ ok: true });
    sent.length = 0;
    expect(await driver.apply(named(beams[0], 71))).toMatchObject({ ok: true });
    expect(types(sent)).not.toContain('select-beam');
    expect(virtual.radiated()).toEqual({ beamId: 71, words: beams[0].words });
  });

  it('is credited when the answer to its switch was lost', async () => {
    const lost: Behaviour = { do: 'drop', direction: 'to-host', messages: ['committed'], nth: 1 };
    const { driver, virtual, beams } = await filled({ behaviours: [lost] });
    expect(await driver.apply(named(beams[0], 60))).toMatchObject({ ok: true, value: { beamId: 60 } });
    expect(virtual.radiated()).toEqual({ beamId: 60, words: beams[0].words });
  });

  it('leaves the safe state like any commit, and a late copy of its switch does not', async () => {
    const { driver, virtual, beams } = await filled();
    expect(await driver.apply(named(beams[0], 60))).toMatchObject({ ok: true });
    expect(await driver.setSafeState('mute', { enter: true })).toMatchObject({ ok: true });
    virtual.receive(encodeFrame({ seq: 9, message: { type: 'select-beam', beamId: 60, position: 3 } }));
    expect(virtual.radiated().beamId).toBe(0);
    expect(driver.safeAs).toBe('mute');
    expect(await driver.apply(named(beams[1], 61))).toMatchObject({ ok: true });
    expect(virtual.radiated().beamId).toBe(61);
  });

  it('is believed of no later session without asking, nor after the panel lost its memory', async () => {
    const { driver, virtual, sent, beams } = await filled();
    expect(await driver.connect()).toMatchObject({ ok: true });
    expect(await driver.apply(named(beams[0], 60))).toMatchObject({ ok: true });
    expect(types(sent)).not.toContain('select-beam');
    // Told so of a panel that has it no more: it is found out, and the beam is sent.
    const { capabilities } = virtual;
    virtual.reset();
    expect(await driver.apply(named(beams[1], 61))).toMatchObject({ ok: false, failure: { reason: 'panel-restarted' } });
    await driver.connect();
    driver.foundStored(new Map(beams.map((beam, i) => [i + 3, contentOf(beam, capabilities)])));
    sent.length = 0;
    expect(await driver.apply(named(beams[1], 62))).toMatchObject({ ok: true });
    expect(virtual.radiated()).toEqual({ beamId: 62, words: beams[1].words });
    expect(types(sent)[0]).toBe('select-beam');
    sent.length = 0;
    await driver.apply(named(beams[1], 63));
    expect(types(sent)).not.toContain('select-beam');
  });

  it('is void where another beam lies there than was said, and is sent after that', async () => {
    const { driver, virtual, sent, beams } = await filled();
    const { capabilities } = virtual;
    driver.foundStored(new Map([[3, contentOf(beams[1], capabilities)]]));
    expect(await driver.apply(named(beams[1], 60))).toMatchObject({ ok: false, failure: { reason: 'read-back-differs' } });
    sent.length = 0;
    expect(await driver.apply(named(beams[1], 61))).toMatchObject({ ok: true });
    expect(types(sent)).not.toContain('select-beam');
    expect(virtual.radiated()).toEqual({ beamId: 61, words: beams[1].words });
  });

  it('is no part of an array over several panels, which are switched at one time', async () => {
    const all = Array.from({ length: 16 }, (_, n) => n);
    const rig = panelArray([{ elements: all.slice(0, 8) }, { elements: all.slice(8) }]);
    await rig.group.connect();
    const beam = rig.beam(1);
    expect(await rig.group.storeBeam(beam, 4, true)).toMatchObject({ ok: true });
    rig.group.foundStored(new Map([[4, contentOf(beam, rig.panels[0].virtual.capabilities)]]));
    expect(await rig.group.apply(rig.ask({ ...beam, beamId: 2 }))).toMatchObject({ ok: true });
    for (const { sent } of rig.panels) expect(types(sent)).not.toContain('select-beam');
  });
});
