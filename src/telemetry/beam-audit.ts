/** Whether a beam that was kept is the one that its record tells of: SINR and sum rate are worked out anew from H, the words and D. */
import { connectionMask } from '../../core/signal/geometry.ts';
import type { ArrayStates } from '../../core/signal/beam-contract.ts';
import { fromDb, toDb } from '../../core/signal/rate.ts';
import { ratesOfWords } from '../../core/signal/realise-beam.ts';
import type { Point } from './influx/line-protocol.ts';
import type { KeptBeam } from './kept-beams.ts';
import { allLines, readRecord } from './record-reader.ts';
import type { StoredRun } from './run-folder.ts';
import type { RunManifest } from './run-manifest.ts';

/** What was recorded of a cycle. */
export interface StoredCycle {
  cycle: Point;
  /** By user; undefined where the line of one is lost. */
  users: (Point | undefined)[];
}

/** The lines of a cycle, which lie together; undefined where its own is not there, or is no record. */
export async function findCycle(run: StoredRun, cycle: number): Promise<StoredCycle | undefined> {
  const users: (Point | undefined)[] = Array.from({ length: run.manifest.users }, () => undefined);
  let own: Point | undefined;
  for await (const { lines } of allLines(run.recordsPath, { bytes: 1 << 20, lines: 5000 })) {
    for (const line of lines) {
      // Reading a line costs far more than looking whether it can be one of these.
      const isOfIt = line.includes(` cycle=${cycle}i`);
      if (!isOfIt && own !== undefined && line.startsWith('cycle,')) return { cycle: own, users };
      const point = isOfIt ? readRecord(line) : undefined;
      if (point?.measurement === 'cycle') own ??= point;
      if (point?.measurement === 'user_snr' && point.timeNs === own?.timeNs) users[Number(point.tags.user)] = point;
    }
  }
  return own && { cycle: own, users };
}

export type BeamAudit =
  | { verdict: 'same' | 'differs'; sumRate: Compared; snrDb: Compared[] }
  /** Words, D or channel were not kept, or the cycle is not in the records. */
  | { verdict: 'not-possible'; lacking: string };

/** null: not in the record. Of a user who is not served both are −∞, which JSON has as null, too. */
export interface Compared {
  recorded: number | null;
  computed: number;
}

/**
 * The same arithmetic on the same numbers: on a machine of the same kind equal to the last digit, or it is not that beam.
 * @param states what the array was known to show then: by default ideal ones
 */
export function auditBeam(
  { setting }: RunManifest,
  kept: KeptBeam,
  stored: StoredCycle | undefined,
  states: ArrayStates = { bits: kept.phaseBits },
): BeamAudit {
  const { beam, channel, elements, rfChains } = kept;
  if (beam === undefined || channel === undefined) {
    const lacking = beam === undefined ? 'phase words and digital weights' : 'the channel';
    return { verdict: 'not-possible', lacking: `${lacking} (telemetry.keep: all keeps both)` };
  }
  if (stored === undefined) return { verdict: 'not-possible', lacking: 'the record of the cycle' };
  if (setting?.connection === undefined) return { verdict: 'not-possible', lacking: 'the setting of the run in its manifest' };
  const { snrDb, connection } = setting;
  const { sinr, sumRate } = ratesOfWords(
    {
      channel,
      rfChains,
      power: fromDb(snrDb),
      noise: 1,
      ...(connection === 'full' ? {} : { connection: connectionMask(connection, elements, rfChains) }),
    },
    beam.words,
    beam.digital,
    states,
  );
  const compared = (recorded: unknown, computed: number): Compared => {
    return { recorded: typeof recorded === 'number' ? recorded : null, computed };
  };
  const sum = compared(stored.cycle.fields.predicted_sum_rate, sumRate);
  const users = Array.from(sinr, (value, user) => {
    const line = stored.users[user]?.fields;
    // −∞ dB is no number that a record could have: a user who is not served has a line without it.
    const unserved = line !== undefined && line.predicted_db === undefined && value === 0;
    return compared(unserved ? -Infinity : line?.predicted_db, toDb(value));
  });
  const same = [sum, ...users].every(({ recorded, computed }) => recorded === computed);
  return { verdict: same ? 'same' : 'differs', sumRate: sum, snrDb: users };
}
