import { describe, expect, it } from 'vitest';
import { createVirtualClock } from '../../../core/clock/virtual-clock.ts';
import { fromParts } from '../../../core/signal/complex-matrix.ts';
import { createRandom } from '../../../core/signal/random.ts';
import type { MeasuredSnr } from '../../panel/panel.ts';
import type { BoardUsed, CycleRecord, ModelUsed, RigEvent } from '../../telemetry/cycle-record.ts';
import { createControlLoop } from '../control-loop.ts';
import type { RigDescription } from '../controller.ts';
import { ELEMENTS, asRigPanel, fixedBeamformer, plainSetting, scriptedPanel } from '../../../test/doubles/scripted-panel.ts';

/** A loop whose panel measures and is what the story says, cycle by cycle. */
function rigThat(story: {
  cycles: number;
  measures?: (cycle: number, well: MeasuredSnr) => Partial<MeasuredSnr>;
  board?: (cycle: number) => Partial<BoardUsed>;
  sleepsMs?: (cycle: number) => number;
  rateHz?: number;
}) {
  const clock = createVirtualClock();
  const { panel } = scriptedPanel(clock);
  const records: CycleRecord[] = [];
  const events: RigEvent[] = [];
  const changes: ({ cycle: number } & ({ model: ModelUsed } | { boards: BoardUsed[] }))[] = [];
  const re = Array.from({ length: 2 * ELEMENTS }, (_, i) => Math.cos(i));
  const measuring: typeof panel = {
    ...panel,
    get capabilities() {
      return panel.capabilities;
    },
    measureSnr: async (beamId, pilots) => {
      await clock.sleep(story.sleepsMs?.(beamId - 1) ?? 0);
      const well = await panel.measureSnr(beamId, pilots);
      return well.ok ? { ok: true, value: { ...well.value, ...story.measures?.(beamId - 1, well.value) } } : well;
    },
  };
  let cycle = 0;
  const loop = createControlLoop({
    setting: plainSetting(clock, fromParts(2, ELEMENTS, re, re)),
    panel: {
      ...asRigPanel(measuring, 'hardware'),
      boards: () => [{ link: 'left', kind: 'serial', source: 'hardware', panel: 'A', firmware: '1.0', ...story.board?.(cycle) }],
    },
    description: { name: 'test', models: [] } as unknown as RigDescription,
    beamformer: fixedBeamformer('first'),
    openBeamformer: async (id) => fixedBeamformer(id),
    rateHz: story.rateHz ?? 20,
    pipelined: false,
    cycles: story.cycles,
    safe: { state: 'mute' },
    random: createRandom(3),
    sink: {
      cycle: (record) => records.push(record),
      event: (event) => events.push(event),
      changed: (from, what) => 'calibration' in what || changes.push({ cycle: from, ...what }),
    },
  });
  loop.onCycle((record) => (cycle = record.cycle + 1));
  return { loop, records, events, changes, codes: () => events.map(({ code }) => code) };
}

describe('readings that cannot be what they say', () => {
  it.each<[string, (cycle: number) => Partial<MeasuredSnr>, RegExp, number]>([
    ['of 327.67 dB', () => ({ snrDb: Float64Array.of(10, 327.67) }), /^outside reason: user 1: 327\.67 dB/, NaN],
    ['of -327.67 dB', () => ({ snrDb: Float64Array.of(-327.67, 20) }), /^outside reason: user 0: -327\.67 dB/, NaN],
    ['over 1 pilot of 8', () => ({ pilots: 1 }), /^averaged over 1 pilot where 8 were asked for$/, NaN],
  ])('are kept and marked, and told once: %s', async (_, measures, words, rate) => {
    const { loop, records, events, codes } = rigThat({ cycles: 9, measures: (cycle) => (cycle >= 3 ? measures(cycle) : {}) });
    expect(await loop.start()).toMatchObject({ cycles: 9, voidCycles: 0 });
    expect(codes()).toEqual(['reading-doubtful']);
    expect(events[0].message).toContain('The SINR of cycle 3 is');
    expect(records.map(({ doubt }) => doubt !== undefined)).toEqual(records.map(({ cycle }) => cycle >= 3));
    const [marked] = records.slice(-1);
    expect(marked.doubt).toMatch(words);
    expect([...marked.measuredSnrDb]).toEqual([...(measures(8).snrDb ?? [10, 20])]);
    expect(Math.round(1000 * marked.measuredSumRate) / 1000).toEqual(rate);
  });
});

