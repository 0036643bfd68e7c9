import { describe, expect, it } from 'vitest';
import { createVirtualClock } from '../../core/clock/virtual-clock.ts';
import type { Behaviour } from '../../hil-sim/behaviours.ts';
import { createSimulatedArray } from '../../hil-sim/simulated-array.ts';
import { createMovingUsers } from '../../hil-sim/scene.ts';
import { createVirtualPanel } from '../../hil-sim/virtual-panel.ts';
import { createRandom } from '../../core/signal/random.ts';
import { createLoopbackLink } from '../link/loopback.ts';
import { createPanel } from '../panel/panel-driver.ts';
import type { RigEvent } from '../telemetry/cycle-record.ts';
import { createPanelRecovery } from './panel-recovery.ts';

/** The recovery of a simulated panel on a simulated link, with these faults, radiating its first beam. */
async function recovering(behaviours: Behaviour[]) {
  const clock = createVirtualClock();
  const random = createRandom(5);
  const geometry = { kind: 'ula', elements: 4, spacingWavelengths: 0.5 } as const;
  const scene = createMovingUsers({
    geometry,
    users: 1,
    paths: 2,
    scale: 'unit-element',
    speedMps: 0,
    carrierGhz: 28,
    random: random.stream('scene'),
  });
  const array = createSimulatedArray({ elements: 4, rfChains: 1, phaseBits: 4, random: random.stream('array'), impairments: {} });
  const virtual = createVirtualPanel({ clock, array, scene, noise: 1, random: random.stream('panel'), behaviours });
  const panel = createPanel({ link: createLoopbackLink(virtual, clock), clock, random: random.stream('driver') });
  const events: Omit<RigEvent, 'timeNs'>[] = [];
  const recovery = createPanelRecovery({
    panel,
    clock,
    random: random.stream('keeper'),
    safe: { state: 'mute' },
    silenceMs: 3000,
    tell: (event) => events.push(event),
  });
  expect((await panel.connect()).ok).toBe(true);
  const words = Uint16Array.of(1, 2, 3, 4);
  const radiate = async (beamId: number): Promise<void> => {
    const applied = await panel.apply({ beamId, phaseBits: 4, words });
    expect(applied.ok).toBe(true);
  };
  const safe = async (): Promise<boolean> => {
    const status = await panel.status();
    return status.ok && status.value.state === 'safe';
  };
  return { clock, recovery, radiate, safe, codes: () => events.map(({ code }) => code), close: () => virtual.close() };
}

const refused = (times: number, nth = 1): Behaviour => ({ do: 'nack', code: 'fault', messages: ['set-safe-state'], nth, times });

const silent = { reason: 'no-answer', request: 'measure-snr', attempts: 8, waitedMs: 2000 } as const;

describe('keeping hold of the panel', () => {
  it('leaves one that comes back and does nothing it is asked in its safe state, for longer each time', async () => {
    const { clock, recovery, safe, close } = await recovering([]);
    const lostAndBack = async (): Promise<number> => {
      recovery.failed(silent);
      recovery.failed(silent);
      const lostMs = clock.nowMs();
      expect(await recovery.recover(new AbortController().signal)).toBe('back');
      expect(await safe()).toBe(true);
      return clock.nowMs() - lostMs;
    };
    const rests: number[] = [];
    for (let round = 0; round < 5; round++) rests.push(await lostAndBack());
    expect(Math.max(...rests.slice(0, 2))).toBeLessThan(500);
    expect(rests.slice(2).map((ms) => Math.floor(ms / 1000))).toEqual([1, 2, 4]);
    recovery.worked();
    expect(await lostAndBack()).toBeLessThan(500);
    close();
  });

  it('tells once that the panel did not take its safe state, tries again with pauses, and tells when it did', async () => {
    const { clock, recovery, radiate, codes, close } = await recovering([refused(3)]);
    await recovery.arm();
    expect(codes()).toEqual(['safe-state-unconfirmed']);
    expect(recovery.guarded).toBe(false);
    for (let beamId = 1; beamId <= 30; beamId++) {
      await radiate(beamId);
      await recovery.arm();
      await clock.sleep(50);
    }
    expect(codes()).toEqual(['safe-state-unconfirmed', 'safe-state-confirmed']);
    expect(recovery.guarded).toBe(true);
    close();
  });

  it('counts on the panel to guard itself while its link is away, and not when it was restarted', async () => {
    const { recovery, close } = await recovering([]);
    await recovery.arm();
    expect(recovery.failed({ reason: 'link-closed', cause: 'unplugged', detail: 'cable pulled' })).toBeUndefined();
    expect([recovery.lost, recovery.guarded]).toEqual([true, true]);
    expect(await recovery.recover(new AbortController().signal)).toBe('back');
    const restarted = { reason: 'panel-restarted', detail: 'boot 2 instead of 1' } as const;
    const missed = [{ panel: 'left', failure: restarted }];
    expect(recovery.failed({ reason: 'array-split', switched: ['right'], missed })).toBeUndefined();
    expect([recovery.lost, recovery.guarded]).toEqual([true, false]);
    close();
  });

  it('leaves the array safe although the panel refuses twice and the link loses two commands', async () => {
    const lost: Behaviour = { do: 'drop', messages: ['set-safe-state'], nth: 4, times: 2 };
    const { recovery, radiate, safe, codes, close } = await recovering([lost, refused(2, 2)]);
    await recovery.arm();
    await radiate(1);
    expect(await safe()).toBe(false);
    expect(await recovery.makeSafe()).toBeUndefined();
    expect(await safe()).toBe(true);
    expect(codes()).toEqual([]);
    close();
  });

  it('gives words, within seconds, when the panel stalls on the command to be safe', async () => {
    const { clock, recovery, radiate, close } = await recovering([
      { do: 'stall', forMs: 60_000, messages: ['set-safe-state'], nth: 2 },
    ]);
    await recovery.arm();
    await radiate(1);
    const startMs = clock.nowMs();
    expect(await recovery.makeSafe()).toMatch(/did not answer|no answer/i);
    expect(clock.nowMs() - startMs).toBeLessThan(5000);
    close();
  });
});
