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
import { counted } from '../../errors/counted.ts';
import { BeamrigError } from '../../errors/beamrig-error.ts';
import type { Graph, Tensor } from '../graph/graph.ts';
import * as ops from '../graph/ops.ts';
import { scan } from '../graph/scan.ts';

export interface PgaDimensions {
  elements: number;
  rfChains: number;
  users: number;
}

export interface PgaInputs {
  /** [B, K, N, 2], row k is h_kᴴ. */
  channel: Tensor;
  /** [B] */
  power: Tensor;
  /** [B] */
  noise: Tensor;
  /** [N, M] of 0/1; without it every chain reaches every element. */
  connection?: Tensor;
}

/** Step sizes: μ [I, J, B|1] of the analog steps and λ [I, B|1] of the digital ones. */
export interface PgaSteps {
  mu: Tensor;
  lambda: Tensor;
}

/** The channel in the network's own unit: ‖H‖²_F = K·N, power 1. */
export interface NormalisedChannel {
  /** [Re H | Im H], [B, K, 2N]. */
  channel: Tensor;
  /** σ²∕P in the same unit, [B]. */
  noise: Tensor;
}

export interface PgaResult {
  /** [Re A | Im A], [B, N, 2M]. */
  analog: Tensor;
  /** [Re D | Im D] for power 1, [B, M, 2K]. */
  digital: Tensor;
  /** Sum rate in bit/s/Hz at the start and after each layer, [I + 1, B]. */
  rates: Tensor;
}

/** Share of the rate that a guarded layer may cost. */
const guardTolerance = 0.1;
/** What becomes of a channel's steps when a layer was skipped. */
const damping = 0.25;

/** Scales the channel to ‖H‖²_F = K·N and the noise with it, so that a beam depends on neither the unit of H nor the power's. */
export function normalise(inputs: PgaInputs, { elements, users }: PgaDimensions): NormalisedChannel {
  const { channel, power, noise } = inputs;
  const { graph } = channel;
  const re = ops.squeeze(ops.slice(channel, 3, 0, 1), [3]);
  const im = ops.squeeze(ops.slice(channel, 3, 1, 2), [3]);
  const energy = ops.reduceSumSquare(channel, [1, 2, 3]); // [B, 1, 1, 1]
  const factor = ops.divide(graph.constant(users * elements), ops.maximum(energy, graph.constant(1e-30)));
  const amplitude = ops.squeeze(ops.sqrt(factor), [3]); // [B, 1, 1]
  return {
    channel: ops.multiply(ops.concat([re, im], 2), amplitude),
    noise: ops.multiply(ops.divide(noise, power), ops.squeeze(factor, [1, 2, 3])),
  };
}

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
  dimensions: PgaDimensions,
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
  const { graph } = normalised.channel;
  const problem = prepare(graph, normalised, dimensions, options.connection);
  const start = initialBeam(graph, problem, normalised.channel, dimensions);
  const muPerLayer = ops.unsqueeze(steps.mu, [3, 4]); // [I, J, B|1, 1, 1]
  const lambdaPerLayer = ops.unsqueeze(steps.lambda, [2, 3]); // [I, B|1, 1, 1]
  const perLn2 = graph.constant(1 / Math.LN2); // the gradients are for bits
  const startRate = sumRate(problem, start.analog, expand(problem, start.digital));
  const one = ops.expandLike(graph.constant(1), startRate);
  const first = [start.analog, start.digital, startRate];
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
    const stepped = unitPower(problem, moved, ops.add(digital, ops.multiply(ops.multiply(lambda, perLayer), ascent)));
    let now: Beam = { analog: moved, digital: stepped, rate: sumRate(problem, moved, expand(problem, stepped)) };
    const carries: Tensor[] = [];
    if (options.guarded) {
      const holds = ops.greaterOrEqual(now.rate, ops.multiply(before, graph.constant(1 - guardTolerance)));
      now = choose(holds, now, { analog, digital, rate: before });
      carries.push(ops.select(holds, length, ops.multiply(length, graph.constant(damping))));
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
  return { analog, digital, rates: ops.concat([ops.unsqueeze(startRate, [0]), layers.outputs[0]], 0) };
}

interface Beam {
  analog: Tensor;
  digital: Tensor;
  /** [B] */
  rate: Tensor;
}

