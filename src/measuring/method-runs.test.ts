import { afterEach, describe, expect, it } from 'vitest';
import { againstReference } from '../../calibration/against-reference.ts';
import { drawnArray } from '../../calibration/drawn-array.ts';
import type { CalibrationMethod } from '../../calibration/method.ts';
import { CALIBRATION_METHODS } from '../../calibration/methods.ts';
import { coded } from '../../calibration/methods/coded.ts';
import { hadamard } from '../../calibration/methods/hadamard.ts';
import { ReadingModel } from '../../calibration/reading-model.ts';
import { createVirtualClock } from '../../core/clock/virtual-clock.ts';
import type { CMatrix } from '../../core/signal/complex-matrix.ts';
import { zeros } from '../../core/signal/complex-matrix.ts';
import { createRandom } from '../../core/signal/random.ts';
import type { BeginRun, MethodStep, MethodThread } from './method-runs.ts';
import { drawnFor, runsHere, startMethodThread } from './method-runs.ts';

const SEED = 5;
const NOISE = 1e-3;

const threads: MethodThread[] = [];
afterEach(async () => {
  for (const thread of threads.splice(0)) await thread.end();
});

function threadOf(method: CalibrationMethod): { begin: BeginRun; stop: AbortController; solved: () => number } {
  const stop = new AbortController();
  let solved = 0;
  const beforeSolving = async (): Promise<void> => void (await Promise.resolve(solved++));
  const thread = startMethodThread(
    { method, seed: SEED },
    { clock: createVirtualClock(), stop: stop.signal, beforeSolving, keepSession: (work) => work },
  );
  threads.push(thread);
  return { begin: thread.begin, stop, solved: () => solved };
}

const setupOf = (elements: number, phaseBits: number) => ({
  ...{ elements, phaseBits, elementEnable: true, noise: NOISE, drift: true, readings: undefined },
});

const arrayOf = (elements: number, phaseBits: number): CMatrix =>
  drawnArray({ elements, phaseBits, random: createRandom(SEED), phaseStateErrorDeg: 3, gainStateErrorDb: 0.3 });

/** All steps of a run on such an array, whose reference is heard as strongly as all elements together. */
async function stepsOf(begin: BeginRun, method: CalibrationMethod, array: CMatrix, phaseBits: number): Promise<MethodStep[]> {
  const random = createRandom(SEED).stream('noise');
  const run = begin(1, setupOf(array.rows, phaseBits));
  const steps = [await run.next()];
  for (let step = steps[0]; step.done !== true; steps.push(step)) {
    const heard = new ReadingModel(step.value).heard(array);
    for (let i = 0; i < heard.rows; i++) {
      const { re, im } = random.complexNormal();
      heard.re[i] += Math.sqrt(NOISE) * re + (step.value.reference?.[i] === 0 ? 3 * array.rows : 0);
      heard.im[i] += Math.sqrt(NOISE) * im + (step.value.reference?.[i] === 1 ? 3 * array.rows : 0);
      if (method.hears === 'complex') continue;
      heard.re[i] = heard.re[i] ** 2 + heard.im[i] ** 2;
      heard.im[i] = 0;
    }
    step = await run.next(heard);
  }
  return steps;
}

describe('a method in a thread', () => {
  it.each([...CALIBRATION_METHODS, againstReference(coded)])(
    'plans and finds to the last digit what it does here: $about',
    async (method) => {
      const { begin, solved } = threadOf(method);
      const array = arrayOf(8, 3);
      const there = await stepsOf(begin, method, array, 3);
      expect(there).toEqual(await stepsOf(runsHere(method, drawnFor(SEED)), method, array, 3));
      expect(there.at(-1)?.done).toBe(true);
      expect(solved()).toBe(there.length - 1);
    },
  );

  it('refuses as it does here what it cannot bring together', async () => {
    const silence = async (begin: BeginRun): Promise<unknown> => {
      const run = begin(0, setupOf(8, 3));
      const { value } = await run.next();
      return run.next(zeros((value as { readings: number }).readings + 1, 1)).catch((error: unknown) => error);
    };
    const refused = await silence(threadOf(coded).begin);
    expect(refused).toMatchObject({ name: 'BeamrigError', code: 'shape', wayOut: 'read all that the plan names' });
    expect(refused).toEqual(await silence(runsHere(coded, drawnFor(SEED))));
  });

  it('ends at once when it is not wanted any more, whatever it works out, and is not begun again', async () => {
    const { begin, stop, solved } = threadOf(hadamard);
    const run = begin(0, setupOf(64, 6));
    const { value } = await run.next();
    const heard = new ReadingModel(value as never).heard(arrayOf(64, 6));
    const solving = run.next(heard).then(
      () => 'solved',
      (error: unknown) => error,
    );
    await new Promise((resolve) => setImmediate(resolve));
    expect(solved()).toBe(1);
    stop.abort();
    expect(await solving).toMatchObject({ code: 'stopped' });
    await expect(begin(1, setupOf(8, 3)).next()).rejects.toMatchObject({ code: 'stopped' });
  });
});
