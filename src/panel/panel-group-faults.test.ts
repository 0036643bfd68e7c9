/**
 * An array over several panels on a bad bench. At every step something goes wrong with one of them, and always: what a panel radiates is a
 * whole part of a beam that was asked for (the bench looks), a beam is credited only when all radiate it, and an array that may show two
 * beams does not stay so.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Behaviour } from '../../hil-sim/behaviours.ts';
import type { BenchMember, PanelArray } from '../../test/panel-array.ts';
import { panelArray } from '../../test/panel-array.ts';
import type { PanelFailure, Result } from './panel.ts';

const RIG: BenchMember[] = [
  { elements: [0, 1, 2, 3], aheadMs: 10_000, driftPpm: 80 },
  { elements: [4, 6, 8, 10], aheadMs: 900_000, driftPpm: -80 },
  { elements: [11, 9, 7, 5], aheadMs: 77, driftPpm: 15, latencyMs: 1.5 },
];
/** The acknowledgement that beam 2 waits for its time: each beam takes one chunk of words, one of weights, and a commit. */
const ARMED_2 = 6;
/** What goes wrong with one of the panels. */
const rigWith = (panel: number, behaviours: readonly Behaviour[]): PanelArray =>
  panelArray(RIG.map((member, i) => (i === panel ? { ...member, behaviours } : member)));

/** Connects where needed, applies and measures; a credited beam must be radiated by all. */
async function cycle(rig: PanelArray, beamId: number): Promise<PanelFailure | undefined> {
  const { group } = rig;
  if (group.capabilities === undefined) {
    const connected = await group.connect();
    if (!connected.ok) return connected.failure;
  }
  const applied = await group.apply(rig.beam(beamId));
  if (!applied.ok) {
    const shown = new Set(rig.shown().filter((id, i) => id !== 0 && rig.panels[i].link.state.state === 'open'));
    expect(
      shown.size,
      `after ${applied.failure.reason} the panels within reach show one beam: ${rig.shown().join()}`,
    ).toBeLessThan(2);
    expect(await group.measureSnr(beamId, 16), 'a beam that failed is not measured').toMatchObject({ ok: false });
    return applied.failure;
  }
  const measured = await group.measureSnr(beamId, 16);
  if (!measured.ok) return measured.failure;
  const { shown } = rig.reports[rig.reports.length - 1];
  expect(shown, `beam ${beamId} was credited and all radiated it`).toEqual(rig.panels.map(() => beamId));
  return undefined;
}

/** The next cycles work, as soon as they may: panels that were lost are found again. */
async function recovers(rig: PanelArray, firstBeam: number): Promise<void> {
  const startMs = rig.clock.nowMs();
  let beamId = firstBeam;
  while ((await cycle(rig, beamId)) !== undefined) if (++beamId > firstBeam + 5) break;
  expect(beamId, 'cycles until it works again').toBeLessThan(firstBeam + 3);
  expect(rig.clock.nowMs() - startMs).toBeLessThan(1000);
  expect(rig.shown()).toEqual(rig.panels.map(() => beamId));
}

