/**
 * Follows the records of a run folder into InfluxDB:
 *
 *   recorder ─► records.lp ─► (this file reads on from what the server has taken) ─► InfluxDB
 *
 * The run folder is the spool: while the server is away nothing is kept in memory and nothing is lost, and how far the server has taken is
 * written beside the records. One event when it goes, one for each new cause while it is away, one when it is back. Nothing ends the sending
 * but the end of the run.
 */
import { join } from 'node:path';
import type { Clock } from '../../../core/clock/clock.ts';
import { isBeamrigError } from '../../../core/errors/beamrig-error.ts';
import { thisProcess, type ProcessIdentity } from '../../../core/files/process-identity.ts';
import type { Random } from '../../../core/signal/random.ts';
import type { RigEvent } from '../cycle-record.ts';
import { createEarlierRuns, type EarlierRuns } from '../earlier-runs.ts';
import { namelessServer, type InfluxClient, type WriteOutcome } from './influx-client.ts';
import { writeNote } from './influx-note.ts';
import { countLines, readOn, RECORDS_FILE, START, type Piece } from '../record-reader.ts';

export interface InfluxWriterOptions {
  client: InfluxClient;
  folder: string;
  /** Where earlier runs lie whose points are to be sent as well. */
  runsFolder?: string;
  /** Real time, even where the rig runs on virtual time: the server knows no other. */
  clock: Clock;
  random: Random;
  onEvent: (event: Omit<RigEvent, 'timeNs'>) => void;
  /** How long points gather before they are sent. */
  batchMs?: number;
  /** First and longest pause while the server is away. */
  retryMs?: { first: number; longest: number };
}

export interface InfluxClosing {
  taken: number;
  refused: number;
  /** Points in the run folder that the server has not taken; null where there was no time to count them. */
  remaining: number | null;
}

export interface InfluxWriter {
  /** Points the server has taken so far. */
  readonly taken: number;
  /**
   * Sends what is left for at most `withinMs`, or until `enough` resolves; with the server away it tries once. Call it after the recorder has
   * closed its files.
   */
  close(withinMs: number, enough?: Promise<void>): Promise<InfluxClosing>;
}

/** Few enough that looking through them never holds up the loop, which turns on the same thread. */
const BATCH = { bytes: 1 << 20, lines: 1000, last: 'leave' } as const;
const EARLIER_PAUSE_MS = 20;
/** Of the time that the end may take. */
const EARLIER_AT_END_MS = 1000;
/** Records of many hours take a while to be counted. */
const COUNT_MS = 250;
const MOST_CAUSES = 10;

