/** The files of a measurement: a table for each panel, all of them or none, and a report. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { tableFileName, tableText } from '../../calibration/tables/state-table.ts';
import { BeamrigError } from '../../core/errors/beamrig-error.ts';
import { removeIfPossible, writeWholeFile } from '../../core/files/whole-file.ts';
import { reportHtml } from '../../models/report/html.ts';
import type { Source } from '../telemetry/cycle-record.ts';
import type { CalibrationResult } from './calibrate-rig.ts';
import { calibrationReport } from './calibration-report.ts';
import type { CalibrationRequest } from './calibration-request.ts';

export interface WrittenResult {
  readonly files: readonly string[];
  readonly report: string;
}

/** @throws {BeamrigError} 'calibration-file' where one of them cannot be written: then none is there, for tables of two measurements do not compare */
export function writeResult(request: CalibrationRequest, result: CalibrationResult, source: Source): WrittenResult {
  const { folder } = request.rig.calibration;
  const files = result.tables.map((table) => join(folder, tableFileName(table)));
  const report = files[0].replace(/\.json$/, '.html');
  try {
    mkdirSync(folder, { recursive: true });
    writeWholeFile(report, reportHtml(calibrationReport(request, result, source)));
    result.tables.forEach((table, i) => writeWholeFile(files[i], tableText(table)));
  } catch (error) {
    for (const path of [...files, report]) removeIfPossible(path);
    throw new BeamrigError('calibration-file', `the tables cannot be written to ${folder}: ${(error as Error).message}`, {
      wayOut:
        'Make room there, and go on with --resume: what was read is kept. Or give another folder as calibration.folder in the rig file.',
      cause: error,
    });
  }
  return { files, report };
}
