/**
 * The beampattern for the page, from the words the panel was given and the digital precoder of the same cycle. It is calculated only when
 * somebody looks, never twice for one cycle, and so seldom that it takes at most a fiftieth of the machine's time; but a beam that stands is
 * shown soon. Its grid grows with the array and has the directions of users and of sensing among its points.
 */
import { azimuthCut, elevationCut, type PatternCut } from '../../core/signal/beampattern.ts';
import { fromPhases, matmul, scale } from '../../core/signal/complex-matrix.ts';
import type { CMatrix } from '../../core/signal/complex-matrix.ts';
import { connectionMask } from '../../core/signal/geometry.ts';
import type { ArrayGeometry } from '../../core/signal/geometry.ts';
import { fromDb, toDb } from '../../core/signal/rate.ts';
import type { RigDescription, SensingWish } from '../control/controller.ts';
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
  at(
    nowMs: number,
    rig: RigDescription,
    latest: () => ShownBeam | undefined,
    sensing?: SensingWish,
  ): BeampatternPlot<Float32Array> | undefined {
    const view = latest();
    if (!view) return this.#plot;
    const { cycle } = view.record;
    if (cycle !== this.#newest.cycle) this.#newest = { cycle, sinceMs: nowMs };
    const due = nowMs >= this.#notBeforeMs || nowMs - this.#newest.sinceMs >= STANDS_MS;
    if (due && cycle !== this.#plot?.cycle) {
      const beforeMs = performance.now();
      this.#plot = this.#calculate(rig, view, sensing);
      this.#notBeforeMs = nowMs + Math.max(SHORTEST_INTERVAL_MS, (performance.now() - beforeMs) / SHARE_OF_TIME);
    }
    return this.#plot;
  }

  #calculate(rig: RigDescription, view: ShownBeam, sensing: SensingWish | undefined): BeampatternPlot<Float32Array> {
    const geometry = geometryOf(rig);
    const connection = connectionMask(rig.connection, rig.elements, rig.rfChains);
    const commanded = matmul(view.analog, view.digital);
    const wanted = matmul(fromPhases(view.analogPhase, rig.elements, rig.rfChains, connection), view.digital);
    const azimuths = Array.from(view.userAzimuthRad);
    const users = azimuths.map((rad, user) => ({ user, rad }));
    // √P·B radiates Ψ = P·B·Bᴴ.
    const lines = {
      ...{ commanded, wanted },
      ...(sensing === undefined ? {} : { wished: scale(sensing.factor, Math.sqrt(fromDb(rig.snrDb))) }),
    };
    const cuts = [cutPlot('azimuth', 0, users, lines, (x, towards) => azimuthCut(geometry, x, towards), sensing?.directionsDeg)];
    if (geometry.kind === 'upa') {
      const [atRad = 0] = azimuths;
      // All users stand at elevation 0; in this plane are those who share its azimuth.
      const inPlane = azimuths.flatMap((rad, user) => (rad === atRad ? [{ user, rad: 0 }] : []));
      const cut = (x: CMatrix, towards: number[]): PatternCut => elevationCut(geometry, x, atRad, towards);
      cuts.push(cutPlot('elevation', atRad, inPlane, { commanded, wanted }, cut));
    }
    return { cycle: view.record.cycle, cuts };
  }
}

interface Lines {
  commanded: CMatrix;
  wanted: CMatrix;
  /** By sensing. */
  wished?: CMatrix;
}

function cutPlot(
  axis: 'azimuth' | 'elevation',
  atRad: number,
  users: readonly { user: number; rad: number }[],
  { commanded, wanted, wished }: Lines,
  cut: (precoder: CMatrix, towards: number[]) => PatternCut,
  directionsDeg: readonly number[] = [],
): PatternCutPlot<Float32Array> {
  const towards = [...users.map(({ rad }) => rad), ...directionsDeg.map((deg) => deg * DEG)];
  const { anglesRad, power, places } = cut(commanded, towards);
  const directions = directionsDeg.map((deg, i) => ({ deg, place: places[users.length + i] }));
  return {
    axis,
    atDeg: atRad / DEG,
    anglesDeg: Float32Array.from(anglesRad, (rad) => rad / DEG),
    commandedDb: inDb(power),
    wantedDb: inDb(cut(wanted, towards).power),
    users: users.map(({ user, rad }, i) => ({ user, deg: rad / DEG, place: places[i] })),
    sensing: wished === undefined ? null : { wishedDb: inDb(cut(wished, towards).power), directions },
  };
}

const inDb = (power: Float64Array): Float32Array => Float32Array.from(power, (value) => Math.max(toDb(value), FLOOR_DB));

export function geometryOf({ geometry, elements }: RigDescription): ArrayGeometry {
  const { kind, spacingWavelengths, rows = 1, columns = elements } = geometry;
  return kind === 'ula' ? { kind, elements, spacingWavelengths } : { kind, rows, columns, spacingWavelengths };
}