/** Channel by channel: `yes` where the condition [B] holds, else `no`. */
function choose(condition: Tensor, yes: Beam, no: Beam): Beam {
  const perEntry = ops.unsqueeze(condition, [1, 2]);
  return {
    analog: ops.select(perEntry, yes.analog, no.analog),
    digital: ops.select(perEntry, yes.digital, no.digital),
    rate: ops.select(condition, yes.rate, no.rate),
  };
}

/** What every step reads and none changes. */
interface Problem {
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
  { elements, users, rfChains }: PgaDimensions,
  connection?: Tensor,
): Problem {
  const rows = ops.reshape(channel, ['B', 2 * users, elements]); // (user, part)
  const stackedChannel = ops.concat([rows, rows], 1);
  const offDiagonal = (row: number, col: number) => (row - users === col % users ? 0 : -1);
  const stackMask = matrix(2 * users, 2 * users, (row, col) => (row < users ? 1 : offDiagonal(row, col)));
  const pairSum = matrix(2 * rfChains, 2 * rfChains, (row, col) => (row % rfChains === col % rfChains ? 1 : 0));
  // [a | b]·j = [−b | a]
  const timesJ = matrix(2 * users, 2 * users, (row, col) =>
    row % users !== col % users || row === col ? 0 : row < users ? 1 : -1,
  );
  const problem: Problem = {
    users,
    rfChains,
    stackedChannel,
    stackedChannelT: ops.swapLast(stackedChannel),
    stackMask: graph.constant(stackMask, [2 * users, 2 * users]),
    noise: ops.unsqueeze(noise, [1, 2]),
    pairSum: graph.constant(pairSum, [2 * rfChains, 2 * rfChains]),
    timesJ: graph.constant(timesJ, [2 * users, 2 * users]),
  };
  if (connection !== undefined) {
    const mask = ops.concat([connection, connection], 1);
    problem.connection = { mask, rest: ops.subtract(graph.constant(1), mask) };
  }
  return problem;
}

/** (12) with the sign that aligns, A₀ = exp(j·angle(Hᴴ)), and (13), D₀ = A₀⁺H⁺ at unit power. */
function initialBeam(graph: Graph, problem: Problem, channel: Tensor, { elements, users }: PgaDimensions) {
  const part = (index: number) => ops.slice(channel, 2, index * elements, (index + 1) * elements);
  const hermitian = ops.concat([ops.swapLast(part(0)), ops.negate(ops.swapLast(part(1)))], 2); // [B, N, 2K]
  // An element that hears nobody starts at phase 0.
  const size = 2 * users;
  const one = graph.constant(
    matrix(1, size, (_, col) => (col < users ? 1 : 0)),
    [1, size],
  );
  const heard = ops.matmul(ops.multiply(hermitian, hermitian), problem.pairSum);
  const analog = project(problem, ops.select(ops.greaterOrEqual(heard, graph.constant(1e-20)), hermitian, one));
  // A ridge of 1e-6 of an average diagonal entry keeps the inverses finite when two users stand in one direction.
  const ridge = graph.constant(
    matrix(size, size, (row, col) => (row === col ? 1e-6 * elements : 0)),
    [size, size],
  );
  const a = embed(problem, analog);
  const h = embed(problem, hermitian);
  const chainGram = ops.add(ops.matmul(ops.swapLast(a), a), ridge);
  const userGram = ops.add(ops.matmul(ops.swapLast(h), h), ridge); // HHᴴ
  const aligned = ops.matmul(ops.swapLast(a), h); // AᴴHᴴ
  const digital = ops.matmul(ops.matmul(ops.inverse(chainGram), aligned), ops.inverse(userGram));
  // The embedding's upper half is [Re | −Im].
  const upper = ops.slice(digital, 1, 0, users);
  const flip = graph.constant(
    matrix(1, size, (_, col) => (col < users ? 1 : -1)),
    [1, size],
  );
  return { analog, digital: unitPower(problem, analog, ops.multiply(upper, flip)) };
}

/** (6) and (7): A ← project(A + μ·HᴴCDᴴ). */
function analogStep(problem: Problem, analog: Tensor, expansion: Tensor, stepBack: Tensor): Tensor {
  const { users, rfChains } = problem;
  const { weighted } = listen(problem, products(problem, analog), expansion);
  const back = ops.reshape(ops.matmul(weighted, stepBack), ['B', 4 * users, 2 * rfChains]);
  return project(problem, ops.add(analog, ops.matmul(problem.stackedChannelT, back)));
}

