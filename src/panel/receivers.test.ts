/** Boards with receivers only beside the panels of an array: they measure, a beam is credited by what the array says, and nothing else is asked of them. */
import { describe, expect, it } from 'vitest';
import { userIndex } from '../../core/signal/indices.ts';
import type { Behaviour } from '../../hil-sim/behaviours.ts';
import { createPanelGroup } from './panel-group.ts';
import { CHAINS, USERS, panelArray, type BenchMember, type BenchReceivers } from '../../test/panel-array.ts';

const ELEMENTS = 16;
const ALL = Array.from({ length: ELEMENTS }, (_, n) => n);
const MANY = 1_000_000;
const run = (firstUser: number, count: number) => ({ firstUser: userIndex(firstUser), count });

const BLIND = { capabilities: { features: ['digital-weights', 'beam-memory', 'read-back', 'time-sync'] } } as const;
const mute = (member: BenchMember): BenchMember => ({
  ...member,
  capabilities: { features: [...BLIND.capabilities.features] },
});
const ONE: BenchMember[] = [{ elements: ALL }];
/** One panel, and two; none of them reports anything. */
const SILENT: [string, BenchMember[]][] = [
  ['one panel', ONE.map(mute)],
  [
    'two panels',
    [
      { elements: ALL.filter((n) => n % 2 === 0), aheadMs: 5000, driftPpm: 60 },
      { elements: ALL.filter((n) => n % 2 === 1), aheadMs: 3_600_000, driftPpm: -40 },
    ].map(mute),
  ],
];
const BOTH_USERS: BenchReceivers[] = [{ users: run(0, USERS) }];
const ONE_EACH: BenchReceivers[] = [{ users: run(1, 1) }, { users: run(0, 1) }];

function bench(members: BenchMember[], receivers: BenchReceivers[]) {
  const rig = panelArray(members, 1, receivers);
  const trueDb = (): number[] => [...rig.air.trueSinr()].map((ratio) => 10 * Math.log10(ratio));
  return { ...rig, trueDb, said: (i = 0): string[] => rig.receivers[i].sent.map(({ type }) => type) };
}

describe.each(SILENT)('an array of %s that reports nothing', (_what, members) => {
  it.each<[string, BenchReceivers[]]>([
    ['one board', BOTH_USERS],
    ['a board for each user', ONE_EACH],
  ])('is heard by %s with receivers only', async (_who, receivers) => {
    const { group, beam, trueDb } = bench(members, receivers);
    expect(await group.connect()).toMatchObject({ ok: true, value: { role: 'array', users: USERS, elements: ELEMENTS } });
    for (const beamId of [1, 2]) {
      expect(await group.apply(beam(beamId))).toMatchObject({ ok: true });
      const measured = await group.measureSnr(beamId, MANY);
      if (!measured.ok) throw new Error(JSON.stringify(measured.failure));
      expect(measured.value).toMatchObject({ beamId, firstUser: 0, pilots: MANY });
      [...measured.value.snrDb].forEach((db, user) => expect(db).toBeCloseTo(trueDb()[user], 1));
      const pilots = await group.measurePilots(beamId, userIndex(1), MANY);
      expect(pilots).toMatchObject({ ok: true, value: { beamId, user: 1 } });
      expect(pilots.ok && pilots.value.values).toHaveLength(2 * CHAINS);
    }
  });

  it('asks them for measurements, and for nothing else whatever becomes of the array', async () => {
    const { group, beam, said, clock } = bench(members, BOTH_USERS);
    await group.connect();
    await group.setSafeState('mute', { silenceMs: 5000 });
    await group.apply(beam(1));
    await group.measureSnr(1, 16);
    await group.measurePilots(1, userIndex(0), 16);
    await group.storeBeam(beam(2), 1);
    await group.setSafeState('hold', { enter: true });
    await group.readBack();
    await group.status();
    group.commandSafe('mute');
    await group.makePartsSafe();
    await clock.advanceTo(clock.nowMs() + 10_000);
    expect([...new Set(said())].sort()).toEqual(['get-status', 'hello', 'measure-pilots', 'measure-snr']);
    expect(group.safeAs).toBe('mute');
  });
});

