import { expect, it, vi } from 'vitest';
import { fromPhases, matmul, scale } from '../../core/signal/complex-matrix.ts';
import { connectionMask } from '../../core/signal/geometry.ts';
import { wordsToPhases } from '../../core/signal/quantise.ts';
import { wantedCovarianceFactor } from '../../core/signal/wanted-pattern.ts';
import { beampatternDb } from '../../test/doubles/beampattern-by-definition.ts';
import { StandInRig } from '../../test/browser/stand-in-rig.ts';
import { BeampatternView } from './beampattern-view.ts';

it.each(['full', 'sub'] as const)(
  'is the beampattern of the words that were commanded, on a %s-connected array',
  (connection) => {
    const rig = new StandInRig();
    rig.cycleOnce();
    const mask = connectionMask(connection, 64, 4);
    const told = rig.latest()!;
    const latest = { ...told, analog: fromPhases(wordsToPhases(told.words, 6), 64, 4, mask) };
    const [cut, ...others] = new BeampatternView().at(0, { ...rig.describe(), connection }, () => latest)!.cuts;
    expect(others).toEqual([]);
    const precoder = matmul(latest.analog, latest.digital);
    const azimuthRad = Float64Array.from(cut.anglesDeg, (deg) => (deg * Math.PI) / 180);
    const expected = beampatternDb({ kind: 'ula', elements: 64, spacingWavelengths: 0.5 }, precoder, azimuthRad);
    // The page gets angles of 24 bits: in a steep place that is a thousandth of a dB.
    for (let i = 0; i < expected.length; i++) expect(cut.commandedDb[i]).toBeCloseTo(expected[i], 1);
    // The users' are exact.
    const towards = beampatternDb({ kind: 'ula', elements: 64, spacingWavelengths: 0.5 }, precoder, latest.userAzimuthRad);
    cut.users.forEach(({ user, place }) => expect(cut.commandedDb[place]).toBeCloseTo(towards[user], 4));
    expect(cut.users.map(({ user }) => user)).toEqual([0, 1, 2, 3]);
  },
);

it('shows the peaks of 1,024 elements where and as high as they are', () => {
  const rig = new StandInRig({ elements: 1024 });
  rig.cycleOnce();
  const latest = rig.latest()!;
  const [cut] = new BeampatternView().at(0, rig.describe(), () => latest)!.cuts;
  const precoder = matmul(fromPhases(wordsToPhases(latest.words, 6), 1024, 4), latest.digital);
  const fineRad = Float64Array.from({ length: 200_001 }, (_, i) => Math.asin(i / 100_000 - 1)).filter(
    (rad) => Math.min(...Array.from(latest.userAzimuthRad, (user) => Math.abs(rad - user))) < 0.001,
  );
  const peak = Math.max(...beampatternDb({ kind: 'ula', elements: 1024, spacingWavelengths: 0.5 }, precoder, fineRad));
  expect(Math.max(...cut.commandedDb)).toBeGreaterThan(peak - 0.25);
  expect(Math.max(...cut.commandedDb)).toBeLessThan(peak + 0.01);
});

it('cuts a planar array twice: over azimuth, and over elevation at the first user', () => {
  const rig = new StandInRig();
  rig.cycleOnce();
  const latest = rig.latest()!;
  const description = { ...rig.describe(), geometry: { kind: 'upa', spacingWavelengths: 0.5, rows: 4, columns: 16 } as const };
  const { cuts } = new BeampatternView().at(0, description, () => latest)!;
  expect(cuts.map(({ axis }) => axis)).toEqual(['azimuth', 'elevation']);
  const [azimuth, elevation] = cuts;
  expect(elevation.atDeg).toBeCloseTo((latest.userAzimuthRad[0] * 180) / Math.PI, 10);
  // The two cross at user 0, who stands at elevation 0.
  expect(elevation.users).toMatchObject([{ user: 0, deg: 0 }]);
  expect(elevation.commandedDb[elevation.users[0].place]).toBeCloseTo(azimuth.commandedDb[azimuth.users[0].place], 3);
});

it('has the pattern that sensing wishes for on the same angles, with the directions among them', () => {
  const rig = new StandInRig();
  rig.cycleOnce();
  const latest = rig.latest()!;
  const geometry = { kind: 'ula', elements: 64, spacingWavelengths: 0.5 } as const;
  const factor = wantedCovarianceFactor(geometry, { directionsRad: [-1, 0.5], halfWidthRad: 0.1, streams: 4 });
  const directionsDeg = [-1, 0.5].map((rad) => (rad * 180) / Math.PI);
  const wish = { factor, weight: 0.3, directionsDeg };
  const [cut] = new BeampatternView().at(0, rig.describe(), () => latest, wish)!.cuts;
  const { sensing } = cut;
  expect(sensing?.directions.map(({ deg }) => deg)).toEqual(directionsDeg);
  for (const { deg, place } of sensing!.directions) expect(cut.anglesDeg[place]).toBeCloseTo(deg, 4);
  expect(cut.users.map(({ deg, place }) => Math.abs(cut.anglesDeg[place] - deg) < 1e-4)).toEqual([true, true, true, true]);
  // √P·B radiates it; the rig's P is 10 dB.
  const azimuthRad = Float64Array.from(cut.anglesDeg, (deg) => (deg * Math.PI) / 180);
  const expected = beampatternDb(geometry, scale(factor, Math.sqrt(10)), azimuthRad);
  expect(sensing?.wishedDb).toHaveLength(cut.anglesDeg.length);
  expected.forEach((level, i) => level > 0 && expect(sensing!.wishedDb[i]).toBeCloseTo(level, 1));
  // Without it, and over elevation, there is none.
  expect(new BeampatternView().at(0, rig.describe(), () => latest)!.cuts[0].sensing).toBeNull();
  const planar = { ...rig.describe(), geometry: { kind: 'upa', spacingWavelengths: 0.5, rows: 4, columns: 16 } as const };
  const { cuts } = new BeampatternView().at(0, planar, () => latest, wish)!;
  expect(cuts.map((each) => each.sensing === null)).toEqual([false, true]);
});

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
