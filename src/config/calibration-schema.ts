/** The rig file's section on calibration: where its tables are, and where the probe stands that they are measured with. */
import * as z from 'zod';

export const calibrationSchema = z
  .strictObject({
    folder: z
      .string()
      .min(1)
      .max(1000)
      .default('calibration')
      .describe(
        'Folder of calibration tables, from the folder of the rig file. Those of the rig’s panels at its frequency are used; `beamrig calibrate` writes into it.',
      ),
    need: z
      .enum(['nothing', 'tables'])
      .default('nothing')
      .describe(
        'tables: refuse to start where a panel has no table. nothing: its phase states are taken as ideal, and that is said.',
      ),
    probe: z
      .strictObject({
        azimuthDeg: z
          .number()
          .min(-89)
          .max(89)
          .default(0)
          .describe('Where it stands, degrees from broadside in the horizontal plane, positive towards element 0.'),
        elevationDeg: z.number().min(-89).max(89).default(0).describe('Degrees above the horizontal plane.'),
        distanceM: z
          .number()
          .gt(0)
          .max(100_000)
          .optional()
          .describe('From the centre of the array, m. Left out: so far away that waves are plane when they arrive.'),
        elementLevelDb: z
          .number()
          .min(-200)
          .max(200)
          .optional()
          .describe(
            'Power that it reports of one nominal element alone, dB in its own unit: gains are then absolute, and so is the SINR that is predicted. Left out: beside their mean; the simulator’s is simulator.probeSnrDb.',
          ),
        receiver: z
          .int()
          .min(0)
          .max(65_535)
          .optional()
          .describe('Which receiver of the panels it is, 0-based. Left out: the one after the users, which the simulator has.'),
      })
      .prefault({})
      .describe('The receiver that listens while the array is measured, at a place that is known.'),
    watch: z
      .strictObject({
        boardElements: z
          .int()
          .min(2)
          .max(2048)
          .optional()
          .describe(
            'So many neighbouring elements hang on one board, clock or cable, and may be off together. Left out: those of each link, where there are several.',
          ),
        everyCycles: z
          .int()
          .min(0)
          .max(1_000_000)
          .default(0)
          .describe(
            'After so many cycles a few elements are measured again, by the probe, between two cycles. 0: none; then those that the watch suspects cannot be told apart.',
          ),
        elements: z
          .int()
          .min(1)
          .max(64)
          .default(2)
          .describe(
            'How many elements each time; one takes two beams, or three where elements can be switched off, and all of them one more.',
          ),
      })
      .prefault({})
      .describe('How the array is watched while it runs.'),
  })
  .describe('What the panels were measured to do.');
