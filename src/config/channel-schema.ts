/** The block `channel` of the rig file: where the channels come from that beams are computed for. */
import * as z from 'zod';
import type { Problem } from '../../core/errors/schema-problems.ts';
import { slotsSpent } from '../../sounding/sounding-schedule.ts';

export const ESTIMATOR_NAMES = ['sparse-bayesian', 'matching-pursuit', 'least-squares'] as const;

const DEFAULTS = { beams: 24, wholePeriod: 58, effectivePeriod: 16, mostMissedDb: 3 };

export const channelSchema = z
  .strictObject({
    source: z
      .enum(['simulation', 'sounding'])
      .default('simulation')
      .describe(
        'simulation: beams are computed for the simulated users, whose channels the controller is given (or, with --channels, for those of a file). sounding: the controller hears its users through the panels, by pilots on beams of its own, and is given nothing.',
      ),
    beams: z
      .int()
      .min(1)
      .max(512)
      .optional()
      .describe(
        `Beams that the whole channel is sounded with, M in each slot, so rounded up to whole slots. Default: ${DEFAULTS.beams}.`,
      ),
    estimator: z
      .enum(ESTIMATOR_NAMES)
      .optional()
      .describe(
        'What makes a channel of the readings. sparse-bayesian: random beams, and the directions that explain them; from the fourth sounding on by what all of them tell together. matching-pursuit: random beams, one direction after the other. least-squares: beams of a Fourier transform, and no directions; it takes N of them. Default: sparse-bayesian.',
      ),
    wholePeriod: z
      .int()
      .min(2)
      .max(1_000_000)
      .optional()
      .describe(
        `Slots from one sounding of the whole channel to the next; a slot is a beam, of sounding or of data. Default: ${DEFAULTS.wholePeriod}.`,
      ),
    effectivePeriod: z
      .int()
      .min(2)
      .max(1_000_000)
      .optional()
      .describe(
        `Slots from one sounding through the words that stand to the next, after each of which the digital weights are solved again. Default: ${DEFAULTS.effectivePeriod}.`,
      ),
    mostMissedDb: z
      .number()
      .gt(0)
      .max(100)
      .optional()
      .describe(
        `Sounds sooner when the SINR, mean over the users, has fallen by so much more than predicted since the last sounding, dB. Default: ${DEFAULTS.mostMissedDb}.`,
      ),
    noise: z
      .number()
      .gt(0)
      .max(1e12)
      .optional()
      .describe(
        'Variance of the noise of one pilot in the unit of the panels’ pilot reports. Left out: learned, by asking for the pilots of a beam twice in the first soundings.',
      ),
  })
  .describe('Where the channels come from that beams are computed for.');

/** How a rig sounds, with every default. */
export interface SoundingChoice {
  slots: number;
  estimator: (typeof ESTIMATOR_NAMES)[number];
  periods: { wholeSlots: number; effectiveSlots: number; mostMissedDb: number };
  noise: number | undefined;
}

/** Undefined where channels are not sounded. */
export function soundingOf({
  channel,
  array,
}: {
  channel: z.output<typeof channelSchema>;
  array: { rfChains: number };
}): SoundingChoice | undefined {
  if (channel.source !== 'sounding') return undefined;
  const { beams = DEFAULTS.beams, estimator = 'sparse-bayesian', wholePeriod = DEFAULTS.wholePeriod } = channel;
  const { effectivePeriod = DEFAULTS.effectivePeriod, mostMissedDb = DEFAULTS.mostMissedDb, noise } = channel;
  return {
    slots: Math.ceil(beams / array.rfChains),
    estimator,
    periods: { wholeSlots: wholePeriod, effectiveSlots: effectivePeriod, mostMissedDb },
    noise,
  };
}

/** Works on an unchecked block too. @param chains M, where it is known */
export function channelProblems(channel: unknown, chains: number | undefined): Problem[] {
  if (typeof channel !== 'object' || channel === null) return [];
  const said = (key: string): unknown => (Object.hasOwn(channel, key) ? Reflect.get(channel, key) : undefined);
  if (said('source') !== 'sounding') {
    return SOUNDING_KEYS.filter((key) => said(key) !== undefined).map((key) => ({
      path: ['channel', key],
      text: `channel.${key}: has no meaning without source: sounding`,
    }));
  }
  const whole = (key: 'beams' | 'wholePeriod' | 'effectivePeriod'): number | undefined => {
    const value = said(key) ?? DEFAULTS[key];
    return typeof value === 'number' && Number.isInteger(value) && value >= 1 ? value : undefined;
  };
  const [beams, wholeSlots, effectiveSlots] = [whole('beams'), whole('wholePeriod'), whole('effectivePeriod')];
  if (beams === undefined || wholeSlots === undefined || effectiveSlots === undefined || !chains) return [];
  const slots = Math.ceil(beams / chains);
  try {
    slotsSpent(slots, { wholeSlots, effectiveSlots });
    return [];
  } catch {
    const text = `channel.wholePeriod: ${wholeSlots} slots, of which ${beams} beams on ${chains} chains take ${slots} and a further one every ${effectiveSlots} for the weights, leave none for data; allowed: above ${slots + Math.ceil(slots / (effectiveSlots - 1 || 1)) + 1}, or fewer beams`;
    return [{ path: ['channel', 'wholePeriod'], text }];
  }
}

const SOUNDING_KEYS = ['beams', 'estimator', 'wholePeriod', 'effectivePeriod', 'mostMissedDb', 'noise'];
