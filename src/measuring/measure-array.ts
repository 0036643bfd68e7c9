/**
 * A method of `calibration/` carried out on an array, through its panel driver alone: nothing here knows a simulator.
 *
 *   a run of the method a chain ─► settings, the same reading for all chains ─► shown, read, kept ─► states a chain ─► path taken out
 *
 * First one setting is read a number of times, which tells the noise of a reading.
 */
import { BeamrigError } from '../../core/errors/beamrig-error.ts';
import { counted } from '../../core/errors/counted.ts';
import type { CMatrix } from '../../core/signal/complex-matrix.ts';
import { fromParts, zeros } from '../../core/signal/complex-matrix.ts';
import { meanWithoutGlitches } from '../../core/signal/mean-without-glitches.ts';
import type { Random } from '../../core/signal/random.ts';
import type { CalibrationMethod } from '../../calibration/method.ts';
import type { ReadingPlan } from '../../calibration/reading-plan.ts';
import { shownIn } from '../../calibration/reading-plan.ts';
import { chainsOf, type ArrayUnderTest, type MeasuredChain } from './array-under-test.ts';
import { leaveOutSaturated } from './saturation.ts';
import { alignChains, alignmentReadings } from './align-chains.ts';
import type { ArraySetting, SettingsReader } from './array-reader.ts';
import { runsHere, type MethodStep, type SteppedRun } from './method-runs.ts';

export interface MeasureArrayOptions {
  readonly array: ArrayUnderTest;
  readonly method: CalibrationMethod;
  /** About how many; absent: what the method likes best. */
  readonly readings?: number | undefined;
  readonly random: Random;
  /** @param progress readings done of all */
  readonly onProgress?: (done: number, of: number) => void;
}

export interface MeasuredStates {
  /** Of each chain: its elements, and what they show, in the receiver's unit and phase. */
  readonly chains: readonly MeasuredChain[];
}

/** Readings of one setting, for the noise: it is known to a sixth by so many of one chain. */
export const NOISE_READINGS = 32;

/** @throws {BeamrigError} 'argument' where the array lacks what the method needs, and what the reader throws */
export async function measureArray(
  { array, method, readings, random, onProgress }: MeasureArrayOptions,
  reader: SettingsReader,
): Promise<MeasuredStates> {
  requireFeatures(array, method);
  const chains = chainsOf(array);
  const setups = chains.map((elements) => ({
    elements: elements.length,
    phaseBits: array.phaseBits,
    elementEnable: array.elementEnable,
    readings,
  }));
  const total = readingsOf({ array, method, readings, random });
  let done = 0;
  const read = async (setting: ArraySetting): Promise<CMatrix> => {
    const heard = await reader.read(setting);
    onProgress?.(++done, total);
    return heard;
  };
  const noise = await readNoise(array, read);
  const { begin = runsHere(method, random) } = reader;
  const runs = setups.map((setup, m) => begin(m, { ...setup, noise, drift: true }));
  const estimates = await inStep(array, chains, runs, method, { read });
  const measured = estimates.map((each) => ({ ...each, noise }));
  return { chains: method.hears === 'complex' ? measured : await alignChains(array, measured, 'pilots', read) };
}

/** Readings that a measurement will take, those for the noise among them. */
export const readingsOf = ({ array, method, readings, random }: MeasureArrayOptions): number =>
  NOISE_READINGS +
  (method.hears === 'complex' ? 0 : alignmentReadings(array.rfChains, 'pilots')) +
  Math.max(
    ...chainsOf(array).map(({ length }) =>
      method.readings({ elements: length, phaseBits: array.phaseBits, elementEnable: array.elementEnable, random, readings }),
    ),
  );

