/**
 * phase-net: phase extraction and gradient steps on the phases, blended, with D in closed form in between; every array by the same numbers.
 *
 * With A given, D is the weighted-MMSE precoder (weighted-mmse-steps.ts), held as X with D = (AᴴA)⁻¹(HA)ᴴ·X and carried from step to step, so that
 * two digital steps each suffice. A step blends two targets for A and goes on past them with momentum,
 *
 *   T = a·(c·Q·B + A·(I − BᴴB)) + (1 − a)·(A + s·∇∕q)
 *   A ← exp(j∠(T + β·(T − T before)))
 *
 * - phase extraction: Q an orthonormal basis of the row space of H, B the polar factor of QᴴA, c·Q·B the nearest N×M matrix that spans the row
 *   space; what of A no D of K columns can show, A·(I − BᴴB), is left as it is (nothing where M = K). After X. Yu et al., IEEE JSTSP 2016.
 * - the gradient of the rate in A* where D is the best for A, in closed form (envelope theorem), with λ, η, w of the weighted-MMSE bound:
 *   ∇ = Hᴴ·(diag(1∕I)·diag(G) − Λ·G)·Dᴴ − η·A·D·Dᴴ,  Λ = diag(1∕I − 1∕S),  η = ν·tr Λ
 *   over its curvature in an entry, q_m = (η + Σₖ λₖ·mean|hₖₙ|²)·(DDᴴ)_mm: a step s = 1 is the best phase of an element if it moved alone.
 *
 * Both targets are Q·Y + A·V with small Y and V, so that a step passes over the array four times: QᴴA, AᴴA, Q·Y, A·V. Learned are a, s, β and ω
 * of the digital steps, as functions of the budget (schedule.ts). The best A on the way is the answer, so that a step too far costs nothing.
 *
 * Where phases are Q-bit words, each step ends on the words that are nearest (states.ts): D, gradient and extraction are those of what the array can
 * show, and the best words on the way are the answer. Momentum is the target's, which is on no grid, so that an element moves when the pull on it
 * has added up to a step of its phase shifter.
 *
 * All shapes carry the batch B first. What is small is held as `rightFactor`s: [Re | Im] of a product is the left one's [Re | Im] times that.
 */
import { BeamrigError } from '../../core/errors/beamrig-error.ts';
import { counted } from '../../core/errors/counted.ts';
import type { Complex } from '../graph/complex.ts';
import {
  complex,
  entries,
  hermitian,
  hermitianProduct,
  modulusSquared,
  polarFactorOfEmbedding,
  product,
  rightFactor,
  unitModulus,
  unitPower,
  withPhase,
} from '../graph/complex.ts';
import type { Graph, Tensor } from '../graph/graph.ts';
import * as ops from '../graph/ops.ts';
import { scan } from '../graph/scan.ts';
import type { NetworkDimensions, NormalisedChannel } from '../network-ends.ts';
import type { HeardByUsers } from '../weighted-mmse-steps.ts';
import { desiredOf, diagonal, weightedMmseSteps } from '../weighted-mmse-steps.ts';
import { oneUser, worthOf } from './one-user.ts';
import type { RowSpace } from './row-space.ts';
import { rowSpaceOf } from './row-space.ts';
import type { Schedule } from './schedule.ts';
import { SCHEDULE_NAMES } from './schedule.ts';
import { nearestStates } from './states.ts';

export interface NetworkArray extends NetworkDimensions {
  /** N·M of 0/1, entry (n, m) at n·M + m; absent: every RF chain reaches every element. */
  readonly connection?: Uint8Array;
  /** Q, where phases are words; absent: any phase can be shown. */
  readonly phaseBits?: number;
}

/** Between two steps on the phases. */
const DIGITAL_STEPS = 2;
/** After the last, and how far each of them goes on. */
const LAST_DIGITAL_STEPS = 6;
const LAST_EXTRAPOLATION = 0.7;
/**
 * How much more each user is taken to hear of its own signal, as a share: where users cannot be told apart S has no inverse, and without that
 * float32 finds powers Re tr(XᴴSX) below 0 there.
 */
const OWN_LIFT = 2e-6;
/** Newton steps of a polar factor: a step repairs what the one before left. */
const NEWTON_STEPS = 4;

/**
 * A of the last step, or of the best one, and D at unit power.
 * @param schedule each of [T, B|1], T ≥ 1 steps
 */
