/**
 * What one cycle leaves behind, column by column, once: the lines of a run folder and of InfluxDB, the table for a spreadsheet, the rows that
 * pages get and the page of the documentation (docs/records.md) are all made from this. A new column is a line here.
 */
import { METRICS, type Metric } from '../../core/signal/metrics.ts';
import { CYCLE_STAGES, type CycleRecord } from './cycle-record.ts';

export interface CycleColumn {
  /** In records and InfluxDB. */
  readonly name: string;
  readonly unit?: keyof typeof UNIT_IN_NAMES;
  readonly type: 'integer' | 'number' | 'text';
  /** A database indexes by it and can ask for it where others lack it: few values only. */
  readonly tag?: true;
  readonly meaning: string;
  readonly of: (record: CycleRecord) => string | number | undefined;
  /** Pages draw it over time: of every cycle, or only of one that was ok. */
  readonly page?: 'every' | 'ok';
  /** A figure that a run is judged by: pages show it as a number, and summaries give its mean over the cycles that pages draw it of. */
  readonly figure?: Figure;
}

export interface Figure {
  /** 'sum rate' */
  readonly of: string;
  readonly from: (typeof FIGURE_SOURCES)[number];
  /** Of some rigs nobody can tell it: it is shown where it is known. */
  readonly seldom?: true;
}

/** In the order in which people are told. */
export const FIGURE_SOURCES = ['measured', 'predicted', 'digital ZF'] as const;

/** How names of the table for a spreadsheet end. */
export const UNIT_IN_NAMES = { ms: 'ms', 'bit/s/Hz': 'bit_per_s_per_hz', dB: 'db' } as const;

/** In the table for a spreadsheet: the name, with its unit. */
export function csvName({ name, unit }: Pick<CycleColumn, 'name' | 'unit'>): string {
  if (unit === undefined) return name;
  const ending = `_${UNIT_IN_NAMES[unit]}`;
  return name.endsWith(ending) ? name : name + ending;
}

/** Predicted is known of every cycle whose words are; measured only of one that was ok. */
const PAGE_OF = { predicted: 'every', measured: 'ok', 'digital ZF': 'every' } as const;

const sumRate = (name: string, from: Figure['from'], meaning: string, of: CycleColumn['of']): CycleColumn => {
  return { name, unit: 'bit/s/Hz', type: 'number', meaning, of, page: PAGE_OF[from], figure: { of: 'sum rate', from } };
};

