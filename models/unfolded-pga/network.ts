/**
 * The unfolded projected-gradient network of paper 001 (Nguyen et al., Asilomar 2023), defined once: the training graph, the exported
 * file and the float64 check are all built by `unfoldedPga`.
 *
 * A complex matrix is one real matrix [Re | Im], side by side. (The embedding [[Re, −Im], [Im, Re]] would need fewer ops, but it holds
 * each number twice, and in float32 the two copies drift apart: after 300 steps at μ = 0.1 the power was off by up to 8 %.) The inner step is
 * made of few small ops, since its time goes by their number:
 *
 * - P = H·A with the real and imaginary parts of each user's row one under the other, so that a reshape puts the four real products of
 *   a complex one side by side, and one product with E (below) finishes both H·A and the product with D.
 * - The rate's two logarithms need S (all that user k hears) and I (the interference). H is stacked twice, so that G comes twice, and a
 *   mask of signs turns the second into −(G − diag G): then one sum of squares, one sum and one division serve both, and C·ln 2 is the
 *   sum of the two halves, which the next product takes.
 *
 * All shapes carry the batch B first. N elements, M = K chains and users.
 */
import { counted } from '../../core/errors/counted.ts';
import { BeamrigError } from '../../core/errors/beamrig-error.ts';
import type { Complex } from '../graph/complex.ts';
import { complex, embed, entries, fromEmbedding, hermitian, pairSum, turnByJ, unitPower, withPhase } from '../graph/complex.ts';
import type { Graph, Tensor } from '../graph/graph.ts';
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
  const problem = prepare(graph, normalised, dimensions, options.connection);
  const start = initialBeam(problem, normalised.channel, dimensions);
  const muPerLayer = ops.unsqueeze(steps.mu, [3, 4]); // [I, J, B|1, 1, 1]
  const lambdaPerLayer = ops.unsqueeze(steps.lambda, [2, 3]); // [I, B|1, 1, 1]
  const perLn2 = graph.constant(1 / Math.LN2); // the gradients are for bits
  const startRate = sumRate(problem, start.analog.parts, expand(problem, start.digital.parts));
  const one = ops.expandLike(graph.constant(1), startRate);
  const first = [start.analog.parts, start.digital.parts, startRate];
  const state = [...first, ...(options.guarded ? [one] : []), ...(options.answer === 'best' ? first : [])];

  const layers = scan(state, [muPerLayer, lambdaPerLayer], ([analog, digital, before, ...others], [mu, lambda]) => {
    const length = options.guarded ? others[0] : one; // [B]
    const perLayer = ops.multiply(ops.unsqueeze(length, [1, 2]), perLn2);
    // D stays as it is during the J analog steps, so the step sizes are multiplied into Eᵀ once for all of them.
    const expansion = expand(problem, digital);
    const stepBack = ops.multiply(ops.multiply(mu, perLayer), ops.swapLast(expansion)); // [J, B, 2K, 4M]
    const inner = scan([analog], [stepBack], ([a], [back]) => ({ carries: [analogStep(problem, a, expansion, back)] }));
    const moved = inner.carries[0];
    const ascent = digitalAscent(problem, moved, expansion);
    const climbed = ops.add(digital, ops.multiply(ops.multiply(lambda, perLayer), ascent)); // (8)
    const stepped = unitPower(complex(moved), complex(climbed)).parts; // (9) with √P
    let now: BeamTensors = { analog: moved, digital: stepped, rate: sumRate(problem, moved, expand(problem, stepped)) };
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
  users: number;
  rfChains: number;
  /** Rows (half, user, part) of H, both halves alike: [B, 4K, N]. */
  stackedChannel: Tensor;
  /** Its transpose, [B, N, 4K]. */
  stackedChannelT: Tensor;
  /** First half ones, second half minus ones off the diagonal: [2K, 2K]. */
  stackMask: Tensor;
  /** [B, 1, 1] */
  noise: Tensor;
  /** [2M, 2M]: adds the squares of an entry's two parts and puts the sum in both places. */
  pairSum: Tensor;
  /** [2K, 2K]: multiplies [Re | Im] by j from the right. */
  timesJ: Tensor;
  /** The connection mask for both parts, and what keeps 0∕0 away where there is no connection: [N, 2M]. */
  connection?: { mask: Tensor; rest: Tensor };
}

function prepare(
  graph: Graph,
  { channel, noise }: NormalisedChannel,
  { elements, users, rfChains }: NetworkDimensions,
  connection?: Tensor,
): ProblemTensors {
  const rows = ops.reshape(channel.parts, ['B', 2 * users, elements]); // (user, part)
  const stackedChannel = ops.concat([rows, rows], 1);
  const offDiagonal = (row: number, col: number) => (row - users === col % users ? 0 : -1);
  const stackMask = entries(2 * users, 2 * users, (row, col) => (row < users ? 1 : offDiagonal(row, col)));
  const problem: ProblemTensors = {
    users,
    rfChains,
    stackedChannel,
    stackedChannelT: ops.swapLast(stackedChannel),
    stackMask: graph.constant(stackMask, [2 * users, 2 * users]),
    noise: ops.unsqueeze(noise, [1, 2]),
    pairSum: pairSum(graph, rfChains),
    timesJ: turnByJ(graph, users),
  };
  if (connection !== undefined) {
    const mask = ops.concat([connection, connection], 1);
    problem.connection = { mask, rest: ops.subtract(graph.constant(1), mask) };
  }
  return problem;
}

/** (12) with the sign that aligns, A₀ = exp(j·angle(Hᴴ)), and (13), D₀ = A₀⁺H⁺ = (A₀ᴴA₀)⁻¹·A₀ᴴHᴴ·(HHᴴ)⁻¹ at unit power. */
function initialBeam(problem: ProblemTensors, channel: Complex, { elements, users }: NetworkDimensions) {
  const { graph } = channel.parts;
  const channelHermitian = hermitian(channel);
  const analog = complex(project(problem, withPhase(channelHermitian).parts));
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
  const digital = ops.matmul(ops.matmul(ops.inverse(chainGram), shared), ops.inverse(userGram));
  return { analog, digital: unitPower(analog, fromEmbedding(digital)) };
}

/** (6) and (7): A ← project(A + μ·HᴴCDᴴ). */
function analogStep(problem: ProblemTensors, analog: Tensor, expansion: Tensor, stepBack: Tensor): Tensor {
  const { users, rfChains } = problem;
  const { weighted } = receive(problem, products(problem, analog), expansion);
  const back = ops.reshape(ops.matmul(weighted, stepBack), ['B', 4 * users, 2 * rfChains]);
  return project(problem, ops.add(analog, ops.matmul(problem.stackedChannelT, back)));
}

/** (11): (H·A)ᴴ·C·ln 2, [B, M, 2K]. */
function digitalAscent(problem: ProblemTensors, analog: Tensor, expansion: Tensor): Tensor {
  const { rfChains } = problem;
  const seen = products(problem, analog);
  const { weighted } = receive(problem, seen, expansion);
  // Back through E = [D; jD; jD; −D]: to each block, its own share of ∂D.
  const shares = ops.matmul(ops.swapLast(seen), weighted); // [B, 4M, 2K]
  const share = (index: number) => ops.slice(shares, 1, index * rfChains, (index + 1) * rfChains);
  const turned = ops.matmul(ops.add(share(1), share(2)), ops.swapLast(problem.timesJ));
  return ops.add(ops.subtract(share(0), share(3)), turned);
}

/** The four real products of H·A side by side, [Re·Re | Re·Im | Im·Re | Im·Im], both halves: [B, 2K, 4M]. */
function products({ stackedChannel, users, rfChains }: ProblemTensors, analog: Tensor): Tensor {
  return ops.reshape(ops.matmul(stackedChannel, analog), ['B', 2 * users, 4 * rfChains]);
}

/** E = [D; jD; jD; −D], [B, 4M, 2K]: takes those four products to [Re | Im] of H·A·D. */
function expand({ timesJ }: ProblemTensors, digital: Tensor): Tensor {
  const turned = ops.matmul(digital, timesJ);
  return ops.concat([digital, turned, turned, ops.negate(digital)], 1);
}

/** G (both halves, the second masked), and S over I: the halves of C·ln 2 are G∕S and −(G − diag G)∕I. */
function receive(problem: ProblemTensors, seen: Tensor, expansion: Tensor): { weighted: Tensor; received: Tensor } {
  const gains = ops.multiply(ops.matmul(seen, expansion), problem.stackMask);
  const received = ops.add(ops.reduceSumSquare(gains, [2]), problem.noise); // [B, 2K, 1]
  return { weighted: ops.divide(gains, received), received };
}

/** Entries to modulus one: (7). */
function project(problem: ProblemTensors, analog: Tensor): Tensor {
  const free = problem.connection === undefined ? analog : ops.multiply(analog, problem.connection.mask);
  const squares = ops.matmul(ops.multiply(free, free), problem.pairSum);
  const guarded = problem.connection === undefined ? squares : ops.add(squares, problem.connection.rest);
  return ops.divide(free, ops.sqrt(guarded));
}

/** R = Σ log₂(S∕I), [B], of A and the E of D. */
function sumRate(problem: ProblemTensors, analog: Tensor, expansion: Tensor): Tensor {
  const { users } = problem;
  const { received } = receive(problem, products(problem, analog), expansion);
  const all = ops.log(ops.slice(received, 1, 0, users));
  const interference = ops.log(ops.slice(received, 1, users, 2 * users));
  const rate = ops.reduceSum(ops.subtract(all, interference), [1]);
  return ops.multiply(ops.squeeze(rate, [1, 2]), analog.graph.constant(1 / Math.LN2));
}
