/**
 * phase-net with sensing: the phases and D that maximise R − ω·τ, from the digital answer on. Three stages, each of steps of one kind:
 *
 *   X: the digital answer, N×K         in the span of [Hᴴ, B], since what else X had would cost power and τ, and nobody would hear it
 *   A, D: factors of X                 D by least squares, A ← exp(j∠(A + (X − A·D)·Dᴴ∕(c·‖D‖²∕M))), with momentum
 *   A, D for themselves                D by two steps of weighted MMSE with sensing in it, A ← exp(j∠(A + s·∇∕L)), with momentum
 *
 * ∇ = ∂(R − w·τ)∕∂A* = ([Hᴴ, B]·[C; 2w·Y] − A·D·E)·Dᴴ where D is the best for A, in closed form (envelope theorem; sensing-digital.ts has the symbols).
 * What bends R − w·τ as a function of the phases is some ten times what a closed form says, and how many times depends on SNR, ω, N, M and K. So a
 * step measures it: L is how far the slope turned over how far A went since the step before,
 *
 *   ℓ = ½·‖∂∕∂φ − (∂∕∂φ of the step before)‖ ∕ ‖A − A before‖,  L = max(ℓ, ρ·L before + (1 − ρ)·ℓ)
 *
 * which finds the directions that bend most as soon as a step is too long in them. One s, β and ρ then serve every array, SNR and ω; they are learned
 * (sensing-schedule.ts), as functions of the budget. The best A on the way is the answer.
 *
 * All shapes carry the batch B first. What is small is held as `rightFactor`s: [Re | Im] of a product is the left one's [Re | Im] times that.
 */
import { BeamrigError } from '../../core/errors/beamrig-error.ts';
import { counted } from '../../core/errors/counted.ts';
import type { Complex } from '../graph/complex.ts';
import {
  complex,
  energy,
  entries,
  hermitian,
  hermitianProduct,
  pairSum,
  product,
  rightFactor,
  turnByJ,
  unitPower,
} from '../graph/complex.ts';
import type { Tensor } from '../graph/graph.ts';
import * as ops from '../graph/ops.ts';
import { scan } from '../graph/scan.ts';
import type { NetworkDimensions, NormalisedChannel } from '../network-ends.ts';
import type { DigitalState, SeenArray, SensingAim } from './sensing-digital.ts';
import { digitalState, digitalStep, eye, metricOf } from './sensing-digital.ts';
import type { SensingNumbers } from './sensing-schedule.ts';
import { courseOf, spend } from './sensing-schedule.ts';
import { maskOf, phasesOf, startPhases, startPrecoder } from './sensing-start.ts';

export interface SensingArray extends NetworkDimensions {
  /** N·M of 0/1, entry (n, m) at n·M + m; absent: every RF chain reaches every element. */
  readonly connection?: Uint8Array;
  /** Budget of steps of any kind, ≥ 1. */
  readonly steps: number;
}

/** What sensing wishes for, at unit power. */
export interface WantedCovariance {
  /** B, N×r, ‖B‖² = 1; columns may be zero. */
  readonly factor: Complex;
  /** w = ω·P², [B] */
  readonly weight: Tensor;
}

export interface SensingBeam {
  readonly analog: Complex;
  /** D at unit power. */
  readonly digital: Complex;
  /** R − w·τ, [B]. */
  readonly value: Tensor;
}

/** Of D between two steps on the phases, and after the last. */
const DIGITAL_STEPS = 2;
const LAST_DIGITAL_STEPS = 6;

