/**
 * Named figures of a beam, beside its SINR and its sum rate. Each is declared here, once; records, InfluxDB, tables, pages, summaries and
 * docs/records.md (`npx tsx scripts/records-doc.ts` writes it) have it by itself.
 */
export interface Metric {
  /** As records have it: `min_rate` is there as `predicted_min_rate` and, where it follows from SINR, as `measured_min_rate`. */
  readonly name: string;
  /** As a person reads it. */
  readonly title: string;
  /** Absent: a pure number. */
  readonly unit?: 'bit/s/Hz' | 'dB';
  readonly meaning: string;
  /**
   * From the SINR of each user, linear: predicted from the beam, measured from what the panels reported. Absent: only whoever chose D or the words
   * knows it, and names it; it is then predicted, and never measured.
   */
  readonly ofSinr?: (sinr: Float64Array) => number;
}

export const METRICS: readonly Metric[] = [
  {
    name: 'min_rate',
    title: 'lowest rate',
    unit: 'bit/s/Hz',
    meaning: 'rate of the user who has the least, log₂(1 + SINR)',
    ofSinr: (sinr) => Math.log2(1 + Math.min(...sinr)),
  },
  {
    name: 'tau',
    title: 'covariance error τ',
    meaning:
      'distance of the radiated covariance from the one that sensing wishes for, ‖XXᴴ − Ψ‖²_F (paper 000, eq. 3); P = SNR, σ² = 1',
  },
  {
    name: 'rate_less_tau',
    title: 'R − ωτ',
    unit: 'bit/s/Hz',
    meaning: 'sum rate less ω times the covariance error (paper 000, eq. 5)',
  },
  {
    name: 'beampattern_mse',
    title: 'beampattern error',
    meaning: 'mean squared difference of the radiated pattern from the one that sensing wishes for, at power 1, over azimuth',
  },
  {
    name: 'words_gain',
    title: 'gained by words',
    unit: 'bit/s/Hz',
    meaning:
      'what words that were chosen for the whole array have more of the objective than the nearest ones, D solved again for both',
  },
];

/** By name. */
export type MetricValues = Readonly<Record<string, number>>;

/**
 * All metrics that can be told of users with this SINR.
 * @param sinr linear, one a user
 * @param told what whoever chose D and the words said of the beam; names that nobody has declared are left out
 */
export function metricsOf(sinr: Float64Array, told: MetricValues = {}): MetricValues {
  const values: Record<string, number> = {};
  for (const { name, ofSinr } of METRICS) {
    const value = told[name] ?? ofSinr?.(sinr);
    if (value !== undefined) values[name] = value;
  }
  return values;
}
