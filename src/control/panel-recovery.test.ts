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

/** A keeper that holds a simulated panel on a simulated link, with these faults, radiating its first beam. */
async function keeping(behaviours: Behaviour[]) {
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
  const keeper = createPanelRecovery({
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
  return { clock, keeper, radiate, safe, codes: () => events.map(({ code }) => code), close: () => virtual.close() };
}

const refused = (times: number, nth = 1): Behaviour => ({ do: 'nack', code: 'fault', messages: ['set-safe-state'], nth, times });

const silent = { reason: 'no-answer', request: 'measure-snr', attempts: 8, waitedMs: 2000 } as const;

describe('keeping hold of the panel', () => {
  it('leaves one that comes back and does nothing it is asked in its safe state, for longer each time', async () => {
    const { clock, keeper, safe, close } = await keeping([]);
    const lostAndBack = async (): Promise<number> => {
      keeper.failed(silent);
      keeper.failed(silent);
      const lostMs = clock.nowMs();
      expect(await keeper.recover(new AbortController().signal)).toBe('back');
      expect(await safe()).toBe(true);
      return clock.nowMs() - lostMs;
    };
    const rests: number[] = [];
    for (let round = 0; round < 5; round++) rests.push(await lostAndBack());
    expect(Math.max(...rests.slice(0, 2))).toBeLessThan(500);
    expect(rests.slice(2).map((ms) => Math.floor(ms / 1000))).toEqual([1, 2, 4]);
    keeper.worked();
    expect(await lostAndBack()).toBeLessThan(500);
    close();
  });

  it('tells once that the panel did not take its safe state, tries again with pauses, and tells when it did', async () => {
    const { clock, keeper, radiate, codes, close } = await keeping([refused(3)]);
    await keeper.arm();
    expect(codes()).toEqual(['safe-state-unconfirmed']);
    expect(keeper.guarded).toBe(false);
    for (let beamId = 1; beamId <= 30; beamId++) {
      await radiate(beamId);
      await keeper.arm();
      await clock.sleep(50);
    }
    expect(codes()).toEqual(['safe-state-unconfirmed', 'safe-state-confirmed']);
    expect(keeper.guarded).toBe(true);
    close();
  });

  it('counts on the panel to guard itself while its link is away, and not when it was restarted', async () => {
    const { keeper, close } = await keeping([]);
    await keeper.arm();
    expect(keeper.failed({ reason: 'link-closed', detail: 'cable pulled' })).toBeUndefined();
    expect([keeper.lost, keeper.guarded]).toEqual([true, true]);
    expect(await keeper.recover(new AbortController().signal)).toBe('back');
    const restarted = { reason: 'panel-restarted', detail: 'boot 2 instead of 1' } as const;
    const missed = [{ panel: 'left', failure: restarted }];
    expect(keeper.failed({ reason: 'array-split', switched: ['right'], missed })).toBeUndefined();
    expect([keeper.lost, keeper.guarded]).toEqual([true, false]);
    close();
  });

  it('leaves the array safe although the panel refuses twice and the link loses two commands', async () => {
    const lost: Behaviour = { do: 'drop', messages: ['set-safe-state'], nth: 4, times: 2 };
    const { keeper, radiate, safe, codes, close } = await keeping([lost, refused(2, 2)]);
    await keeper.arm();
    await radiate(1);
    expect(await safe()).toBe(false);
    expect(await keeper.makeSafe()).toBeUndefined();
    expect(await safe()).toBe(true);
    expect(codes()).toEqual([]);
    close();
  });

  it('gives words, within seconds, when the panel stalls on the command to be safe', async () => {
    const { clock, keeper, radiate, close } = await keeping([
      { do: 'stall', forMs: 60_000, messages: ['set-safe-state'], nth: 2 },
    ]);
    await keeper.arm();
    await radiate(1);
    const startMs = clock.nowMs();
    expect(await keeper.makeSafe()).toMatch(/did not answer|no answer/i);
    expect(clock.nowMs() - startMs).toBeLessThan(5000);
    close();
  });
});
