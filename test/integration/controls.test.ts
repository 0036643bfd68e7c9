/** Whatever somebody presses, in whatever order and moment, on a bench that loses frames, restarts and is unplugged. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Behaviour } from '../../hil-sim/behaviours.ts';
import type { ControlResult } from '../../src/control/controller.ts';
import { assembleSpine, demoWith } from './spine.ts';

const press = fc.oneof(
  fc.record({ do: fc.constantFrom('run' as const, 'pause' as const) }),
  fc.record({ do: fc.constantFrom('run' as const, 'pause' as const) }),
  fc.record({ do: fc.constantFrom('lose' as const, 'reset' as const) }),
  fc.record({ do: fc.constant('model' as const), id: fc.constantFrom('aligned', 'pga') }),
  fc.record({ do: fc.constant('bits' as const), bits: fc.integer({ min: 1, max: 6 }) }),
);
const step = fc.record({ press, thenMs: fc.constantFrom(0, 0.1, 0.3, 0.6, 60, 1000) });
const bad: Behaviour[] = [
  { do: 'drop', probability: 0.03 },
  { do: 'drop', probability: 0.03, direction: 'to-host' },
];

it('keeps what it promises under any story of controls', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 8, maxLength: 20 }),
      fc.boolean(),
      fc.boolean(),
      async (steps, faults, pipelined) => {
        const rig = demoWith((file) => {
          file.beamformer.model = 'aligned';
          file.array.geometry = { kind: 'ula', elements: 8, spacingWavelengths: 0.5 };
        });
        const spine = await assembleSpine({ rig, behaviours: faults ? bad : [], latencyMs: 0.2, pipelined });
        const { controller } = spine.rig;
        const { panel, link } = spine.simulator;
        const answers: Promise<unknown>[] = [];
        const done = spine.rig.run();
        await spine.clock.sleep(120);
        let pauses = 0;
        /** Pauses that were answered while the array still radiated. */
        const unsafe: number[] = [];
        for (const { press: what, thenMs } of steps) {
          if (what.do === 'run') answers.push(controller.run());
          if (what.do === 'pause') {
            const mine = ++pauses;
            const safe = (result: ControlResult): void => {
              const stillPaused = result.ok && mine === pauses && controller.state === 'paused';
              if (stillPaused && panel.radiated().beamId !== 0) unsafe.push(mine);
            };
            answers.push(controller.pause().then(safe));
          }
          if (what.do === 'model') answers.push(controller.switchModel(what.id));
          if (what.do === 'bits') answers.push(controller.setPhaseBits(what.bits));
          if (what.do === 'lose') link.lose('pulled');
          if (what.do === 'reset') panel.reset(5);
          if (thenMs > 0) await spine.clock.sleep(thenMs);
        }
        await spine.clock.sleep(1500);
        const before = controller.state;
        expect(['running', 'paused']).toContain(before);
        const count = spine.records.length;
        await spine.clock.sleep(3000);
        if (before === 'running') expect(spine.records.length).toBeGreaterThan(count + 5);
        else expect(spine.records.length).toBe(count);
        if (before === 'paused') expect(panel.radiated().beamId).toBe(0);
        await controller.stop();
        await done;
        await Promise.all(answers);
        expect(unsafe).toEqual([]);
        expect(controller.state).toBe('stopped');
        await spine.clock.runUntilIdle();
        expect(panel.radiated().beamId).toBe(0);
        for (const record of spine.records) {
          if (record.outcome === 'void') expect([...record.measuredSnrDb].every(Number.isNaN)).toBe(true);
        }
        const ids = spine.records.filter(({ outcome }) => outcome === 'ok').map(({ beamId }) => beamId);
        expect(ids.every((id) => id > 0)).toBe(true);
        expect(ids).toEqual([...new Set(ids)].sort((a, b) => a - b));
      },
    ),
    { numRuns: 12, seed: 1 },
  );
}, 60_000);