export function startInfluxWriter(options: InfluxWriterOptions): InfluxWriter {
  const { client, folder, clock, random, onEvent, batchMs = 500, retryMs = { first: 500, longest: 30_000 } } = options;
  const records = join(folder, RECORDS_FILE);
  const stop = new AbortController();
  const outage = createOutage(client.name, onEvent);
  const reading = createReading(records, onEvent);
  const earlier =
    options.runsFolder === undefined
      ? undefined
      : createEarlierRuns({ client, runsFolder: options.runsFolder, ownFolder: folder, onEvent });
  let mark = START;
  let taken = 0;
  let refused = 0;
  let unnoted = false;
  let nameless = false;
  let pauseMs = retryMs.first;

  /** Sends one batch: 'empty' when there was nothing, 'sent', or 'away': not now, for the server's sake or the disk's. */
  const step = async (): Promise<'empty' | 'sent' | 'away'> => {
    const piece = await reading.read(() => readOn(records, mark, BATCH));
    if (piece === undefined) return 'away';
    if (piece.mark.byte === mark.byte && !piece.anew) return 'empty';
    const result = await client.write(piece.lines);
    if (result.outcome === 'again') {
      outage.away(result);
      return 'away';
    }
    mark = piece.mark;
    taken += result.points;
    noteRefused(result.refused + piece.tooLong, result.why);
    noteNameless(result);
    outage.back();
    pauseMs = retryMs.first;
    noteProgress(thisProcess());
    return 'sent';
  };

  /** A note for the next run, harmless to miss: a disk that is full must not keep points from the server. */
  const noteProgress = (writer: ProcessIdentity | null): void => {
    try {
      writeNote(folder, client.name, { mark, taken, refused }, writer);
    } catch (error) {
      if (unnoted) return;
      unnoted = true;
      onEvent({
        level: 'warning',
        code: 'influx-progress',
        message: `influx.json cannot be written: ${(error as Error).message}.`,
        action: 'Points are sent all the same; a later replay sends the whole run again, which changes nothing.',
      });
    }
  };
  const noteRefused = (count: number, why: string | undefined): void => {
    if (count === 0) return;
    if (refused === 0) {
      onEvent({
        level: 'error',
        code: 'influx-refused',
        message: `InfluxDB at ${client.name} refuses points for good: ${why ?? 'no reason given'}.`,
        action:
          'They stay in the run folder; the others are sent. Another database name in telemetry.influx avoids a clash of field types.',
      });
    }
    refused += count;
  };
  const noteNameless = (result: WriteOutcome & { outcome: 'taken' }): void => {
    if (nameless || result.nameless !== true) return;
    nameless = true;
    onEvent({ level: 'warning', code: 'influx-nameless', ...namelessServer(client.name) });
  };

  const follow = async (): Promise<void> => {
    for (;;) {
      const result = await step();
      if (stop.signal.aborted) return;
      if (result === 'away') {
        await clock.sleep(pauseMs * (0.5 + random.uniform()), stop.signal);
        pauseMs = Math.min(2 * pauseMs, retryMs.longest);
      } else if (result === 'empty') {
        await sendEarlier(earlier, clock.nowMs() + batchMs);
        await clock.sleep(batchMs, stop.signal);
      }
    }
  };
  /** Between two batches of today. */
  const sendEarlier = async (runs: EarlierRuns | undefined, untilMs: number): Promise<void> => {
    while (runs !== undefined && !stop.signal.aborted && clock.nowMs() < untilMs) {
      if ((await runs.step()) !== 'sent') return;
      await clock.sleep(EARLIER_PAUSE_MS, stop.signal);
    }
  };
  noteProgress(thisProcess());
  const following = follow().catch((error: unknown) => {
    if (!isBeamrigError(error) || error.code !== 'stopped') throw error;
  });

  return {
    get taken() {
      return taken;
    },
    close: async (withinMs, enough = new Promise(() => undefined)) => {
      stop.abort();
      let late = false;
      const sendRest = async (): Promise<void> => {
        await following;
        for (let result = 'sent'; result === 'sent' && !late;) result = await step();
        const untilMs = clock.nowMs() + EARLIER_AT_END_MS;
        while (earlier !== undefined && !late && !outage.isAway() && clock.nowMs() < untilMs) {
          if ((await earlier.step()) !== 'sent') return;
        }
      };
      await new Promise<void>((resolve, reject) => {
        const giveUp = (): void => {
          late = true;
          resolve();
        };
        const cancel = clock.after(withinMs, giveUp);
        void enough.then(giveUp);
        sendRest().then(resolve, reject).finally(cancel);
      });
      noteProgress(null);
      // The folder may be unreadable by now; what remains is then counted as far as it can be.
      const counting = countLines(records, mark.byte).catch(() => 0);
      const remaining = await Promise.race([counting, enough.then(() => clock.sleep(COUNT_MS)).then(() => null)]);
      return { taken, refused, remaining };
    },
  };
}

/** Tells that the server is away, each cause once, and that it is back. */
function createOutage(name: string, onEvent: InfluxWriterOptions['onEvent']) {
  const causes = new Set<string>();
  return {
    isAway: () => causes.size > 0,
    away: ({ cause, why }: { cause: string; why: string }): void => {
      if (causes.has(cause) || causes.size >= MOST_CAUSES) return;
      const first = causes.size === 0;
      causes.add(cause);
      onEvent({
        level: 'warning',
        code: 'influx-unreachable',
        message: `InfluxDB at ${name} ${first ? 'takes no points' : 'still takes no points, for another reason'}: ${why}.`,
        action: 'The run goes on; records stay in the run folder and are sent when the server takes them.',
      });
    },
    back: (): void => {
      if (causes.size === 0) return;
      causes.clear();
      onEvent({
        level: 'info',
        code: 'influx-back',
        message: `InfluxDB at ${name} takes points again; what waited is being sent.`,
      });
    },
  };
}

/** Reads records; whatever keeps them from being read (no descriptor left, the folder gone for a moment) is tried again. */
function createReading(records: string, onEvent: InfluxWriterOptions['onEvent']) {
  let failures = 0;
  return {
    read: async (look: () => Promise<Piece>): Promise<Piece | undefined> => {
      try {
        const piece = await look();
        if (failures > 1) {
          onEvent({
            level: 'info',
            code: 'influx-records-back',
            message: 'The records can be read again; what waited is sent to InfluxDB.',
          });
        }
        failures = 0;
        return piece;
      } catch (error) {
        failures += 1;
        // Once may be the moment in which a removed folder is made anew.
        if (failures === 2) {
          onEvent({
            level: 'warning',
            code: 'influx-records',
            message: `${records} cannot be read to be sent to InfluxDB: ${(error as Error).message}.`,
            action: 'It is tried again until the run ends.',
          });
        }
        return undefined;
      }
    },
  };
}