describe.each([0, 1, 2])('an array of three panels, one of which (%i) has a bad day', (panel) => {
  const survived: [string, Behaviour[]][] = [
    ['its commit is lost once', [{ do: 'drop', messages: ['commit'], nth: 1 }]],
    ['the acknowledgement of its commit is lost once', [{ do: 'drop', direction: 'to-host', messages: ['ack'], nth: ARMED_2 }]],
    ['the question whether it switched is lost', [{ do: 'drop', messages: ['commit'], nth: 2 }]],
    ['its answer that it switched is lost', [{ do: 'drop', direction: 'to-host', messages: ['committed'], nth: 1 }]],
    [
      'all its answers that it switched are lost',
      [{ do: 'drop', direction: 'to-host', messages: ['committed'], nth: 1, times: 40 }],
    ],
    ['its commit comes twice', [{ do: 'duplicate', messages: ['commit'] }]],
    ['its slot is emptied before the commit', [{ do: 'nack', code: 'not-staged', messages: ['commit'], nth: 1 }]],
    ['it calls the time too late', [{ do: 'nack', code: 'too-late', messages: ['commit'], nth: 1 }]],
  ];
  it.each(survived)('radiates the beam all the same when %s', async (_what, behaviours) => {
    const rig = rigWith(panel, behaviours);
    for (let beamId = 1; beamId <= 5; beamId++) expect(await cycle(rig, beamId)).toBeUndefined();
    expect(rig.shown()).toEqual([5, 5, 5]);
  });

  const unswitched: [string, Behaviour[], Partial<PanelFailure>][] = [
    ['its commits are lost', [{ do: 'drop', messages: ['commit'], nth: 3, times: 12 }], { reason: 'no-answer' }],
    [
      'it refuses its commit',
      [{ do: 'nack', code: 'fault', detail: 4, messages: ['commit'], nth: 3, times: 2 }],
      { reason: 'rejected' },
    ],
    [
      'it restarts between stage and commit',
      [{ do: 'reset', messages: ['commit'], nth: 3, moment: 'before' }],
      { reason: 'panel-restarted' },
    ],
  ];
  it.each(unswitched)('switches none when %s, says which, and goes on', async (_what, behaviours, failure) => {
    const rig = rigWith(panel, behaviours);
    expect(await cycle(rig, 1)).toBeUndefined();
    expect(await cycle(rig, 2)).toMatchObject({ ...failure, panel: `link ${panel}` });
    rig.panels.forEach(({ radiated }) => expect(radiated).toEqual([1]));
    await recovers(rig, 3);
  });

  it('makes the others safe when it restarts while all wait for the time', async () => {
    const rig = rigWith(panel, [{ do: 'reset', messages: ['ack'], direction: 'to-host', nth: ARMED_2, moment: 'after' }]);
    expect(await cycle(rig, 1)).toBeUndefined();
    const failure = await cycle(rig, 2);
    expect(failure).toMatchObject({
      reason: 'array-split',
      missed: [{ panel: `link ${panel}`, failure: { reason: 'panel-restarted' } }],
    });
    expect(rig.shown()).toEqual([0, 0, 0]);
    await recovers(rig, 3);
  });

  it('makes the others safe when its link is cut around the time, whenever that is', async () => {
    const outcomes = { whole: 0, unchanged: 0, split: 0 };
    for (let cutMs = 1; cutMs <= 85; cutMs += 2) {
      const rig = rigWith(panel, []);
      expect(await cycle(rig, 1)).toBeUndefined();
      rig.clock.after(cutMs, () => rig.panels[panel].link.lose('cable pulled'));
      const failure = await cycle(rig, 2);
      if (failure !== undefined) {
        const reasons = 'missed' in failure ? failure.missed.map((one) => one.failure.reason) : [failure.reason];
        expect(reasons).toEqual(['link-closed']);
        outcomes['missed' in failure ? 'split' : 'unchanged']++;
        if (!('missed' in failure)) expect(failure.panel).toBe(`link ${panel}`);
      } else outcomes.whole++;
      await rig.clock.sleep(20);
      await recovers(rig, 3);
    }
    // From before it is armed until after it has switched.
    for (const count of Object.values(outcomes)) expect(count).toBeGreaterThan(1);
  });

  it('shakes hands with it alone when it was lost', async () => {
    const rig = rigWith(panel, []);
    await cycle(rig, 1);
    rig.panels[panel].link.lose('cable pulled');
    expect(rig.group.capabilities).toBeUndefined();
    expect(await rig.group.apply(rig.beam(2))).toMatchObject({ failure: { reason: 'link-closed', panel: `link ${panel}` } });
    await recovers(rig, 3);
    expect(rig.panels.map(({ sent }) => sent.filter((message) => message.type === 'hello').length)).toEqual(
      rig.panels.map((_, i) => (i === panel ? 2 : 1)),
    );
  });

  it('does not leave the array with two beams when it is told too late to cancel', async () => {
    // Its acknowledgement is lost so long that the others are told to forget the beam, and so is the word to forget it.
    const rig = rigWith(panel, [
      { do: 'drop', direction: 'to-host', messages: ['ack'], nth: ARMED_2, times: 1000 },
      { do: 'drop', messages: ['cancel-commit'] },
    ]);
    expect(await cycle(rig, 1)).toBeUndefined();
    const failure = await cycle(rig, 2);
    expect(failure).toBeDefined();
    // Its own acknowledgements are lost, those of the others are not: they are muted.
    expect(rig.shown().filter((_, i) => i !== panel)).toEqual([0, 0]);
  });
});