export function phaseNet(
  { channel, noise: given }: NormalisedChannel,
  schedule: Schedule,
  array: NetworkArray,
): { analog: Complex; digital: Complex } {
  requireArray(array);
  const { elements, rfChains, users } = array;
  const { graph } = channel.parts;
  // Beyond ±60 dB of array gain and SNR float32 has no digits for the difference, and the phases are those of the end.
  const noise = ops.maximum(ops.minimum(given, graph.constant(1e6 * elements)), graph.constant(1e-6 * elements));
  const setting: Setting = {
    noise,
    space: rowSpaceOf(channel),
    strengths: meanSquares(channel),
    // Words are often the same to the last bit, phases hardly ever.
    ridge: array.phaseBits === undefined ? 1e-6 : 1e-5,
    mask: maskOf(graph, array),
  };
  const shownAs = (phases: Complex): Tensor =>
    array.phaseBits === undefined ? phases.parts : masked(setting, nearestStates(phases, array.phaseBits).parts);
  const start = complex(shownAs(startPhases(channel, array, setting.mask)));
  const first = seenThrough(setting, start);
  const firstX = weightedMmseSteps(first.seen, noise).start();
  const nothing = ops.multiply(ops.unsqueeze(noise, [1, 2]), graph.constant(0)); // a rate of 0, [B, 1, 1]
  const loop = scan(
    [start, start, firstX, firstX, start, first.basis, first.seen, firstX, nothing].map((carry) =>
      'parts' in carry ? carry.parts : carry,
    ),
    SCHEDULE_NAMES.map((name) => ops.unsqueeze(schedule[name], [2, 3])), // [T, B|1, 1, 1]
    ([shown, targetBefore, newest, before, ...best], inputs) => {
      const now = Object.fromEntries(SCHEDULE_NAMES.map((name, i) => [name, inputs[i]])) as unknown as Schedule;
      const through = seenThrough(setting, complex(shown));
      const digital = digitalFor(through.seen, noise, newest, before, now.extrapolation);
      const target = masked(setting, targetOf(setting, array, { shown, ...through, ...digital }, now));
      const moved = ops.multiply(now.momentum, ops.subtract(target, targetBefore));
      const wished = ops.add(ops.add(target, moved), ops.multiply(shown, graph.constant(1e-6))); // an element that hears nobody keeps its phase
      const next = shownAs(complex(phasesOf(wished)));
      const kept = betterOf([shown, through.basis, through.seen, digital.x, digital.rate], best);
      return { carries: [next, target, digital.x, digital.xBefore, ...kept] };
    },
  );
  const [shown, , newest, before, ...best] = loop.carries;
  const last = seenThrough(setting, complex(shown));
  const omega = graph.constant(LAST_EXTRAPOLATION);
  const { x: lastX, rate } = digitalFor(last.seen, noise, newest, before, omega);
  const [bestShown, bestBasis, seen, bestX] = betterOf([shown, last.basis, last.seen, lastX, rate], best);
  const x = lastDigital(seen, noise, bestX, omega);
  const [alone, aloneAtStart] = [oneUser(seen, noise), oneUser(first.seen, noise)];
  const [analog, basis, served] = betterOf(
    [bestShown, bestBasis, x, worthOf(x, seen, noise, setting.space.correlations)],
    betterOf([bestShown, bestBasis, alone.x, alone.rate], [start.parts, first.basis, aloneAtStart.x, aloneAtStart.rate]),
  );
  const own = graph.constant(
    entries(2 * rfChains, 2 * users, (row, col) => (row % rfChains === col % users && row < rfChains === col < users ? 1e-9 : 0)),
    [2 * rfChains, 2 * users],
  );
  // D, of which the upper half is [Re | Im]; where nobody hears anything, a chain for each user.
  const digital = ops.add(ops.matmul(basis, served), own);
  return {
    analog: complex(analog),
    digital: unitPower(complex(analog), complex(ops.slice(digital, 1, 0, rfChains))),
  };
}

function requireArray({ elements, rfChains, users }: NetworkArray): void {
  if (rfChains >= users && elements >= 1) return;
  throw new BeamrigError(
    'argument',
    `phase-net: ${counted(rfChains, 'RF chain')} for ${counted(users, 'user')}; it needs a chain for each user`,
    { wayOut: 'serve fewer users at a time, or choose a baseline' },
  );
}

