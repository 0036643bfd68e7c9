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
import {
  complex,
  embed,
  entries,
  fromEmbedding,
  hermitian,
  hermitianProduct,
  product,
  unitPower,
  withPhase,
} from '../graph/complex.ts';
import type { Tensor } from '../graph/graph.ts';
import * as ops from '../graph/ops.ts';
import { scan } from '../graph/scan.ts';
import type { NetworkDimensions, NormalisedChannel } from '../network-ends.ts';

/** Step sizes: μ [I, J, B|1] of the analog steps and λ [I, B|1] of the digital ones. */
export interface PgaSteps {
  mu: Tensor;
  lambda: Tensor;
}

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
/** What becomes of a channel's steps when a layer was skipped. */
const DAMPING = 0.25;

/**
 * I layers of J analog steps and one digital step.
 * Source: paper 001, (6)–(13) with the factor 1∕ln 2 of its appendix, √P in (9) and the phases of (12) aligned with the channel.
 * @param options.guarded past the paper: a layer that would lower a channel's rate by more than a tenth is skipped for that channel, and
 *   its steps are a quarter as long from then on. So steps that overshoot on one channel in fifty cost a layer and not the beam. (Small
 *   losses are let through: long steps pay later.)
 * @param options.answer 'last' beam, as in the paper, or the 'best' of start and layers by the network's own rate: never below the start
 * @throws BeamrigError 'argument' unless rfChains equals users
 */
export function unfoldedPga(
  normalised: NormalisedChannel,
  steps: PgaSteps,
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
  const start = initialBeam(problem, dimensions);
  const muPerLayer = ops.unsqueeze(steps.mu, [3, 4]); // [I, J, B|1, 1, 1]
  const lambdaPerLayer = ops.unsqueeze(steps.lambda, [2, 3]); // [I, B|1, 1, 1]
  const perLn2 = graph.constant(1 / Math.LN2); // the gradients are for bits
  const startRate = rateOf(problem, start.analog, start.digital);
  const one = ops.expandLike(graph.constant(1), startRate);
  const first = [start.analog.parts, start.digital.parts, startRate];
  const state = [...first, ...(options.guarded ? [one] : []), ...(options.answer === 'best' ? first : [])];

  const layers = scan(state, [muPerLayer, lambdaPerLayer], ([analog, digital, before, ...others], [mu, lambda]) => {
    const length = options.guarded ? others[0] : one; // [B]
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
    let now: BeamTensors = { analog: moved.parts, digital: stepped.parts, rate: rateOf(problem, moved, stepped) };
    const carries: Tensor[] = [];
    if (options.guarded) {
      const holds = ops.greaterOrEqual(now.rate, ops.multiply(before, graph.constant(1 - GUARD_TOLERANCE)));
      now = choose(holds, now, { analog, digital, rate: before });
      carries.push(ops.select(holds, length, ops.multiply(length, graph.constant(DAMPING))));
    }
    if (options.answer === 'best') {
      const [bestAnalog, bestDigital, bestRate] = others.slice(carries.length);
      const top = choose(ops.greaterOrEqual(now.rate, bestRate), now, {
        analog: bestAnalog,
        digital: bestDigital,
        rate: bestRate,
      });
      carries.push(top.analog, top.digital, top.rate);
    }
    return { carries: [now.analog, now.digital, now.rate, ...carries], outputs: [now.rate] };
  });
  const [analog, digital] = options.answer === 'best' ? layers.carries.slice(-3) : layers.carries;
  return {
    analog: complex(analog),
    digital: complex(digital),
    rates: ops.concat([ops.unsqueeze(startRate, [0]), layers.outputs[0]], 0),
  };
}

interface BeamTensors {
  analog: Tensor;
  digital: Tensor;
  /** [B] */
  rate: Tensor;
}

/** Channel by channel: `yes` where the condition [B] holds, else `no`. */
function choose(condition: Tensor, yes: BeamTensors, no: BeamTensors): BeamTensors {
  const perEntry = ops.unsqueeze(condition, [1, 2]);
  return {
    analog: ops.select(perEntry, yes.analog, no.analog),
    digital: ops.select(perEntry, yes.digital, no.digital),
    rate: ops.select(condition, yes.rate, no.rate),
  };
}

