/**
 * UPGANet, the network of paper 000 (Nguyen et al., JCAS): projected gradient ascent on R − ω·τ, its step sizes learned, τ = ‖XXᴴ − Ψ‖²_F,
 * X = A·D, Ψ = P·B·Bᴴ. Defined once: the training graph, the exported file and the float64 check are all built by `upganet`.
 *
 * **A layer never leaves twelve or sixteen dimensions.** The J inner steps of a layer hold D and do not project, as Algorithm 1 and the authors'
 * program have it, so A moves in the space that its start, the channels and the wanted covariance span:
 *
 *   A = U·Z, U = [A₀ | Hᴴ | B], Z ← Z + μ·([0; C·Dᴴ; 2w·BᴴA·E] − Z·(2w·E·AᴴA·E)), E = D·Dᴴ
 *
 * where H·A, BᴴA and AᴴA are rows of G·Z and Zᴴ(G·Z), G = UᴴU. With q = M + K + R columns a step costs O(q²·M), whatever N is; what grows with
 * N is done once a layer.
 *
 * Power is 1 within, as in paper 001's network: then τ is that of X at power 1, and its weight w = ω·P². All shapes carry the batch B first. N
 * elements, M chains, K users, R columns of B.
 */
import { counted } from '../../core/errors/counted.ts';
import { BeamrigError } from '../../core/errors/beamrig-error.ts';
import type { Complex } from '../graph/complex.ts';
import * as c from '../graph/complex.ts';
import {
  columnsOf,
  complex,
  energy,
  entries,
  hermitian,
  hermitianProduct,
  product,
  rowsOf,
  sideBySide,
  stacked,
  unitModulus,
  withPhase,
} from '../graph/complex.ts';
import type { Tensor } from '../graph/graph.ts';
import * as ops from '../graph/ops.ts';
import { scan } from '../graph/scan.ts';
import type { NetworkDimensions, NormalisedChannel } from '../network-ends.ts';
import { climb, stepsByLayer, type AscentSteps } from '../unfolded-ascent/climb.ts';
import { nearestToZeroForcing } from '../unfolded-ascent/start.ts';
import { rateOfGains, receive, usersOf, type Users } from '../unfolded-ascent/users.ts';
import type { DigitalGradient } from '../baselines/sensing-pga.ts';

export interface SensingProblem extends NormalisedChannel {
  /** B, [N, 2R]. */
  factor: Complex;
  /** w = ω·P², [B]: what a unit of τ costs at power 1. */
  weight: Tensor;
}

export interface UpganetOptions {
  digitalGradient: DigitalGradient;
  /** Past the paper: a layer that would cost a channel more than `WORST_LOSS` is skipped (climb.ts), and the best beam is the answer. */
  guarded: boolean;
  /** Where it begins: A [B, N, 2M], and D of any power. Absent: (17). */
  start?: { analog: Complex; digital: Complex };
}

export interface UpganetResult {
  /** A, [B, N, 2M]. */
  analog: Complex;
  /** D for power 1, [B, M, 2K]. */
  digital: Complex;
  /** Of the answer, [B]: R in bit/s/Hz, and τ at power 1. */
  rate: Tensor;
  tau: Tensor;
  /** R − w·τ at the start and after each layer, [I + 1, B]. */
  values: Tensor;
}

/** What a guarded layer may cost, bit/s/Hz: only steps that have run away cost so much. */
const WORST_LOSS = 10;

/** @throws BeamrigError 'argument' where there are fewer chains than users, or more than users and columns of B have directions for */
export function upganet(
  asked: SensingProblem,
  steps: AscentSteps,
  dimensions: NetworkDimensions,
  { digitalGradient, guarded, start: given }: UpganetOptions,
): UpganetResult {
  requireChains(dimensions, asked.factor.cols);
  const { graph } = asked.channel.parts;
  const problem = prepare(asked, dimensions);
  const start = given === undefined ? initialBeam(problem, dimensions) : startAt(problem, given);
  const stands = (now: Tensor, before: Tensor): Tensor =>
    ops.greaterOrEqual(now, ops.subtract(before, graph.constant(WORST_LOSS)));
  const { answer, values } = climb(
    tensorsOf(start),
    stepsByLayer(steps),
    guarded ? { stands, answer: 'best' } : { answer: 'last' },
    ([analog, digital, looked, gram], { mu, lambda }, length) => {
      const perLayer = ops.unsqueeze(length, [1, 2]);
      const d = complex(digital);
      const moved = analogSteps(problem, beamOf(analog, looked, gram), d, ops.multiply(mu, perLayer));
      const ascent = digitalAscent(problem, moved, d, digitalGradient);
      const climbed = c.add(d, c.scale(ascent, ops.multiply(lambda, perLayer))); // (15)
      return tensorsOf(valued(problem, moved, unitPowerOf(moved, climbed))); // (9) with √P
    },
  );
  const [analog, digital, looked, gram] = answer;
  const figures = figuresOf(problem, beamOf(analog, looked, gram), complex(digital));
  return { analog: complex(analog), digital: complex(digital), ...figures, values };
}