describe('an array that was split', () => {
  it('is muted where the safe state is to hold, and holds in silence afterwards', async () => {
    const rig = rigWith(1, [{ do: 'reset', messages: ['ack'], direction: 'to-host', nth: ARMED_2 + 1, moment: 'after' }]);
    await rig.group.connect();
    await rig.group.setSafeState('hold', { silenceMs: 5000 });
    expect(await cycle(rig, 1)).toBeUndefined();
    expect(await cycle(rig, 2)).toBeDefined();
    expect(rig.shown()).toEqual([0, 0, 0]);
    await recovers(rig, 3);
    const [beamId] = rig.shown();
    await rig.clock.sleep(20_000);
    expect(rig.shown()[0]).toBe(beamId);
  });

  it('shows the fixed codeword where that is the safe state', async () => {
    const rig = rigWith(1, []);
    await rig.group.connect();
    await rig.group.storeBeam(rig.beam(1), 0);
    await rig.group.setSafeState('codeword', { position: 0, silenceMs: 0 });
    expect(await cycle(rig, 2)).toBeUndefined();
    const { panels, group } = rig;
    // The third panel says no when all have been told to switch.
    const confirm = panels[2].driver.confirm.bind(panels[2].driver);
    panels[2].driver.confirm = async (staged) => {
      await confirm(staged);
      return { ok: false, failure: { reason: 'no-answer', request: 'commit', attempts: 6, waitedMs: 700 } };
    };
    expect(await group.apply(rig.beam(3))).toMatchObject({
      failure: { reason: 'array-split', switched: ['link 0', 'link 1'], missed: [{ panel: 'link 2' }] },
    });
    for (const { virtual, driver } of panels) {
      expect(virtual.radiated().beamId).toBe(0);
      expect(virtual.radiated().words.some((word) => word !== 0)).toBe(true);
      expect(await driver.status()).toMatchObject({ value: { state: 'safe' } });
    }
  });
});

describe('a beam that was called off', () => {
  it.each([10, 20, 40, 60, 80, 100])(
    'is radiated by none, though copies of its commit are up to %i ms late',
    async (jitterMs) => {
      // From beam 2 on: each takes two commits, to arm it and to confirm it.
      const late: Behaviour[] = [
        { do: 'duplicate', copies: 4, messages: ['commit'], nth: 3, times: 30 },
        { do: 'delay', delayMs: 0, jitterMs, messages: ['commit'], nth: 3, times: 30 },
      ];
      // Says no at once, so that the other is told to forget a beam whose time is still far.
      const refuses: Behaviour[] = [{ do: 'nack', code: 'too-late', messages: ['commit'], nth: 3, times: 3 }];
      const rig = panelArray([
        { elements: [0, 1, 2], aheadMs: 300, driftPpm: 100, behaviours: late },
        { elements: [5, 4, 3], aheadMs: 0, driftPpm: -100, behaviours: refuses },
      ]);
      expect(await cycle(rig, 1)).toBeUndefined();
      expect(await cycle(rig, 2)).toMatchObject({ reason: 'rejected', code: 'too-late', panel: 'link 1' });
      await rig.clock.sleep(500);
      rig.panels.forEach(({ radiated }) => expect(radiated).toEqual([1]));
      const [{ sent }] = rig.panels;
      const times = sent.flatMap((message) => (message.type === 'commit' && message.beamId === 2 ? [message.atUs] : []));
      expect(sent.filter(({ type }) => type === 'set-safe-state')).toEqual([]);
      // Each attempt at a later time, and each time called off.
      const attempts = [...new Set(times)];
      expect(attempts).toHaveLength(3);
      expect(attempts[1]).toBeGreaterThan(attempts[0]);
      expect(sent.flatMap((message) => (message.type === 'cancel-commit' ? [message.atUs] : []))).toEqual(attempts);
    },
  );
});

