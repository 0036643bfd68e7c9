/** The files of a measurement: a table for each panel, all of them or none, and a report. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { betterReplaced } from '../../calibration/tables/replaced-table.ts';
import type { CalibrationTable } from '../../calibration/tables/table-schema.ts';
import { tableFileName, tableId, tableText } from '../../calibration/tables/state-table.ts';
import type { Clock } from '../../core/clock/clock.ts';
import { BeamrigError } from '../../core/errors/beamrig-error.ts';
import { removeIfPossible, writeWholeFile } from '../../core/files/whole-file.ts';
import { readTableFolder } from '../rig/calibration.ts';
import type { Source } from '../telemetry/cycle-record.ts';
import type { CalibrationResult } from './calibrate-rig.ts';
import type { CalibrationRequest } from './calibration-request.ts';
import { reportOf } from './figures.ts';

export interface WrittenResult {
  readonly files: readonly string[];
  readonly report: string;
  /** An earlier table that was more exact, and is not used any more; null where there is none. */
  readonly betterBefore: { readonly id: string; readonly measuredAt: string; readonly phaseDeg: number } | null;
}

/**
 * @param how.stop ends it before anything is written
 * @throws {BeamrigError} 'stopped'; 'calibration-file' where one of them cannot be written: then none is there, for tables of two measurements do not compare
 */
export async function writeResult(
  request: CalibrationRequest,
  result: CalibrationResult,
  source: Source,
  how: { clock: Clock; stop: AbortSignal },
): Promise<WrittenResult> {
  const html = await reportOf(request, result, source, how);

  const { folder } = request.rig.calibration;
  const files = result.tables.map((table) => join(folder, tableFileName(table)));
  let better: CalibrationTable | undefined;
  const report = files[0].replace(/\.json$/, '.html');
  try {
    mkdirSync(folder, { recursive: true });
    better = betterReplaced(readTableFolder(folder).tables, result.tables);
    writeWholeFile(report, html);
    result.tables.forEach((table, i) => writeWholeFile(files[i], tableText(table)));
  } catch (error) {
    for (const path of [...files, report]) removeIfPossible(path);
    throw new BeamrigError('calibration-file', `the tables cannot be written to ${folder}: ${(error as Error).message}`, {
      wayOut:
        'Make room there, then measure again and go on with the readings that were kept. Or give another folder as calibration.folder in the rig file.',
      cause: error,
    });
  }
  const { measuredAt = '', accuracy } = better ?? {};
  const betterBefore =
    better === undefined || accuracy === undefined ? null : { id: tableId(better), measuredAt, phaseDeg: accuracy.phaseDeg };
  return { files, report, betterBefore };
}

/** What a person should know of it; undefined where nothing. */
export function worseText({ betterBefore, files }: WrittenResult, phaseDeg: number): string | undefined {
  if (betterBefore === null) return undefined;
  const { id, measuredAt, phaseDeg: before } = betterBefore;
  const when = `${measuredAt.slice(0, 16).replace('T', ' ')} UTC`;
  return `The new table is worse than one that was there: ${id} of ${when} is known to ${before}°, the new one to ${phaseDeg}°, and the newest is used. To use the better one again, move ${files.join(' and ')} elsewhere.`;
}