function requireChains({ rfChains, users }: NetworkDimensions, columns: number): void {
  const chains = counted(rfChains, 'RF chain');
  if (rfChains < users) {
    throw new BeamrigError('argument', `upganet: ${chains} for ${counted(users, 'user')}`, {
      wayOut: 'it needs as many chains as users at least; use a baseline',
    });
  }
  if (rfChains <= users + columns) return;
  throw new BeamrigError(
    'argument',
    `upganet: ${chains}, and ${counted(users, 'user')} with ${counted(columns, 'column')} of the wanted covariance to align them with`,
    { wayOut: `it starts with ${users + columns} chains at most; use a baseline` },
  );
}

/** What every step reads and none changes. */
interface ProblemTensors extends Users {
  /** H, [B, K, 2N]. */
  channel: Complex;
  /** B, [B, N, 2R]. */
  factor: Complex;
  /** F = [H; Bᴴ], [B, K + R, 2N], and FFᴴ. */
  looks: Complex;
  looksGram: Complex;
  /** w, [B, 1, 1]. */
  weight: Tensor;
  /** ‖BᴴB‖², [B, 1, 1]. */
  wantedEnergy: Tensor;
  /** K */
  userCount: number;
}

/** A with what is read of it again and again. */
interface AnalogSeen {
  analog: Complex;
  /** F·A, [B, K + R, 2M]: what users hear and what sensing sees of each chain. */
  looked: Complex;
  /** AᴴA, [B, M, 2M]. */
  gram: Complex;
}

function prepare({ channel, noise, factor, weight }: SensingProblem, { users }: NetworkDimensions): ProblemTensors {
  const heard = usersOf(noise, users);
  // One B for the batch, a channel its own copy: leading axes are the same everywhere.
  const own = complex(ops.add(factor.parts, ops.multiply(heard.noise, noise.graph.constant(0))));
  const looks = stacked([channel, hermitian(own)]);
  return {
    ...heard,
    channel,
    factor: own,
    looks,
    looksGram: product(looks, hermitian(looks)),
    weight: ops.unsqueeze(weight, [1, 2]),
    wantedEnergy: energy(hermitianProduct(own, own)),
    userCount: users,
  };
}

/**
 * (17) with the sign that aligns: A₀ = exp(j·angle([Hᴴ | B])), D₀ = A₀⁺H⁺ at unit power. Chains beyond the users take the columns of B, which
 * span what the steering vectors to look at do. An entry that is 0 has no phase and takes that of a DFT, so that no two chains begin alike.
 */
function initialBeam(problem: ProblemTensors, { rfChains, users }: NetworkDimensions): Valued {
  const { channel, factor } = problem;
  const towardsUsers = hermitian(channel);
  const extra = rfChains - users;
  const directions = extra === 0 ? towardsUsers : sideBySide([towardsUsers, columnsOf(factor, 0, extra)]);
  const dft = (element: number, chain: number): number => (2 * Math.PI * element * chain) / rfChains;
  const analog = unitModulus(withPhase(directions, dft));
  return startAt(problem, { analog, digital: nearestToZeroForcing(analog, towardsUsers) });
}

const startAt = (problem: ProblemTensors, { analog, digital }: { analog: Complex; digital: Complex }): Valued => {
  const seen = look(problem, analog);
  return valued(problem, seen, unitPowerOf(seen, digital));
};

const look = ({ looks }: ProblemTensors, analog: Complex): AnalogSeen => ({
  analog,
  looked: product(looks, analog),
  gram: hermitianProduct(analog, analog),
});

