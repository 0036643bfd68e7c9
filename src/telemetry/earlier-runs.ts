/**
 * Runs that ended, or were killed, before InfluxDB had all of their points: found in the folder of runs by their notes, and sent piece by
 * piece whenever the run of today has nothing to send.
 */
import { counted } from '../../core/errors/counted.ts';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { RigEvent } from './cycle-record.ts';
import type { InfluxClient } from './influx/influx-client.ts';
import { isSending, markOf, readNote, writeNote } from './influx/influx-note.ts';
import { isRecord, readOn, RECORDS_FILE, type Mark } from './record-reader.ts';

export interface EarlierRuns {
  /** Sends one piece: 'done' when nothing is left to send, 'sent', or 'away'. Never throws. */
  step(): Promise<'done' | 'sent' | 'away'>;
}

interface Unsent {
  folder: string;
  mark: Mark;
  taken: number;
  refused: number;
}

/** Small pieces: the loop of the run of today turns on the same thread. */
const PIECE = { bytes: 256 * 1024, lines: 500, last: 'take' } as const;

export function createEarlierRuns(options: {
  client: InfluxClient;
  runsFolder: string;
  /** The run of today. */
  ownFolder: string;
  onEvent: (event: Omit<RigEvent, 'timeNs'>) => void;
}): EarlierRuns {
  const { client, onEvent } = options;
  let waiting: Unsent[] | undefined;
  let runs = 0;
  let taken = 0;
  let refused = 0;
  const unreadable: string[] = [];

  const begin = async (): Promise<Unsent[]> => {
    const { unsent, elsewhere } = await findUnsent(options.runsFolder, options.ownFolder, client.name);
    runs = unsent.length;
    if (runs > 0) {
      onEvent({
        level: 'info',
        code: 'influx-earlier',
        message: `${inWords(runs)} left points that InfluxDB at ${client.name} has not taken: ${namesOf(unsent.map(({ folder }) => folder))}.`,
        action: 'They are sent whenever this run has nothing to send.',
      });
    }
    if (elsewhere.length > 0) {
      onEvent({
        level: 'info',
        code: 'influx-earlier-elsewhere',
        message: `${inWords(elsewhere.length)} left points for another InfluxDB, which are not sent: ${namesOf(elsewhere)}.`,
        action: '`beamrig export RUN --influx URL` sends them.',
      });
    }
    return unsent;
  };

  const finish = (): void => {
    if (runs === 0) return;
    const notRead = unreadable.length === 0 ? '' : ` ${namesOf(unreadable)} could not be read.`;
    const notTaken = refused === 0 ? '' : ` Refused, or no whole records: ${counted(refused, 'line')}, kept in the run folders.`;
    onEvent({
      level: notRead + notTaken === '' ? 'info' : 'warning',
      code: 'influx-earlier-sent',
      message: `InfluxDB at ${client.name} took ${counted(taken, 'point')} of ${inWords(runs)}.${notTaken}${notRead}`,
    });
  };

  const sendPiece = async (run: Unsent): Promise<'whole' | 'sent' | 'away'> => {
    const { lines, mark, tooLong, anew } = await readOn(join(run.folder, RECORDS_FILE), run.mark, PIECE);
    if (mark.byte === run.mark.byte && !anew) return 'whole';
    const result = await client.write(lines);
    if (result.outcome === 'again') return 'away';
    run.mark = mark;
    run.taken += result.points;
    run.refused += result.refused + tooLong;
    taken += result.points;
    refused += result.refused + tooLong;
    try {
      writeNote(run.folder, client.name, run, null);
    } catch {
      // A folder that can only be read is sent again next time, which changes nothing.
    }
    return 'sent';
  };

  return {
    async step() {
      waiting ??= await begin();
      const [run] = waiting;
      if (run === undefined) return 'done';
      try {
        const result = await sendPiece(run);
        if (result !== 'whole') return result;
      } catch {
        unreadable.push(run.folder);
      }
      waiting.shift();
      if (waiting.length === 0) finish();
      return 'sent';
    },
  };
}

/** Folders, oldest first. A folder of runs that cannot be listed holds none that could be sent. */
async function findUnsent(
  runsFolder: string,
  ownFolder: string,
  target: string,
): Promise<{ unsent: Unsent[]; elsewhere: string[] }> {
  const names = await readdir(runsFolder).catch(() => []);
  const unsent: Unsent[] = [];
  const elsewhere: string[] = [];
  for (const name of names.sort()) {
    const folder = join(runsFolder, name);
    const note = readNote(folder);
    if (folder === ownFolder || note === undefined || isSending(folder, note)) continue;
    const mark = markOf(note);
    if (!(await holdsMore(join(folder, RECORDS_FILE), mark))) continue;
    if (note.target === target) unsent.push({ folder, mark, taken: note.takenPoints, refused: note.refusedPoints });
    else elsewhere.push(folder);
  }
  return { unsent, elsewhere };
}

/** Whether there is a record after the mark: a last line that was torn is none. */
async function holdsMore(records: string, mark: Mark): Promise<boolean> {
  try {
    const { size } = await stat(records);
    if (size === mark.byte) return false;
    const { lines, mark: after } = await readOn(records, mark, PIECE);
    return lines.some(isRecord) || after.byte < size;
  } catch {
    return false; // no records: nothing to send
  }
}

const inWords = (runs: number): string => (runs === 1 ? 'An earlier run' : `${runs} earlier runs`);

function namesOf(folders: readonly string[]): string {
  const shown = folders.slice(0, 3).join(', ');
  return folders.length > 3 ? `${shown} and ${folders.length - 3} more` : shown;
}