/** What all steps have of channel and array. */
interface Setting {
  /** ν, [B] */
  readonly noise: Tensor;
  readonly space: RowSpace;
  /** mean|hₖₙ|² over the elements, of each user twice: [B, 2K, 1]. */
  readonly strengths: Tensor;
  /** What keeps the inverse of AᴴA finite when two chains show the same phases, as a share of a diagonal entry. */
  readonly ridge: number;
  /** 1 where an element hangs on a chain, [N, 2M]. */
  readonly mask: Tensor | undefined;
}

function meanSquares({ parts, cols }: Complex): Tensor {
  const each = ops.multiply(ops.reduceSumSquare(parts, [2]), parts.graph.constant(1 / cols));
  return ops.concat([each, each], 1);
}

function maskOf(graph: Graph, { elements, rfChains, connection }: NetworkArray): Tensor | undefined {
  if (connection === undefined) return undefined;
  const values = entries(elements, 2 * rfChains, (n, col) => connection[n * rfChains + (col % rfChains)]);
  return graph.constant(values, [elements, 2 * rfChains]);
}

const masked = ({ mask }: Pick<Setting, 'mask'>, a: Tensor): Tensor => (mask === undefined ? a : ops.multiply(a, mask));

/**
 * Each chain aligned with a user, exp(j·angle(Hᴴ)); those beyond the users with mixtures of all of them, whose weights turn from user to user
 * at a pace of the chain's own.
 */
function startPhases(channel: Complex, { rfChains, users }: NetworkArray, mask: Tensor | undefined): Complex {
  const { graph } = channel.parts;
  const towards = hermitian(channel);
  const weights = entries(users, 2 * rfChains, (user, col) => {
    const chain = col % rfChains;
    if (chain < users) return col === user ? 1 : 0;
    const turn = (2 * Math.PI * user * (chain - users + 0.5)) / users;
    return col < rfChains ? Math.cos(turn) : Math.sin(turn);
  });
  const wanted = rfChains === users ? towards : product(towards, complex(graph.constant(weights, [users, 2 * rfChains])));
  return complex(masked({ mask }, unitModulus(withPhase(wanted)).parts));
}

/** What the users hear through phases. */
interface SeenThrough {
  /** QᴴA, [B, 2K, 2M]. */
  readonly inSpace: Tensor;
  /** (AᴴA)⁻¹(HA)ᴴ, [B, 2M, 2K]. */
  readonly basis: Tensor;
  /** S = HA·(AᴴA)⁻¹(HA)ᴴ, [B, 2K, 2K]. */
  readonly seen: Tensor;
}

function seenThrough({ space, ridge: share }: Setting, analog: Complex): SeenThrough {
  const { graph } = analog.parts;
  const inSpace = rightFactor(hermitianProduct(space.basis, analog));
  const heard = ops.matmul(space.factor, inSpace); // H·A
  const ridge = diagonal(graph, 2 * analog.cols, share * analog.rows);
  const gram = ops.add(rightFactor(hermitianProduct(analog, analog)), ridge); // AᴴA
  const basis = ops.solvePositiveDefinite(gram, ops.swapLast(heard));
  const size = heard.shape.at(-2) as number;
  const lifted = graph.constant(
    entries(size, size, (row, col) => (row === col ? 1 + OWN_LIFT : 1)),
    [size, size],
  );
  return { inSpace, basis, seen: ops.multiply(ops.matmul(heard, basis), lifted) };
}

/** The digital part for phases, from that of the step before. */
interface DigitalPart extends HeardByUsers {
  /** X, at unit power. */
  readonly x: Tensor;
  readonly xBefore: Tensor;
  /** G = S·X */
  readonly gains: Tensor;
  /** In nats, twice: [B, 1, 1]. */
  readonly rate: Tensor;
}

function digitalFor(seen: Tensor, noise: Tensor, newest: Tensor, before: Tensor, omega: Tensor): DigitalPart {
  const { step, atUnitPower, heard } = weightedMmseSteps(seen, noise);
  let [x, xBefore] = [newest, before];
  for (let i = 0; i < DIGITAL_STEPS; i++) [x, xBefore] = [step(x, xBefore, omega), x];
  const [, gains] = atUnitPower(x);
  const { received, interference } = heard(gains);
  const rate = ops.reduceSum(ops.log(ops.divide(received, interference)), [1]);
  return { x, xBefore, gains, received, interference, rate };
}

