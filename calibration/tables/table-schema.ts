/** What stands in a calibration table, JSON: what one panel shows in each state of each of its phase shifters, at one frequency and one temperature. */
import { z } from 'zod';
import { ELEMENT_FLAWS } from '../element-health.ts';

const perState = z.array(z.number().min(-1000).max(1000)).min(2).max(65_536);
/** (n, m) at n·M + m, n counting the panel's own elements; null where nothing was measured: not connected. */
const perPlace = z.array(perState.nullable()).min(1);

/** Where the schema is published, from the root of the package: written by scripts/table-schema.ts. */
export const TABLE_SCHEMA_FILE = 'docs/calibration-table.schema.json';

export const tableSchema = z.strictObject({
  format: z.literal('beamrig-calibration-1'),
  panel: z.string().min(1).max(32).describe('Serial number of the panel that was measured.'),
  frequencyGhz: z.number().positive().describe('Carrier, GHz.'),
  temperatureC: z.number().nullable().describe('Of the board in the middle of the measurement, °C; null: it has no sensor.'),
  measurement: z.string().min(1).max(200).describe('What it was measured in: phases of panels compare where this is the same.'),
  simulatedArray: z
    .string()
    .nullable()
    .describe('Of a simulated array, what it was drawn from; null: a panel, whose serial number says all.'),
  measuredOn: z
    .enum(['hardware', 'played-panel', 'simulator'])
    .optional()
    .describe(
      'What was measured: panels in the air, a panel that a program played, or the simulator. A table of the last two is simulated, and of no hardware. Absent in tables of before this was kept.',
    ),
  measuredAt: z.iso.datetime().describe('When it ended.'),
  method: z.string().describe('How it was measured, as `beamrig calibrate --method` names it.'),
  readings: z.int().positive().describe('How many readings it took.'),
  elements: z.int().positive().describe('N of the panel.'),
  rfChains: z.int().positive().describe('M.'),
  phaseBits: z.int().min(1).max(16).describe('Q.'),
  accuracy: z
    .strictObject({ phaseDeg: z.number().nonnegative(), gainDb: z.number().nonnegative() })
    .describe('RMS by which a state is expected to be wrong, by noise and number of readings.'),
  gainsBeside: z
    .enum(['nominal', 'mean'])
    .describe(
      'nominal: gains are beside what the probe hears of a nominal element. mean: beside the mean of what was measured together.',
    ),
  flaws: z
    .array(
      z.strictObject({
        element: z.int().nonnegative(),
        rfChain: z.int().nonnegative(),
        flaw: z.enum(ELEMENT_FLAWS),
      }),
    )
    .describe('Elements that do not do what they are told.'),
  gainDb: perPlace.describe('By place and word, dB, beside what `gainsBeside` says.'),
  phaseDeg: perPlace.describe('By place and word, degrees; the phases of state 0 add up to 0 over what was measured together.'),
  sha256: z.string().describe('Of the file without this line.'),
});

/** What it says holds of a program, and of no array. */
export const isSimulated = ({ measuredOn, simulatedArray }: Pick<CalibrationTable, 'measuredOn' | 'simulatedArray'>): boolean =>
  simulatedArray !== null || (measuredOn !== undefined && measuredOn !== 'hardware');

export type CalibrationTable = z.infer<typeof tableSchema>;