/** @param numbers of [length, B|1] each */
export function sensingPhaseNet(
  { channel, noise: given }: NormalisedChannel,
  { factor, weight }: WantedCovariance,
  numbers: SensingNumbers,
  array: SensingArray,
): SensingBeam {
  requireArray(array);
  const { elements, users, steps } = array;
  const { graph } = channel.parts;
  // Beyond ±60 dB of array gain and SNR float32 has no digits for the difference.
  const noise = ops.maximum(ops.minimum(given, graph.constant(1e6 * elements)), graph.constant(1e-6 * elements));
  const aim: SensingAim = { noise: ops.unsqueeze(noise, [1, 2]), weight: ops.unsqueeze(weight, [1, 2]), users };
  const all = complex(ops.concat([channel.parts, hermitian(factor).parts], 1));
  const setting: Setting = { aim, all, across: hermitian(all), mask: maskOf(graph, array), numbers, array };
  const budget = spend(steps);
  const target = digitalAnswer(setting, factor, budget.digital);
  const analog = factorPhases(setting, target, budget.factors);
  const start = complex(ops.slice(leastSquares(setting, analog, target), 1, 0, array.rfChains));
  const found = climb(setting, analog, start, budget.phases);
  const constant = energy(hermitianProduct(factor, factor)); // ‖BᴴB‖²
  return {
    analog: found.analog,
    digital: unitPower(found.analog, found.state.digital),
    value: ops.squeeze(ops.subtract(found.state.value, ops.multiply(aim.weight, constant)), [1, 2]),
  };
}

function requireArray({ elements, rfChains, users }: SensingArray): void {
  if (rfChains >= users && elements >= 1) return;
  throw new BeamrigError(
    'argument',
    `phase-net: ${counted(rfChains, 'RF chain')} for ${counted(users, 'user')}; it needs a chain for each user`,
    { wayOut: 'serve fewer users at a time, or choose a baseline' },
  );
}

/** What all steps have of problem and array. */
interface Setting {
  readonly aim: SensingAim;
  /** [H; Bᴴ], (K + r)×N. */
  readonly all: Complex;
  /** [Hᴴ, B], N×(K + r). */
  readonly across: Complex;
  /** 1 where an element hangs on a chain, [N, 2M]; absent: everywhere. */
  readonly mask: Tensor | undefined;
  readonly numbers: SensingNumbers;
  readonly array: SensingArray;
}

/** X at unit power, N×K: steps of weighted MMSE with sensing, [Hᴴ∕√N, B] standing in for A. */
function digitalAnswer({ aim, all, across, numbers, array }: Setting, factor: Complex, steps: number): Complex {
  const { graph } = aim.noise;
  const { elements, users } = array;
  const span = complex(
    ops.multiply(across.parts, graph.constant(columnScales(elements, users, across.cols), [1, 2 * across.cols])),
  );
  const seen: SeenArray = { seen: product(all, span), metric: metricOf(hermitianProduct(span, span), 1) };
  const share = sigmoid(mixOf(numbers.sensingMix, aim.weight));
  const start = startPrecoder(all, across, factor, aim, share);
  if (steps === 0) return targetOf(product(span, start));
  const loop = scan([start.parts], [graph.constant(new Float64Array(steps), [steps, 1])], ([digital]) => ({
    carries: [digitalStep(aim, seen, digitalState(aim, seen, complex(digital))).parts],
  }));
  return targetOf(product(span, complex(loop.carries[0])));
}

/** 1∕√N for the columns of Hᴴ, 1 for those of B, so that all have about one length. */
const columnScales = (elements: number, users: number, cols: number): Float64Array =>
  Float64Array.from({ length: 2 * cols }, (_, col) => (col % cols < users ? 1 / Math.sqrt(elements) : 1));

/** X at unit power; where nobody hears and nothing is to be sensed, so that X is 0, waves that cross the array at paces of their own. */
function targetOf(a: Complex): Complex {
  const { graph } = a.parts;
  const { rows, cols } = a;
  const waves = entries(rows, 2 * cols, (n, col) => {
    const angle = 2.4 * n * ((col % cols) + 1);
    return 1e-12 * (col < cols ? Math.cos(angle) : Math.sin(angle));
  });
  const some = complex(ops.add(a.parts, graph.constant(waves, [rows, 2 * cols])));
  return complex(ops.divide(some.parts, ops.sqrt(energy(some))));
}

/** a + b·log₃₀(w∕30), the logarithm from −1.35 on. */
function mixOf(numbers: Tensor, weight: Tensor): Tensor {
  const { graph } = weight;
  const number = (index: number): Tensor => ops.unsqueeze(ops.squeeze(ops.slice(numbers, 0, index, index + 1), [0]), [1, 2]);
  const shifted = ops.add(ops.multiply(weight, graph.constant(1 / 30)), graph.constant(0.01));
  const dominance = ops.multiply(ops.log(shifted), graph.constant(1 / Math.log(30)));
  return ops.add(number(0), ops.multiply(number(1), dominance));
}

