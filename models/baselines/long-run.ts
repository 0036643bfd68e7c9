/**
 * What a hybrid array can reach, as far as anybody knows: phases and D together, from many starts, each run to its end; the best of them. It
 * stands for the limit wherever a share of it is given. Not for a control loop: some tens of milliseconds a channel at N = 32, M = K = 4, and
 * seconds at N = 64 with sensing.
 *
 *   start ─► ten steps of phase extraction ─► L-BFGS on the phases, D being the best one for them ─► a maximum; the best of sixteen
 *
 *   runBaseline('long-run', problem)            phases and D as every baseline gives them
 *   longRun(problem), longRun(problem, 64)      A and D, of as many starts as one likes
 *
 * With sensing it is R − ω·τ that is climbed, from eight starts, and what phases are extracted from is the digital answer to that.
 *
 * At 10 dB of `paper-001`, N = 32, M = K = 4, it has 97.5 % of digital WMMSE (one start 97.4, 64 starts 97.6); with M ≥ 2K it has all of it, for
 * then every digital precoder can be had (two-phase.ts), and the first start that has it is the last.
 *
 * Sources: rate-of-phases.ts and rate-sensing-of-phases.ts for the gradients, lbfgs.ts for the method, phase-extraction.ts for what it begins with.
 */
import type { HybridPrecoder, Problem } from '../../core/signal/beam-contract.ts';
import type { CMatrix } from '../../core/signal/complex-matrix.ts';
import { conjTranspose, scale } from '../../core/signal/complex-matrix.ts';
import { wmmse } from '../../core/signal/precoders.ts';
import { sumRate } from '../../core/signal/rate.ts';
import { rowSpaceBasis } from '../../core/signal/row-space.ts';
import type { Baseline } from './baseline.ts';
import { climb } from './climb.ts';
import { digitalAnswer, sensingTask } from './digital-rate-sensing.ts';
import { lbfgs } from './lbfgs.ts';
import { roundedNormalisedChannel } from './normalise.ts';
import { extractPhases } from './phase-extraction.ts';
import type { FunctionOfPhases } from './rate-of-phases.ts';
import { rateOfPhases } from './rate-of-phases.ts';
import { rateSensingOfPhases } from './rate-sensing-of-phases.ts';
import { spanningStarts } from './spanning-starts.ts';

const STARTS = 16;
/** Each takes ten times as long. */
const SENSING_STARTS = 8;
const CLIMB = { iterations: 500, tolerance: 1e-6 };
/** A run that lacks no more than this share of what every element with a chain of its own would give ends the search. */
const NOTHING_TO_GAIN = 1e-6;

export const longRunBaseline: Baseline = {
  title: 'phases and D together, the best of many starts run to their ends: stands for the limit, and is not for a loop',
  source: 'ours; L-BFGS of Nocedal and Wright, Numerical Optimization, 2nd ed.',
  run: (problem) => longRun(problem),
};

/** Where to climb, and from where. */
interface Climbs {
  /** Anew for every start. */
  open(): FunctionOfPhases;
  readonly starts: readonly CMatrix[];
  /** What phases are extracted for, N×r, orthonormal. */
  readonly basis: CMatrix;
  readonly extractionSteps: number;
  readonly firstStepRad: number;
  /** Of an array with a chain for each element. */
  readonly bound: number;
}

/**
 * @param starts ≥ 1; a larger number begins with the starts of a smaller one
 * @returns A and D, ‖A·D‖²_F = P; the same for the same problem, always
 * @throws {BeamrigError} 'argument' when the channel is all zero or not finite
 */
export function longRun(problem: Problem, starts = problem.sensing === undefined ? STARTS : SENSING_STARTS): HybridPrecoder {
  const climbs = problem.sensing === undefined ? forRate(problem, starts) : forSensing(problem, starts);
  let best: { value: number; beam?: HybridPrecoder } = { value: -Infinity };
  for (const start of climbs.starts) {
    const reached = climbs.open();
    const phases = reached.phasesOf(extractPhases(climbs.basis, start, { steps: climbs.extractionSteps }));
    const { x, value } = climb(reached.at, phases, lbfgs(phases.length, climbs.firstStepRad), CLIMB);
    if (!(value > best.value) && best.beam !== undefined) continue;
    reached.at(x, new Float64Array(x.length));
    best = { value, beam: reached.shown() };
    if (value >= climbs.bound - NOTHING_TO_GAIN * Math.abs(climbs.bound)) break;
  }
  const { analog, digital } = best.beam as HybridPrecoder;
  return { analog, digital: scale(digital, Math.sqrt(problem.power)) };
}

function forRate({ channel: given, noise: givenNoise, power, rfChains, connection }: Problem, count: number): Climbs {
  const { channel, noise } = roundedNormalisedChannel(given, givenNoise, power);
  const basis = rowSpaceBasis(channel);
  const array = { rfChains, ...(connection === undefined ? {} : { connection }) };
  return {
    open: () => rateOfPhases(channel, rfChains, noise, connection),
    starts: spanningStarts(channel, basis, noise, { ...array, count }),
    ...{ basis, extractionSteps: 10, firstStepRad: 0.5 },
    bound: sumRate(channel, wmmse(channel, 1, noise), noise),
  };
}

/** Starts of `spanningStarts` that have to do with the rate alone. */
const OF_THE_RATE = 3;

function forSensing(problem: Problem, count: number): Climbs {
  const { rfChains, connection } = problem;
  const task = sensingTask(problem);
  const { precoder, value } = digitalAnswer(task);
  const basis = rowSpaceBasis(conjTranspose(precoder));
  const array = { rfChains, ...(connection === undefined ? {} : { connection }) };
  const mixtures = spanningStarts(task.channel, basis, task.noise, { ...array, count: count + OF_THE_RATE - 1 });
  return {
    open: () => rateSensingOfPhases(task, rfChains, connection),
    starts: [phasesOf(precoder, rfChains, connection), ...mixtures.slice(OF_THE_RATE)],
    ...{ basis, extractionSteps: 20, firstStepRad: 0.3 },
    bound: value,
  };
}

/** exp(j∠X) where connected; chains beyond the users take its columns again, each with every second element turned by a quarter. */
function phasesOf({ rows: elements, cols: users, re, im }: CMatrix, rfChains: number, connection?: Uint8Array): CMatrix {
  const analog = {
    rows: elements,
    cols: rfChains,
    re: new Float64Array(elements * rfChains),
    im: new Float64Array(elements * rfChains),
  };
  for (let place = 0; place < analog.re.length; place++) {
    if (connection !== undefined && connection[place] === 0) continue;
    const n = Math.floor(place / rfChains);
    const m = place % rfChains;
    const from = n * users + (m % users);
    const quarter = m >= users && n % 2 === 1 ? Math.PI / 2 : 0;
    const phase = Math.atan2(im[from], re[from]) + quarter * Math.floor(m / users);
    analog.re[place] = Math.cos(phase);
    analog.im[place] = Math.sin(phase);
  }
  return analog;
}