function metricColumns({ name, title, unit, meaning, ofSinr }: Metric): CycleColumn[] {
  const sources = ofSinr === undefined ? (['predicted'] as const) : (['predicted', 'measured'] as const);
  return sources.map((from) => ({
    name: `${from}_${name}`,
    ...(unit === undefined ? {} : { unit }),
    type: 'number',
    meaning: `${meaning}: ${from === 'predicted' ? 'of the words on the channel that the controller was given' : 'from the SNR that the panels reported'}`,
    of: ({ metrics }) => metrics[from][name],
    page: PAGE_OF[from],
    figure: { of: title, from, ...(ofSinr === undefined ? { seldom: true } : {}) },
  }));
}

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
    meaning: 'where the channels come from: simulation, file or sounding',
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
  {
    name: 'calibration',
    type: 'text',
    meaning: 'ids of the tables that phase states are known by; none: they are taken as ideal',
    of: (r) => r.calibration,
  },
  { name: 'objective', type: 'text', meaning: 'what the digital weights are best for', of: (r) => r.objective },
  {
    name: 'digital',
    type: 'text',
    meaning: "whose digital weights were radiated: the beamformer's own, the objective's, or none",
    of: (r) => r.digital,
  },
  sumRate(
    'predicted_sum_rate',
    'predicted',
    'of the words on the channel that the controller was given',
    (r) => r.predictedSumRate,
  ),
  sumRate('measured_sum_rate', 'measured', 'from the SNR that the panels reported for this very beam', (r) => r.measuredSumRate),
  sumRate('zf_sum_rate', 'digital ZF', 'of fully digital zero-forcing on the same channel, as a yardstick', (r) => r.zfSumRate),
  ...METRICS.flatMap(metricColumns),
  ...CYCLE_STAGES.map(({ name, meaning }): CycleColumn => {
    const time = `time of the stage ${name}: ${meaning}`;
    return { name: `${name}_ms`, unit: 'ms', type: 'number', meaning: time, of: (r) => r.stageMs[name], page: 'every' };
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
  {
    name: 'flawed_elements',
    type: 'integer',
    meaning:
      'elements that do not do what they are told, as far as tables, the watch and elements measured again tell; several of which one has failed count as one',
    of: (r) => r.health?.flawedElements,
    page: 'every',
  },
  {
    name: 'lost_db',
    unit: 'dB',
    type: 'number',
    meaning:
      'what users hear less than was predicted, mean over them: all that the watch has told of since it learned what is normal; 0 while it told of nothing',
    of: (r) => r.health?.lostDb,
    page: 'every',
  },
  {
    name: 'net_sum_rate',
    unit: 'bit/s/Hz',
    type: 'number',
    meaning: 'measured_sum_rate times the share of the last wholePeriod slots that were left for data; of sounded channels only',
    of: (r) => r.sounding?.netSumRate,
    page: 'ok',
    figure: { of: 'net sum rate', from: 'measured', seldom: true },
  },
  {
    name: 'sounding_beams',
    type: 'integer',
    meaning:
      'beams of the whole channel that were heard just before the cycle, 0 between soundings; of sounded channels only, as the next three',
    of: (r) => r.sounding?.beams,
  },
  {
    name: 'sounding_slots',
    type: 'integer',
    meaning: 'slots that sounding took just before the cycle, those through the words that stand among them',
    of: (r) => r.sounding?.slots,
  },
  {
    name: 'sounding_age_slots',
    type: 'integer',
    meaning: 'slots since the whole channel was sounded',
    of: (r) => r.sounding?.ageSlots,
  },
  {
    name: 'sounding_widened',
    type: 'number',
    meaning:
      'what the error variance that the estimator told of itself had to be widened by, mean over the users; 1 where it was right; none where no slot tested it',
    of: (r) => r.sounding?.widened,
  },
];

/** One a user and cycle. */
export interface UserColumn {
  readonly name: string;
  /** In the table for a spreadsheet, after `user_0_`. */
  readonly csv: string;
  readonly unit: 'dB';
  readonly meaning: string;
  readonly of: (record: CycleRecord, user: number) => number | undefined;
  readonly page: 'every' | 'ok';
}

export const USER_COLUMNS: readonly UserColumn[] = [
  {
    name: 'predicted_db',
    csv: 'predicted_snr_db',
    unit: 'dB',
    meaning:
      'SINR of the quantised beam on the channel that the controller was given; left out where a user is not served, −∞ dB (of a void cycle, also where there was no beam)',
    of: (record, user) => record.predictedSnrDb[user],
    page: 'every',
  },
  {
    name: 'measured_db',
    csv: 'measured_snr_db',
    unit: 'dB',
    meaning: 'SNR as the panel reported it for this very beam',
    of: (record, user) => record.measuredSnrDb[user],
    page: 'ok',
  },
];

/** What pages draw, in the order of a row: users first, each with all of its columns. */
export const pageColumns = (users: number): PageColumn[] => [
  ...Array.from({ length: users }, (_, user) => USER_COLUMNS.map((column) => userPageColumn(column, user))).flat(),
  ...PAGE_COLUMNS.map(({ name, unit, meaning, figure }) => ({
    name,
    meaning,
    ...(unit === undefined ? {} : { unit }),
    ...(figure === undefined ? {} : { figure }),
  })),
];

export const PAGE_COLUMNS: readonly CycleColumn[] = CYCLE_COLUMNS.filter(({ page }) => page !== undefined);

/** Those that a run is judged by. */
export const FIGURES = CYCLE_COLUMNS.filter((column): column is CycleColumn & { figure: Figure } => column.figure !== undefined);

/** As a page is told of a column. */
export type PageColumn = Pick<CycleColumn, 'name' | 'unit' | 'meaning' | 'figure'>;

const userPageColumn = ({ name, unit, meaning }: UserColumn, user: number): PageColumn => {
  return { name: `user_${user}_${name}`, unit, meaning };
};