/** (14): J steps A ← A + μ·(∂R/∂A* − w·∂τ/∂A*) as steps on Z, then (7). @param mu [J, B|1, 1, 1] */
function analogSteps(problem: ProblemTensors, { analog, looked, gram }: AnalogSeen, digital: Complex, mu: Tensor): AnalogSeen {
  const { looks, looksGram, weight, noise, userCount: users } = problem;
  const { graph } = mu;
  const [chains, size] = [analog.cols, analog.cols + looks.rows];
  const digitalHermitian = c.scale(hermitian(digital), graph.constant(1 / Math.LN2)); // the gradients are for bits
  const e = product(digital, hermitian(digital));
  const weighted = c.scale(e, ops.multiply(weight, graph.constant(2))); // 2w·E
  const basisGram = stacked([sideBySide([gram, hermitian(looked)]), sideBySide([looked, looksGram])]); // G
  const spread = (rows: number, entry: (row: number, col: number) => number): Complex =>
    complex(
      ops.add(graph.constant(entries(rows, 2 * chains, entry), [rows, 2 * chains]), ops.multiply(noise, graph.constant(0))),
    );
  const still = spread(chains, () => 0);
  const here = spread(size, (row, col) => (row === col && col < chains ? 1 : 0)); // Z of A₀ itself
  const { carries } = scan([here.parts], [mu], ([z], [step]) => {
    const at = complex(z);
    const seen = product(basisGram, at); // [AᴴA₀…; H·A; BᴴA]
    const { weighted: c1 } = receive(problem, product(rowsOf(seen, chains, chains + users), digital));
    const ofRate = product(c1, digitalHermitian);
    const ofWanted = product(rowsOf(seen, chains + users, size), weighted);
    const ofPower = product(product(weighted, hermitianProduct(at, seen)), e);
    const ascent = c.subtract(stacked([still, ofRate, ofWanted]), product(at, ofPower));
    return { carries: [c.add(at, c.scale(ascent, step)).parts] };
  });
  const basis = sideBySide([analog, hermitian(looks)]); // U
  return look(problem, unitModulus(product(basis, complex(carries[0]))));
}

/** ∂R/∂D* − w·η·∂τ/∂D*, η = 1/N: (11) and (13). */
function digitalAscent(
  problem: ProblemTensors,
  { looked, gram, analog }: AnalogSeen,
  digital: Complex,
  digitalGradient: DigitalGradient,
): Complex {
  const { weight, userCount: users } = problem;
  const { graph } = weight;
  const chainsHeard = rowsOf(looked, 0, users);
  const chainsWanted = rowsOf(looked, users, looked.rows);
  const gains = product(chainsHeard, digital);
  const { weighted, received } = receive(problem, gains);
  const c1 = digitalGradient === 'exact' ? weighted : signalOnly(gains, received);
  const ofRate = c.scale(hermitianProduct(chainsHeard, c1), graph.constant(1 / Math.LN2));
  const shared = product(gram, digital); // AᴴX
  const ofTau = c.subtract(
    product(shared, hermitianProduct(digital, shared)),
    hermitianProduct(chainsWanted, product(chainsWanted, digital)),
  );
  return c.subtract(ofRate, c.scale(ofTau, ops.multiply(weight, graph.constant(2 / analog.rows))));
}

/** diag(G)/S, what the authors' program has in the place of C·ln 2. */
function signalOnly(gains: Complex, received: Tensor): Complex {
  const { graph } = received;
  const { rows: users } = gains;
  const own = entries(users, 2 * users, (row, col) => (row === col % users ? 1 : 0));
  return c.scale(gains, ops.divide(graph.constant(own, [users, 2 * users]), received));
}

/** D at ‖A·D‖² = 1, from AᴴA. */
function unitPowerOf({ gram }: AnalogSeen, digital: Complex): Complex {
  const power = ops.reduceSum(ops.multiply(digital.parts, product(gram, digital).parts), [1, 2]); // Re tr(DᴴAᴴA·D)
  return complex(ops.divide(digital.parts, ops.sqrt(power)));
}

/** R and τ at power 1, each [B]. */
function figuresOf(problem: ProblemTensors, { looked, gram }: AnalogSeen, digital: Complex): { rate: Tensor; tau: Tensor } {
  const { wantedEnergy, userCount: users } = problem;
  const two = wantedEnergy.graph.constant(2);
  const rate = rateOfGains(problem, product(rowsOf(looked, 0, users), digital));
  const own = energy(hermitianProduct(digital, product(gram, digital))); // ‖XᴴX‖²
  const shared = energy(product(rowsOf(looked, users, looked.rows), digital)); // ‖BᴴX‖²
  const tau = ops.add(ops.subtract(own, ops.multiply(two, shared)), wantedEnergy);
  return { rate, tau: ops.squeeze(tau, [1, 2]) };
}

interface Valued extends AnalogSeen {
  digital: Complex;
  /** R − w·τ, [B]. */
  value: Tensor;
}

function valued(problem: ProblemTensors, seen: AnalogSeen, digital: Complex): Valued {
  const { rate, tau } = figuresOf(problem, seen, digital);
  return { ...seen, digital, value: ops.subtract(rate, ops.multiply(ops.squeeze(problem.weight, [1, 2]), tau)) };
}

/** As `climb` carries it. */
const tensorsOf = ({ analog, digital, looked, gram, value }: Valued): Tensor[] => [
  analog.parts,
  digital.parts,
  looked.parts,
  gram.parts,
  value,
];

const beamOf = (analog: Tensor, looked: Tensor, gram: Tensor): AnalogSeen => ({
  analog: complex(analog),
  looked: complex(looked),
  gram: complex(gram),
});
