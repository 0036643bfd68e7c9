/** The timeline of a scenario: what happens to rig, panels, links, array and users, and when. */
import { CALIBRATION_METHODS } from '../../calibration/methods.ts';
import * as z from 'zod';
import { behaviourSchema } from '../../hil-sim/behaviours.ts';

const when = {
  atS: z.number().min(0).max(86_400).describe('When, s after the first cycle began.'),
  label: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]{0,79}$/)
    .optional()
    .meta({ allowed: '1 to 80 small letters, digits and dashes' })
    .describe('Name by which `after` of a check finds it. Default: what it does.'),
};
const forS = z.number().gt(0).max(86_400).optional().describe('For how long, s. Left out: to the end.');
const panel = z.int().min(0).max(7).default(0).describe('Which panel, from 0.');
const user = z.int().min(0).max(255);
const elements = z.array(z.int().min(0).max(65_535)).min(1).max(65_536).describe('Elements (0-based) that it strikes.');
const entry = <Kind extends string, Shape extends z.ZodRawShape>(kind: Kind, about: string, shape: Shape) =>
  z.strictObject({ do: z.literal(kind).describe(about), ...when, ...shape });

export const actionSchema = z.discriminatedUnion('do', [
  // The operator.
  entry('pause', 'The operator pauses the rig.', {}),
  entry('run', 'The operator lets it run again.', {}),
  entry('mute', 'The operator makes the array dark.', {}),
  entry('stop', 'The operator stops the rig.', {}),
  entry('switch-model', 'Another model chooses the beams.', {
    model: z.string().min(1).max(1000).describe('Which, as in `beamformer.model`; a path is from the folder of the scenario.'),
  }),
  entry('set-phase-bits', 'Another Q.', { phaseBits: z.int().min(1).max(16).describe('Q.') }),
  entry('steer', 'A beam by hand.', {
    azimuthDeg: z.number().min(-90).max(90).describe('Azimuth, degrees.'),
    elevationDeg: z.number().min(-90).max(90).default(0).describe('Elevation, degrees.'),
    user: user.default(0).describe('Whose stream it carries.'),
  }),
  entry('calibrate', 'The operator has the array measured while the rig is up.', {
    method: z
      .enum(CALIBRATION_METHODS.map(({ name }) => name))
      .default('coded')
      .describe('Method, as `beamrig calibrate --method`.'),
    readings: z.int().min(1).max(1_000_000).optional().describe('About how many readings.'),
  }),
  // Links.
  entry('unplug', 'The cable of a panel is pulled.', { panel, forS }),
  entry('frames', 'This happens to frames on their way.', {
    panel,
    forS,
    behaviours: z.array(behaviourSchema).min(1).max(20).describe('What, as in `simulator.behaviours`.'),
  }),
  entry('replay', 'Somebody sends frames again that were heard before.', {
    panel,
    frames: z.int().min(1).max(256).default(40).describe('How many of the newest.'),
  }),
  // Panels.
  entry('restart-panel', 'A panel loses power and has it back: all that it held is lost.', {
    panel,
    bootMs: z.number().min(0).max(600_000).default(100).describe('How long it hears nothing, ms.'),
  }),
  entry('hang-panel', 'A panel neither reads nor answers; its link stays open.', { panel, forS }),
  entry('panel-fault', 'A panel finds a fault of its own and goes dark.', {
    panel,
    forS,
    code: z.int().min(0).max(0xffff).default(7).describe('The code that it says.'),
  }),
  // The array.
  entry('elements-die', 'Elements radiate nothing from now on.', { elements }),
  entry('elements-turn', 'Elements are turned by one phase from now on.', {
    elements,
    deg: z.number().min(-360).max(360).describe('By how much, degrees.'),
  }),
  entry('elements-drift', 'Phases of elements drift away.', {
    elements: elements.optional(),
    degPerMinute: z.number().min(-3600).max(3600).describe('How fast, degrees a minute.'),
    together: z.boolean().default(false).meta({ allowed: 'true or false' }).describe('All at this rate, or each at its own.'),
  }),
  // Users.
  entry('users-walk', 'The users go on at another speed.', {
    speedMps: z.number().min(0).max(1000).describe('m/s; 0: they stand.'),
  }),
  entry('shadow-user', 'Something stands between the array and a user.', {
    user: user.describe('Whose.'),
    lossDb: z.number().gt(0).max(100).describe('What it takes, dB.'),
    forS,
  }),
  entry('noise', 'The noise at the users is another.', {
    db: z.number().min(-60).max(60).describe('By how much, dB over what it was at the start.'),
    forS,
  }),
  // What else takes part.
  entry('database-down', 'The database is killed, and started again.', { forS }),
  entry('pages-hang', 'The pages stop reading.', { forS }),
]);

export type Action = z.output<typeof actionSchema>;
export type ActionName = Action['do'];

export const timelineSchema = z.array(actionSchema).max(1000).default([]).describe('What happens, in any order.');

/** How an entry is called where nobody named it. */
export const labelOf = ({ label, do: what }: Action): string => label ?? what;
