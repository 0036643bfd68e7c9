/** The simulator's section of the rig file: everything that hil-sim can get wrong on purpose. */
import { CHIP_NAMES, CHIPS } from '../../hil-sim/chips/chips.ts';
import * as z from 'zod';
import { MAX_PAYLOAD_BYTES, MIN_PAYLOAD_BYTES } from '../../firmware-protocol/limits.ts';
import { STATE_ERRORS } from '../../hil-sim/phase-shifters.ts';
import { behaviourSchema } from '../../hil-sim/behaviours.ts';

const elementList = (what: string) => z.array(z.int().min(0).max(65_535)).max(65_536).default([]).describe(what);

const impairmentsSchema = z
  .strictObject({
    gainErrorDb: z
      .number()
      .min(0)
      .max(20)
      .default(0)
      .describe('Gain error of an element, standard deviation over the elements, dB.'),
    phaseErrorDeg: z
      .number()
      .min(0)
      .max(360)
      .default(0)
      .describe('Fixed phase error of an element, standard deviation, degrees.'),
    phaseStateErrorDeg: z
      .number()
      .min(0)
      .max(90)
      .default(0)
      .describe('Error of each single phase state of each element, standard deviation, degrees.'),
    gainStateErrorDb: z
      .number()
      .min(0)
      .max(20)
      .default(0)
      .describe('Error of the gain of each single phase state of each element, standard deviation, dB.'),
    stateErrors: z
      .enum(STATE_ERRORS)
      .default('sections')
      .describe(
        'sections: states miss by what the Q switched sections of their shifter miss by. independent: each state by itself, without any law.',
      ),
    deadElements: elementList('Elements (0-based) that radiate nothing.'),
    stuckElements: elementList('Elements (0-based) whose phase shifter ignores commands; each shows a word drawn from the seed.'),
    stuckWords: z
      .array(
        z.strictObject({
          element: z.int().min(0).max(65_535).describe('The element, 0-based.'),
          word: z.int().min(0).max(65_535).describe('The phase word that it shows on all its chains, below 2^Q.'),
        }),
      )
      .max(65_536)
      .default([])
      .describe('The same for elements that show a certain word.'),
    temperatureDriftDegPerMinute: z
      .number()
      .min(0)
      .max(360)
      .default(0)
      .describe('Rate at which element phases drift at switch-on, standard deviation over the elements, degrees a minute.'),
    warmUpMinutes: z
      .number()
      .gt(0)
      .max(100_000)
      .default(10)
      .describe('Minutes until 63 % of the drift is over, the array being warm.'),
    coupling: z
      .strictObject({
        neighbourDb: z.number().min(-100).max(-3).describe('Amplitude that an element takes over from each neighbour, dB.'),
        neighbourPhaseDeg: z.number().min(-360).max(360).default(0).describe('Its phase, degrees.'),
      })
      .optional()
      .describe('Mutual coupling of elements beside and above each other. Left out: none.'),
  })
  .describe('What is wrong with the simulated array. Everything left out is ideal.');

const elementsOfFault = z
  .array(z.int().min(0).max(65_535))
  .min(1)
  .max(65_536)
  .optional()
  .describe('Elements (0-based) that it strikes. Left out: all.');
const atS = z.number().min(0).max(1e9).describe('When, seconds after the array was switched on.');

const faultSchema = z
  .discriminatedUnion('do', [
    z.strictObject({ do: z.literal('die').describe('They radiate nothing.'), atS, elements: elementsOfFault }),
    z.strictObject({
      do: z.literal('stick').describe('They show one word on all their chains, whatever they are told.'),
      ...{ atS, elements: elementsOfFault },
      word: z.int().min(0).max(65_535).optional().describe('The word. Left out: one drawn for each.'),
    }),
    z.strictObject({
      do: z.literal('turn').describe('They are all turned by one phase.'),
      ...{ atS, elements: elementsOfFault },
      deg: z.number().min(-360).max(360).describe('The phase, degrees.'),
    }),
    z.strictObject({
      do: z.literal('drift').describe('Their phases drift away.'),
      ...{ atS, elements: elementsOfFault },
      degPerMinute: z.number().min(-3600).max(3600).describe('How fast, degrees a minute.'),
      together: z
        .boolean()
        .default(false)
        .meta({ allowed: 'true or false' })
        .describe('true: all at this rate. false: each at a rate of its own, with this standard deviation.'),
    }),
  ])
  .describe('Something that happens to the array.');

