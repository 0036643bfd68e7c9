/**
 * From the phases a beamformer wishes for to what the hardware can show: each phase becomes one of an element's 2^Q states, and the digital
 * part is solved again for the array as set, because rounding moves the nulls that the beamformer's own D relied on. Its own D stays a
 * candidate: whichever is better under the objective is taken. A beam that somebody chose goes out as it is (`Beam.asGiven`).
 *
 *   φ ─► words ─► A as set ─► { D of the objective, D of the beamformer at full power } ─► the better one, with its SINR per user
 *
 * This is the only place where that is done: what an evaluation prints is what a rig radiates.
 */
import { counted } from '../errors/counted.ts';
import { BeamrigError } from '../errors/beamrig-error.ts';
import type {
  ArrayStates,
  Beam,
  Digital,
  DigitalChoice,
  GivenWords,
  HybridPrecoder,
  Objective,
  Problem,
  Quantiser,
  RealisedBeam,
  SetArray,
} from './beam-contract.ts';
import type { CMatrix } from './complex-matrix.ts';
import { frobeniusNorm, fromPhases, matmul, scale, zeros } from './complex-matrix.ts';
import { equivalentArray } from './equivalent-array.ts';
import { metricsOf, type MetricValues } from './metrics.ts';
import { idealOf, quantisePhases, quantiseToStates } from './quantise.ts';
import { ratesOfGains } from './rate.ts';
import { sensingMetrics } from './sensing.ts';
import { nearestInPhase } from './steering.ts';

export interface RealiseOptions {
  states: ArrayStates;
  objective: Objective;
  /** Default: the nearest state of each element. */
  quantise?: Quantiser;
}

/**
 * The words of a beam, and the digital part for them.
 * @throws {BeamrigError} 'shape' when phases and channel do not fit, 'argument' when Q is out of range or a phase is not finite
 */
export function realiseBeam(problem: Problem, beam: Beam, options: RealiseOptions): RealisedBeam {
  const { states, objective, quantise = nearestStates } = options;
  requirePhases(problem, beam);
  if (beam.asGiven !== undefined) return asChosen(problem, beam, beam.asGiven, states, objective);
  const { words, gain, choice = choiceFor(problem, beam, words, states, objective) } = quantise(problem, beam, states, objective);
  return { words, ...told(problem, choice, gain === undefined ? {} : { words_gain: gain }) };
}

/** A beam that nobody is to make better. */
function asChosen(
  problem: Problem,
  beam: Beam,
  given: 'phases' | GivenWords,
  states: ArrayStates,
  objective: Objective,
): RealisedBeam {
  const { words, analog, digital } = givenBeam({ ...arrayOf(problem), power: problem.power }, beam, given, states);
  const array = setArray(problem, beam, analog);
  const score = objective.at(problem, array).score({ digital });
  const rates = ratesHeard(problem, array.equivalent, digital);
  const metrics = metricsTold(problem, analog, { digital, ...rates, score });
  return { words, analog, digital, digitalFrom: 'beamformer', score, ...rates, metrics };
}

/** What an array shows of a beam that somebody chose: its words or the states nearest in phase, its D, and never more power than it may radiate. */
export function givenBeam(
  array: WiredArray & Pick<Problem, 'power'>,
  { analogPhase, digital: own }: Pick<Beam, 'analogPhase' | 'digital'>,
  given: 'phases' | GivenWords,
  states: ArrayStates,
): HybridPrecoder & { readonly words: Uint16Array } {
  const words =
    given === 'phases'
      ? nearestInPhase(analogPhase, states, array.connection)
      : given.words.map((word) => atBits(word, given.bits, states.bits));
  const analog = statesShown(array, words, states);
  if (given !== 'phases') weaken(analog, given);
  const most = Math.sqrt(array.power);
  const amplitude = frobeniusNorm(matmul(analog, own));
  const isRight = given === 'phases' ? amplitude === 0 : amplitude <= most * ROUNDING;
  return { words, analog, digital: isRight ? own : scale(own, most / amplitude) };
}

/** What is off shows nothing, and what has less gain shows less. */
function weaken({ re, im }: CMatrix, { enabled, amplitude }: GivenWords): void {
  if (enabled === undefined && amplitude === undefined) return;
  for (let place = 0; place < re.length; place++) {
    const factor = (enabled?.[place] ?? 1) * (amplitude?.[place] ?? 1);
    re[place] *= factor;
    im[place] *= factor;
  }
}

/** What float64 makes of a beam that was scaled to the very power of its rig. */
const ROUNDING = 1 + 1e-9;

/** The word of the same phase, or the nearest one, at another Q. */
const atBits = (word: number, from: number, to: number): number =>
  from <= to ? word << (to - from) : Math.round(word / 2 ** (from - to)) % 2 ** to;

/** The same for an array that shows every phase as it is, which no hardware does: the limit of many bits. */
export function realiseExactly(problem: Problem, beam: Beam, objective: Objective): Omit<RealisedBeam, 'words'> {
  requirePhases(problem, beam);
  const analog = fromPhases(beam.analogPhase, problem.channel.cols, problem.rfChains, problem.connection);
  return told(problem, chooseDigital(problem, beam, analog, objective));
}

/** As the beamformer gave it: its own D, and phases as computed. */
export function asComputed(problem: Problem, beam: Beam, objective: Objective): Omit<RealisedBeam, 'words'> {
  requirePhases(problem, beam);
  const analog = fromPhases(beam.analogPhase, problem.channel.cols, problem.rfChains, problem.connection);
  const { channel, noise } = problem;
  const { digital, userDigital } = beam;
  const own = { digital, ...(userDigital === undefined ? {} : { userDigital }) };
  const score = objective.at(problem, setArray(problem, beam, analog)).score(own);
  const rates = ratesOfGains(matmul(matmul(channel, analog), digital), noise);
  return {
    analog,
    ...own,
    digitalFrom: 'beamformer',
    score,
    ...rates,
    metrics: metricsTold(problem, analog, { ...own, ...rates, score }),
  };
}

