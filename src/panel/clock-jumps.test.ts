/** Panels whose clock jumps at any moment of a cycle: parts of a beam that were switched apart are no beam, and that is said. */
import { describe, expect, it } from 'vitest';
import { panelArray } from '../../test/panel-array.ts';
import type { PanelFailure } from './panel.ts';

/** Parts switched further apart than this make no beam, ms; and what the estimates of two clocks may be off by. */
const APART_MS = 20 + 1;

/** Two panels, the clock of the second of which jumps so far so long after a cycle began. */
async function story(jumpMs: number, atMs: number) {
  let now = 0;
  const rig = panelArray([{ elements: [0, 1, 2, 3] }, { elements: [4, 5, 6, 7], aheadMs: 60_000, jumpedMs: () => now }]);
  const failures: (PanelFailure | undefined)[] = [];
  const apartMs: number[] = [];
  await rig.clock.sleep(60_000); // a panel does not count to before its start
  expect((await rig.group.connect()).ok).toBe(true);
  let jumps: Promise<void> | undefined;
  for (let beamId = 1; beamId <= 40; beamId++) {
    const startMs = rig.clock.nowMs();
    if (beamId === 20) jumps = rig.clock.sleep(atMs).then(() => void (now = jumpMs));
    if (rig.group.capabilities === undefined) await rig.group.connect();
    const applied = await rig.group.apply(rig.beam(beamId));
    const measured = applied.ok ? await rig.group.measureSnr(beamId, 16) : applied;
    failures.push(measured.ok ? undefined : measured.failure);
    if (measured.ok) {
      const latched = rig.panels.map(({ radiated, latchedMs }) => latchedMs[radiated.lastIndexOf(beamId)]);
      apartMs.push(Math.abs(latched[0] - latched[1]));
    }
    await rig.clock.sleep(Math.max(0, 50 - (rig.clock.nowMs() - startMs)));
  }
  await jumps;
  return { failures, apartMs };
}

describe.each([465, -465, 60, -60, -5000])('a clock that jumps by %d ms', (jumpMs) => {
  it.each([0, 1, 3, 7, 11, 15, 23, 35, 45])(
    '%d ms into a cycle costs cycles that say so, and credits no beam in parts',
    async (atMs) => {
      const { failures, apartMs } = await story(jumpMs, atMs);
      expect(Math.max(...apartMs)).toBeLessThan(APART_MS);
      const told = failures.filter((failure) => failure !== undefined);
      expect(told.length, JSON.stringify(told)).toBeGreaterThanOrEqual(1);
      expect(told.length, JSON.stringify(told)).toBeLessThanOrEqual(3);
      expect(JSON.stringify(told)).toMatch(/clock-jumped|still-waiting/);
      expect(failures.slice(-15)).toEqual(new Array(15).fill(undefined));
    },
  );
});

it('a clock that does not jump is never said to, however it drifts', async () => {
  const rig = panelArray([
    { elements: [0, 1, 2, 3], driftPpm: 200 },
    { elements: [4, 5, 6, 7], driftPpm: -200, latencyMs: 8 },
  ]);
  await rig.group.connect();
  for (let beamId = 1; beamId <= 200; beamId++) {
    expect((await rig.group.apply(rig.beam(beamId))).ok).toBe(true);
    expect((await rig.group.measureSnr(beamId, 16)).ok).toBe(true);
    await rig.clock.sleep(beamId % 50 === 0 ? 5000 : 20);
  }
});
