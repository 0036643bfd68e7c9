/** The channels and covariances that paper 000 is measured on: drawn, or those of files, as the authors' own. */
import { basename } from 'node:path';
import { wantedCovarianceFactor } from '../../core/signal/wanted-pattern.ts';
import type { Paper000Options } from '../../models/reproduce/paper-000-report.ts';
import { SNRS_DB } from '../../models/reproduce/paper-000-theirs.ts';
import { listSizedModels } from '../../models/reproduce/sized-models.ts';
import { drawChannelSet } from '../../models/training/channel-set.ts';
import { readChannelFile } from '../config/channel-file.ts';
import { readCovarianceFile } from '../config/covariance-file.ts';

const ARRAY = { elements: 64, users: 4 };
const DEGREE = Math.PI / 180;

export interface Paper000Typed {
  channels?: string;
  conjugate?: boolean;
  covariance?: string;
  count: number;
  seed: number;
  command: string;
}

/** @throws {BeamrigError} 'channel-file', 'covariance-file' */
export function paper000Data({ channels, conjugate = false, covariance, count, seed, command }: Paper000Typed): Paper000Options {
  const models = listSizedModels().filter(
    ({ card }) => card.algorithm === 'upganet' && card.dimensions.elements === ARRAY.elements,
  );
  if (channels === undefined || covariance === undefined) {
    const line = { kind: 'ula', elements: ARRAY.elements, spacingWavelengths: 0.5 } as const;
    const directionsRad = [-60 * DEGREE, 0, 60 * DEGREE];
    return {
      channels: drawChannelSet({ seed, name: 'test', count, ...ARRAY, paths: 10, scale: 'unit-element' }).channels,
      factors: [wantedCovarianceFactor(line, { directionsRad, halfWidthRad: 2.5 * DEGREE, streams: ARRAY.users })],
      source: `of the stream \`test\` of seed ${seed}, Ψ of boxes of ±2.5° around −60°, 0° and 60°`,
      authors: false,
      ...{ models, command },
    };
  }
  const files = `--channels ${basename(channels)}${conjugate ? ' --conjugate' : ''} --covariance ${basename(covariance)}`;
  return {
    channels: readChannelFile(channels, { conjugate, expected: ARRAY }).channels.slice(0, count),
    factors: readCovarianceFile(covariance, ARRAY.elements, [1, SNRS_DB.length]).factors,
    source: "of the authors' released test set, with their Ψ for each SNR",
    authors: true,
    ...{ models, command: `${command} ${files}` },
  };
}
