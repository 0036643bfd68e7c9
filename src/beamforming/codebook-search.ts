/**
 * Beams of a codebook, found by measuring: nothing of the channel is known, or used. One user after the other is sent a stream on the beams in question,
 * one a cycle; the one that he hears best is looked into, down to a codeword that holds no others. Then every user is served at once, each by an RF chain
 * that shows his codeword, with equal power; where one hears much less than he did, all are looked for again.
 *
 *   user k: probe, probe ─► the louder of them ─► what is within ─► probe, probe ─► … ─► and those beside the last ─► codeword k
 */
import type { Beam } from '../../core/signal/beam-contract.ts';
import { zeros } from '../../core/signal/complex-matrix.ts';
import { elementCount } from '../../core/signal/geometry.ts';
import { oneStream } from '../../core/signal/steering.ts';
import type { Beamformer } from './beamformer.ts';
import type { Codeword } from './codebook-tree.ts';
import type { ArrayAtHand } from './hand-beams.ts';

/** So much less than at the end of the search, so many readings in a row: a user is elsewhere. */
const LOST_DB = 6;
const LOST_READINGS = 3;

export interface CodebookSearch extends Beamformer {
  /** Probes of the search that was done last. */
  readonly probes: number;
}

/** @param codebook where every search begins @param kind for titles: 'hierarchical', or the file */
export function searchingCodebook(array: ArrayAtHand, codebook: readonly Codeword[], kind: string): CodebookSearch {
  const { geometry, rfChains, users } = array;
  const elements = elementCount(geometry);
  let found: Codeword[] = [];
  let candidates = codebook;
  let heardDb: number[] = [];
  /** The candidates are an end and those beside it. */
  let atEnd = false;
  let probes = 0;
  let done = 0;
  let serving: Beam | undefined;
  let now = probe();
  /** SINR of each user when it was served first, and readings in a row that were far below. */
  let levelDb: Float64Array | undefined;
  let low = 0;

  function probe(): Beam {
    const { phaseRad } = candidates[heardDb.length];
    const analogPhase = Float64Array.from({ length: elements * rfChains }, (_, place) => phaseRad[Math.floor(place / rfChains)]);
    return { analogPhase, digital: oneStream(rfChains, users, found.length), asGiven: 'phases' };
  }

  function serve(): Beam {
    const analogPhase = Float64Array.from({ length: elements * rfChains }, (_, place) => {
      return found[(place % rfChains) % users].phaseRad[Math.floor(place / rfChains)];
    });
    const digital = zeros(rfChains, users);
    for (let m = 0; m < rfChains; m++) digital.re[m * users + (m % users)] = 1;
    return { analogPhase, digital, asGiven: 'phases' };
  }

  function begin(): void {
    found = [];
    candidates = codebook;
    heardDb = [];
    atEnd = false;
    probes = 0;
    serving = undefined;
    levelDb = undefined;
    low = 0;
    now = probe();
  }

  /** @returns words once all users are found */
  function probed(measuredDb: Float64Array): string | undefined {
    heardDb.push(measuredDb[found.length]);
    probes++;
    if (heardDb.length === candidates.length) {
      const loudest = Math.max(...heardDb);
      const best = candidates[heardDb.indexOf(loudest)];
      const within = best.within();
      const beside = within.length > 0 || atEnd ? [] : (best.beside?.() ?? []);
      atEnd = beside.length > 0;
      if (atEnd) {
        candidates = [best, ...beside];
        heardDb = [loudest];
      } else {
        if (within.length === 0) found.push(best);
        candidates = within.length > 0 ? within : codebook;
        heardDb = [];
      }
    }
    if (found.length < users) {
      now = probe();
      return undefined;
    }
    now = serving = serve();
    done = probes;
    const each = found.map(({ name }, user) => `user ${user} at ${name}`).join(', ');
    return `The codebook was searched with ${probes} probes: ${each}.`;
  }

  function served(measuredDb: Float64Array): string | undefined {
    levelDb ??= measuredDb.slice();
    const level = levelDb;
    const lost = measuredDb.findIndex((db, user) => db < level[user] - LOST_DB);
    low = lost < 0 ? 0 : low + 1;
    if (low < LOST_READINGS) return undefined;
    begin();
    return `User ${lost} hears ${LOST_DB} dB less than after the search: the codebook is searched again.`;
  }

  return {
    id: 'codebook',
    kind: 'baseline',
    title: `beams of a codebook (${kind}), found by measuring; equal power to each user`,
    dimensions: { elements, rfChains, users },
    get probes() {
      return done;
    },
    compute: async () => now,
    heard(beam, { measuredDb }) {
      // One of before, or one that nobody heard: it is radiated again.
      if (beam !== now || measuredDb === undefined) return undefined;
      return serving === undefined ? probed(measuredDb) : served(measuredDb);
    },
    close: async () => undefined,
  };
}
