/** The spine when the link or the panel misbehaves: the loop goes on, what is not known is void, and a person hears of each cause once. */
import { afterEach, describe, expect, it } from 'vitest';
import type { Behaviour } from '../../hil-sim/behaviours.ts';
import type { RigFile } from '../../src/config/rig-file.ts';
import { assembleSpine, demoWith } from './spine.ts';
import type { Spine } from './spine.ts';

const open: Spine[] = [];
async function spineWith(behaviours: readonly Behaviour[], cycles: number): Promise<Spine> {
  const rig = demoWith((demo: RigFile) => {
    demo.beamformer.model = 'aligned';
  });
  const spine = await assembleSpine({ rig, behaviours, cycles, latencyMs: 0.5 });
  open.push(spine);
  return spine;
}
afterEach(async () => {
  for (const { rig } of open.splice(0)) await rig.controller.stop();
});

/** Every credited cycle names the beam that is on the air, and every other one credits nothing. */
function expectHonest({ records }: Spine): void {
  let newest = 0;
  for (const record of records) {
    if (record.outcome === 'ok') {
      expect(record.beamId).toBeGreaterThan(newest);
      newest = record.beamId;
      expect(record.measuredSnrDb.every(Number.isFinite)).toBe(true);
    } else {
      expect(record.beamId).toBe(0);
      expect(record.failure).toMatch(/^(channel|model|quantise|push|commit|measure): ./);
      expect(record.measuredSnrDb.every(Number.isNaN)).toBe(true);
      expect(record.measuredSumRate).toBeNaN();
    }
  }
}

const codes = ({ events }: Spine): string[] => events.map(({ code }) => code);

describe('a link that loses frames', () => {
  it('one in twenty, both ways: retries hide it, and the radiated words are never wrong', async () => {
    const lossy: Behaviour[] = [
      { do: 'drop', probability: 0.05 },
      { do: 'drop', direction: 'to-host', probability: 0.05 },
    ];
    const spine = await spineWith(lossy, 200);
    const wrong: number[] = [];
    spine.rig.controller.onCycle((record) => {
      if (record.outcome !== 'ok') return;
      const { words, beamId } = spine.simulator.panel.radiated();
      const asked = spine.rig.controller.latest()?.words;
      if (beamId !== record.beamId || !asked?.every((word, i) => word === words[i])) wrong.push(record.cycle);
    });
    expect(await spine.rig.run()).toMatchObject({ reason: 'done', cycles: 200 });
    expect(wrong).toEqual([]);
    expectHonest(spine);
    expect(spine.records.filter(({ outcome }) => outcome === 'ok').length).toBeGreaterThanOrEqual(198);
    expect(spine.records.reduce((sum, { link }) => sum + link.retries, 0)).toBeGreaterThan(20);
  });

  it('damaged bits are caught by the checksum and asked for again', async () => {
    const noisy: Behaviour[] = [
      { do: 'corrupt', probability: 0.1 },
      { do: 'corrupt', direction: 'to-host', probability: 0.1 },
    ];
    const spine = await spineWith(noisy, 100);
    expect(await spine.rig.run()).toMatchObject({ reason: 'done', cycles: 100 });
    expectHonest(spine);
    expect(spine.records.filter(({ outcome }) => outcome === 'ok').length).toBeGreaterThanOrEqual(97);
    expect(spine.records.reduce((sum, { link }) => sum + link.discarded, 0)).toBeGreaterThan(5);
  });
});

describe('a panel that restarts', () => {
  it('in the middle of a beam: the cycle is void, hands are shaken again, and the loop goes on', async () => {
    const spine = await spineWith([{ do: 'reset', messages: ['set-phases'], nth: 25, bootMs: 300 }], 60);
    expect(await spine.rig.run()).toMatchObject({ reason: 'done', cycles: 60 });
    expectHonest(spine);
    const voids = spine.records.filter(({ outcome }) => outcome === 'void');
    expect(voids.length).toBeGreaterThanOrEqual(1);
    expect(voids.length).toBeLessThanOrEqual(5);
    expect(spine.records.at(-1)?.outcome).toBe('ok');
    expect(codes(spine).filter((code) => code === 'panel-lost').length).toBeLessThanOrEqual(1);
  });

  it('again and again: each cause is told once, and every cycle in between is good', async () => {
    const flapping: Behaviour = { do: 'reset', messages: ['measure-snr'], probability: 0.05, moment: 'before', bootMs: 50 };
    const spine = await spineWith([flapping], 200);
    expect(await spine.rig.run()).toMatchObject({ reason: 'done', cycles: 200 });
    expectHonest(spine);
    const voids = spine.records.filter(({ outcome }) => outcome === 'void').length;
    expect(voids).toBeGreaterThan(3);
    expect(voids).toBeLessThan(60);
    for (const code of new Set(codes(spine))) {
      expect(codes(spine).filter((other) => other === code).length).toBeLessThanOrEqual(3);
    }
  });
});

describe('a panel that stalls', () => {
  it('for a moment: the requests wait and nothing is void', async () => {
    const spine = await spineWith([{ do: 'stall', forMs: 40, messages: ['commit'], nth: 10 }], 30);
    expect(await spine.rig.run()).toMatchObject({ reason: 'done', cycles: 30, voidCycles: 0 });
    expectHonest(spine);
  });

  it('for seconds: cycles are void meanwhile and good again after', async () => {
    const spine = await spineWith([{ do: 'stall', forMs: 8000, messages: ['commit'], nth: 10 }], 60);
    expect(await spine.rig.run()).toMatchObject({ reason: 'done', cycles: 60 });
    expectHonest(spine);
    expect(spine.records.filter(({ outcome }) => outcome === 'void').length).toBeGreaterThanOrEqual(1);
    expect(spine.records.slice(-20).every(({ outcome }) => outcome === 'ok')).toBe(true);
  });
});

describe('a link that is pulled', () => {
  it('comes back by a new handshake: told once, voids in between, the array safe at the end', async () => {
    const spine = await spineWith([], 80);
    spine.rig.controller.onCycle(({ cycle }) => cycle === 20 && spine.simulator.link.lose('cable pulled'));
    expect(await spine.rig.run()).toMatchObject({ reason: 'done', cycles: 80 });
    expectHonest(spine);
    expect(codes(spine).filter((code) => code === 'panel-lost')).toHaveLength(1);
    expect(codes(spine).filter((code) => code === 'panel-back')).toHaveLength(1);
    expect(spine.simulator.panel.radiated().beamId).toBe(0);
  });

  it('at the very end: it is opened once more, to leave the array safe', async () => {
    const spine = await spineWith([], 10);
    spine.rig.controller.onCycle(({ cycle }) => cycle === 9 && spine.simulator.link.lose('cable pulled'));
    expect(await spine.rig.run()).toMatchObject({ reason: 'done', cycles: 10 });
    expect(spine.simulator.panel.radiated().beamId).toBe(0);
    expect(codes(spine)).toEqual(['fallback']);
  });
});

describe('a panel that refuses', () => {
  it('measurements are void at that rung, the beam itself was radiated', async () => {
    const spine = await spineWith([{ do: 'nack', code: 'fault', messages: ['measure-snr'], nth: 5, times: 3 }], 12);
    expect(await spine.rig.run()).toMatchObject({ reason: 'done', cycles: 12, voidCycles: 3 });
    expectHonest(spine);
    expect(spine.records[4].failure).toMatch(/^measure: the panel is in fault .* it refused measure-snr/);
    expect(codes(spine)).toEqual(['fallback', 'cycle-void']);
  });
});
