/** What `beamrig evaluate` is told of sensing: directions, or a covariance of one's own for all SNRs or for each. */
import { BeamrigError } from '../../core/errors/beamrig-error.ts';
import type { Sensing } from '../../core/signal/sensing.ts';
import { patternGrid, wantedCovarianceFactor } from '../../core/signal/wanted-pattern.ts';
import { readCovarianceFile } from '../config/covariance-file.ts';
import { DEFAULT_SENSING_WEIGHT, DEFAULT_WIDTH_DEG } from '../config/sensing-schema.ts';
import { numberList, realNumber } from './arguments.ts';

export interface SensingTyped {
  omega?: string;
  sensing?: string;
  sensingWidth?: string;
  covariance?: string;
}

export interface EvaluatedSensing {
  /** At every SNR, or at each of them. */
  sensing: Sensing[];
  /** For `--json`. */
  told: { weight: number } & ({ directionsDeg: number[]; widthDeg: number } | { file: string; sha256: string; count: number });
}

const RAD = Math.PI / 180;

/**
 * @param snrs how many SNRs are asked for
 * @returns undefined where nothing is said of it
 * @throws {BeamrigError} 'argument', 'covariance-file'
 */
export function sensingTyped(
  typed: SensingTyped,
  { elements, users, snrs }: { elements: number; users: number; snrs: number },
): EvaluatedSensing | undefined {
  refuseAlone(typed);
  // Of a channel file no more is known of the array than how many elements it has.
  const geometry = { kind: 'ula', elements, spacingWavelengths: 0.5 } as const;
  const weight = realNumber('--omega', typed.omega ?? String(DEFAULT_SENSING_WEIGHT), { min: 0, max: 1e6 });
  if (typed.covariance !== undefined) {
    const { factors, file, sha256 } = readCovarianceFile(typed.covariance, elements, [1, snrs]);
    const sensing = factors.map((factor) => ({ factor, weight, grid: patternGrid(geometry, factor) }));
    return { sensing, told: { weight, file, sha256, count: factors.length } };
  }
  if (typed.sensing === undefined) return undefined;
  const directionsDeg = numberList('--sensing', typed.sensing, { min: -90, max: 90 });
  const widthDeg = realNumber('--sensing-width', typed.sensingWidth ?? String(DEFAULT_WIDTH_DEG), { min: 0.01, max: 180 });
  const factor = wantedCovarianceFactor(geometry, {
    directionsRad: directionsDeg.map((deg) => deg * RAD),
    halfWidthRad: (widthDeg * RAD) / 2,
    streams: users,
  });
  return { sensing: [{ factor, weight, grid: patternGrid(geometry, factor) }], told: { weight, directionsDeg, widthDeg } };
}

/** An option that does nothing was meant to do something. */
function refuseAlone({ omega, sensing, sensingWidth, covariance }: SensingTyped): void {
  const refuse = (text: string): never => {
    throw new BeamrigError('argument', text, { wayOut: 'Write for example --sensing -60,0,60 --omega 0.3.' });
  };
  if (sensing !== undefined && covariance !== undefined)
    refuse('--sensing and --covariance: both say what is wished for; give one');
  if (sensing === undefined && sensingWidth !== undefined)
    refuse(`--sensing-width ${sensingWidth}: has no meaning without --sensing`);
  if (sensing === undefined && covariance === undefined && omega !== undefined) {
    refuse(`--omega ${omega}: has no meaning without --sensing or --covariance`);
  }
}