/**
 * What is expected of words and digital weights that are there already: the SINR of each user, linear, and the sum rate, bit/s/Hz, to the last
 * digit as `realiseBeam` gives them.
 */
export function ratesOfWords(
  problem: Problem,
  words: Uint16Array,
  digital: CMatrix,
  states: ArrayStates,
): { sinr: Float64Array; sumRate: number } {
  return ratesHeard(problem, equivalentArray(problem.channel, statesShown(arrayOf(problem), words, states)), digital);
}

/** What `realiseBeam` makes of words: a quantiser compares them by its score. */
export function choiceFor(
  problem: Problem,
  beam: Beam,
  words: Uint16Array,
  states: ArrayStates,
  objective: Objective,
): DigitalChoice {
  return chooseDigital(problem, beam, statesShown(arrayOf(problem), words, states), objective);
}

/** Each phase to the nearest state of its element. */
export const nearestStates: Quantiser = (problem, beam, states) => ({ words: nearestWords(problem, beam, states) });

export function nearestWords({ connection }: Problem, { analogPhase }: Beam, { bits, of }: ArrayStates): Uint16Array {
  const words = of === undefined ? quantisePhases(analogPhase, bits) : quantiseToStates(analogPhase, of);
  if (connection !== undefined) for (let place = 0; place < words.length; place++) if (connection[place] === 0) words[place] = 0;
  return words;
}

/** The better digital part of two under the objective; a tie is the objective's. */
function chooseDigital(problem: Problem, beam: Beam, analog: CMatrix, objective: Objective): DigitalChoice {
  const array = setArray(problem, beam, analog);
  const { equivalent } = array;
  const at = objective.at(problem, array);
  const own = ownDigital(problem, beam, equivalent.analog);
  const resolved = at.resolve(own);
  const score = at.score(resolved);
  const ownScore = own && at.score(own);
  return own !== undefined && ownScore !== undefined && ownScore.value > score.value
    ? { analog, equivalent, digital: own, score: ownScore, digitalFrom: 'beamformer' }
    : { analog, equivalent, digital: resolved, score, digitalFrom: 'objective' };
}

/** @param more metrics of how the words were chosen */
function told(
  problem: Problem,
  { analog, equivalent, digital, score, digitalFrom }: DigitalChoice,
  more: MetricValues = {},
): Omit<RealisedBeam, 'words'> {
  const rates = ratesHeard(problem, equivalent, digital.digital);
  const metrics = metricsTold(problem, analog, { ...digital, ...rates, score }, more);
  return { analog, ...digital, digitalFrom, score, ...rates, metrics };
}

/** Of the SINR, of sensing where the problem has it, of the objective, and of how the words were chosen. */
function metricsTold(
  { sensing, power }: Problem,
  analog: CMatrix,
  { digital, sinr, sumRate, score }: Pick<RealisedBeam, 'digital' | 'sinr' | 'sumRate' | 'score'>,
  told: MetricValues = {},
): MetricValues {
  const sensed = sensing === undefined ? {} : sensingMetrics(sensing, matmul(analog, digital), power, sumRate);
  return metricsOf(sinr, { ...sensed, ...score.metrics, ...told });
}

const ratesHeard = ({ noise }: Problem, { channel, analog }: SetArray['equivalent'], digital: CMatrix) =>
  ratesOfGains(matmul(matmul(channel, analog), digital), noise);

const setArray = ({ channel }: Problem, { userPhase }: Beam, analog: CMatrix): SetArray => ({
  analog,
  equivalent: equivalentArray(channel, analog),
  ...(userPhase === undefined ? {} : { userPhase }),
});

/** The beamformer's own digital part, at the power of the array as set; undefined where it radiates nothing, or is none. */
function ownDigital({ power }: Problem, { digital, userDigital }: Beam, analog: CMatrix): Digital | undefined {
  const factor = Math.sqrt(power) / frobeniusNorm(matmul(analog, digital));
  if (!(factor > 0 && Number.isFinite(factor))) return undefined;
  return { digital: scale(digital, factor), ...(userDigital === undefined ? {} : { userDigital }) };
}

function requirePhases({ channel, rfChains }: Problem, { analogPhase }: Beam): void {
  const elements = channel.cols;
  if (analogPhase.length === elements * rfChains) return;
  throw new BeamrigError(
    'shape',
    `${counted(elements, 'element')} × ${counted(rfChains, 'RF chain')} need ${counted(elements * rfChains, 'phase')}, got ${analogPhase.length}`,
  );
}

/** How words are laid out over an array. */
export interface WiredArray extends Pick<Problem, 'rfChains' | 'connection'> {
  /** N */
  readonly elements: number;
}

const arrayOf = ({ channel, rfChains, connection }: Problem): WiredArray => ({
  elements: channel.cols,
  rfChains,
  ...(connection === undefined ? {} : { connection }),
});

/** A as the words show it, N×M: zero where an element does not hang on a chain. */
export function statesShown(
  { elements, rfChains, connection }: WiredArray,
  words: Uint16Array,
  { bits, of }: ArrayStates,
): CMatrix {
  const analog = zeros(elements, rfChains);
  const { re, im } = analog;
  let states = idealOf(bits);
  for (let place = 0; place < words.length; place++) {
    if (connection !== undefined && connection[place] === 0) continue;
    if (of !== undefined) states = of(place);
    re[place] = states.re[words[place]];
    im[place] = states.im[words[place]];
  }
  return analog;
}
