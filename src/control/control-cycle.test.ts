import { describe, expect, it } from 'vitest';
import { salehValenzuela } from '../../core/signal/channel.ts';
import { fromParts } from '../../core/signal/complex-matrix.ts';
import { zeroForcing } from '../../core/signal/precoders.ts';
import { createRandom } from '../../core/signal/random.ts';
import { sumRate } from '../../core/signal/rate.ts';
import { STAGES } from '../telemetry/cycle-record.ts';
import type { Clock } from '../../core/clock/clock.ts';
import { createVirtualClock } from '../../core/clock/virtual-clock.ts';
import { asRigPanel, fixedBeamformer, plainSetting, scriptedPanel } from '../../test/doubles/scripted-panel.ts';
import { CHANNEL } from '../../test/doubles/scripted-rig.ts';
import { toPanelBits } from './beam-on-wire.ts';
import { prepareCycle, radiateCycle, zfRate } from './control-cycle.ts';

describe('the yardstick of every cycle', () => {
  it('is the sum rate of zero-forcing, whether the users can be told apart or not', () => {
    const geometry = { kind: 'ula', elements: 16, spacingWavelengths: 0.5 } as const;
    for (let seed = 1; seed <= 20; seed++) {
      const channel = salehValenzuela({ random: createRandom(seed), geometry, users: 4, paths: 3, scale: 'unit-element' });
      for (const power of [0.1, 10, 1000]) {
        expect(zfRate(channel, power, 0.7)).toBeCloseTo(sumRate(channel, zeroForcing(channel, power), 0.7), 9);
      }
    }
    const twins = fromParts(2, 3, [1, 2, 3, 1, 2, 3], new Float64Array(6));
    expect(zfRate(twins, 10, 1)).toBeCloseTo(sumRate(twins, zeroForcing(twins, 10), 1), 9);
  });
});

describe('words of fewer bits on a panel of more', () => {
  it('keep their phases', () => {
    expect([...toPanelBits(Uint16Array.of(0, 1, 2, 3), 2, 6)]).toEqual([0, 16, 32, 48]);
    expect([...toPanelBits(Uint16Array.of(0, 1), 1, 16)]).toEqual([0, 32768]);
    expect([...toPanelBits(Uint16Array.of(5, 63), 6, 6)]).toEqual([5, 63]);
  });
});

describe('a cycle', () => {
  it('spends time in each of its stages: none is named and never gone through', async () => {
    const virtual = createVirtualClock();
    let nowMs = 0;
    const clock: Pick<Clock, 'nowMs' | 'epochNs' | 'during'> = {
      nowMs: () => ++nowMs, // every look at it takes a millisecond
      epochNs: () => 0n,
      during: (work) => work,
    };
    const setting = { ...plainSetting(virtual, CHANNEL), clock: clock as Clock };
    const { panel } = scriptedPanel(virtual);
    const apply: typeof panel.apply = async ({ beamId }) => ({
      ok: true,
      value: { beamId, panelTimeUs: 0n, pushMs: 2, commitMs: 3 },
    });
    const prepared = await prepareCycle(setting, fixedBeamformer('fixed'), 0);
    if (prepared === undefined) throw new Error('the source has a channel for every cycle');
    const on = asRigPanel({ ...panel, apply }, 'simulator');
    const radiating = radiateCycle(setting, on, prepared, 6, 1);
    await virtual.runUntilIdle();
    const { record } = await radiating;
    expect(record.outcome).toBe('ok');
    for (const stage of STAGES) expect(record.stageMs[stage], stage).toBeGreaterThan(0);
  });
});
