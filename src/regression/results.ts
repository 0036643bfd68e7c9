/**
 * What comes of a regression, as plain data: what a job answers with, what the report holds and every other report is made of. The report's schema
 * (docs/regression-report.schema.json) is made of this file.
 *
 *   job (case, seed) ─► Attempt … ─► SeedResult ─┐
 *   job (case, seed) ─► Attempt … ─► SeedResult ─┴─► CaseResult … ─► Report
 */
import * as z from 'zod';

/** Of a case, a seed or a check. skipped: it could not be played here. error: it did not come to an end, or something of ours failed. */
export const VERDICTS = ['passed', 'failed', 'error', 'skipped'] as const;
export const verdictSchema = z.enum(VERDICTS);
export type Verdict = z.output<typeof verdictSchema>;

const figure = z.number().nullable();

/** Of one check and one seed. */
export const checkResultSchema = z.strictObject({
  /** 'sinr: measured of user 0, mean, from 1 s' */
  name: z.string(),
  verdict: verdictSchema,
  /** What the bound is held against, larger or smaller as `worse` says; null where there is none. */
  value: figure,
  unit: z.string(),
  atLeast: figure,
  atMost: figure,
  /** What was found, in a sentence. */
  says: z.string(),
});
export type CheckResult = z.output<typeof checkResultSchema>;

const seriesSchema = z.strictObject({
  /** Seconds of the rig. */
  atS: z.array(z.number()),
  measured: z.array(figure),
  predicted: z.array(figure),
  true: z.array(figure),
  /** SINR of the worst served user, dB, as measured. */
  worstDb: z.array(figure),
});

export const storySummarySchema = z.strictObject({
  cycles: z.int(),
  voidCycles: z.int(),
  /** bit/s/Hz, so many points at most. */
  sumRate: seriesSchema,
  events: z.array(
    z.strictObject({ atS: z.number(), level: z.string(), code: z.string(), message: z.string(), action: z.string().optional() }),
  ),
  /** Of the timeline. */
  actions: z.array(
    z.strictObject({
      label: z.string(),
      beganS: z.number(),
      endedS: z.number().optional(),
      answer: z.string().optional(),
      skipped: z.boolean().optional(),
    }),
  ),
  /** When which panel was dark, showed beams, or its fixed beam, from the first on. */
  shown: z.array(z.strictObject({ atS: z.number(), panel: z.int(), what: z.enum(['dark', 'beam', 'codeword']) })),
  end: z.strictObject({ as: z.string(), code: z.string().optional(), reason: z.string().optional() }),
});
export type StorySummary = z.output<typeof storySummarySchema>;

/** One playing of a case with one seed. */
export const attemptSchema = z.strictObject({
  verdict: verdictSchema,
  checks: z.array(checkResultSchema),
  /** Absent where nothing was played. */
  story: storySummarySchema.optional(),
  /** Of one that did not come to an end. */
  error: z.strictObject({ code: z.string(), message: z.string(), wayOut: z.string().optional() }).optional(),
  /** Of one that could not be played here: why. */
  skipped: z.string().optional(),
  /** SHA-256 of all that is the same whenever virtual time plays the same story: records, events, what was shown. */
  digest: z.string().nullable(),
  facts: z.record(z.string(), z.string()),
  /** Kept run folder. */
  runFolder: z.string().optional(),
  /** Everything that differs from one playing to the next stands in this block alone. */
  times: z.strictObject({ seconds: z.number(), worker: z.string().optional() }),
});
export type Attempt = z.output<typeof attemptSchema>;

export const seedResultSchema = z.strictObject({
  seed: z.int(),
  verdict: verdictSchema,
  /** It failed and, played again, did not: no pass, but told. */
  flaky: z.boolean(),
  attempts: z.array(attemptSchema).min(1),
});
export type SeedResult = z.output<typeof seedResultSchema>;

/** Of one check over all seeds. */
export const acrossResultSchema = z.strictObject({
  name: z.string(),
  across: z.string(),
  verdict: verdictSchema,
  /** What was estimated from so many seeds, and between which limits it is at the confidence of the scenario. */
  estimate: figure,
  lower: figure,
  upper: figure,
  unit: z.string(),
  atLeast: figure,
  atMost: figure,
  seeds: z.int(),
  says: z.string(),
});
export type AcrossResult = z.output<typeof acrossResultSchema>;

/** Of one check beside the same of the baseline. */
export const comparisonSchema = z.strictObject({
  name: z.string(),
  verdict: verdictSchema,
  unit: z.string(),
  baseline: figure,
  now: figure,
  /** How much worse it is, and the most that it can be at the confidence of the scenario. */
  worseBy: figure,
  worseByAtMost: figure,
  margin: figure,
  seeds: z.int(),
  says: z.string(),
});
export type Comparison = z.output<typeof comparisonSchema>;

export const caseResultSchema = z.strictObject({
  scenario: z.string(),
  /** '' where the scenario has no matrix. */
  case: z.string(),
  file: z.string(),
  about: z.string(),
  tags: z.array(z.string()),
  coordinates: z.record(z.string(), z.union([z.string(), z.number()])),
  time: z.enum(['virtual', 'real']),
  confidence: z.number(),
  verdict: verdictSchema,
  flaky: z.boolean(),
  /** Why its verdict does not count at the moment. */
  quarantined: z.strictObject({ reason: z.string(), until: z.string() }).optional(),
  seeds: z.array(seedResultSchema),
  across: z.array(acrossResultSchema),
  baseline: z.array(comparisonSchema),
  /** Of a failed, skipped or broken one: why, in a line. */
  why: z.string().optional(),
});
export type CaseResult = z.output<typeof caseResultSchema>;

export const totalsSchema = z.strictObject({
  passed: z.int(),
  failed: z.int(),
  error: z.int(),
  skipped: z.int(),
  flaky: z.int(),
  quarantined: z.int(),
});
export type Totals = z.output<typeof totalsSchema>;

export const REPORT_FORMAT = 'beamrig-regression-1';
export const reportSchema = z.strictObject({
  format: z.literal(REPORT_FORMAT),
  underTest: z.strictObject({
    program: z.strictObject({ version: z.string(), commit: z.string().nullable(), modified: z.boolean().nullable() }),
    /** Firmware builds, models and tables, by name: hashes. */
    parts: z.record(z.string(), z.string()),
    /** SHA-256 of every scenario file, by its name. */
    scenarios: z.record(z.string(), z.string()),
    node: z.string(),
    host: z.record(z.string(), z.union([z.string(), z.number()])),
    baseline: z.strictObject({ file: z.string(), sha256: z.string(), commit: z.string().nullable() }).optional(),
  }),
  cases: z.array(caseResultSchema),
  totals: totalsSchema,
  /** Everything that differs from one run to the next, beside `times` of attempts. */
  times: z.strictObject({
    startedAt: z.string(),
    seconds: z.number(),
    workers: z.int(),
  }),
});
export type Report = z.output<typeof reportSchema>;
