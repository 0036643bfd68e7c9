import { expect, it, vi } from 'vitest';
import { fromPhases, matmul } from '../../signal/complex-matrix.ts';
import { connectionMask } from '../../signal/geometry.ts';
import { wordsToPhases } from '../../signal/quantise.ts';
import { beampatternDb } from '../../signal/rate.ts';
import { StandInRig } from '../../test/browser/stand-in-rig.ts';
import { BeampatternView } from './beampattern-view.ts';

it.each(['full', 'sub'] as const)(
  'is the beampattern of the words that were commanded, on a %s-connected array',
  (connection) => {
    const rig = new StandInRig();
    rig.cycleOnce();
    const latest = rig.latest()!;
    const panel = new BeampatternView().at(0, { ...rig.describe(), connection }, () => latest)!;
    const mask = connectionMask(connection, 64, 4);
    const precoder = matmul(fromPhases(wordsToPhases(latest.words, 6), 64, 4, mask), latest.digital);
    const azimuthRad = Float64Array.from({ length: 361 }, (_, i) => ((i / 2 - 90) * Math.PI) / 180);
    const expected = beampatternDb({ kind: 'ula', elements: 64, spacingWavelengths: 0.5 }, precoder, azimuthRad);
    for (let i = 0; i < 361; i++) expect(panel.commandedDb[i]).toBeCloseTo(expected[i], 3);
  },
);

it('follows the rig ten times a second at most, however often it is asked', () => {
  const rig = new StandInRig();
  const view = new BeampatternView();
  const cycles = new Set<number | undefined>();
  for (let nowMs = 0; nowMs < 1000; nowMs += 10) {
    rig.cycleOnce();
    cycles.add(view.at(nowMs, rig.describe(), () => rig.latest())?.cycle);
  }
  expect(cycles.size).toBeGreaterThan(0);
  expect(cycles.size).toBeLessThanOrEqual(10);
});

it('shows a beam that stands, however long the calculation of the one before has taken', () => {
  const rig = new StandInRig();
  const view = new BeampatternView();
  const shown = (nowMs: number): number | undefined => view.at(nowMs, rig.describe(), () => rig.latest())?.cycle;
  rig.cycleOnce();
  const machine = vi.spyOn(performance, 'now').mockReturnValueOnce(0).mockReturnValueOnce(60);
  expect(shown(0)).toBe(0);
  machine.mockRestore();
  rig.cycleOnce();
  expect(shown(200)).toBe(0); // 60 ms are a fiftieth of 3 s
  rig.cycleOnce();
  expect(shown(400)).toBe(0);
  expect(shown(600)).toBe(0);
  expect(shown(700)).toBe(2);
});
