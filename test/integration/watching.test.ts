import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createVirtualClock } from '../../core/clock/virtual-clock.ts';
import { packageRoot } from '../../core/files/package-root.ts';
import { parseRigFile, type RigFile } from '../../src/config/rig-file.ts';
import { assembleRig } from '../../src/rig/assemble.ts';
import type { CycleRecord, RigEvent } from '../../src/telemetry/cycle-record.ts';

type Fault = RigFile['simulator']['faults'][number];

/** Seconds of learning and quiet before anything happens. */
const QUIET_S = 80;
/** Beside what the demo's array has wrong from the start, which no watch is to tell of. */
const IMPAIRED = { temperatureDriftDegPerMinute: 0 };

const REFUSES_PILOTS: RigFile['simulator']['behaviours'][number] = {
  ...{ do: 'nack', messages: ['measure-pilots'], code: 'unsupported-message', detail: 0 },
  ...{ direction: 'to-panel', probability: 1 },
};

/** Whole cycles at 20 a second on virtual time, the demo's array without its drift, and what is told of it. */
async function watched(
  faults: Fault[],
  {
    seconds = QUIET_S + 10,
    userSpeedMps = 1.4,
    watch = {},
    impairments = {},
    pilotReport = true,
    behaviours = [] as RigFile['simulator']['behaviours'],
    array = {},
    users = 4,
    boardElements = 16,
    records = [] as CycleRecord[],
  } = {},
) {
  const path = join(packageRoot(), 'examples', 'rigs', 'demo.yaml');
  const rig = parseRigFile(readFileSync(path, 'utf8'), path);
  const events: RigEvent[] = [];
  const clock = createVirtualClock();
  const watchedRig: RigFile = {
    ...rig,
    links: [],
    array: { ...rig.array, ...array },
    users: { count: users },
    calibration: { ...rig.calibration, watch: { ...rig.calibration.watch, boardElements, ...watch } },
    simulator: {
      ...rig.simulator,
      faults,
      userSpeedMps,
      behaviours,
      panel: { ...rig.simulator.panel, pilotReport },
      impairments: { ...rig.simulator.impairments, ...IMPAIRED, ...impairments },
    },
    beamformer: { ...rig.beamformer, model: 'aligned', quantiser: 'nearest' },
  };
  const assembled = await assembleRig({
    rig: watchedRig,
    seed: 1,
    clock,
    recorder: { cycle: (record) => void records.push(record), event: (event) => void events.push(event) },
    cycles: seconds * 20,
    hardware: false,
  });
  await assembled.run();
  return events.filter(({ code }) => code !== 'fallback');
}

