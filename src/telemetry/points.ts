/**
 * Which points a cycle and an event become. Three measurements, tagged with rig and run so that many runs share one database:
 *
 *   cycle     one a cycle: outcome, sum rates, times by stage, link counters
 *   user_snr  one a user and cycle: SNR predicted and measured, dB; where nobody believes the reading, `doubt` says why and the tag `doubtful` is yes
 *   event     what a person should know
 */
import { STAGES, type CycleRecord, type RigEvent } from './cycle-record.ts';
import { encodePoint } from './line-protocol.ts';

/** What the lines of a run folder are of. */
export const MEASUREMENTS: readonly string[] = ['cycle', 'user_snr', 'event'];

export interface RunTags {
  rig: string;
  run: string;
}

/** The lines of one cycle, in the order they are recorded: the cycle, then its users by index. */
export function cycleLines(record: CycleRecord, run: RunTags, timeNs: bigint): string[] {
  const tags = { ...run, source: record.source, channels: record.channelSource, model: record.modelId };
  const cycle = encodePoint({
    measurement: 'cycle',
    tags: { ...tags, outcome: record.outcome },
    fields: {
      cycle: BigInt(record.cycle),
      phase_bits: BigInt(record.phaseBits),
      beam_id: BigInt(record.beamId),
      failure: record.failure,
      doubt: record.doubt,
      panels: record.panels,
      objective: record.objective,
      digital: record.digital,
      predicted_sum_rate: record.predictedSumRate,
      measured_sum_rate: record.measuredSumRate,
      zf_sum_rate: record.zfSumRate,
      ...Object.fromEntries(STAGES.map((stage) => [`${stage}_ms`, record.stageMs[stage]])),
      cycle_ms: record.cycleMs,
      link_retries: BigInt(record.link.retries),
      link_timeouts: BigInt(record.link.timeouts),
      link_discarded: BigInt(record.link.discarded),
      link_round_trip_ms: record.link.roundTripMs,
    },
    timeNs,
  });
  const users = Array.from(record.predictedSnrDb, (predicted, user) =>
    encodePoint({
      measurement: 'user_snr',
      // A database filters by a tag where others lack it, and not by a field.
      tags: { ...tags, user: String(user), ...(record.doubt === undefined ? {} : { doubtful: 'yes' }) },
      fields: {
        cycle: BigInt(record.cycle),
        predicted_db: predicted,
        measured_db: record.measuredSnrDb[user],
        doubt: record.doubt,
      },
      timeNs,
    }),
  );
  return [cycle, ...users].filter((line) => line !== undefined);
}

export function eventLine(event: RigEvent, run: RunTags, timeNs: bigint): string | undefined {
  return encodePoint({
    measurement: 'event',
    tags: { ...run, level: event.level, code: event.code },
    fields: { message: event.message, action: event.action },
    timeNs,
  });
}
