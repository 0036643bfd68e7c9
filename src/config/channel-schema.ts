/** The block `channel` of the rig file: where the channels come from that beams are computed for. */
import * as z from 'zod';
import { counted } from '../../core/errors/counted.ts';
import type { Problem } from '../../core/errors/schema-problems.ts';
import type { ArrayGeometry } from '../../core/signal/geometry.ts';
import { beamsOfSearch } from '../../sounding/hierarchical-beams.ts';
import { slotsSpent } from '../../sounding/sounding-schedule.ts';

export const ESTIMATOR_NAMES = ['sparse-bayesian', 'matching-pursuit', 'least-squares', 'best-beam', 'phase-retrieval'] as const;
type Estimator = (typeof ESTIMATOR_NAMES)[number];

const DEFAULT_ESTIMATOR = 'sparse-bayesian';
const DEFAULTS = { beams: 24, wholePeriod: 58, effectivePeriod: 16, mostMissedDb: 3 };
/** A power is one user's and one chain's, so that the same beams take K·M times the slots. */
const DEFAULTS_BY_POWER = { ...DEFAULTS, beams: 64, wholePeriod: 8000, effectivePeriod: 2000 };
const DEFAULTS_OF: Record<Estimator, typeof DEFAULTS> = {
  ...{ 'sparse-bayesian': DEFAULTS, 'matching-pursuit': DEFAULTS, 'least-squares': DEFAULTS },
  'best-beam': DEFAULTS_BY_POWER,
  'phase-retrieval': { ...DEFAULTS_BY_POWER, beams: 128 },
};
const byPower = (estimator: Estimator): boolean => estimator === 'best-beam' || estimator === 'phase-retrieval';
/** Slots of a set of words: of a sounding of the whole channel, and through words that stand, where each pair of chains is told apart. */
const slotsASet = (estimator: Estimator, chains: number, users: number): { whole: number; through: number } =>
  byPower(estimator) ? { whole: users * chains, through: users * (3 * chains - 2) } : { whole: 1, through: 1 };
const inWords = (key: keyof typeof DEFAULTS): string =>
  `${DEFAULTS[key]}, of best-beam ${DEFAULTS_OF['best-beam'][key]}, of phase-retrieval ${DEFAULTS_OF['phase-retrieval'][key]}`;

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
      .max(4096)
      .optional()
      .describe(
        `Beams that the whole channel is sounded with, M with each set of words, so rounded up to whole sets. Default: ${inWords('beams')}.`,
      ),
    estimator: z
      .enum(ESTIMATOR_NAMES)
      .optional()
      .describe(
        'What makes a channel of the readings. sparse-bayesian: random beams, and the directions that explain them; from the fourth sounding on by what all of them tell together. matching-pursuit: random beams, one direction after the other. least-squares: beams of a Fourier transform, and no directions; it takes N of them. For panels that report no pilots, by users’ SNR alone, one stream driven at a time: best-beam: each user is where the loudest of N beams of a Fourier transform points; phase-retrieval: random beams, and the phases that directions can explain. Default: sparse-bayesian.',
      ),
    words: z
      .enum(['dft', 'hierarchical'])
      .optional()
      .describe(
        'Of estimator: best-beam. dft: the loudest of `beams` beams of a Fourier transform. hierarchical: each user is looked for by himself, from wide beams to narrow ones, the halves of the loudest each time: about 2·log2(N) slots a user in the place of N. Default: dft.',
      ),
    wholePeriod: z
      .int()
      .min(2)
      .max(1_000_000)
      .optional()
      .describe(
        `Slots from one sounding of the whole channel to the next; a slot is a beam, of sounding or of data. Default: ${inWords('wholePeriod')}.`,
      ),
    effectivePeriod: z
      .int()
      .min(2)
      .max(1_000_000)
      .optional()
      .describe(
        `Slots from one sounding through the words that stand to the next, after each of which the digital weights are solved again. Default: ${inWords('effectivePeriod')}.`,
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
  /** Sets of words, M beams each. */
  sets: number;
  estimator: Estimator;
  /** From wide beams to narrow ones, and `sets` says nothing. */
  isSearched: boolean;
  periods: { wholeSlots: number; effectiveSlots: number; mostMissedDb: number };
  noise: number | undefined;
}

export interface SearchedArray {
  geometry: ArrayGeometry;
  rfChains: number;
  connection: 'full' | 'sub';
}

interface SoundedRig {
  channel: z.output<typeof channelSchema>;
  array: SearchedArray;
  users: { count: number };
}

/** Undefined where channels are not sounded. */
export function soundingOf({
  channel,
  array,
}: Pick<SoundedRig, 'channel'> & { array: Pick<SearchedArray, 'rfChains'> }): SoundingChoice | undefined {
  if (channel.source !== 'sounding') return undefined;
  const { estimator = DEFAULT_ESTIMATOR } = channel;
  const defaults = DEFAULTS_OF[estimator];
  const { beams = defaults.beams, wholePeriod = defaults.wholePeriod, effectivePeriod = defaults.effectivePeriod } = channel;
  const { mostMissedDb = defaults.mostMissedDb, noise, words = 'dft' } = channel;
  return {
    sets: Math.ceil(beams / array.rfChains),
    estimator,
    isSearched: words === 'hierarchical',
    periods: { wholeSlots: wholePeriod, effectiveSlots: effectivePeriod, mostMissedDb },
    noise,
  };
}

