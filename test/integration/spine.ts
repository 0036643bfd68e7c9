/** A rig on virtual time for the tests of the whole spine, with everything it recorded at hand. */
import { fileURLToPath } from 'node:url';
import { createVirtualClock } from '../../core/clock/virtual-clock.ts';
import type { VirtualClock } from '../../core/clock/virtual-clock.ts';
import type { Simulator } from '../../src/rig/simulator.ts';
import { readRigFile } from '../../src/config/rig-file.ts';
import type { RigFile } from '../../src/config/rig-file.ts';
import type { CycleView } from '../../src/control/controller.ts';
import { assembleRig } from '../../src/rig/assemble.ts';
import type { AssembleOptions, Rig } from '../../src/rig/assemble.ts';
import type { CycleRecord, RigEvent } from '../../src/telemetry/cycle-record.ts';

export const demoRig = (): RigFile => readRigFile(fileURLToPath(new URL('../../examples/rigs/demo.yaml', import.meta.url)));

/** The demo rig with a part of it changed. */
export function demoWith(change: (rig: RigFile) => void): RigFile {
  const rig = demoRig();
  change(rig);
  return rig;
}

export interface Spine {
  rig: Rig;
  simulator: Simulator;
  clock: VirtualClock;
  records: CycleRecord[];
  events: RigEvent[];
  /** The view of every cycle that had a beam, by cycle. */
  views: Map<number, CycleView>;
}

export async function assembleSpine(options: Partial<AssembleOptions> = {}): Promise<Spine> {
  const clock = createVirtualClock();
  const records: CycleRecord[] = [];
  const events: RigEvent[] = [];
  const views = new Map<number, CycleView>();
  const rig = await assembleRig({
    rig: demoRig(),
    clock,
    recorder: { cycle: (record) => records.push(record), event: (event) => events.push(event) },
    ...options,
  });
  if (rig.simulator === undefined) throw new Error('the tests of the spine run on the simulator');
  rig.controller.onCycle((record) => {
    const view = rig.controller.latest();
    if (view?.record === record) views.set(record.cycle, view);
  });
  return { rig, simulator: rig.simulator, clock, records, events, views };
}

/** A record without what depends on the machine's speed. */
export function withoutTimes(record: CycleRecord): Omit<CycleRecord, 'timeNs' | 'stageMs' | 'cycleMs'> {
  const { timeNs: _timeNs, stageMs: _stageMs, cycleMs: _cycleMs, ...rest } = record;
  return rest;
}
