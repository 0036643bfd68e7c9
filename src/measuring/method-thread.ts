/** The thread in which a method's runs take place (method-runs.ts): it plans, and works out states, and knows nothing of panels. */
import { parentPort, workerData } from 'node:worker_threads';
import { againstReference } from '../../calibration/against-reference.ts';
import type { CalibrationMethod, MethodRun } from '../../calibration/method.ts';
import { CALIBRATION_METHODS } from '../../calibration/methods.ts';
import { BeamrigError, isBeamrigError } from '../../core/errors/beamrig-error.ts';
import type { FromMethodThread, MethodStep, MethodThreadData, ToMethodThread } from './method-runs.ts';
import { drawnFor, drawnForChain } from './method-runs.ts';

const data = workerData as MethodThreadData;
const runs = new Map<number, MethodRun>();

function methodOf(): CalibrationMethod {
  const method = CALIBRATION_METHODS.find(({ name }) => name === data.method);
  if (method === undefined) throw new BeamrigError('internal', `the method ${data.method} is not there`);
  return data.againstReference ? againstReference(method) : method;
}

function stepOf(question: ToMethodThread): MethodStep {
  const { chain } = question;
  if ('setup' in question) {
    const run = methodOf().run({ ...question.setup, random: drawnForChain(drawnFor(data.seed), chain) });
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