/** T = Q·Y + A·V, [B, N, 2M]. */
function targetOf(
  { space, noise, strengths }: Setting,
  { rfChains, users }: NetworkArray,
  at: { shown: Tensor } & SeenThrough & DigitalPart,
  { extraction, stride }: Schedule,
): Tensor {
  const { graph } = at.shown;
  const one = graph.constant(1);
  const share = ops.divide(one, ops.add(one, ops.exp(ops.negate(extraction)))); // a
  const rest = ops.subtract(one, share);
  const chains = diagonal(graph, 2 * rfChains, 1);
  const { pull, weight, perChain, eta } = gradientParts(at, noise, strengths);
  const scaled = ops.multiply(ops.multiply(rest, ops.exp(stride)), perChain); // (1 − a)·s∕q, [B, 1, 2M]
  const nearest = polarFactorOfEmbedding(at.inSpace, NEWTON_STEPS); // B
  const size = ops.multiply(ops.reduceSum(ops.multiply(nearest, at.inSpace), [1, 2]), graph.constant(0.5 / users)); // c = tr(Bᴴ·QᴴA)∕K
  const y = ops.add(
    ops.multiply(ops.multiply(share, size), nearest),
    ops.multiply(ops.matmul(ops.swapLast(space.factor), pull), scaled), // Hᴴ = Q·Fᴴ
  );
  const ownPart = ops.subtract(ops.multiply(rest, chains), ops.multiply(ops.multiply(eta, weight), scaled));
  const v =
    rfChains === users
      ? ownPart
      : ops.add(ownPart, ops.multiply(share, ops.subtract(chains, ops.matmul(ops.swapLast(nearest), nearest))));
  return ops.add(ops.matmul(space.basis.parts, y), ops.matmul(at.shown, v));
}

/** ∇ = Hᴴ·pull − η·A·weight, and 1∕q of each chain. */
function gradientParts({ basis, x, gains, ...heard }: SeenThrough & DigitalPart, noise: Tensor, strengths: Tensor) {
  const { graph } = x;
  const size = gains.shape.at(-1) as number;
  const own = graph.constant(
    entries(size, size, (row, col) => ((row - col) % (size / 2) === 0 ? 1 : 0)),
    [size, size],
  );
  const half = graph.constant(0.5); // an embedding has each number twice
  const { received, interference } = heard;
  const lambda = ops.divide(desiredOf(heard), ops.multiply(received, interference)); // 1∕I − 1∕S, [B, 2K, 1]
  const eta = ops.multiply(ops.multiply(ops.reduceSum(lambda, [1]), half), ops.unsqueeze(noise, [1, 2]));
  const d = ops.matmul(basis, x); // D, [B, 2M, 2K]
  const across = ops.swapLast(d);
  const slope = ops.subtract(ops.divide(ops.multiply(gains, own), interference), ops.multiply(lambda, gains));
  const ofChains = ops.swapLast(ops.reduceSumSquare(d, [2])); // (DDᴴ)_mm, [B, 1, 2M]
  // A chain that no user is served by has no curvature; it moves as if it had a millionth of all.
  const held = ops.add(ofChains, ops.multiply(ops.reduceSum(ofChains, [2]), graph.constant(1e-6)));
  const ofElements = ops.add(eta, ops.multiply(ops.reduceSum(ops.multiply(lambda, strengths), [1]), half));
  return {
    pull: ops.matmul(slope, across),
    weight: ops.matmul(d, across),
    perChain: ops.divide(graph.constant(1), ops.multiply(ofElements, held)),
    eta,
  };
}

/** exp(j∠·) of every entry; 0 stays 0. */
function phasesOf(a: Tensor): Tensor {
  const { graph } = a;
  return ops.divide(a, ops.sqrt(ops.maximum(modulusSquared(complex(a)), graph.constant(1e-20))));
}

/** Of two lists whose last entries are rates, the one of the higher rate. */
function betterOf(a: readonly Tensor[], b: readonly Tensor[]): Tensor[] {
  const better = ops.greaterOrEqual(a[a.length - 1], b[b.length - 1]);
  return a.map((own, i) => ops.select(better, own, b[i]));
}

function lastDigital(seen: Tensor, noise: Tensor, from: Tensor, omega: Tensor): Tensor {
  const { step } = weightedMmseSteps(seen, noise);
  let [x, before] = [from, from];
  for (let i = 0; i < LAST_DIGITAL_STEPS; i++) [x, before] = [step(x, before, omega), x];
  return x;
}
