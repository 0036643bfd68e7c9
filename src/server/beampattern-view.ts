/**
 * The beampattern for the page, from the words the panel was given and the digital precoder of the same cycle. It is calculated only when
 * somebody looks, never twice for one cycle, and so seldom that it takes at most a fiftieth of the machine's time.
 */
import { fromPhases, matmul } from '../../signal/complex-matrix.ts';
import { connectionMask } from '../../signal/geometry.ts';
import type { ArrayGeometry } from '../../signal/geometry.ts';
import { wordsToPhases } from '../../signal/quantise.ts';
import { beampatternDb } from '../../signal/rate.ts';
import type { CycleView, RigDescription } from '../control/controller.ts';
import type { BeampatternPanel } from './socket-contract.ts';

const POINTS = 361;
const SHORTEST_INTERVAL_MS = 100;
const SHARE_OF_TIME = 0.02;
const DEG = Math.PI / 180;

const azimuthRad = Float64Array.from({ length: POINTS }, (_, i) => (-90 + (180 * i) / (POINTS - 1)) * DEG);

export class BeampatternView {
  #panel: BeampatternPanel<Float32Array> | undefined;
  #notBeforeMs = -Infinity;
  readonly #connection: 'full' | 'sub';

  constructor(connection: 'full' | 'sub') {
    this.#connection = connection;
  }

  /** The newest pattern; calculated anew from `latest()` when one is due. */
  at(nowMs: number, rig: RigDescription, latest: () => CycleView | undefined): BeampatternPanel<Float32Array> | undefined {
    if (nowMs < this.#notBeforeMs) return this.#panel;
    const view = latest();
    if (view && view.record.cycle !== this.#panel?.cycle) {
      const beforeMs = performance.now();
      this.#panel = calculate(rig, view, connectionMask(this.#connection, rig.elements, rig.rfChains));
      this.#notBeforeMs = nowMs + Math.max(SHORTEST_INTERVAL_MS, (performance.now() - beforeMs) / SHARE_OF_TIME);
    }
    return this.#panel;
  }
}

function calculate(rig: RigDescription, view: CycleView, connection: Uint8Array): BeampatternPanel<Float32Array> {
  const geometry = geometryOf(rig);
  const pattern = (phaseRad: Float64Array): Float32Array => {
    const analog = fromPhases(phaseRad, rig.elements, rig.rfChains, connection);
    return Float32Array.from(beampatternDb(geometry, matmul(analog, view.digital), azimuthRad));
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

function geometryOf({ geometry, elements }: RigDescription): ArrayGeometry {
  const { kind, spacingWavelengths, rows = 1, columns = elements } = geometry;
  return kind === 'ula' ? { kind, elements, spacingWavelengths } : { kind, rows, columns, spacingWavelengths };
}
