/**
 * The unfolded projected-gradient network of paper 001 (Nguyen et al., Asilomar 2023), defined once: the training graph, the exported
 * file and the float64 check are all built by `unfoldedPga`.
 *
 * A complex matrix is one real matrix [Re | Im], side by side. (The embedding [[Re, −Im], [Im, Re]] would need fewer ops, but it holds
 * each number twice, and in float32 the two copies drift apart: after 300 steps at μ = 0.1 the power was off by up to 8 %.)
 *
 * All shapes carry the batch B first. N elements, M = K chains and users.
 */
import { counted } from '../../core/errors/counted.ts';
import { BeamrigError } from '../../core/errors/beamrig-error.ts';
import type { Complex } from '../graph/complex.ts';
import * as c from '../graph/complex.ts';
import { complex, hermitian, hermitianProduct, product, unitPower, withPhase } from '../graph/complex.ts';
import type { Tensor } from '../graph/graph.ts';
import * as ops from '../graph/ops.ts';
import { scan } from '../graph/scan.ts';
import type { NetworkDimensions, NormalisedChannel } from '../network-ends.ts';
import { climb, stepsByLayer, type AscentSteps } from '../unfolded-ascent/climb.ts';
import { nearestToZeroForcing } from '../unfolded-ascent/start.ts';
import { rateOfGains, receive, usersOf, type Users } from '../unfolded-ascent/users.ts';

export interface PgaResult {
  /** A, [B, N, 2M]. */
  analog: Complex;
  /** D for power 1, [B, M, 2K]. */
  digital: Complex;
  /** Sum rate in bit/s/Hz at the start and after each layer, [I + 1, B]. */
  rates: Tensor;
}

/** Share of the rate that a guarded layer may cost. */
const GUARD_TOLERANCE = 0.1;

/**
 * I layers of J analog steps and one digital step.
 * Source: paper 001, (6)–(13) with the factor 1∕ln 2 of its appendix, √P in (9) and the phases of (12) aligned with the channel.
 * @param options.guarded past the paper: a layer that would lower a channel's rate by more than a tenth is skipped (climb.ts). Small losses
 *   are let through: long steps pay later
 * @param options.answer by the network's own rate
 * @throws BeamrigError 'argument' unless rfChains equals users
 */
export function unfoldedPga(
  normalised: NormalisedChannel,
  steps: AscentSteps,
  dimensions: NetworkDimensions,
  options: { guarded: boolean; answer: 'last' | 'best'; connection?: Tensor },
): PgaResult {
  const { rfChains, users } = dimensions;
  if (rfChains !== users) {
    throw new BeamrigError(
      'argument',
      `unfolded-pga: ${counted(rfChains, 'RF chain')} for ${counted(users, 'user')}; the network needs as many chains as users`,
      {
        wayOut: 'use a baseline, or a rig with as many RF chains as users',
      },
    );
  }
  const { graph } = normalised.channel.parts;
  const problem = prepare(normalised, dimensions, options.connection);
  const start = initialBeam(problem);
  const byLayer = stepsByLayer(steps);
  const perLn2 = graph.constant(1 / Math.LN2); // the gradients are for bits
  const startRate = rateOf(problem, start.analog, start.digital);
  const stands = (now: Tensor, before: Tensor): Tensor =>
    ops.greaterOrEqual(now, ops.multiply(before, graph.constant(1 - GUARD_TOLERANCE)));
  const { answer, values } = climb(
    [start.analog.parts, start.digital.parts, startRate],
    byLayer,
    { answer: options.answer, ...(options.guarded ? { stands } : {}) },
    ([analog, digital], { mu, lambda }, length) => {
      const perLayer = ops.multiply(ops.unsqueeze(length, [1, 2]), perLn2);
      const d = complex(digital);
      // D stays as it is during the J analog steps, so the step sizes are multiplied into Dᴴ once for all of them.
      const dHermitian = hermitian(d);
      const stepBack = ops.multiply(ops.multiply(mu, perLayer), dHermitian.parts); // [J, B, K, 2M]
      const inner = scan([analog], [stepBack], ([a], [back]) => ({
        carries: [analogStep(problem, complex(a), d, complex(back)).parts],
      }));
      const moved = complex(inner.carries[0]);
      const ascent = digitalAscent(problem, moved, d);
      const climbed = c.add(d, c.scale(ascent, ops.multiply(lambda, perLayer))); // (8)
      const stepped = unitPower(moved, climbed); // (9) with √P
      return [moved.parts, stepped.parts, rateOf(problem, moved, stepped)];
    },
  );
  return { analog: complex(answer[0]), digital: complex(answer[1]), rates: values };
}

/** What every step reads and none changes. */
interface ProblemTensors extends Users {
  /** H, [B, K, 2N]. */
  channel: Complex;
  /** The connection mask for both parts, and what keeps 0∕0 away where there is no connection: [N, 2M]. */
  connection?: { mask: Tensor; rest: Tensor };
}

function prepare({ channel, noise }: NormalisedChannel, { users }: NetworkDimensions, connection?: Tensor): ProblemTensors {
  const { graph } = channel.parts;
  const problem: ProblemTensors = { channel, ...usersOf(noise, users) };
  if (connection !== undefined) {
    const mask = ops.concat([connection, connection], 1);
    problem.connection = { mask, rest: ops.subtract(graph.constant(1), mask) };
  }
  return problem;
}

/** (12) with the sign that aligns, A₀ = exp(j·angle(Hᴴ)), and (13) at unit power. */
function initialBeam(problem: ProblemTensors): { analog: Complex; digital: Complex } {
  const channelHermitian = hermitian(problem.channel);
  const analog = project(problem, withPhase(channelHermitian));
  return { analog, digital: unitPower(analog, nearestToZeroForcing(analog, channelHermitian)) };
}

/** (6) and (7): A ← project(A + μ·Hᴴ·C·Dᴴ). @param stepBack μ·Dᴴ */
function analogStep(problem: ProblemTensors, analog: Complex, digital: Complex, stepBack: Complex): Complex {
  const { channel } = problem;
  const { weighted } = receive(problem, product(product(channel, analog), digital));
  return project(problem, c.add(analog, hermitianProduct(channel, product(weighted, stepBack))));
}

/** (11): (H·A)ᴴ·C·ln 2, [B, M, 2K]. */
function digitalAscent(problem: ProblemTensors, analog: Complex, digital: Complex): Complex {
  const seen = product(problem.channel, analog);
  return hermitianProduct(seen, receive(problem, product(seen, digital)).weighted);
}

/** Entries to modulus one: (7). */
function project({ connection }: ProblemTensors, analog: Complex): Complex {
  if (connection === undefined) return c.unitModulus(analog);
  const free = c.scale(analog, connection.mask);
  return c.scale(free, ops.divide(free.parts.graph.constant(1), ops.sqrt(ops.add(c.modulusSquared(free), connection.rest))));
}

const rateOf = (problem: ProblemTensors, analog: Complex, digital: Complex): Tensor =>
  rateOfGains(problem, product(product(problem.channel, analog), digital));