export const simulatorSchema = z
  .strictObject({
    channel: z
      .strictObject({
        model: z.enum(['saleh-valenzuela']).default('saleh-valenzuela').describe('Channel model.'),
        paths: z.int().min(1).max(200).default(10).describe('Propagation paths to each user, L.'),
        scale: z
          .enum(['unit-element', 'paper-001'])
          .default('unit-element')
          .describe('unit-element: mean |h|² of one element is 1. paper-001: the scale of that paper’s text, N times less.'),
        directShare: z
          .number()
          .min(0)
          .max(1)
          .default(0.3)
          .describe(
            'Mean share of the power that comes straight from a user, 0 to 1. 0: scattered paths alone, as paper 001 has it.',
          ),
        nearestM: z.number().min(1).max(100_000).default(10).describe('Nearest that users come to the array, m.'),
        farthestM: z.number().min(2).max(100_000).default(40).describe('Farthest that users go, m; at least 1 m more.'),
        sectorDeg: z
          .number()
          .min(1)
          .max(90)
          .default(60)
          .describe('Users stay within so many degrees of broadside, to either side.'),
        scattererLifeM: z
          .number()
          .min(0.001)
          .max(1_000_000)
          .default(8)
          .describe('How far a user walks while one scatterer stays in sight, m.'),
        elementPattern: z
          .strictObject({
            exponent: z.number().min(0).max(100).describe('n of the power gain cosⁿ off broadside; a patch is near 2.'),
            floorDb: z
              .number()
              .min(-100)
              .max(0)
              .default(-30)
              .describe('Never less than this, dB: the back of an element is not dark.'),
          })
          .optional()
          .describe('Pattern of every element alike. Left out: the same in all directions.'),
      })
      .prefault({})
      .describe('The channel that users are heard through, where no channels are read from a file.'),
    phaseShifter: z
      .enum(['ideal', ...CHIP_NAMES])
      .default('ideal')
      .describe(
        ['States of a phase shifter. ideal: 2^Q evenly on the circle.']
          .concat(CHIP_NAMES.map((name) => `${name}: ${CHIPS[name].about}, Q = ${CHIPS[name].phaseBits}.`))
          .join(' '),
      ),
    userSpeedMps: z.number().min(0).max(1000).default(1.4).describe('Speed of the users, m/s. 0 freezes the channel.'),
    impairments: impairmentsSchema.prefault({}),
    faults: z.array(faultSchema).max(100).default([]).describe('What happens to the array while it runs.'),
    probeSnrDb: z
      .number()
      .min(-50)
      .max(100)
      .default(20)
      .describe('SNR at which the probe of the calibration hears one element alone, in one pilot, dB.'),
    panel: z
      .strictObject({
        answerMs: z.number().min(0).max(60_000).default(0).describe('Time that the panel takes to answer, ms.'),
        latencyMs: z
          .number()
          .min(0)
          .max(60_000)
          .default(0)
          .describe('Time that a frame takes each way on the simulator’s own link, ms; `beamrig panel` has a real wire instead.'),
        protocolMinor: z
          .union([z.literal(1), z.literal(2), z.literal(3)])
          .default(3)
          .meta({ allowed: '1 | 2 | 3' })
          .describe(
            'Minor version of the protocol. 1: as panels were before version 1.2. 2: before 1.3, without enables and gains of elements.',
          ),
        elementEnable: z
          .boolean()
          .default(true)
          .meta({ allowed: 'true or false' })
          .describe('Whether single elements can be switched off in a beam.'),
        pilotReport: z
          .boolean()
          .default(true)
          .meta({ allowed: 'true or false' })
          .describe('Whether it reports what a receiver hears of each chain, by pilots. false: only users’ SNR.'),
        gainBits: z
          .int()
          .min(0)
          .max(8)
          .default(5)
          .describe('Bits of an element’s gain word: word w is the amplitude (w + 1)/2^G. 0: it has no gain control.'),
        maxPayloadBytes: z
          .int()
          .min(MIN_PAYLOAD_BYTES)
          .max(MAX_PAYLOAD_BYTES)
          .optional()
          .describe(
            'Longest payload that the panel takes, bytes; its reports must fit. Left out: 1024, or as long as its longest report, 20 + 8·M.',
          ),
        stagingSlots: z.int().min(1).max(16).default(2).describe('Beams that can be staged beside the one radiated.'),
        beamMemory: z.int().min(0).max(4096).default(16).describe('Beams that it can store; 0: it has no memory for any.'),
      })
      .prefault({})
      .describe('The panel in front of the simulated array.'),
    behaviours: z
      .array(behaviourSchema)
      .max(100)
      .default([])
      .describe('Faults that link and panel play on purpose, in the order of the list, each on what those before left.'),
  })
  .describe('The array that stands in when no hardware is found.');