/** (11): (H·A)ᴴ·C·ln 2, [B, M, 2K]. */
function digitalAscent(problem: Problem, analog: Tensor, expansion: Tensor): Tensor {
  const { rfChains } = problem;
  const seen = products(problem, analog);
  const { weighted } = listen(problem, seen, expansion);
  // Back through E = [D; jD; jD; −D]: to each block, its own share of ∂D.
  const shares = ops.matmul(ops.swapLast(seen), weighted); // [B, 4M, 2K]
  const share = (index: number) => ops.slice(shares, 1, index * rfChains, (index + 1) * rfChains);
  const turned = ops.matmul(ops.add(share(1), share(2)), ops.swapLast(problem.timesJ));
  return ops.add(ops.subtract(share(0), share(3)), turned);
}

/** The four real products of H·A side by side, [Re·Re | Re·Im | Im·Re | Im·Im], both halves: [B, 2K, 4M]. */
function products({ stackedChannel, users, rfChains }: Problem, analog: Tensor): Tensor {
  return ops.reshape(ops.matmul(stackedChannel, analog), ['B', 2 * users, 4 * rfChains]);
}

/** E = [D; jD; jD; −D], [B, 4M, 2K]: takes those four products to [Re | Im] of H·A·D. */
function expand({ timesJ }: Problem, digital: Tensor): Tensor {
  const turned = ops.matmul(digital, timesJ);
  return ops.concat([digital, turned, turned, ops.negate(digital)], 1);
}

/** G (both halves, the second masked), and S over I: the halves of C·ln 2 are G∕S and −(G − diag G)∕I. */
function listen(problem: Problem, seen: Tensor, expansion: Tensor): { weighted: Tensor; heard: Tensor } {
  const gains = ops.multiply(ops.matmul(seen, expansion), problem.stackMask);
  const heard = ops.add(ops.reduceSumSquare(gains, [2]), problem.noise); // [B, 2K, 1]
  return { weighted: ops.divide(gains, heard), heard };
}

/** Entries to modulus one: (7). */
function project(problem: Problem, analog: Tensor): Tensor {
  const free = problem.connection === undefined ? analog : ops.multiply(analog, problem.connection.mask);
  const squares = ops.matmul(ops.multiply(free, free), problem.pairSum);
  const guarded = problem.connection === undefined ? squares : ops.add(squares, problem.connection.rest);
  return ops.divide(free, ops.sqrt(guarded));
}

/** D scaled to ‖A·D‖_F = 1: (9) with √P. */
function unitPower({ timesJ }: Problem, analog: Tensor, digital: Tensor): Tensor {
  const precoder = ops.matmul(analog, ops.concat([digital, ops.matmul(digital, timesJ)], 1)); // [B, N, 2K]
  return ops.divide(digital, ops.sqrt(ops.reduceSumSquare(precoder, [1, 2])));
}

/** R = Σ log₂(S∕I), [B], of A and the E of D. */
function sumRate(problem: Problem, analog: Tensor, expansion: Tensor): Tensor {
  const { users } = problem;
  const { heard } = listen(problem, products(problem, analog), expansion);
  const all = ops.log(ops.slice(heard, 1, 0, users));
  const interference = ops.log(ops.slice(heard, 1, users, 2 * users));
  const rate = ops.reduceSum(ops.subtract(all, interference), [1]);
  return ops.multiply(ops.squeeze(rate, [1, 2]), analog.graph.constant(1 / Math.LN2));
}

/** [Re | Im] to [[Re, −Im], [Im, Re]], only for the start's small inverses. */
function embed({ users }: Problem, parts: Tensor): Tensor {
  const re = ops.slice(parts, 2, 0, users);
  const im = ops.slice(parts, 2, users, 2 * users);
  return ops.concat([ops.concat([re, ops.negate(im)], 2), ops.concat([im, re], 2)], 1);
}

function matrix(rows: number, cols: number, entry: (row: number, col: number) => number): Float64Array {
  return Float64Array.from({ length: rows * cols }, (_, i) => entry(Math.floor(i / cols), i % cols));
}
