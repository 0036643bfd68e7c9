/**
 * Users looked for one after the other, by powers, in beams from wide to narrow: each level's beams lie within the loudest one of the level before.
 * A user's loudest beam of all levels is what his channel is taken for, as of any other beams.
 *
 *   widest beams ─► powers ─► halves of the loudest ─► powers ─► … ─► Ĥ, a row a user
 */
import { zeros, type CMatrix } from '../../../core/signal/complex-matrix.ts';
import { bestBeam } from '../../../sounding/power-only.ts';
import type { ChannelEstimate } from '../../../sounding/estimator.ts';
import { createHierarchicalSearch } from '../../../sounding/hierarchical-beams.ts';
import { soundedWith } from '../../../sounding/seen-directions.ts';
import { shownBeams, type SlotWords, type SoundingArray } from '../../../sounding/sounding-beams.ts';
import type { Result } from '../../panel/panel.ts';
import type { Listening } from './listening.ts';
import type { SlotReading } from './slot-reader.ts';
import { sideBySide } from './sounding-plans.ts';

/** What one user was heard with. */
interface HeardUser {
  /** F of every beam that was read, N×B. */
  readonly beams: CMatrix;
  /** By level, and within it by words. */
  readonly levels: readonly SlotReading[][];
}

/** @param read powers of a user on the first chains of these words */
export async function searchUsers(
  array: SoundingArray,
  users: number,
  read: (words: SlotWords, user: number, chains: number) => Promise<Result<SlotReading>>,
): Promise<Result<HeardUser[]>> {
  const found: HeardUser[] = [];
  for (let user = 0; user < users; user++) {
    const search = createHierarchicalSearch(array);
    const levels: SlotReading[][] = [];
    const shown: CMatrix[] = [];
    for (let slots = search.next(); slots.length > 0; slots = search.next()) {
      const level: SlotReading[] = [];
      for (const [slot, words] of slots.entries()) {
        const chains = Math.min(array.rfChains, search.beams - slot * array.rfChains);
        const reading = await read(words, user, chains);
        if (!reading.ok) return reading;
        level.push(reading.value);
        shown.push(firstColumns(shownBeams(array, [words]), chains));
      }
      levels.push(level);
      search.heard(amplitudesOf(sideBySide(level.map(({ values }) => values))));
    }
    found.push({ beams: sideBySide(shown), levels });
  }
  return { ok: true, value: found };
}

/** @param asReadings what the estimator takes of readings side by side */
export function estimateFound(
  found: readonly HeardUser[],
  asReadings: Listening['whole'],
): { estimate: ChannelEstimate; pilotSnr: number } {
  const each = found.map(({ beams, levels }) => {
    const { values, noise } = asReadings(levels);
    return bestBeam(soundedWith(beams), values, noise);
  });
  const channel = zeros(found.length, each[0].channel.cols);
  each.forEach((one, user) => {
    channel.re.set(one.channel.re, user * channel.cols);
    channel.im.set(one.channel.im, user * channel.cols);
  });
  // The widest beams together hear every direction alike; the others were aimed, and are louder than a random beam.
  const { pilotSnr } = asReadings(found.map(({ levels }) => levels[0]));
  return { estimate: { channel, users: each.flatMap(({ users }) => users) }, pilotSnr };
}

const amplitudesOf = (powers: CMatrix): CMatrix => ({ ...powers, re: powers.re.map((power) => Math.sqrt(Math.max(power, 0))) });

function firstColumns({ rows, cols, re, im }: CMatrix, count: number): CMatrix {
  const out = zeros(rows, count);
  for (let n = 0; n < rows; n++) {
    out.re.set(re.subarray(n * cols, n * cols + count), n * count);
    out.im.set(im.subarray(n * cols, n * cols + count), n * count);
  }
  return out;
}
