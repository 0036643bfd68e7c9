/** Sends a stored run to InfluxDB: the same points, the same times, so a replay of what the server has already changes nothing. */
import { statSync } from 'node:fs';
import { BeamrigError } from '../../core/errors/beamrig-error.ts';
import type { InfluxClient } from './influx/influx-client.ts';
import { noteAllSent } from './influx/influx-note.ts';
import { allLines } from './record-reader.ts';
import type { StoredRun } from './run-folder.ts';

export interface Replayed {
  taken: number;
  refused: number;
  why?: string;
  /** The server took points and did not say that it is InfluxDB. */
  nameless?: true;
}

/**
 * @param onProgress share of the records sent, 0 … 1
 * @throws BeamrigError 'influx' when the server does not take them
 */
export async function replayRun(run: StoredRun, client: InfluxClient, onProgress?: (share: number) => void): Promise<Replayed> {
  const total = statSync(run.recordsPath).size;
  const sum: Replayed = { taken: 0, refused: 0 };
  let last: { byte: number; tail: string } | undefined;
  for await (const { lines, tooLong, mark } of allLines(run.recordsPath, { bytes: 1 << 20, lines: 5000 })) {
    const result = await client.write(lines);
    if (result.outcome === 'again') {
      throw new BeamrigError('influx', `InfluxDB at ${client.name} takes no points: ${result.why}`, {
        wayOut: 'Check that the server runs and lets you in, then run the command again: points sent twice count once.',
      });
    }
    sum.taken += result.points;
    sum.refused += result.refused + tooLong;
    const why = result.why ?? (tooLong > 0 ? 'lines that are no whole record' : undefined);
    if (why !== undefined) sum.why ??= why;
    if (result.nameless) sum.nameless = true;
    last = mark;
    onProgress?.(mark.byte / total);
  }
  if (last !== undefined) noteAllSent(run.folder, client.name, { mark: last, ...sum });
  return sum;
}
