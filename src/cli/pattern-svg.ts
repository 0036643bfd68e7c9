/** The calculated pattern of a beam as a picture: its cut over azimuth and, of a planar array, over elevation, both through the main lobe. */
import { powerTowards } from '../../core/signal/beampattern.ts';
import type { CMatrix } from '../../core/signal/complex-matrix.ts';
import type { ArrayGeometry } from '../../core/signal/geometry.ts';
import { patternMetrics } from '../../core/signal/pattern-metrics.ts';
import { toDb } from '../../core/signal/rate.ts';
import type { Direction } from '../../core/signal/steering.ts';
import { plotSvgFile } from '../../models/report/svg-file.ts';

const STEP_DEG = 0.25;
const RAD = Math.PI / 180;
/** Below the peak; what is weaker is drawn there. */
const FLOOR_DB = -50;

/**
 * @param precoder X = A·D, N×K, A as the elements show it
 * @returns undefined of a beam that radiates nothing
 */
export function patternSvg(geometry: ArrayGeometry, precoder: CMatrix, to: Direction, title: string): string | undefined {
  const metrics = patternMetrics(geometry, precoder, to);
  if (metrics === undefined) return undefined;
  const { azimuthRad, elevationRad } = metrics.peak;
  const most = powerTowards(geometry, precoder, azimuthRad, elevationRad);
  const x = Array.from({ length: 180 / STEP_DEG + 1 }, (_, i) => -90 + STEP_DEG * i);
  const cut = (at: (rad: number) => Direction): number[] =>
    x.map((deg) => {
      const place = at(deg * RAD);
      return Math.max(FLOOR_DB, toDb(powerTowards(geometry, precoder, place.azimuthRad, place.elevationRad) / most));
    });
  const isPlanar = geometry.kind === 'upa';
  const overAzimuth = { x, y: cut((rad) => ({ azimuthRad: rad, elevationRad })) };
  const lines = isPlanar
    ? [
        { label: `over azimuth, at elevation ${(elevationRad / RAD).toFixed(1)}°`, ...overAzimuth },
        {
          label: `over elevation, at azimuth ${(azimuthRad / RAD).toFixed(1)}°`,
          ...{ x, y: cut((rad) => ({ azimuthRad, elevationRad: rad })), dashed: true },
        },
      ]
    : [{ label: 'over azimuth', ...overAzimuth }];
  return plotSvgFile({ title, x: { label: 'degrees' }, y: { label: 'power beside the peak, dB' }, lines });
}
