/** Cycles before the first: they turn, they end with what they fill the time of, and the rig that runs afterwards is as it would have been. */
import { describe, expect, it } from 'vitest';
import { createRealClock } from '../../core/clock/real-clock.ts';
import { demoWith, withoutTimes } from '../../test/integration/spine.ts';
import type { RigFile } from '../config/rig-file.ts';
import type { CycleView } from '../control/controller.ts';
import type { CycleRecord, RigEvent } from '../telemetry/cycle-record.ts';
import { assembleRig } from './assemble.ts';
import { CYCLES, rehearse } from './rehearsal.ts';

const clock = createRealClock();
const aligned = (change: (rig: RigFile) => void = () => undefined): RigFile =>
  demoWith((rig) => {
    rig.beamformer.model = 'aligned';
    change(rig);
  });
const never = new Promise(() => undefined);

/** What a rig leaves behind of five cycles, without what depends on the machine's speed. */
async function fiveCycles(rig: RigFile, rehearsed: boolean) {
  const records: CycleRecord[] = [];
  const events: RigEvent[] = [];
  const views: CycleView[] = [];
  const { controller, run } = await assembleRig({
    rig,
    clock,
    rateHz: 'max',
    cycles: 5,
    hardware: false,
    rehearse: rehearsed,
    recorder: { cycle: (record) => records.push(record), event: (event) => events.push(event) },
  });
  controller.onCycle(() => views.push(controller.latest() as CycleView));
  const outcome = await run();
  return {
    outcome,
    records: records.map(({ link, ...record }) => ({ ...withoutTimes({ link, ...record }), link: { ...link, roundTripMs: 0 } })),
    events: events.map(({ code, message }) => ({ code, message })),
    beams: views.map(({ words, digital, channel }) => ({ words, digital, channel })),
  };
}

describe('a rehearsal', () => {
  it('ends by itself when enough cycles have turned', async () => {
    expect(await rehearse(aligned(), clock, never)).toBe(CYCLES);
  });

  it.each<[string, (rig: RigFile) => void]>([
    ['takes its time to answer', (rig) => (rig.simulator.panel.answerMs = 60_000)],
    ['is far away', (rig) => (rig.simulator.panel.latencyMs = 60_000)],
    ['answers nothing', (rig) => (rig.simulator.behaviours = [{ do: 'drop', direction: 'to-host', probability: 1 }])],
  ])('waits for no simulated panel that %s', async (_, change) => {
    expect(await rehearse(aligned(change), clock, never)).toBe(CYCLES);
  });

  it.each<[string, (rig: RigFile) => void]>([
    ['a large one with dead elements', large],
    ['of a single element and user', tiny],
    ['of three chains with blocks of their own, and a codeword for its safe state', inBlocks],
    ['whose baseline is for more chains than are rehearsed with', (rig) => (rig.beamformer.model = 'two-phase')],
  ])('turns for an array %s', async (_, change) => {
    expect(await rehearse(aligned(change), clock, never)).toBe(CYCLES);
  });

  it('ends with what is being opened, also where that fails, and says nothing', async () => {
    await rehearse(aligned(), clock, Promise.resolve());
    await rehearse(aligned(), clock, Promise.reject(new Error('no such model')));
  });

  it('leaves no trace in the rig that runs after it', async () => {
    expect(await fiveCycles(aligned(), true)).toEqual(await fiveCycles(aligned(), false));
  });
});

function large(rig: RigFile): void {
  rig.array.geometry = { kind: 'upa', rows: 64, columns: 64, spacingWavelengths: 0.5 };
  rig.array.rfChains = 16;
  rig.users.count = 16;
  rig.simulator.impairments.deadElements = [4000];
}

function tiny(rig: RigFile): void {
  rig.array.geometry = { kind: 'ula', elements: 1, spacingWavelengths: 0.5 };
  rig.array.rfChains = 1;
  rig.users.count = 1;
}

function inBlocks(rig: RigFile): void {
  Object.assign(rig.array, { connection: 'sub', rfChains: 3 });
  rig.users.count = 3;
  Object.assign(rig, { safeState: 'codeword', safeCodeword: { azimuthDeg: 10 } });
}