describe('whatever happens to an array of two panels', () => {
  const someFault = fc.record({
    do: fc.constantFrom('drop', 'duplicate', 'delay', 'reorder', 'corrupt', 'reset', 'stall'),
    direction: fc.constantFrom('to-panel' as const, 'to-host' as const),
    messages: fc.constantFrom(undefined, ['commit'], ['ack'], ['committed'], ['set-phases'], ['cancel-commit'], ['get-status']),
    probability: fc.double({ min: 0.01, max: 0.4, noNaN: true }),
    ms: fc.integer({ min: 0, max: 60 }),
  });
  const behaviourOf = (fault: typeof someFault extends fc.Arbitrary<infer T> ? T : never): Behaviour => {
    const { direction, probability, ms } = fault;
    const when = { direction, probability, ...(fault.messages && { messages: [...fault.messages] }) };
    switch (fault.do) {
      case 'delay':
        return { do: 'delay', delayMs: 0, jitterMs: ms, ...when };
      case 'stall':
        return { do: 'stall', forMs: 3 * ms, ...when, direction: 'to-panel', probability: probability / 4 };
      case 'reset':
        return { do: 'reset', bootMs: ms, ...when, probability: probability / 10 };
      default:
        return { do: fault.do, ...when };
    }
  };

  it('every panel radiates a whole beam of the host or nothing, and none is credited unless all radiate it', async () => {
    let credited = 0;
    let failed = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(someFault, { maxLength: 2 }),
        fc.array(someFault, { maxLength: 2 }),
        fc.array(
          fc.record({
            beam: fc.integer({ min: 1, max: 8 }),
            panel: fc.nat(1),
            ms: fc.integer({ min: 0, max: 25 }),
            cut: fc.boolean(),
          }),
          {
            maxLength: 2,
          },
        ),
        async (first, second, cuts) => {
          const rig = panelArray([
            { elements: [0, 1, 2], aheadMs: 300, driftPpm: 100, behaviours: first.map(behaviourOf) },
            { elements: [5, 4, 3], aheadMs: 0, driftPpm: -100, behaviours: second.map(behaviourOf) },
          ]);
          for (let beamId = 1; beamId <= 8; beamId++) {
            for (const cut of cuts) {
              if (cut.beam !== beamId) continue;
              const { link, virtual } = rig.panels[cut.panel];
              rig.clock.after(cut.ms, () => (cut.cut ? link.lose('cable pulled') : virtual.reset()));
            }
            const { group } = rig;
            if (group.capabilities === undefined && !(await group.connect()).ok) {
              failed++;
              continue;
            }
            const applied = await group.apply(rig.beam(beamId));
            const measured: Result<unknown> = applied.ok ? await group.measureSnr(beamId, 16) : applied;
            if (measured.ok) {
              credited++;
              const reports = rig.reports.filter((report) => report.beamId === beamId);
              expect(reports.length).toBeGreaterThan(0);
              for (const { shown } of reports) expect(shown).toEqual([beamId, beamId]);
            } else {
              failed++;
              // What does not answer cannot be made safe either.
              if (!applied.ok && !JSON.stringify(applied.failure).includes('no-answer')) {
                const shown = rig.shown().filter((id, i) => id !== 0 && rig.panels[i].link.state.state === 'open');
                expect(new Set(shown).size, 'beams shown after a failure').toBeLessThan(2);
              }
              expect(await group.measureSnr(beamId, 16)).toMatchObject({ ok: false });
            }
          }
          await rig.group.close();
          rig.panels.forEach(({ virtual }) => virtual.close());
        },
      ),
      { numRuns: 60, seed: 11 },
    );
    expect(credited).toBeGreaterThan(100);
    expect(failed).toBeGreaterThan(10);
  });
});
