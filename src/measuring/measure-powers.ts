/**
 * A method of `calibration/` carried out where a receiver reports power alone, as SNR: chain after chain, D driving the one that is measured and no other.
 * A method that hears complex values hears them beside another chain, whose words stay and whose weight D turns by a quarter:
 *
 *   D's column: 1 on the chain that is measured, w·j^k on its neighbour, k = 0, 1        power: |y_i + j^k·r|² in units of the receiver's noise
 *
 * The neighbour needs to be stronger at the receiver than the chain itself: of a few settings drawn for it the strongest stays, and w does the rest.
 */
import { againstReference } from '../../calibration/against-reference.ts';
import type { CalibrationMethod } from '../../calibration/method.ts';
import { BeamrigError } from '../../core/errors/beamrig-error.ts';
import { zeros } from '../../core/signal/complex-matrix.ts';
import { meanWithoutGlitches } from '../../core/signal/mean-without-glitches.ts';
import type { Random } from '../../core/signal/random.ts';
import type { DrivenChains } from '../control/driven-chains.ts';
import { alignChains, alignmentReadings } from './align-chains.ts';
import type { ArrayReader, ArraySetting, SettingsReader } from './array-reader.ts';
import { chainsOf, type ArrayUnderTest, type MeasuredChain } from './array-under-test.ts';
import type { MeasureArrayOptions, MeasuredStates } from './measure-array.ts';
import { NOISE_READINGS, requireFeatures, settingOf } from './measure-array.ts';
import { drawnForChain, runsHere } from './method-runs.ts';

/** Settings that are drawn to find a strong reference, and to tell how strong the chain itself is. */
const DRAWN_SETTINGS = 32;
/** |r| beside the field that the chain has in the mean: more makes noise that grows with power count for more, less leaves in doubt which field was heard. */
const REFERENCE_SHARE = 3;
/** 12 dB: what an amplifier may have to spare over a pilot. */
const MOST_WEIGHT = 4;
/** Of a power: 0.01 dB, in which an SNR is reported. */
const STEP_SHARE = (0.01 * Math.LN10) / 10;

/** The method as it hears powers. */
export const byPower = (method: CalibrationMethod): CalibrationMethod =>
  method.hears === 'power' ? method : againstReference(method);

/** Readings that all chains take, one after the other. */
export const powerReadingsOf = ({ array, method, readings, random }: MeasureArrayOptions): number =>
  chainsOf(array).reduce(
    (sum, { length }) => sum + beforehand(method) + method.readings(setupOf(array, length, random, readings)),
    alignmentReadings(array.rfChains, 'power'),
  );

/** Of a chain, before its method begins. */
const beforehand = ({ needsReference }: CalibrationMethod): number =>
  NOISE_READINGS + (needsReference === true ? 2 * DRAWN_SETTINGS + NOISE_READINGS : 0);

const setupOf = ({ phaseBits, elementEnable }: ArrayUnderTest, elements: number, random: Random, readings?: number) => ({
  ...{ elements, phaseBits, elementEnable, random, readings },
});

/**
 * @param method as `byPower` has it
 * @throws {BeamrigError} 'argument' where the array lacks what the method needs, and what the reader throws
 */
export async function measurePowers(options: MeasureArrayOptions, reader: SettingsReader): Promise<MeasuredStates> {
  const { array, method, readings, random, onProgress } = options;
  requireFeatures(array, method);
  requireReferenceChain(array, method);
  const total = powerReadingsOf(options);
  const { begin = runsHere(method, random) } = reader;
  let done = 0;
  const readAll: ArrayReader['read'] = async (setting) => {
    const heard = await reader.read(setting);
    onProgress?.(++done, total);
    return heard;
  };
  const read: ReadPower = async (setting) => (await readAll(setting)).re[setting.driven.chain];
  const parts = chainsOf(array);
  const chains: MeasuredChain[] = [];
  for (const [chain, elements] of parts.entries()) {
    const drawn = drawnForChain(random, chain);
    const alone: DrivenChains = { chain, weights: [{ chain, re: 1, im: 0 }] };
    const ofStill = await several(NOISE_READINGS, () => read({ words: new Uint16Array(placesOf(array)), driven: alone }));
    const reference = method.needsReference === true ? await chooseReference(array, chain, drawn, read) : undefined;
    const noise = reference?.noise ?? noiseOf(ofStill);
    const { phaseBits, elementEnable } = array;
    const run = begin(chain, { elements: elements.length, phaseBits, elementEnable, readings, noise, drift: true });
    let saturated = 0;
    let step = await run.next();
    while (step.done !== true) {
      const plan = step.value;
      const plans = parts.map((_, m) => (m === chain ? plan : undefined));
      const heard = zeros(plan.readings, 1);
      for (let i = 0; i < plan.readings; i++) {
        const setting = settingOf(array, parts, plans, i);
        heard.re[i] = await read(
          reference === undefined ? { ...setting, driven: alone } : reference.beside(setting, plan.reference?.[i] ?? 0),
        );
      }
      saturated += heard.re.filter(Number.isNaN).length;
      if (saturated > 0 && method.needsReference !== true) throw outOfScale(method.name);
      step = await run.next(heard);
    }
    chains.push({ elements, estimate: step.value, noise, saturated });
  }
  return { chains: await alignChains(array, chains, 'power', readAll) };
}

