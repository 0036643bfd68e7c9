/**
 * Conventional PGA: constant steps, on a problem brought to one canonical unit first.
 */
import type { HybridPrecoder, Problem } from '../../core/signal/beam-contract.ts';
import { scale } from '../../core/signal/complex-matrix.ts';
import type { Baseline } from './baseline.ts';
import { normaliseChannel } from './normalise.ts';
import { constantSteps, pgaUnfold } from './pga.ts';

export interface PgaSettings {
  layers: number;
  innerSteps: number;
  mu: number;
  lambda: number;
}

/** The array whose steps paper 001 gives. */
const PAPER_ELEMENTS = 32;

/**
 * The constant steps of paper 001, with J = 10, carried over to N elements: in the canonical unit an entry of ∂R/∂A* falls as 1/N, and ∂R/∂D* grows
 * as N beside D. As they are printed they move nothing at N = 1,024, and D goes astray.
 */
export const paperSteps = (elements: number): PgaSettings => ({
  layers: 30,
  innerSteps: 10,
  mu: (0.01 * elements) / PAPER_ELEMENTS,
  lambda: (1e-4 * PAPER_ELEMENTS) / elements,
});

export const pga: Baseline = {
  title:
    'projected gradient ascent with the constant steps of paper 001 for N = 32, carried over to N; 30 iterations of 10 inner steps',
  source: 'paper 001, section III-A',
  run: (problem) => fixedStepPga(problem, paperSteps(problem.channel.cols)),
};

/**
 * PGA with constant steps on the canonical problem: mean |h|² = 1, σ² = 1, and the power that the SNR then asks for. The step on D acts
 * relative to √P, so a convention is needed, and this is the one that gives the published rates with the published steps when the channel
 * is in the `unit-element` scale.
 */
export function fixedStepPga(problem: Problem, settings: PgaSettings): HybridPrecoder {
  const { channel, noise } = normaliseChannel(problem.channel, problem.noise, problem.power);
  const power = 1 / noise;
  const { start, layers } = pgaUnfold({
    channel,
    power,
    noise: 1,
    rfChains: problem.rfChains,
    ...constantSteps(settings.layers, settings.innerSteps, settings.mu, settings.lambda),
    ...(problem.connection === undefined ? {} : { connection: problem.connection }),
  });
  const last = layers.at(-1) ?? start;
  return { analog: last.analog, digital: scale(last.digital, Math.sqrt(problem.power / power)) };
}