/** @throws {BeamrigError} 'argument' where the array lacks what the method needs */
export function requireFeatures(array: ArrayUnderTest, { name, needsElementEnable, least }: CalibrationMethod): void {
  const { elementEnable, phaseBits } = array;
  const fewest = Math.min(...chainsOf(array).map(({ length }) => length));
  if (least !== undefined && (fewest < least.elements || phaseBits < least.phaseBits)) {
    throw new BeamrigError(
      'argument',
      `the method ${name} needs ${counted(least.elements, 'element')} a chain and ${counted(least.phaseBits, 'bit')}, and there are ${fewest} and ${phaseBits}`,
      { wayOut: 'Choose a method that hears phases: coded, hadamard, steering or complex.' },
    );
  }
  if (elementEnable || !needsElementEnable) return;
  throw new BeamrigError('argument', `the method ${name} switches elements off, and the panel cannot (feature element-enable)`, {
    wayOut: 'Choose a method that keeps all elements on: coded, steering or rev.',
  });
}

async function readNoise(
  { elements, rfChains }: ArrayUnderTest,
  read: (setting: ArraySetting) => Promise<CMatrix>,
): Promise<number> {
  const setting = { words: new Uint16Array(elements * rfChains) };
  const heard: CMatrix[] = [];
  for (let i = 0; i < NOISE_READINGS; i++) heard.push(await read(setting));
  // By differences of neighbours, so that what drifts slowly is no noise.
  const powers = heard.slice(1).flatMap(({ re, im }, i) => {
    const before = heard[i];
    return Array.from(re, (each, m) => (each - before.re[m]) ** 2 + (im[m] - before.im[m]) ** 2);
  });
  return meanWithoutGlitches(powers) / 2;
}

async function inStep(
  array: ArrayUnderTest,
  chains: readonly (readonly number[])[],
  runs: readonly SteppedRun[],
  { name, hears }: CalibrationMethod,
  reader: Pick<SettingsReader, 'read'>,
): Promise<Omit<MeasuredChain, 'noise'>[]> {
  const saturated = runs.map(() => 0);
  const steps: MethodStep[] = [];
  for (const run of runs) steps.push(await run.next());
  for (;;) {
    const plans = steps.map((step) => (step.done === true ? undefined : step.value));
    const most = Math.max(0, ...plans.map((plan) => plan?.readings ?? 0));
    if (most === 0) break;
    const heard = plans.map((plan) => zeros(plan?.readings ?? 0, 1));
    for (let i = 0; i < most; i++) {
      const values = await reader.read(settingOf(array, chains, plans, i));
      plans.forEach((plan, m) => {
        if (plan === undefined || i >= plan.readings) return;
        heard[m].re[i] = values.re[m];
        heard[m].im[i] = values.im[m];
      });
    }
    for (const [m, plan] of plans.entries()) {
      if (plan === undefined) continue;
      saturated[m] += leaveOutSaturated(heard[m], { name, needsEach: hears === 'power' });
      steps[m] = await runs[m].next(hears === 'complex' ? heard[m] : powersOf(heard[m]));
    }
  }
  return chains.map((elements, m) => {
    const step = steps[m];
    if (step.done !== true) throw new BeamrigError('internal', `chain ${m} was not read to its end`);
    return { elements, estimate: step.value, saturated: saturated[m] };
  });
}

const powersOf = ({ rows, re, im }: CMatrix): CMatrix =>
  fromParts(
    rows,
    1,
    re.map((value, i) => value * value + im[i] * im[i]),
    new Float64Array(rows),
  );

/** What all chains show for reading i of their plans; a chain that is through shows word 0. */
export function settingOf(
  { elements, rfChains }: ArrayUnderTest,
  chains: readonly (readonly number[])[],
  plans: readonly (ReadingPlan | undefined)[],
  i: number,
): ArraySetting {
  const words = new Uint16Array(elements * rfChains);
  const enabled = new Uint8Array(elements * rfChains).fill(1);
  let allOn = true;
  plans.forEach((plan, m) => {
    if (plan === undefined || i >= plan.readings) return;
    chains[m].forEach((n, row) => {
      const word = shownIn(plan, i, row);
      const place = n * rfChains + m;
      if (word === undefined) {
        enabled[place] = 0;
        allOn = false;
      } else words[place] = word;
    });
  });
  return allOn ? { words } : { words, enabled };
}