describe('a measurement by receivers', () => {
  const late: Behaviour = { do: 'delay', direction: 'to-host', messages: ['snr-report', 'pilot-report'], delayMs: 30 };
  const lateReceivers: BenchReceivers[] = [{ users: run(0, USERS), behaviours: [late] }];

  it.each(SILENT)('is of no beam when the array of %s shows something else by the time it comes', async (_what, members) => {
    for (const [what, failure] of [
      ['mute', { reason: 'other-beam', asked: 1, told: 0 }],
      ['reset', { reason: 'panel-restarted' }],
      ['fault', { reason: 'other-beam', asked: 1, told: 0 }],
    ] as const) {
      const { group, beam, panels, clock } = bench(members, lateReceivers);
      await group.connect();
      await group.apply(beam(1));
      const last = panels[panels.length - 1];
      const measuring = [group.measureSnr(1, 16), group.measurePilots(1, userIndex(0), 16)];
      clock.after(10, () => {
        if (what === 'mute') void last.driver.setSafeState('mute', { enter: true });
        else if (what === 'reset') last.virtual.reset();
        else last.virtual.fault(4);
      });
      for (const measured of await Promise.all(measuring)) expect(measured, what).toMatchObject({ ok: false, failure });
      expect(await group.measureSnr(1, 16), what).toMatchObject({ ok: false });
    }
  });

  it.each(SILENT)('is not credited to the next beam of %s, nor to the one before', async (_what, members) => {
    const { group, beam } = bench(members, lateReceivers);
    await group.connect();
    await group.apply(beam(1));
    const measuring = group.measureSnr(1, 16);
    expect(await group.apply(beam(2))).toMatchObject({ ok: true });
    expect(await measuring).toMatchObject({ ok: false, failure: { reason: 'other-beam', asked: 1 } });
    expect(await group.measureSnr(1, 16)).toMatchObject({ ok: false, failure: { reason: 'not-sent' } });
    expect(await group.measureSnr(2, 16)).toMatchObject({ ok: true, value: { beamId: 2 } });
  });

  it('is asked of the array itself for users that nobody else hears', async () => {
    const { group, beam, trueDb, said, panels } = bench(ONE, [{ users: run(1, 1) }]);
    await group.connect();
    await group.apply(beam(1));
    const measured = await group.measureSnr(1, MANY);
    if (!measured.ok) throw new Error(JSON.stringify(measured.failure));
    [...measured.value.snrDb].forEach((db, user) => expect(db).toBeCloseTo(trueDb()[user], 1));
    expect(said()).toContain('measure-snr');
    expect(panels[0].sent.map(({ type }) => type)).toContain('measure-snr');
    const of = async (user: number): Promise<string[]> => {
      const before = said().length;
      expect(await group.measurePilots(1, userIndex(user), 16)).toMatchObject({ ok: true, value: { user } });
      return said().slice(before);
    };
    expect(await of(0)).toEqual([]);
    expect(await of(1)).toEqual(['measure-pilots']);
  });

  it('that lacks a user names the board, and keeps what the others have', async () => {
    const receivers: BenchReceivers[] = [{ users: run(0, 1) }, { users: run(1, 1), hears: run(0, 1) }];
    const { group, beam } = bench(SILENT[0][1], receivers);
    await group.connect();
    await group.apply(beam(1));
    const measured = await group.measureSnr(1, 16);
    const failure = { panel: 'receivers 1', reason: 'unusable-report', detail: 'no reading of user 1' };
    expect(measured).toMatchObject({ ok: false, failure });
    if (measured.ok || measured.failure.reason !== 'unusable-report') throw new Error('a report');
    expect([...(measured.failure.partialSnrDb ?? [])].map(Number.isNaN)).toEqual([false, true]);
    expect(await group.measurePilots(1, userIndex(1), 16)).toMatchObject({
      failure: { panel: 'receivers 1', reason: 'rejected', code: 'wrong-dimensions', detail: USERS },
    });
  });

  it('is not sent for a user of whom nobody reports', async () => {
    const { group, beam } = bench(SILENT[0][1], [{ users: run(1, 1) }]);
    await group.connect();
    await group.apply(beam(1));
    const failure = { reason: 'not-sent', detail: 'no panel of the array has the feature snr-report for 1 user (0)' };
    expect(await group.measureSnr(1, 16)).toMatchObject({ ok: false, failure });
    expect(await group.measurePilots(1, userIndex(0), 16)).toMatchObject({ ok: false, failure: { reason: 'not-sent' } });
  });
});

describe('receivers', () => {
  it('that are lost leave the array without a session, dark when it is told so, and are asked again', async () => {
    const { group, beam, receivers, panels } = bench(ONE, BOTH_USERS);
    await group.connect();
    await group.setSafeState('hold', { silenceMs: 5000 });
    await group.apply(beam(1));
    receivers[0].link.lose('cable pulled');
    expect(group.capabilities).toBeUndefined();
    expect(await group.apply(beam(2))).toMatchObject({ ok: false, failure: { panel: 'receivers 0', reason: 'link-closed' } });
    await group.makePartsSafe();
    expect(panels[0].virtual.radiated().beamId).toBe(0);
    expect(await group.connect()).toMatchObject({ ok: true });
    expect(await group.apply(beam(3))).toMatchObject({ ok: true });
    expect(await group.measureSnr(3, 16)).toMatchObject({ ok: true });
  });

  it('do not keep an array from its own safe state', async () => {
    const { group, beam, receivers, panels } = bench(ONE, BOTH_USERS);
    await group.connect();
    await group.apply(beam(1));
    receivers[0].link.lose('cable pulled');
    group.commandSafe('hold');
    expect(panels[0].virtual.radiated().beamId).toBe(1);
    group.commandSafe('mute');
    expect(group.safeAs).toBeUndefined();
    await panels[0].driver.ping();
    expect(panels[0].virtual.radiated().beamId).toBe(0);
  });

  it('are no panels of the array, nor are those receivers, and each has a serial number of its own', async () => {
    const swapped = panelArray(ONE, 1, BOTH_USERS);
    const [{ driver: array }] = swapped.panels;
    const [{ driver: receivers }] = swapped.receivers;
    const group = createPanelGroup({
      members: [{ panel: array, elements: ALL }],
      elements: ELEMENTS,
      rfChains: CHAINS,
      clock: swapped.clock,
      receivers: [{ panel: array, users: run(0, USERS) }],
    });
    expect(await group.connect()).toMatchObject({ ok: false, failure: { reason: 'wrong-panel', field: 'panelSerial' } });
    expect(await receivers.connect()).toMatchObject({ ok: true, value: { role: 'user' } });
    const twin = bench(ONE, [{ users: run(0, USERS), capabilities: { panelSerial: 'PANEL-0' } }]);
    expect(await twin.group.connect()).toMatchObject({
      ok: false,
      failure: { panel: 'receivers 0', reason: 'wrong-panel', field: 'panelSerial' },
    });
  });
});