type ReadPower = (setting: ArraySetting & { driven: DrivenChains }) => Promise<number>;

interface ChosenReference {
  /** σ² of a complex reading, as powers of about this size have it. */
  readonly noise: number;
  /** A setting of the chain that is measured, beside the reference, turned by so many quarters; where all elements are off, the reference alone. */
  beside(setting: ArraySetting, quarters: number): ArraySetting & { driven: DrivenChains };
}

async function chooseReference(array: ArrayUnderTest, chain: number, random: Random, read: ReadPower): Promise<ChosenReference> {
  const { rfChains, phaseBits } = array;
  const neighbour = (chain + 1) % rfChains;
  const from = random.stream('reference');
  const drawWords = (): Uint16Array =>
    Uint16Array.from({ length: placesOf(array) }, () => Math.floor(from.uniform() * 2 ** phaseBits));
  const drawn = Array.from({ length: DRAWN_SETTINGS }, drawWords);
  const ofDrawn = async (of: number): Promise<number[]> => {
    const powers: number[] = [];
    for (const words of drawn) powers.push(await read({ words, driven: { chain: of, weights: [{ chain: of, re: 1, im: 0 }] } }));
    return powers;
  };
  const own = inRange(await ofDrawn(chain));
  const others = await ofDrawn(neighbour);
  const strongest = Math.max(...inRange(others));
  const words = drawn[others.indexOf(strongest)];
  const meanOwn = own.reduce((sum, power) => sum + power, 0) / own.length;
  const weight = Math.min(REFERENCE_SHARE * Math.sqrt(meanOwn / Math.max(strongest, Number.MIN_VALUE)), MOST_WEIGHT);
  const beside: ChosenReference['beside'] = (setting, quarters) => {
    const shown = setting.words.slice();
    const enabled = setting.enabled?.slice();
    let isDark = enabled !== undefined;
    for (let place = 0; place < shown.length; place++) {
      if (place % rfChains === neighbour) {
        shown[place] = words[place];
        if (enabled !== undefined) enabled[place] = 1;
      } else if (place % rfChains === chain && enabled?.[place] !== 0 && array.connection?.[place] !== 0) isDark = false;
    }
    const turned = { chain: neighbour, re: quarters === 0 ? weight : 0, im: quarters === 0 ? 0 : weight };
    const weights = isDark ? [turned] : [{ chain, re: 1, im: 0 }, turned];
    // What D leaves out needs no switching off.
    return { words: shown, ...(enabled === undefined || isDark ? {} : { enabled }), driven: { chain, weights } };
  };
  const dark = { words: new Uint16Array(placesOf(array)), enabled: new Uint8Array(placesOf(array)) };
  const alone = await several(NOISE_READINGS, () => read(beside(dark, 0)));
  return { noise: noiseOf(alone), beside };
}

const placesOf = ({ elements, rfChains }: ArrayUnderTest): number => elements * rfChains;

async function several(count: number, read: () => Promise<number>): Promise<number[]> {
  const out: number[] = [];
  for (let i = 0; i < count; i++) out.push(await read());
  return out;
}

/**
 * σ² of a complex reading whose power would scatter as these do: var |a + n|² = 2·|a|²·σ² where a is strong. By differences of neighbours, so that what drifts
 * is no noise; never less than what the steps of a report leave.
 */
function noiseOf(all: readonly number[]): number {
  const powers = inRange(all);
  const mean = meanWithoutGlitches(powers);
  const variance = meanWithoutGlitches(powers.slice(1).map((power, i) => (power - powers[i]) ** 2)) / 2;
  return Math.max(variance / (2 * mean), (STEP_SHARE ** 2 / 24) * mean, Number.MIN_VALUE);
}

/** Those that a report could say. @throws {BeamrigError} 'calibration' where they are fewer than half */
function inRange(powers: readonly number[]): number[] {
  const heard = powers.filter((power) => !Number.isNaN(power));
  if (heard.length >= powers.length / 2) return heard;
  const lost = powers.length - heard.length;
  throw new BeamrigError('calibration', `${lost} of ${powers.length} SNRs of one kind are out of what a report can say`, {
    wayOut: 'Lower the gain of the receiver.',
  });
}

const outOfScale = (method: string): BeamrigError =>
  new BeamrigError('calibration', `an SNR is out of what a report can say, and the method ${method} needs each reading`, {
    wayOut: 'Lower the gain of the receiver, or choose coded or hadamard, which leave such readings out.',
  });

function requireReferenceChain({ rfChains }: ArrayUnderTest, { name, needsReference }: CalibrationMethod): void {
  if (needsReference !== true || rfChains > 1) return;
  throw new BeamrigError(
    'argument',
    `the method ${name} hears power against a reference, another RF chain, and there is only one`,
    {
      wayOut: 'Choose a method that needs none: rev, on-off or pairwise.',
    },
  );
}
