/** The reports of a regression as files of one folder. */
import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';
import { BeamrigError } from '../../../core/errors/beamrig-error.ts';
import { makeFolders } from '../../../core/files/make-folders.ts';
import { writeWholeFile } from '../../../core/files/whole-file.ts';
import type { Report } from '../results.ts';
import { regressionHtml } from './html.ts';
import { junitXml } from './junit.ts';
import { reportJson } from './report-json.ts';

/**
 * @returns paths of the files, by their kinds
 * @throws {BeamrigError} 'report-file' where one cannot be written
 */
export function writeReports(report: Report, folder: string): Record<string, string> {
  const files = {
    HTML: ['report.html', regressionHtml(report, folder)],
    JUnit: ['junit.xml', junitXml(report)],
    JSON: ['report.json', reportJson(report)],
  };
  return Object.fromEntries(
    Object.entries(files).map(([kind, [name, text]]) => {
      const path = join(folder, name);
      try {
        writeWholeFile(path, text);
      } catch (error) {
        throw new BeamrigError('report-file', `${path} was not written: ${(error as Error).message}`, {
          ...{ wayOut: 'Free some room, or give another folder as --output (from code, output).', cause: error },
        });
      }
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
    makeFolders(folder);
    accessSync(folder, constants.W_OK);
  } catch (error) {
    throw new BeamrigError('argument', `${option} ${folder}: nothing can be written there: ${(error as Error).message}`, {
      ...{ wayOut: 'Give a folder, there already or not, that can be written.', cause: error },
    });
  }
}
