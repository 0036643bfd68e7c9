/** A control loop whose panel follows a script, for the tests of the loop. */
import { createVirtualClock } from '../../core/clock/virtual-clock.ts';
import { fromParts } from '../../core/signal/complex-matrix.ts';
import { createRandom } from '../../core/signal/random.ts';
import { createControlLoop, type ControlLoop, type ControlLoopOptions } from '../../src/control/control-loop.ts';
import type { RigDescription } from '../../src/control/controller.ts';
import type { CycleRecord, RigEvent } from '../../src/telemetry/cycle-record.ts';
import { ELEMENTS, asRigPanel, fixedBeamformer, plainSetting, scriptedPanel } from './scripted-panel.ts';

/** Of two users. */
export const CHANNEL = fromParts(2, ELEMENTS, [1, 0.5, -0.2, 1, 0.3, -1, 0.8, 0.1], [0.2, 0.1, 1, -0.5, 0.4, 0.3, -0.9, 1]);

/** A control loop at a scripted panel, on virtual time, and everything that it told. */
export function rig(overrides: Partial<ControlLoopOptions> = {}) {
  const clock = createVirtualClock();
  const scripted = scriptedPanel(clock);
  const records: CycleRecord[] = [];
  const events: RigEvent[] = [];
  const random = createRandom(3);
  const loop = createControlLoop({
    setting: plainSetting(clock, CHANNEL),
    panel: asRigPanel(scripted.panel, 'simulator'),
    description: {
      name: 'test',
      modelId: '',
      phaseBits: 0,
      models: [{ id: 'words', title: '', kind: 'model' }],
    } as unknown as RigDescription,
    beamformer: fixedBeamformer('first'),
    openBeamformer: async (id) => fixedBeamformer(id),
    rateHz: 20,
    pipelined: false,
    safe: { state: 'mute' },
    random,
    sink: { cycle: (record) => records.push(record), event: (event) => events.push(event) },
    ...overrides,
  });
  return { clock, loop, records, events, codes: () => events.map(({ code }) => code), ...scripted };
}

/** Resolves after so many more cycles. */
export const cycles = (loop: ControlLoop, count: number): Promise<void> =>
  new Promise((resolve) => {
    let left = count;
    const leave = loop.onCycle(() => {
      if (--left > 0) return;
      leave();
      resolve();
    });
  });