/** D of A·D next to the target, M×K, as a `rightFactor`: (AᴴA)⁻¹Aᴴ·X. */
const leastSquares = ({ array }: Setting, analog: Complex, target: Complex): Tensor =>
  ops.solvePositiveDefinite(
    metricOf(hermitianProduct(analog, analog), array.elements),
    rightFactor(hermitianProduct(analog, target)),
  );

/** A that, with some D, is near the target. */
function factorPhases(setting: Setting, target: Complex, steps: number): Complex {
  const { numbers, array } = setting;
  const { graph } = target.parts;
  const start = startPhases(target, setting.mask, array);
  if (steps === 0) return start;
  const chains = eye(graph, 2 * array.rfChains);
  const inputs = [numbers.sensingHold, numbers.sensingHoldMomentum].map((each) => perStep(courseOf(each, steps)));
  const loop = scan([start.parts, start.parts], inputs, ([shown, before], [hold, momentum]) => {
    const digital = leastSquares(setting, complex(shown), target);
    const back = ops.swapLast(digital); // Dᴴ
    const size = ops.multiply(ops.reduceSumSquare(digital, [1, 2]), graph.constant(0.5 / array.rfChains));
    const stride = ops.divide(ops.exp(ops.negate(hold)), ops.maximum(size, graph.constant(1e-30)));
    const kept = ops.subtract(chains, ops.multiply(ops.matmul(digital, back), stride)); // I − DDᴴ∕(…)
    const moved = ops.add(ops.matmul(shown, kept), ops.multiply(ops.matmul(target.parts, back), stride));
    return { carries: goOn(setting, moved, shown, before, sigmoid(momentum)) };
  });
  return complex(loop.carries[0]);
}

/** Phases and D that climb R − w·τ from where they are. */
function climb(setting: Setting, start: Complex, digital: Complex, steps: number): { analog: Complex; state: DigitalState } {
  const { aim, numbers } = setting;
  const { graph } = aim.noise;
  const single = (a: Tensor): Tensor => ops.reshape(a, [a.shape[1], 1, 1]); // [1, B|1] → [B|1, 1, 1]
  const rho = single(sigmoid(numbers.sensingMemory));
  const first = single(ops.exp(numbers.sensingFirst));
  const beginning = graph.constant(
    Float64Array.from({ length: steps }, (_, t) => (t === 0 ? 1 : 0)),
    [steps, 1, 1],
  );
  const nothing = ops.multiply(start.parts, graph.constant(0));
  const unknown = ops.multiply(aim.noise, graph.constant(0));
  const lowest = ops.add(unknown, graph.constant(-1e30));
  const inputs = [beginning, ...[numbers.sensingStride, numbers.sensingMomentum].map((each) => perStep(courseOf(each, steps)))];
  const loop = scan(
    [start.parts, start.parts, digital.parts, nothing, nothing, unknown, start.parts, digital.parts, lowest],
    inputs,
    ([shown, before, weights, shownBefore, slopeBefore, curvatureBefore, ...best], [isFirst, stride, momentum]) => {
      const { state, gradient, slope } = slopeAt(setting, complex(shown), complex(weights));
      const expected = ops.multiply(
        state.bend,
        ops.multiply(ops.reduceSumSquare(state.right, [1, 2]), graph.constant(0.5 / setting.array.rfChains)),
      );
      const measured = curvatureBetween(ops.subtract(slope, slopeBefore), ops.subtract(shown, shownBefore));
      const faded = ops.add(ops.multiply(rho, curvatureBefore), ops.multiply(ops.subtract(graph.constant(1), rho), measured));
      const known = ops.select(
        ops.greaterOrEqual(isFirst, graph.constant(0.5)),
        ops.multiply(first, expected),
        ops.maximum(measured, faded),
      );
      const curvature = ops.maximum(known, ops.maximum(ops.multiply(expected, graph.constant(0.5)), graph.constant(1e-30)));
      const moved = ops.add(shown, ops.multiply(gradient, ops.divide(ops.exp(stride), curvature)));
      const next = goOn(setting, moved, shown, before, sigmoid(momentum));
      const kept = betterOf([shown, state.digital.parts, state.value], best);
      return { carries: [...next, state.digital.parts, shown, slope, curvature, ...kept] };
    },
  );
  const [shown, , weights, , , , ...best] = loop.carries;
  const last = settle(setting, complex(shown), complex(weights), DIGITAL_STEPS).state;
  const [analog, bestDigital] = betterOf([shown, last.digital.parts, last.value], best);
  return { analog: complex(analog), state: settle(setting, complex(analog), complex(bestDigital), LAST_DIGITAL_STEPS).state };
}

