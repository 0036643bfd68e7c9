/**
 * Follows the records of a run folder into InfluxDB:
 *
 *   recorder ─► records.lp ─► (this file reads on from what the server has taken) ─► InfluxDB
 *
 * The run folder is the spool: while the server is away nothing is kept in memory and nothing is lost, and how far the server has taken is
 * written beside the records. One event when it goes, one when it is back.
 */
import { join } from 'node:path';
import type { Clock } from '../../clock/clock.ts';
import { isBeamrigError } from '../../errors/beamrig-error.ts';
import type { Random } from '../../signal/random.ts';
import type { RigEvent } from './cycle-record.ts';
import type { InfluxClient } from './influx-client.ts';
import { countLines, readLines } from './record-reader.ts';
import { RECORDS_FILE } from './run-folder.ts';
import { writeJsonAtomically } from './run-manifest.ts';

export interface InfluxWriterOptions {
  client: InfluxClient;
  folder: string;
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
  /** Points in the run folder that the server has not taken. */
  remaining: number;
}

export interface InfluxWriter {
  /** Points the server has taken so far. */
  readonly taken: number;
  /** Sends what is left for at most `withinMs`; with the server away it tries once. Call it after the recorder has closed its files. */
  close(withinMs: number): Promise<InfluxClosing>;
}

const BATCH = { bytes: 1 << 20, lines: 5000 };

export function startInfluxWriter(options: InfluxWriterOptions): InfluxWriter {
  const { client, folder, clock, random, onEvent, batchMs = 500, retryMs = { first: 500, longest: 30_000 } } = options;
  const records = join(folder, RECORDS_FILE);
  const stop = new AbortController();
  let offset = 0;
  let taken = 0;
  let refused = 0;
  let away = false;
  let unnoted = false;
  let pauseMs = retryMs.first;

  /** Sends one batch: 'empty' when there was nothing, 'sent', or 'away'. */
  const step = async (): Promise<'empty' | 'sent' | 'away'> => {
    const { lines, nextByte } = await readLines(records, offset, BATCH);
    if (nextByte === offset) return 'empty';
    const result = await client.write(lines);
    if (result.outcome === 'again') {
      noteAway(result.why);
      return 'away';
    }
    offset = nextByte;
    taken += result.points;
    noteRefused(result.refused, result.why);
    noteBack();
    noteProgress();
    return 'sent';
  };

  /** A note for a later replay, which is harmless to repeat: a disk that is full must not keep points from the server. */
  const noteProgress = (): void => {
    try {
      writeJsonAtomically(join(folder, 'influx.json'), {
        target: client.name,
        takenBytes: offset,
        takenPoints: taken,
        refusedPoints: refused,
      });
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

  const noteAway = (why: string): void => {
    if (away) return;
    away = true;
    onEvent({
      level: 'warning',
      code: 'influx-unreachable',
      message: `InfluxDB at ${client.name} takes no points: ${why}.`,
      action: 'The run goes on; records stay in the run folder and are sent when the server is back.',
    });
  };
  const noteBack = (): void => {
    pauseMs = retryMs.first;
    if (!away) return;
    away = false;
    onEvent({
      level: 'info',
      code: 'influx-back',
      message: `InfluxDB at ${client.name} takes points again; what waited is being sent.`,
    });
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

  const follow = async (): Promise<void> => {
    for (;;) {
      const result = await step();
      if (stop.signal.aborted) return;
      if (result === 'empty') await clock.sleep(batchMs, stop.signal);
      else if (result === 'away') {
        await clock.sleep(pauseMs * (0.5 + random.uniform()), stop.signal);
        pauseMs = Math.min(2 * pauseMs, retryMs.longest);
      }
    }
  };
  const following = follow().catch((error: unknown) => {
    if (isBeamrigError(error) && error.code === 'stopped') return;
    onEvent({
      level: 'error',
      code: 'influx-stopped',
      message: `Nothing more is sent to InfluxDB: ${(error as Error).message}.`,
      action: 'Records stay in the run folder; `beamrig export` sends them later.',
    });
  });

  return {
    get taken() {
      return taken;
    },
    close: async (withinMs) => {
      stop.abort();
      let late = false;
      const flush = following.then(async () => {
        while (!late) if ((await step()) !== 'sent') return;
      });
      const flushedOrLate = new Promise<void>((resolve) => {
        const cancel = clock.after(withinMs, () => {
          late = true;
          resolve();
        });
        // The folder may be unreadable by now; what remains is then counted as far as it can be.
        flush.then(resolve, resolve).finally(cancel);
      });
      await flushedOrLate;
      return { taken, refused, remaining: await countLines(records, offset).catch(() => 0) };
    },
  };
}
