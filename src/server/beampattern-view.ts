/**
 * The beampattern for the page, from the words the panel was given and the digital precoder of the same cycle. It is calculated only when
 * somebody looks, never twice for one cycle, and so seldom that it takes at most a fiftieth of the machine's time; but a beam that stands is
 * shown soon. Its grid grows with the array and has the users' directions among its points.
 */
import { azimuthCut, elevationCut, type PatternCut } from '../../core/signal/beampattern.ts';
import { fromPhases, matmul } from '../../core/signal/complex-matrix.ts';
import type { CMatrix } from '../../core/signal/complex-matrix.ts';
import { connectionMask } from '../../core/signal/geometry.ts';
import type { ArrayGeometry } from '../../core/signal/geometry.ts';
import { wordsToPhases } from '../../core/signal/quantise.ts';
import { toDb } from '../../core/signal/rate.ts';
import type { RigDescription } from '../control/controller.ts';
import type { ShownBeam } from './radiation.ts';
import type { BeampatternPlot, PatternCutPlot } from './socket-contract.ts';

const SHORTEST_INTERVAL_MS = 100;
const SHARE_OF_TIME = 0.02;
/** No newer beam is on its way after so long: the page would go on to call an older pattern the last that is known to radiate. */
const STANDS_MS = 300;
/** A perfect null stays a number. */
const FLOOR_DB = -120;
const DEG = Math.PI / 180;

export class BeampatternView {
  #plot: BeampatternPlot<Float32Array> | undefined;
  #notBeforeMs = -Infinity;
  /** The newest cycle, and when it was first seen. */
  #newest = { cycle: -1, sinceMs: -Infinity };

  /** The newest pattern; calculated anew from `latest()` when one is due. */
  at(nowMs: number, rig: RigDescription, latest: () => ShownBeam | undefined): BeampatternPlot<Float32Array> | undefined {
    const view = latest();
    if (!view) return this.#plot;
    const { cycle } = view.record;
    if (cycle !== this.#newest.cycle) this.#newest = { cycle, sinceMs: nowMs };
    const due = nowMs >= this.#notBeforeMs || nowMs - this.#newest.sinceMs >= STANDS_MS;
    if (due && cycle !== this.#plot?.cycle) {
      const beforeMs = performance.now();
      this.#plot = this.#calculate(rig, view);
      this.#notBeforeMs = nowMs + Math.max(SHORTEST_INTERVAL_MS, (performance.now() - beforeMs) / SHARE_OF_TIME);
    }
    return this.#plot;
  }

  #calculate(rig: RigDescription, view: ShownBeam): BeampatternPlot<Float32Array> {
    const geometry = geometryOf(rig);
    const connection = connectionMask(rig.connection, rig.elements, rig.rfChains);
    const precoder = (phaseRad: Float64Array): CMatrix =>
      matmul(fromPhases(phaseRad, rig.elements, rig.rfChains, connection), view.digital);
    const commanded = precoder(wordsToPhases(view.words, view.record.phaseBits));
    const wanted = precoder(view.analogPhase);
    const azimuths = Array.from(view.userAzimuthRad);
    const users = azimuths.map((rad, user) => ({ user, rad }));
    const cuts = [
      cutPlot('azimuth', 0, users, (of, towards) => azimuthCut(geometry, of === 'commanded' ? commanded : wanted, towards)),
    ];
    if (geometry.kind === 'upa') {
      const [atRad = 0] = azimuths;
      // All users stand at elevation 0; in this plane are those who share its azimuth.
      const inPlane = azimuths.flatMap((rad, user) => (rad === atRad ? [{ user, rad: 0 }] : []));
      const cut = (of: Line, towards: number[]): PatternCut =>
        elevationCut(geometry, of === 'commanded' ? commanded : wanted, atRad, towards);
      cuts.push(cutPlot('elevation', atRad, inPlane, cut));
    }
    return { cycle: view.record.cycle, cuts };
  }
}

type Line = 'commanded' | 'wanted';

function cutPlot(
  axis: 'azimuth' | 'elevation',
  atRad: number,
  users: readonly { user: number; rad: number }[],
  cut: (of: Line, towards: number[]) => PatternCut,
): PatternCutPlot<Float32Array> {
  const towards = users.map(({ rad }) => rad);
  const { anglesRad, power, places } = cut('commanded', towards);
  return {
    axis,
    atDeg: atRad / DEG,
    anglesDeg: Float32Array.from(anglesRad, (rad) => rad / DEG),
    commandedDb: inDb(power),
    wantedDb: inDb(cut('wanted', towards).power),
    users: users.map(({ user, rad }, i) => ({ user, deg: rad / DEG, place: places[i] })),
  };
}

const inDb = (power: Float64Array): Float32Array => Float32Array.from(power, (value) => Math.max(toDb(value), FLOOR_DB));

function geometryOf({ geometry, elements }: RigDescription): ArrayGeometry {
  const { kind, spacingWavelengths, rows = 1, columns = elements } = geometry;
  return kind === 'ula' ? { kind, elements, spacingWavelengths } : { kind, rows, columns, spacingWavelengths };
}