/** The gradient in A*, [N, 2M], and ½·∂∕∂φ in the places of both parts, with D brought near to the best for A. */
function slopeAt(setting: Setting, analog: Complex, digital: Complex) {
  const { across, array } = setting;
  const { graph } = analog.parts;
  const { state } = settle(setting, analog, digital, DIGITAL_STEPS);
  const back = ops.swapLast(state.right); // Dᴴ
  const pull = complex(ops.matmul(state.pull.parts, back)); // [C; 2w·Y]·Dᴴ
  const push = ops.matmul(ops.matmul(state.right, state.push), back); // D·E·Dᴴ
  const gradient = ops.subtract(ops.matmul(across.parts, rightFactor(pull)), ops.matmul(analog.parts, push));
  const turned = ops.matmul(analog.parts, turnByJ(graph, array.rfChains)); // jA
  return { state, gradient, slope: ops.matmul(ops.multiply(gradient, turned), pairSum(graph, array.rfChains)) };
}

/** D after some steps, for phases. */
function settle({ aim, all, array }: Setting, analog: Complex, digital: Complex, steps: number): { state: DigitalState } {
  const seen: SeenArray = { seen: product(all, analog), metric: metricOf(hermitianProduct(analog, analog), array.elements) };
  let state = digitalState(aim, seen, digital);
  for (let step = 0; step < steps; step++) state = digitalState(aim, seen, digitalStep(aim, seen, state));
  return { state };
}

/** ½·‖Δ∂∕∂φ‖∕‖ΔA‖. @param turned the change of ½·∂∕∂φ, in two places each @param went that of A */
function curvatureBetween(turned: Tensor, went: Tensor): Tensor {
  const { graph } = went;
  const way = ops.maximum(ops.multiply(ops.reduceSumSquare(went, [1, 2]), graph.constant(2)), graph.constant(1e-12));
  return ops.sqrt(ops.maximum(ops.divide(ops.reduceSumSquare(turned, [1, 2]), way), graph.constant(1e-30)));
}

/** [next A, extrapolated by β·(A − A of the step before); A]. An element on which nothing pulls keeps its phases. */
function goOn({ mask }: Setting, moved: Tensor, shown: Tensor, before: Tensor, momentum: Tensor): [ahead: Tensor, next: Tensor] {
  const { graph } = moved;
  const little = graph.constant(1e-6);
  const next = phasesOf(ops.add(moved, ops.multiply(shown, little)), mask);
  const ahead = ops.add(next, ops.multiply(momentum, ops.subtract(next, before)));
  return [phasesOf(ops.add(ahead, ops.multiply(next, little)), mask), next];
}

/** Of two lists whose last entries are values, the one of the higher value. */
function betterOf(a: readonly Tensor[], b: readonly Tensor[]): Tensor[] {
  const better = ops.greaterOrEqual(a[a.length - 1], b[b.length - 1]);
  return a.map((own, i) => ops.select(better, own, b[i]));
}

const sigmoid = (a: Tensor): Tensor => {
  const one = a.graph.constant(1);
  return ops.divide(one, ops.add(one, ops.exp(ops.negate(a))));
};

/** [T, B] → [T, B, 1, 1] */
const perStep = (course: Tensor): Tensor => ops.unsqueeze(course, [2, 3]);
