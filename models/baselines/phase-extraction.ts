/**
 * Phase extraction on the row space of the channel. With K ≤ M every digital precoder worth having lives in the space that the columns of Hᴴ
 * span, so the analog precoder need only span it, too. Of all Q·B with Q an orthonormal basis of that space and B of orthonormal rows, the one
 * nearest to A is taken, and its phases are the next A:
 *
 *   B = polar factor of QᴴA,  A ← exp(j∠(Q·B + β·(Q·B − Q·B of the step before)))
 *
 * No step size, and O(N·K·M) a step. With the momentum β = 1 half as many steps do; with 1.5 it does not settle.
 *
 * Source: phase extraction of Yu et al., IEEE J. Sel. Topics Signal Process. 10(3), 2016, section IV, whose target is a precoder and not a space.
 */
import type { HybridPrecoder, Problem } from '../../core/signal/beam-contract.ts';
import type { CMatrix } from '../../core/signal/complex-matrix.ts';
import { clone, matmul, multiplyAhB, scale, zeros } from '../../core/signal/complex-matrix.ts';
import { digitalForSumRate } from '../../core/signal/objectives/sum-rate.ts';
import { polarFactor } from '../../core/signal/polar-factor.ts';
import { sumRate } from '../../core/signal/rate.ts';
import { rowSpaceBasis } from '../../core/signal/row-space.ts';
import type { Baseline } from './baseline.ts';
import { roundedNormalisedChannel } from './normalise.ts';
import { spanningStarts } from './spanning-starts.ts';

const STEPS = 10;
const STARTS = 16;

export const phaseExtraction: Baseline = {
  title: `phases of the beams that span the row space of the channel, ${STEPS} steps; D by weighted MMSE`,
  source: 'after Yu et al., IEEE JSTSP 10(3), 2016, section IV, on the row space',
  run: (problem) => bestExtraction(problem, { steps: STEPS, starts: 1 }),
};

export const phaseExtractionBest: Baseline = {
  title: `phase extraction, ${STEPS} steps from each of ${STARTS} starts, the one with the best sum rate`,
  source: 'after Yu et al., IEEE JSTSP 10(3), 2016, section IV, on the row space, the starts are ours',
  run: (problem) => bestExtraction(problem, { steps: STEPS, starts: STARTS }),
};

/** A step repairs what the one before left: one, two and six give the same rate to a thousandth of a bit. */
const HALLEY_STEPS = 2;

export interface PhaseExtraction {
  steps: number;
  /** β; default 1. */
  momentum?: number;
}

/**
 * The best beam of some starts, the first being aligned phases, by the sum rate with D by weighted MMSE.
 * @param starts ≥ 1
 * @returns A and D, ‖A·D‖²_F = P
 * @throws {BeamrigError} 'argument' when the channel is all zero or not finite
 */
export function bestExtraction(problem: Problem, options: PhaseExtraction & { starts: number }): HybridPrecoder {
  const { rfChains, connection, power } = problem;
  const { channel, noise } = roundedNormalisedChannel(problem.channel, problem.noise, power);
  const basis = rowSpaceBasis(channel);
  const array = { rfChains, ...(connection === undefined ? {} : { connection }) };
  const beams = spanningStarts(channel, basis, noise, { ...array, count: options.starts }).map((start) => {
    const analog = extractPhases(basis, start, options);
    const digital = digitalForSumRate(channel, analog, 1, noise);
    return { analog, digital, rate: sumRate(channel, matmul(analog, digital), noise) };
  });
  const { analog, digital } = beams.reduce((best, beam) => (beam.rate > best.rate ? beam : best));
  return { analog, digital: scale(digital, Math.sqrt(power)) };
}

/**
 * @param basis Q, N×r
 * @param start A₀, N×M; entries that are zero are not connected and stay zero
 * @returns A, N×M, unit modulus where connected; an element that hears nobody keeps its phases
 */
export function extractPhases(basis: CMatrix, start: CMatrix, { steps, momentum = 1 }: PhaseExtraction): CMatrix {
  const analog = clone(start);
  const before = zeros(start.rows, start.cols); // Q·B of the step before, which the first step has none of
  for (let step = 0; step < steps; step++) {
    moveOn(analog, before, basis, polarFactor(multiplyAhB(basis, analog), HALLEY_STEPS), step === 0 ? 0 : momentum);
  }
  return analog;
}

/** A ← exp(j∠(Q·B + β·(Q·B − before))), before ← Q·B, in one pass over the elements. */
function moveOn(analog: CMatrix, before: CMatrix, basis: CMatrix, turned: CMatrix, momentum: number): void {
  const { rows: elements, cols: chains, re: ar, im: ai } = analog;
  const { cols: directions, re: qr, im: qi } = basis;
  const { re: br, im: bi } = turned;
  for (let n = 0, at = 0; n < elements; n++) {
    const row = n * directions;
    for (let m = 0; m < chains; m++, at++) {
      if (ar[at] === 0 && ai[at] === 0) continue;
      let re = 0;
      let im = 0;
      for (let k = 0, q = row, b = m; k < directions; k++, q++, b += chains) {
        re += qr[q] * br[b] - qi[q] * bi[b];
        im += qr[q] * bi[b] + qi[q] * br[b];
      }
      const movedRe = re + momentum * (re - before.re[at]);
      const movedIm = im + momentum * (im - before.im[at]);
      before.re[at] = re;
      before.im[at] = im;
      const size = Math.sqrt(movedRe * movedRe + movedIm * movedIm);
      if (!(size > 0)) continue;
      ar[at] = movedRe / size;
      ai[at] = movedIm / size;
    }
  }
}
