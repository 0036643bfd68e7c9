/** An array over several panels as one, on a quiet bench: split, switched at one time, measured, read back, and refused where it is none. */
import { describe, expect, it } from 'vitest';
import type { Feature } from '../../firmware-protocol/messages.ts';
import { userIndex } from '../../core/signal/indices.ts';
import { CHAINS, PHASE_BITS, USERS, panelArray } from '../../test/panel-array.ts';
import { mergedStatus } from './group-capabilities.ts';
import { createPanelGroup } from './panel-group.ts';

/** Two panels, interleaved, on clocks that differ by an hour and drift apart. */
const TWO = [
  { elements: [0, 2, 4, 6, 8, 10, 12, 14], aheadMs: 5000, driftPpm: 60 },
  { elements: [15, 13, 11, 9, 7, 5, 3, 1], aheadMs: 3_600_000, driftPpm: -40 },
];
const NO_TIME: Feature[] = ['digital-weights', 'snr-report', 'pilot-report', 'beam-memory', 'read-back'];

describe('an array over two panels', () => {
  it('is one panel to the control loop: elements, features and counters of the whole', async () => {
    const { group } = panelArray(TWO);
    expect(group.capabilities).toBeUndefined();
    const connected = await group.connect();
    expect(connected).toMatchObject({
      ok: true,
      value: { elements: 16, rfChains: CHAINS, phaseBits: PHASE_BITS, users: USERS, panelSerial: 'PANEL-0 + PANEL-1' },
    });
    expect(group.capabilities).toEqual(connected.ok && connected.value);
    expect(group.name).toBe('link 0 + link 1');
    expect(group.members).toHaveLength(2);
    const sum = group.members.reduce((total, member) => total + member.counters.requests, 0);
    expect(group.counters.requests).toBe(sum);
    expect(group.counters.roundTripMs).toBeGreaterThan(1);
  });

  it('is as warm as its warmest panel that measures it', () => {
    const one = { state: 'idle', beamId: 0, uptimeMs: 1, bootCount: 1, badFrames: 0 } as const;
    const at = (...temperatures: (number | null)[]) =>
      mergedStatus(temperatures.map((temperatureC) => ({ ...one, temperatureC })));
    expect([at(null, -3), at(4, null, 7), at(null, null)].map(({ temperatureC }) => temperatureC)).toEqual([-3, 7, null]);
  });

  it('gets each element its own words, switched at one time, measured on the whole, and reads them back as one', async () => {
    const { group, panels, beam, air, shown } = panelArray(TWO);
    await group.connect();
    for (let beamId = 1; beamId <= 20; beamId++) {
      const applied = await group.apply(beam(beamId));
      expect(applied).toMatchObject({ ok: true, value: { beamId } });
      expect(shown()).toEqual([beamId, beamId]);
      if (applied.ok) expect(applied.value.latchSpreadUs).toBeLessThan(30);
      const measured = await group.measureSnr(beamId, 4096);
      expect(measured).toMatchObject({ ok: true, value: { beamId, firstUser: 0 } });
      const trueDb = [...air.trueSinr()].map((sinr) => 10 * Math.log10(sinr));
      if (measured.ok) measured.value.snrDb.forEach((db, k) => expect(Math.abs(db - trueDb[k])).toBeLessThan(1.5));
    }
    expect(await group.readBack()).toEqual({ ok: true, value: { beamId: 20, words: beam(20).words } });
    expect(await group.measurePilots(20, userIndex(1), 64)).toMatchObject({ ok: true, value: { beamId: 20, user: 1 } });
    expect(await group.status()).toMatchObject({ ok: true, value: { state: 'radiating', beamId: 20 } });
    expect(await group.ping()).toMatchObject({ ok: true });
    for (const { sent } of panels) {
      expect(sent.filter((message) => message.type === 'commit' && message.atUs === 0n)).toEqual([]);
    }
  });

  it('switches truly at one time, as nobody but the bench can see', async () => {
    const { group, panels, beam, clock } = panelArray(TWO);
    await group.connect();
    await clock.sleep(2000);
    await group.apply(beam(1));
    const latchedMs: number[] = [];
    // Panel time back into the bench's own, exactly.
    for (const [i, { sent }] of panels.entries()) {
      const commits = sent.flatMap((message) => (message.type === 'commit' ? [message.atUs] : []));
      const rate = 1 + TWO[i].driftPpm * 1e-6;
      latchedMs.push(Number(commits[0]) / 1000 / rate);
    }
    expect(Math.abs(latchedMs[0] - latchedMs[1])).toBeLessThan(0.1);
  });

  it('commits at once where a panel has no clock to go by', async () => {
    const { group, panels, beam, shown } = panelArray([TWO[0], { ...TWO[1], capabilities: { features: NO_TIME } }]);
    expect(await group.connect()).toMatchObject({ ok: true });
    expect(group.capabilities?.features).not.toContain('time-sync');
    const applied = await group.apply(beam(1));
    expect(applied).toMatchObject({ ok: true });
    expect(applied.ok && applied.value.latchSpreadUs).toBeUndefined();
    expect(shown()).toEqual([1, 1]);
    expect(panels[0].sent.some((message) => message.type === 'sync-time')).toBe(false);
    expect(await group.measureSnr(1, 64)).toMatchObject({ ok: true });
  });

  it('measures with the one panel that can, and with none but that', async () => {
    const deaf: Feature[] = ['digital-weights', 'read-back', 'time-sync'];
    const { group, panels, beam } = panelArray([{ ...TWO[0], capabilities: { features: deaf } }, TWO[1]]);
    expect(await group.connect()).toMatchObject({ ok: true, value: { users: USERS } });
    expect(group.capabilities?.features).toContain('snr-report');
    await group.apply(beam(1));
    expect(await group.measureSnr(1, 64)).toMatchObject({ ok: true });
    expect(panels[0].sent.some((message) => message.type === 'measure-snr')).toBe(false);
    const none = panelArray(TWO.map((member) => ({ ...member, capabilities: { features: deaf } })));
    await none.group.connect();
    await none.group.apply(none.beam(1));
    expect(await none.group.measureSnr(1, 64)).toMatchObject({ failure: { reason: 'not-sent', request: 'measure-snr' } });
  });

  it.each([0, 1])('is simulated when panel %i of two is', async (board) => {
    const real: Feature[] = ['digital-weights', 'snr-report', 'read-back'];
    const { group } = panelArray(
      TWO.map((member, i) => (i === board ? { ...member, capabilities: { features: real } } : member)),
    );
    await group.connect();
    expect(group.capabilities?.features).toContain('simulated');
    const boards = panelArray(TWO.map((member) => ({ ...member, capabilities: { features: real } })));
    await boards.group.connect();
    expect(boards.group.capabilities?.features).not.toContain('simulated');
  });

  it('measures no beam but the one that all panels confirmed', async () => {
    const { group, beam } = panelArray(TWO);
    expect(await group.measureSnr(1, 64)).toMatchObject({ failure: { panel: 'link 0', reason: 'link-closed' } });
    await group.connect();
    expect(await group.measureSnr(1, 64)).toMatchObject({ failure: { reason: 'not-sent', request: 'measure-snr' } });
    await group.apply(beam(1));
    await group.setSafeState('mute', { enter: true });
    expect(await group.measureSnr(1, 64)).toMatchObject({
      failure: { reason: 'not-sent', detail: 'the panels agree on no beam, not on beam 1' },
    });
  });

  it('credits no measurement during which another panel had stopped radiating the beam', async () => {
    const { group, panels, beam } = panelArray(TWO);
    await group.connect();
    await group.apply(beam(1));
    panels[1].virtual.reset();
    expect(await group.measureSnr(1, 64)).toMatchObject({ failure: { panel: 'link 1', reason: 'panel-restarted' } });
    expect(group.capabilities).toBeUndefined();
    await group.connect();
    expect(await group.apply(beam(2))).toMatchObject({ ok: true });
    panels[1].virtual.fault(3);
    expect(await group.measureSnr(2, 64)).toMatchObject({
      failure: { panel: 'link 1', reason: 'other-beam', asked: 2, told: 0 },
    });
  });

  it('stores a beam in all panels and shows it as their safe state', async () => {
    const { group, beam, panels } = panelArray(TWO);
    await group.connect();
    const safe = beam(5);
    expect(await group.storeBeam(safe, 3)).toEqual({ ok: true, value: undefined });
    expect(panels.map(({ radiated }) => radiated)).toEqual([[], []]);
    expect(await group.setSafeState('codeword', { position: 3, enter: true })).toEqual({ ok: true, value: undefined });
    expect(await group.readBack()).toEqual({ ok: true, value: { beamId: 0, words: safe.words } });
  });

  it('refuses two panels with one id, and names both links', async () => {
    const twins = TWO.map((member) => ({ ...member, capabilities: { panelSerial: 'BOARD-7' } }));
    const { group } = panelArray(twins);
    const connected = await group.connect();
    expect(connected).toMatchObject({ ok: false, failure: { reason: 'wrong-panel', field: 'panelSerial', panel: 'link 1' } });
    expect(JSON.stringify(connected)).toMatch(/BOARD-7: two panels with one id, on link 0 and on link 1/);
    expect(group.capabilities).toBeUndefined();
  });

  it('takes holes, overlaps and strangers in the element map for mistakes', () => {
    const { panels, clock } = panelArray(TWO);
    const build = (...maps: number[][]) =>
      createPanelGroup({
        members: maps.map((elements, i) => ({ panel: panels[i].driver, elements })),
        elements: 4,
        rfChains: CHAINS,
        clock,
      });
    expect(() => build([0, 1], [3])).toThrow(/element 2 is driven by no panel/);
    expect(() => build([0, 1], [1, 2, 3])).toThrow(/element 1 is driven by panel 0 and panel 1/);
    expect(() => build([0, 1], [2, 4])).toThrow(/element 4; the array has 0 … 3/);
  });

  it('is the panel itself when one panel has all elements in order', async () => {
    const all = Array.from({ length: 8 }, (_, i) => i);
    const { group, panels, beam } = panelArray([{ elements: all }]);
    expect(await group.connect()).toMatchObject({ ok: true, value: { panelSerial: 'PANEL-0' } });
    expect(group.capabilities).toBe(panels[0].driver.capabilities);
    expect(group.counters).toBe(panels[0].driver.counters);
    expect(await group.apply(beam(1))).toMatchObject({ ok: true });
    expect(panels[0].sent.some((message) => message.type === 'sync-time')).toBe(false);
    await group.close();
    expect(await group.status()).toMatchObject({ failure: { reason: 'link-closed' } });
  });

  it('takes a beam of the wrong size for a mistake, and one beam at a time', async () => {
    const { group, beam } = panelArray(TWO);
    await group.connect();
    await expect(group.apply({ ...beam(1), words: new Uint16Array(4) })).rejects.toMatchObject({ code: 'shape' });
    const [first, second] = await Promise.all([group.apply(beam(1)), group.apply(beam(2))]);
    expect(first).toMatchObject({ ok: true });
    expect(second).toMatchObject({ failure: { reason: 'not-sent', request: 'apply', detail: 'beam 1 is still under way' } });
  });
});
