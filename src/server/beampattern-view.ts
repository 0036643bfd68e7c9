/**
 * The beampattern for the page, from the words the panel was given and the digital precoder of the same cycle. It is calculated only when
 * somebody looks, never twice for one cycle, and so seldom that it takes at most a fiftieth of the machine's time; but a beam that stands is
 * shown soon. The steering vectors, which cost most of what `beampatternDb` costs, are calculated once.
 */
import { conjTranspose, fromPhases, matmul, zeros } from '../../signal/complex-matrix.ts';
import type { CMatrix } from '../../signal/complex-matrix.ts';
import { connectionMask, steeringVector } from '../../signal/geometry.ts';
import type { ArrayGeometry } from '../../signal/geometry.ts';
import { wordsToPhases } from '../../signal/quantise.ts';
import { toDb } from '../../signal/rate.ts';
import type { CycleView, RigDescription } from '../control/controller.ts';
import type { BeampatternPanel } from './socket-contract.ts';

const POINTS = 361;
const SHORTEST_INTERVAL_MS = 100;
const SHARE_OF_TIME = 0.02;
/** No newer beam is on its way after so long: the page would go on to call an older pattern the last that is known to radiate. */
const STANDS_MS = 300;
/** As in `beampatternDb`: a perfect null stays a number. */
const FLOOR_DB = -120;
const DEG = Math.PI / 180;

export class BeampatternView {
  #panel: BeampatternPanel<Float32Array> | undefined;
  #notBeforeMs = -Infinity;
  /** The newest cycle, and when it was first seen. */
  #newest = { cycle: -1, sinceMs: -Infinity };
  /** 361×N, row i is a(θᵢ)ᴴ, of the array it was made for. */
  #steering: { geometry: ArrayGeometry; rows: CMatrix } | undefined;

  /** The newest pattern; calculated anew from `latest()` when one is due. */
  at(nowMs: number, rig: RigDescription, latest: () => CycleView | undefined): BeampatternPanel<Float32Array> | undefined {
    const view = latest();
    if (!view) return this.#panel;
    const { cycle } = view.record;
    if (cycle !== this.#newest.cycle) this.#newest = { cycle, sinceMs: nowMs };
    const due = nowMs >= this.#notBeforeMs || nowMs - this.#newest.sinceMs >= STANDS_MS;
    if (due && cycle !== this.#panel?.cycle) {
      const beforeMs = performance.now();
      this.#panel = this.#calculate(rig, view);
      this.#notBeforeMs = nowMs + Math.max(SHORTEST_INTERVAL_MS, (performance.now() - beforeMs) / SHARE_OF_TIME);
    }
    return this.#panel;
  }

  #calculate(rig: RigDescription, view: CycleView): BeampatternPanel<Float32Array> {
    const steering = this.#steeringOf(geometryOf(rig));
    const connection = connectionMask(rig.connection, rig.elements, rig.rfChains);
    const pattern = (phaseRad: Float64Array): Float32Array => {
      const analog = fromPhases(phaseRad, rig.elements, rig.rfChains, connection);
      return powerOfRowsDb(matmul(steering, matmul(analog, view.digital)));
    };
    return {
      cycle: view.record.cycle,
      firstDeg: -90,
      lastDeg: 90,
      commandedDb: pattern(wordsToPhases(view.words, view.record.phaseBits)),
      wantedDb: pattern(view.analogPhase),
      userAzimuthDeg: Array.from(view.userAzimuthRad, (rad) => rad / DEG),
    };
  }

  #steeringOf(geometry: ArrayGeometry): CMatrix {
    const known = this.#steering;
    if (known && JSON.stringify(geometry) === JSON.stringify(known.geometry)) return known.rows;
    const rows = steeringRows(geometry);
    this.#steering = { geometry, rows };
    return rows;
  }
}

function steeringRows(geometry: ArrayGeometry): CMatrix {
  const vectors = Array.from({ length: POINTS }, (_, i) => steeringVector(geometry, (-90 + (180 * i) / (POINTS - 1)) * DEG));
  const elements = vectors[0].rows;
  const out = zeros(POINTS, elements);
  vectors.forEach((vector, i) => {
    const row = conjTranspose(vector);
    out.re.set(row.re, i * elements);
    out.im.set(row.im, i * elements);
  });
  return out;
}

/** 10·log₁₀ of the sum of |entry|² of each row. */
function powerOfRowsDb({ rows, cols, re, im }: CMatrix): Float32Array {
  return Float32Array.from({ length: rows }, (_, row) => {
    let power = 0;
    for (let i = row * cols; i < (row + 1) * cols; i++) power += re[i] * re[i] + im[i] * im[i];
    return Math.max(toDb(power), FLOOR_DB);
  });
}

function geometryOf({ geometry, elements }: RigDescription): ArrayGeometry {
  const { kind, spacingWavelengths, rows = 1, columns = elements } = geometry;
  return kind === 'ula' ? { kind, elements, spacingWavelengths } : { kind, rows, columns, spacingWavelengths };
}
