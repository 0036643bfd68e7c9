/** What a scenario expects, as it is written down. What each of them looks at is in checks/. */
import * as z from 'zod';

const text = z.string().min(1).max(200);
const window = {
  fromS: z.number().min(0).max(86_400).default(0).describe('From when on, s after the first cycle began.'),
  toS: z.number().gt(0).max(86_400).optional().describe('Until when. Left out: to the end.'),
};
const bounds = {
  atLeast: z.number().optional().describe('Smallest value that is well.'),
  atMost: z.number().optional().describe('Largest value that is well.'),
};
/** How what was found for each seed becomes a verdict about all. */
export const ACROSS = ['every', 'mean', 'quantile', 'failure-rate'] as const;
const across = {
  across: z
    .enum(ACROSS)
    .default('every')
    .describe(
      'every: it has to hold for every seed. mean: for the mean over all seeds there are, at the confidence of the scenario. quantile: for the share `quantile` of them. failure-rate: it may fail for a share of `mostFailures` of them.',
    ),
  quantile: z.number().gt(0).lt(1).default(0.95).describe('Of across: quantile: for which share of the seeds the bound holds.'),
  mostFailures: z.number().gt(0).lt(1).default(0.05).describe('Of across: failure-rate.'),
  margin: z
    .number()
    .min(0)
    .optional()
    .describe(
      'How much worse than the baseline it may be, in the unit of the value. Left out: 1 % of the value in the baseline.',
    ),
};
const name = z.string().min(1).max(80).optional().describe('How reports call it. Default: made of what it says.');

/** Over the cycles of one seed. */
export const OVER_CYCLES = ['mean', 'median', 'least', 'most', 'p5', 'p95'] as const;
const over = z.enum(OVER_CYCLES).default('mean').describe('What of the good cycles in the window counts.');
const after = z
  .string()
  .min(1)
  .max(80)
  .describe('Label of the entry of the timeline that it is counted from: its end, where it has one.');
const withinS = z.number().gt(0).max(86_400).describe('How soon, s.');
const of = z
  .enum(['measured', 'predicted', 'true'])
  .default('measured')
  .describe(
    'measured: as panels reported it. predicted: as the controller calculated it. true: of what was radiated, which only simulators know.',
  );

const check = <Kind extends string, Shape extends z.ZodRawShape>(kind: Kind, about: string, shape: Shape) =>
  z.strictObject({ check: z.literal(kind).describe(about), name, ...shape });

export const checkSchema = z.discriminatedUnion('check', [
  check('sinr', 'SINR of users, dB.', {
    of,
    user: z.int().min(0).max(255).optional().describe('Of this user. Left out: of the worst served.'),
    over,
    ...window,
    ...bounds,
    ...across,
  }),
  check('sum-rate', 'Sum rate, bit/s/Hz.', { of, over, ...window, ...bounds, ...across }),
  check('share-of-zf', 'Sum rate as a share of what digital zero forcing reaches on the same channels.', {
    of,
    ...window,
    ...bounds,
    ...across,
  }),
  check('prediction-error', 'Predicted minus measured sum rate, bit/s/Hz, mean over good cycles.', {
    ...window,
    ...bounds,
    ...across,
  }),
  check('void-cycles', 'How many cycles were void.', { ...window, ...bounds, ...across }),
  check('recovery', 'How long after an entry of the timeline the first good cycle came, s.', {
    after,
    withinS,
    ...across,
  }),
  check('safe-state', 'The array shows its safe state, as its panels know.', {
    state: z
      .enum(['dark', 'codeword', 'held'])
      .default('dark')
      .describe('dark: nothing is radiated. codeword: the fixed beam. held: the last good beam.'),
    after,
    withinS,
    panel: z.int().min(0).max(7).optional().describe('This panel alone. Left out: all.'),
    ...across,
  }),
  check('event', 'An event comes, or does not.', {
    code: text.describe('Its code, as in docs/records.md.'),
    atLeast: z.int().min(0).default(1).describe('How often at least.'),
    atMost: z.int().min(0).optional().describe('How often at most; 0: it must not come.'),
    says: text.optional().describe('Words that its message or action contains.'),
    ...window,
    ...across,
  }),
  check('no-other-events', 'No warning and no error comes but these.', {
    but: z.array(text).max(100).default([]).describe('Codes.'),
    ...window,
    ...across,
  }),
  check('words', 'Phase words are those that were recorded before, for the first seed; others are not compared.', {
    golden: text
      .optional()
      .describe('File of the golden, from the folder of the scenario. Default: made of the names of scenario and case.'),
    cycles: z.int().min(1).max(10_000).default(20).describe('Of so many good cycles from the first on.'),
  }),
  check('ends', 'How the run ends.', {
    as: z
      .enum(['stopped', 'faulted', 'refused'])
      .default('stopped')
      .describe('stopped: by the operator or the end of the scenario. faulted: the rig gave up. refused: it did not start.'),
    code: text.optional().describe('Of a rig that was refused: the code of the error.'),
    says: text.optional().describe('Words that the reason contains.'),
    ...across,
  }),
  check('answered', 'What the operator was told.', {
    after,
    as: z.enum(['done', 'refused']).default('done').describe('Whether it was done.'),
    says: text.optional().describe('Words of the reason.'),
    ...across,
  }),
  check('calibration-error', 'RMS by which the array differs from what its tables say at the end, degrees; simulators only.', {
    ...bounds,
    ...across,
  }),
  check('records', 'Every record reached the database by the end of the run.', { ...across }),
]);

export type Check = z.output<typeof checkSchema>;
export type CheckName = Check['check'];
export type Across = (typeof ACROSS)[number];