describe('an array that is watched', () => {
  it('names an element that dies, once', async () => {
    const events = await watched([{ do: 'die', atS: QUIET_S, elements: [23] }], { seconds: 240 });
    expect(events).toMatchObject([{ code: 'element-fault', action: 'Likely cause: element 23 is dead, or stuck.' }]);
  });

  it('names a board whose elements are off together', async () => {
    const elements = Array.from({ length: 16 }, (_, i) => 32 + i);
    const events = await watched([{ do: 'turn', atS: QUIET_S, elements, deg: 20 }]);
    expect(events).toMatchObject([
      { code: 'board-fault', action: expect.stringMatching(/^Likely cause: board 2 \(elements 32–47\) is turned/) as string },
    ]);
  });

  it('tells phases that drift from a board that does', async () => {
    const drift: Fault = { do: 'drift', atS: QUIET_S, degPerMinute: 2, together: false };
    expect(await watched([drift], { seconds: 500 })).toMatchObject([
      { code: 'prediction-drift', action: expect.stringMatching(/^Likely cause: phases of elements drift/) as string },
    ]);
  });

  it('names an element that dies while nobody moves, by the pilots of the beam that is on the air', async () => {
    const events = await watched([{ do: 'die', atS: QUIET_S, elements: [23] }], { userSpeedMps: 0 });
    expect(events).toMatchObject([{ code: 'element-fault', action: 'Likely cause: element 23 is dead, or stuck.' }]);
  });

  it('tells of it by SINRs alone where panels report no pilots, by name or as one of a few', async () => {
    const events = await watched([{ do: 'die', atS: QUIET_S, elements: [23] }], { userSpeedMps: 0, pilotReport: false });
    expect(events).toMatchObject([{ code: 'element-fault', action: expect.stringMatching(/^Likely cause: .*\b23\b/) as string }]);
  });

  it('does so where pilots are promised and refused, and says that it does not ask for them any more', async () => {
    const events = await watched([{ do: 'die', atS: QUIET_S, elements: [23] }], {
      userSpeedMps: 0,
      behaviours: [REFUSES_PILOTS],
    });
    expect(events).toMatchObject([
      { code: 'closer-look-failed', message: expect.stringMatching(/3 times in a row/) as string },
      { code: 'element-fault', action: expect.stringMatching(/^Likely cause: .*\b23\b/) as string },
    ]);
  });

  it('names an element that sticks', async () => {
    const events = await watched([{ do: 'stick', atS: QUIET_S, elements: [23], word: 16 }]);
    expect(events).toMatchObject([{ code: 'element-fault', action: expect.stringMatching(/^Likely cause: .*\b23\b/) as string }]);
  });

  it('has what it told of in the records from then on', async () => {
    const records: CycleRecord[] = [];
    await watched([{ do: 'die', atS: QUIET_S, elements: [23] }], { records });
    const healths = records.map(({ health }) => health);
    expect(healths[0]).toEqual({ flawedElements: 0, lostDb: 0 });
    expect(healths.at(-1)?.flawedElements).toBe(1);
    expect(healths.at(-1)?.lostDb).toBeGreaterThan(0);
  });

  it('of four elements is told which of them died', async () => {
    const events = await watched([{ do: 'die', atS: QUIET_S, elements: [2] }], {
      ...{ users: 2, boardElements: 2 },
      array: { geometry: { kind: 'ula', elements: 4, spacingWavelengths: 0.5 }, rfChains: 2 },
    });
    expect(events).toMatchObject([{ code: 'element-fault', action: 'Likely cause: element 2 is dead, or stuck.' }]);
  });

  it('says nothing of an array that stays as it is', async () => {
    expect(await watched([], { seconds: 600 })).toEqual([]);
  }, 120_000);
});

describe('elements that are measured again between cycles', () => {
  const watch = { everyCycles: 10, elements: 4 };

  it('go round and round, at a loss that is told, and are well where they are', async () => {
    const events = await watched([], { seconds: 40, watch });
    expect(new Set(events.map(({ code }) => code))).toEqual(new Set(['elements-measured']));
    expect(events[0].message).toMatch(/^All 64 elements were measured again between cycles: \d+ beams so far, .* % of all\.$/);
  });

  it('are measured on where a panel refuses for a while, and not where it goes on refusing', async () => {
    const refusing = (times: number) => watched([], { seconds: 12, watch, behaviours: [{ ...REFUSES_PILOTS, times }] });
    const [briefly, further] = [await refusing(2), await refusing(3)];
    expect(briefly.map(({ code }) => code)).toEqual(['element-check-failed', 'elements-measured']);
    expect(briefly[0].action).toBe('It is tried again when they are due.');
    expect(further.map(({ code }) => code)).not.toContain('elements-measured');
    expect(further.at(-1)?.action).toMatch(/^They are not measured any more in this run/);
  });

  it('that are dead are told of, and which of several suspects it is', async () => {
    const events = await watched([{ do: 'die', atS: QUIET_S, elements: [23] }], { userSpeedMps: 0, watch });
    expect(events.filter(({ code }) => code === 'element-flawed').map(({ message }) => message)).toEqual([
      'Element 23 was measured again, twice: it is dead.',
    ]);
  });

  it('that are stuck or weak from the start are told apart', async () => {
    const impairments = { stuckElements: [5], deadElements: [40] };
    const events = await watched([], { seconds: 30, watch, impairments });
    expect(events.flatMap(({ code, message }) => (code === 'element-flawed' ? [message] : [])).sort()).toEqual([
      'Element 40 was measured again, twice: it is dead.',
      'Element 5 was measured again, twice: it is stuck.',
    ]);
  });
});