/** The most beams that a rig shows between two cycles for its channel. */
export function mostSoundingSlots(rig: SoundedRig): number {
  const choice = soundingOf(rig);
  if (choice === undefined) return 0;
  const { whole, through } = slotsASet(choice.estimator, rig.array.rfChains, rig.users.count);
  const { geometry, rfChains } = rig.array;
  const slots = choice.isSearched ? rig.users.count * beamsOfSearch(geometry, rfChains) : choice.sets * whole;
  return slots + through - 1;
}

/** Beams of whose readings an estimator finds directions: its work grows by the cube of them. Others take as many as there are. */
const MOST_EXPLAINED = 512;
const TAKES_ANY: ReadonlySet<Estimator> = new Set(['least-squares', 'best-beam']);

/** Works on an unchecked block too. @param chains M, users K, array: where they are known */
export function channelProblems(
  channel: unknown,
  { chains, users, array }: { chains: number | undefined; users: number | undefined; array: SearchedArray | undefined },
): Problem[] {
  if (typeof channel !== 'object' || channel === null) return [];
  const said = (key: string): unknown => (Object.hasOwn(channel, key) ? Reflect.get(channel, key) : undefined);
  if (said('source') !== 'sounding') {
    return SOUNDING_KEYS.filter((key) => said(key) !== undefined).map((key) => ({
      path: ['channel', key],
      text: `channel.${key}: has no meaning without source: sounding`,
    }));
  }
  const estimator = ESTIMATOR_NAMES.find((name) => name === (said('estimator') ?? DEFAULT_ESTIMATOR));
  if (estimator === undefined) return [];
  if (byPower(estimator) && said('noise') !== undefined) {
    const text = `channel.noise: has no meaning with estimator: ${estimator}, whose readings are SNRs and have their noise in them`;
    return [{ path: ['channel', 'noise'], text }];
  }
  const isSearched = said('words') === 'hierarchical';
  if (said('words') !== undefined && estimator !== 'best-beam') {
    const text = `channel.words: has no meaning with estimator: ${estimator}, whose words are not chosen; leave it out, or set estimator: best-beam`;
    return [{ path: ['channel', 'words'], text }];
  }
  if (isSearched && array?.connection === 'sub') {
    const text =
      'channel.words: hierarchical is for chains that reach every element, and array.connection is sub, where it would take more slots; leave it out';
    return [{ path: ['channel', 'words'], text }];
  }
  if (isSearched && said('beams') !== undefined) {
    const text = 'channel.beams: has no meaning with words: hierarchical, which takes as many as halving does; leave it out';
    return [{ path: ['channel', 'beams'], text }];
  }
  const defaults = DEFAULTS_OF[estimator];
  const whole = (key: 'beams' | 'wholePeriod' | 'effectivePeriod'): number | undefined => {
    const value = said(key) ?? defaults[key];
    return typeof value === 'number' && Number.isInteger(value) && value >= 1 ? value : undefined;
  };
  const [beams, wholeSlots, effectiveSlots] = [whole('beams'), whole('wholePeriod'), whole('effectivePeriod')];
  if (beams === undefined || wholeSlots === undefined || effectiveSlots === undefined || !chains || !users) return [];
  if (beams > MOST_EXPLAINED && !TAKES_ANY.has(estimator)) {
    const text = `channel.beams: ${beams}, of which ${estimator} would make a channel for minutes; allowed: up to ${MOST_EXPLAINED}, or more with estimator: least-squares or best-beam`;
    return [{ path: ['channel', 'beams'], text }];
  }
  const each = slotsASet(estimator, chains, users);
  if (isSearched && array === undefined) return [];
  const slots =
    isSearched && array !== undefined ? users * beamsOfSearch(array.geometry, chains) : Math.ceil(beams / chains) * each.whole;
  if (effectiveSlots <= each.through) {
    const text = `channel.effectivePeriod: ${effectiveSlots} slots, and the weights alone take ${each.through} with estimator: ${estimator}; allowed: above ${each.through}`;
    return [{ path: ['channel', 'effectivePeriod'], text }];
  }
  try {
    slotsSpent(slots, { wholeSlots, effectiveSlots }, each.through);
    return [];
  } catch {
    const further = each.through === 1 ? 'a further one' : `${each.through} further ones`;
    const what = isSearched ? `searches for ${counted(users, 'user')}` : `${beams} beams on ${chains} chains`;
    const text = `channel.wholePeriod: ${wholeSlots} slots, of which ${what} take ${slots} and ${further} every ${effectiveSlots} for the weights, leave none for data; allowed: above ${slots + each.through}${isSearched ? '' : ', or fewer beams'}`;
    return [{ path: ['channel', 'wholePeriod'], text }];
  }
}

const SOUNDING_KEYS = ['beams', 'estimator', 'words', 'wholePeriod', 'effectivePeriod', 'mostMissedDb', 'noise'];
