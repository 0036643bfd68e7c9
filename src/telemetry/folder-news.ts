/** What befalls the files of a run folder, told once per cause: a disk that refuses, a file that was removed, replaced or cut. */
import { counted } from '../../core/errors/counted.ts';
import type { AppendFile, AppendFileOptions } from './append-file.ts';
import type { RigEvent } from './cycle-record.ts';
import { RECORDS_FILE } from './record-reader.ts';

export interface FolderNews {
  /** For the file of this name: what it is to tell, and how its folder is made again. */
  optionsFor(name: string): AppendFileOptions;
  /** Does what the disk may refuse; then the file of this name is due. */
  attempt(name: string, work: () => void): void;
  isDue(name: string): boolean;
  /** What is missing in the folder at the end, in words. */
  problemsOf(files: readonly { name: string; file: AppendFile; lost: number }[]): string[];
}

/** Whoever cuts a file every second has been told. */
const SAME_DAMAGE_MS = 60_000;

/** @param options.remake makes the folder again, and what stands in it besides the files that grow */
export function createFolderNews(options: {
  folder: string;
  report: (event: Omit<RigEvent, 'timeNs'>) => void;
  remake: () => void;
}): FolderNews {
  const { folder, report, remake } = options;
  const troubled = new Set<string>();
  const due = new Set<string>();
  let droppedBefore = 0;
  let dropped = 0;
  const damageToldMs = new Map<string, number>();

  const trouble = (name: string, error: Error): void => {
    const first = troubled.size === 0;
    troubled.add(name);
    if (!first) return;
    report({
      level: 'error',
      code: 'disk',
      message: `The run folder does not take records: ${error.message}.`,
      action: 'The run goes on; records wait in memory and are tried again every second.',
    });
  };
  const attempt = (name: string, work: () => void): void => {
    try {
      work();
      due.delete(name);
    } catch (error) {
      due.add(name);
      trouble(name, error as Error);
    }
  };

  return {
    attempt,
    isDue: (name) => due.has(name),
    optionsFor: (name) => ({
      beforeReopen: remake,
      onTrouble: (error) => trouble(name, error),
      onRecovered: (droppedLines) => {
        dropped = Math.max(dropped, droppedLines);
        troubled.delete(name);
        for (const other of due) troubled.delete(other);
        if (troubled.size > 0) return;
        const now = dropped - droppedBefore;
        droppedBefore = dropped;
        report({
          level: now > 0 ? 'warning' : 'info',
          code: 'disk-back',
          message: 'The run folder takes records again.',
          action: now > 0 ? `${counted(now, 'line')} did not fit in memory: lost.` : 'Nothing was lost.',
        });
      },
      onUnsynced: (error) =>
        report({
          level: 'error',
          code: 'disk-unsynced',
          message: `The disk takes ${name} and does not confirm it: ${error.message}.`,
          action: 'What was written may be lost; look at the disk.',
        }),
      onDamage: ({ what, missingLines }) => {
        if (performance.now() - (damageToldMs.get(name) ?? -Infinity) < SAME_DAMAGE_MS) return;
        damageToldMs.set(name, performance.now());
        report({
          level: missingLines > 0 ? 'error' : 'warning',
          code: 'run-folder-damaged',
          message: `${name} in ${folder} was ${what} while the run goes on${
            missingLines > 0 ? `: ${counted(missingLines, 'line')} of what was written missing from it` : '; no line is missing'
          }.`,
          action: 'It is open again, and records go on in it.',
        });
      },
    }),
    problemsOf: (files) =>
      files.flatMap(({ name, file, lost }) => {
        const lines = name === RECORDS_FILE ? 'lines of records' : `lines of ${name}`;
        const what = name === RECORDS_FILE ? 'the records' : name;
        const { missingLines, unsynced } = file;
        return [
          ...(lost > 0 ? [`${lost} ${lines} were not taken by the disk`] : []),
          ...(missingLines > 0
            ? [`${missingLines} ${lines} are not in the folder any more: ${name} was removed, replaced or cut`]
            : []),
          ...(unsynced === undefined ? [] : [`the disk did not confirm ${what}: ${unsynced}`]),
        ];
      }),
  };
}