/** What every step reads and none changes. */
interface ProblemTensors {
  /** H, [B, K, 2N]. */
  channel: Complex;
  /** Ones but where a user hears its own stream, for both parts: [K, 2K]. */
  others: Tensor;
  /** [B, 1, 1] */
  noise: Tensor;
  /** The connection mask for both parts, and what keeps 0∕0 away where there is no connection: [N, 2M]. */
  connection?: { mask: Tensor; rest: Tensor };
}

function prepare({ channel, noise }: NormalisedChannel, { users }: NetworkDimensions, connection?: Tensor): ProblemTensors {
  const { graph } = channel.parts;
  const others = entries(users, 2 * users, (row, col) => (row === col % users ? 0 : 1));
  const problem: ProblemTensors = {
    channel,
    others: graph.constant(others, [users, 2 * users]),
    noise: ops.unsqueeze(noise, [1, 2]),
  };
  if (connection !== undefined) {
    const mask = ops.concat([connection, connection], 1);
    problem.connection = { mask, rest: ops.subtract(graph.constant(1), mask) };
  }
  return problem;
}

/** (12) with the sign that aligns, A₀ = exp(j·angle(Hᴴ)), and (13), D₀ = A₀⁺H⁺ = (A₀ᴴA₀)⁻¹·A₀ᴴHᴴ·(HHᴴ)⁻¹ at unit power. */
function initialBeam(problem: ProblemTensors, { elements, users }: NetworkDimensions): { analog: Complex; digital: Complex } {
  const { graph } = problem.channel.parts;
  const channelHermitian = hermitian(problem.channel);
  const analog = project(problem, withPhase(channelHermitian));
  // A ridge of 1e-6 of an average diagonal entry keeps the inverses finite when two users stand in one direction.
  const ridge = graph.constant(
    entries(2 * users, 2 * users, (row, col) => (row === col ? 1e-6 * elements : 0)),
    [2 * users, 2 * users],
  );
  const a = embed(analog);
  const h = embed(channelHermitian);
  const chainGram = ops.add(ops.matmul(ops.swapLast(a), a), ridge); // A₀ᴴA₀
  const userGram = ops.add(ops.matmul(ops.swapLast(h), h), ridge); // HHᴴ
  const shared = ops.matmul(ops.swapLast(a), h); // A₀ᴴHᴴ
  const byUsers = ops.swapLast(ops.solvePositiveDefinite(userGram, ops.swapLast(shared))); // A₀ᴴHᴴ·(HHᴴ)⁻¹
  const digital = ops.solvePositiveDefinite(chainGram, byUsers);
  return { analog, digital: unitPower(analog, fromEmbedding(digital)) };
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

/** Of G = H·A·D: S, all that a user hears, I, what it hears beside its own stream, and C·ln 2 = G∕S − (G − diag G)∕I. */
function receive(
  { others, noise }: ProblemTensors,
  gains: Complex,
): { weighted: Complex; received: Tensor; interference: Tensor } {
  const { graph } = gains.parts;
  const one = graph.constant(1);
  const received = ops.add(ops.reduceSumSquare(gains.parts, [2]), noise); // [B, K, 1]
  const interference = ops.add(ops.reduceSumSquare(ops.multiply(gains.parts, others), [2]), noise);
  const weights = ops.subtract(ops.divide(one, received), ops.multiply(others, ops.divide(one, interference)));
  return { weighted: c.scale(gains, weights), received, interference };
}

/** Entries to modulus one: (7). */
function project({ connection }: ProblemTensors, analog: Complex): Complex {
  if (connection === undefined) return c.unitModulus(analog);
  const free = c.scale(analog, connection.mask);
  return c.scale(free, ops.divide(free.parts.graph.constant(1), ops.sqrt(ops.add(c.modulusSquared(free), connection.rest))));
}

/** R = Σ log₂(S∕I), [B]. */
function rateOf(problem: ProblemTensors, analog: Complex, digital: Complex): Tensor {
  const { received, interference } = receive(problem, product(product(problem.channel, analog), digital));
  const rate = ops.reduceSum(ops.subtract(ops.log(received), ops.log(interference)), [1]);
  return ops.multiply(ops.squeeze(rate, [1, 2]), rate.graph.constant(1 / Math.LN2));
}
