/**
 * Spatially sparse precoding by orthogonal matching pursuit: one RF chain after the other takes the beam that has most of what digital WMMSE
 * still lacks, and D = A⁺V is solved again.
 *
 * The beams are those of beam-grid.ts, four an element; where the paper has the directions of the paths, nobody tells a baseline. A chain that does
 * not reach every element takes the part of a beam that it can show.
 *
 * Source: El Ayach et al., IEEE Trans. Wireless Commun. 13(3), 2014, algorithm 1.
 */
import type { HybridPrecoder } from '../../core/signal/beam-contract.ts';
import type { CMatrix } from '../../core/signal/complex-matrix.ts';
import { conjTranspose, matmul, subtract, zeros } from '../../core/signal/complex-matrix.ts';
import { leastSquares } from './aligned.ts';
import type { Baseline } from './baseline.ts';
import { heardOnBeams, reachedBy, showBeam } from './beam-grid.ts';
import { factored, wmmseTarget } from './digital-targets.ts';

const OVERSAMPLING = 4;

export const omp: Baseline = {
  title: 'digital WMMSE first, then the beams that have most of it, one after the other (OMP)',
  source: 'El Ayach et al., IEEE Trans. Wireless Commun. 13(3), 2014, algorithm 1',
  run: factored(wmmseTarget, matchingPursuit),
};

/**
 * @param target V, N×K
 * @param connected N×M, zero where an element is not on a chain
 * @returns A, and D = A⁺V
 */
export function matchingPursuit(target: CMatrix, connected: CMatrix): HybridPrecoder {
  const { rows: elements, cols: chains } = connected;
  const beams = OVERSAMPLING * elements;
  const analog = zeros(elements, chains);
  const taken = new Set<number>(); // by chains that reach every element: the same beam again would add nothing
  let missing = target;
  for (let chain = 0; chain < chains; chain++) {
    const reached = reachedBy(chain, elements, chains, (place) => connected.re[place] !== 0 || connected.im[place] !== 0);
    // |a_gᴴv| = |vᴴa_g|
    const beam = loudest(heardOnBeams(conjTranspose(missing), beams, reached), taken);
    if (reached.length === elements) taken.add(beam);
    showBeam(analog, chain, beam, beams, reached);
    missing = subtract(target, matmul(analog, leastSquares(analog, target)));
  }
  return { analog, digital: leastSquares(analog, target) };
}

/** The beam heard loudest by all rows together, of those that are left. */
function loudest({ cols: beams, re, im }: CMatrix, taken: ReadonlySet<number>): number {
  let best = { energy: -1, beam: 0 };
  for (let beam = 0; beam < beams; beam++) {
    if (taken.has(beam)) continue;
    let energy = 0;
    for (let at = beam; at < re.length; at += beams) energy += re[at] ** 2 + im[at] ** 2;
    if (energy > best.energy) best = { energy, beam };
  }
  return best.beam;
}
