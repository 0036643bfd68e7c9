/**
 * What one cycle leaves behind, column by column, once: the lines of a run folder and of InfluxDB, the table for a spreadsheet, the rows that
 * pages get and the page of the documentation (docs/records.md) are all made from this. A new column is a line here.
 */
import { STAGES, type CycleRecord, type Stage } from './cycle-record.ts';

export interface CycleColumn {
  /** In records and InfluxDB. */
  readonly name: string;
  /** In the table for a spreadsheet, with its unit; default the name. */
  readonly csv?: string;
  readonly unit?: 'ms' | 'bit/s/Hz' | 'dB';
  readonly type: 'integer' | 'number' | 'text';
  /** A database indexes by it and can ask for it where others lack it: few values only. */
  readonly tag?: true;
  readonly meaning: string;
  readonly of: (record: CycleRecord) => string | number | undefined;
  /** Pages draw it over time: of every cycle, or only of one that was ok. */
  readonly page?: 'every' | 'ok';
}

const rate = (name: string, meaning: string, of: CycleColumn['of'], page: CycleColumn['page']): CycleColumn => ({
  ...{ name, csv: `${name}_bit_per_s_per_hz`, unit: 'bit/s/Hz', type: 'number', meaning, of },
  ...(page === undefined ? {} : { page }),
});

const STAGE_MEANINGS: Record<Stage, string> = {
  channel: 'taking the channel',
  model: 'the beamformer',
  quantise: 'words and digital weights',
  push: 'words and weights on their way to the panels',
  commit: 'the panels switch',
  measure: 'the panels report SNR',
};

/** In the order in which records are written. */
export const CYCLE_COLUMNS: readonly CycleColumn[] = [
  {
    name: 'source',
    type: 'text',
    tag: true,
    meaning: 'what radiated and measured: hardware, played-panel or simulator',
    of: (r) => r.source,
  },
  {
    name: 'channels',
    type: 'text',
    tag: true,
    meaning: 'where the channels come from: simulation or file',
    of: (r) => r.channelSource,
  },
  { name: 'model', type: 'text', tag: true, meaning: 'who chose the phases', of: (r) => r.modelId },
  {
    name: 'outcome',
    type: 'text',
    tag: true,
    meaning: 'ok, or void: the beam is not known to be radiated, or its SNR could not be read',
    of: (r) => r.outcome,
  },
  { name: 'cycle', type: 'integer', meaning: 'number of the cycle, from 0', of: (r) => r.cycle },
  { name: 'phase_bits', type: 'integer', meaning: 'Q of this cycle', of: (r) => r.phaseBits },
  { name: 'beam_id', type: 'integer', meaning: 'as the panels know the beam; 0 when no beam was credited', of: (r) => r.beamId },
  { name: 'failure', type: 'text', meaning: 'stage and reason of a void cycle', of: (r) => r.failure },
  { name: 'doubt', type: 'text', meaning: 'why its readings cannot be what they say: no mean counts them', of: (r) => r.doubt },
  { name: 'panels', type: 'text', meaning: 'serial numbers of the boards that the cycle ran on', of: (r) => r.panels },
  { name: 'objective', type: 'text', meaning: 'what the digital weights are best for', of: (r) => r.objective },
  {
    name: 'digital',
    type: 'text',
    meaning: "whose digital weights were radiated: the beamformer's own, the objective's, or none",
    of: (r) => r.digital,
  },
  rate('predicted_sum_rate', 'of the words on the channel that the controller was given', (r) => r.predictedSumRate, 'every'),
  rate('measured_sum_rate', 'from the SNR that the panels reported for this very beam', (r) => r.measuredSumRate, 'ok'),
  rate('zf_sum_rate', 'of fully digital zero-forcing on the same channel, as a yardstick', (r) => r.zfSumRate, 'every'),
  ...STAGES.map((stage): CycleColumn => {
    const meaning = `time of the stage ${stage}: ${STAGE_MEANINGS[stage]}`;
    return { name: `${stage}_ms`, unit: 'ms', type: 'number', meaning, of: (r) => r.stageMs[stage], page: 'every' };
  }),
  { name: 'cycle_ms', unit: 'ms', type: 'number', meaning: 'time of the whole cycle', of: (r) => r.cycleMs, page: 'every' },
  { name: 'link_retries', type: 'integer', meaning: 'requests that were repeated', of: (r) => r.link.retries },
  { name: 'link_timeouts', type: 'integer', meaning: 'requests that waited in vain', of: (r) => r.link.timeouts },
  { name: 'link_discarded', type: 'integer', meaning: 'frames that came and were not understood', of: (r) => r.link.discarded },
  {
    name: 'link_round_trip_ms',
    unit: 'ms',
    type: 'number',
    meaning: 'smoothed round trip of a request',
    of: (r) => r.link.roundTripMs,
  },
];

/** One a user and cycle. */
export interface UserColumn {
  readonly name: string;
  /** In the table for a spreadsheet, after `user_0_`. */
  readonly csv: string;
  readonly meaning: string;
  readonly of: (record: CycleRecord, user: number) => number | undefined;
  readonly page: 'every' | 'ok';
}

export const USER_COLUMNS: readonly UserColumn[] = [
  {
    name: 'predicted_db',
    csv: 'predicted_snr_db',
    meaning: 'SINR of the quantised beam on the channel that the controller was given, dB',
    of: (record, user) => record.predictedSnrDb[user],
    page: 'every',
  },
  {
    name: 'measured_db',
    csv: 'measured_snr_db',
    meaning: 'SNR as the panel reported it for this very beam, dB',
    of: (record, user) => record.measuredSnrDb[user],
    page: 'ok',
  },
];

/** What pages draw, by name, in the order of a row: users first, each with all of its columns. */
export const pageColumnNames = (users: number): string[] => [
  ...Array.from({ length: users }, (_, user) => USER_COLUMNS.map(({ name }) => userColumnName(name, user))).flat(),
  ...PAGE_COLUMNS.map(({ name }) => name),
];

export const PAGE_COLUMNS: readonly CycleColumn[] = CYCLE_COLUMNS.filter(({ page }) => page !== undefined);

const userColumnName = (name: string, user: number): string => `user_${user}_${name}`;
