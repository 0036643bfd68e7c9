/** The thread in which a method's runs take place (method-runs.ts): it plans, and works out states, and knows nothing of panels. */
import { parentPort, workerData } from 'node:worker_threads';
import type { MethodRun } from '../../calibration/method.ts';
import { BeamrigError, isBeamrigError } from '../../core/errors/beamrig-error.ts';
import type { FromMethodThread, MethodStep, MethodThreadData, ToMethodThread } from './method-runs.ts';
import { drawnFor, drawnForChain, methodByName } from './method-runs.ts';

const data = workerData as MethodThreadData;
const runs = new Map<number, MethodRun>();

function stepOf(question: ToMethodThread): MethodStep {
  const { chain } = question;
  if ('setup' in question) {
    const run = methodByName(data).run({ ...question.setup, random: drawnForChain(drawnFor(data.seed), chain) });
    runs.set(chain, run);
    return run.next();
  }
  const run = runs.get(chain);
  if (run === undefined) throw new BeamrigError('internal', `the method ${data.method} was not begun for chain ${chain}`);
  return run.next(question.heard);
}

function answerTo(question: ToMethodThread): FromMethodThread {
  try {
    return { step: stepOf(question) };
  } catch (error) {
    if (!isBeamrigError(error)) throw error;
    return { refusal: { code: error.code, message: error.message, wayOut: error.wayOut } };
  }
}

parentPort?.on('message', (question: ToMethodThread) => parentPort?.postMessage(answerTo(question)));
