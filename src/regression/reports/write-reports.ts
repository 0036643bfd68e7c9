/** The reports of a regression as files of one folder. */
import { accessSync, constants, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { BeamrigError } from '../../../core/errors/beamrig-error.ts';
import { writeWholeFile } from '../../../core/files/whole-file.ts';
import type { Report } from '../results.ts';
import { regressionHtml } from './html.ts';
import { junitXml } from './junit.ts';
import { reportJson } from './report-json.ts';

/** @returns paths of the files, by their kinds */
export function writeReports(report: Report, folder: string): Record<string, string> {
  const files = {
    HTML: ['report.html', regressionHtml(report, folder)],
    JUnit: ['junit.xml', junitXml(report)],
    JSON: ['report.json', reportJson(report)],
  };
  return Object.fromEntries(
    Object.entries(files).map(([kind, [name, text]]) => {
      const path = join(folder, name);
      writeWholeFile(path, text);
      return [kind, path];
    }),
  );
}

/**
 * Before anything is played, which may take hours.
 * @param option that gave the folder
 * @throws {BeamrigError} 'argument' where nothing can be written there
 */
export function makeFolder(option: string, folder: string): void {
  try {
    mkdirSync(folder, { recursive: true });
    accessSync(folder, constants.W_OK);
  } catch (error) {
    throw new BeamrigError('argument', `${option} ${folder}: nothing can be written there: ${(error as Error).message}`, {
      ...{ wayOut: 'Give a folder, there already or not, that can be written.', cause: error },
    });
  }
}