describe('another board on a link', () => {
  it('is told, and named in every record from then on and for the manifest', async () => {
    const board = (cycle: number): Partial<BoardUsed> => (cycle >= 5 ? { panel: 'B', firmware: '2.0' } : {});
    const { loop, records, events, changes, codes } = rigThat({ cycles: 8, board });
    await loop.start();
    expect(codes()).toEqual(['other-board']);
    expect(events[0].message).toBe('On link left another board answers: B (2.0), before A (1.0).');
    expect(records.map(({ panels }) => panels).join('')).toBe('AAAAABBB');
    expect(changes).toEqual([
      { cycle: 0, model: { id: 'first', kind: 'baseline' } },
      { cycle: 0, boards: [expect.objectContaining({ link: 'left', panel: 'A' })] },
      { cycle: 5, boards: [expect.objectContaining({ link: 'left', panel: 'B', firmware: '2.0' })] },
    ]);
  });

  it('is told too when it is the same one with other firmware, and one that has not answered yet is no other', async () => {
    const newer = rigThat({ cycles: 4, board: (cycle) => (cycle >= 2 ? { firmware: '1.1' } : {}) });
    await newer.loop.start();
    expect(newer.events.map(({ message }) => message)).toEqual([
      'On link left the board has other firmware: A (1.1), before A (1.0).',
    ]);
    const silent = rigThat({ cycles: 4, board: (cycle) => (cycle >= 2 ? {} : { panel: '', firmware: '' }) });
    await silent.loop.start();
    expect(silent.codes()).toEqual([]);
    expect(silent.records.map(({ panels }) => panels)).toEqual(['', '', 'A', 'A']);
  });
});

it('names each model that took over, for the manifest', async () => {
  const { loop, records, changes } = rigThat({ cycles: 30 });
  const done = loop.start();
  await new Promise<void>((resolve) => loop.onCycle(({ cycle }) => cycle === 9 && resolve()));
  expect(await loop.switchModel('second')).toEqual({ ok: true });
  await done;
  const from = records.find(({ modelId }) => modelId === 'second')?.cycle;
  expect(changes.filter((change) => 'model' in change)).toEqual([
    { cycle: 0, model: { id: 'first', kind: 'baseline' } },
    { cycle: from, model: { id: 'second', kind: 'baseline' } },
  ]);
});

it('tells of an array that drifts away from what is predicted, once, with the likely cause', async () => {
  const drifts = (cycle: number, { snrDb }: MeasuredSnr) => ({ snrDb: snrDb.map((db) => db - Math.max(0, cycle - 3000) / 3000) });
  const { loop, events, codes } = rigThat({ cycles: 12_000, measures: drifts });
  await loop.start();
  expect(codes()).toEqual(['prediction-drift']);
  expect(events[0]).toMatchObject({
    level: 'warning',
    message: expect.stringMatching(/^Predicted less measured has grown from .* to .* bit\/s\/Hz since cycle 3\d\d\d/) as string,
    action: expect.stringMatching(/^Likely cause: phases of elements drift/) as string,
  });
});

it('begins anew with another Q, which changes what is predicted', async () => {
  const { loop, codes } = rigThat({
    cycles: 9000,
    measures: (cycle, { snrDb }) => ({ snrDb: snrDb.map((db) => db - (cycle > 4000 ? 1 : 0)) }),
  });
  const leave = loop.onCycle(({ cycle }) => {
    if (cycle !== 4000) return;
    leave();
    void loop.setPhaseBits(2);
  });
  await loop.start();
  expect(codes()).toEqual(['phase-bits']);
});

it('does not blame a stage where a cycle fits on average, and some come late', async () => {
  const { loop, events, codes } = rigThat({ cycles: 400, sleepsMs: (cycle) => (cycle % 10 === 0 ? 250 : 1) });
  await loop.start();
  expect(codes()).toEqual(['too-slow']);
  expect(events[0].message).toMatch(/a cycle takes \d+\.\d ms and would fit, but some begin late/);
});

it('says of a loop that cannot keep its rate how fast it is, and which stage takes the time', async () => {
  const { loop, events, codes } = rigThat({ cycles: 400, sleepsMs: () => 120 });
  const done = loop.start();
  await new Promise<void>((resolve) => loop.onCycle(({ cycle }) => cycle === 300 && resolve()));
  expect(loop.describe().slow).toMatchObject({ askedPerSecond: 20, stage: 'measure' });
  await done;
  expect(codes()).toEqual(['too-slow']);
  expect(events[0].message).toMatch(
    /^The loop runs \d\.\d times a second, and 20 are asked for: .* ms of them in 'measure'\.|in 'measure'\.$/,
  );
});

it('says nothing of the pace while the loop is paused: no stage takes any time then', async () => {
  const { loop } = rigThat({ cycles: 200, sleepsMs: () => 120 });
  const done = loop.start();
  await new Promise<void>((resolve) => loop.onCycle(({ cycle }) => cycle === 150 && resolve()));
  expect(loop.describe().slow).not.toBeNull();
  await loop.pause();
  expect(loop.describe().slow).toBeNull();
  await loop.run();
  await done;
});
