/** The thread that works one figure out (figures.ts). */
import { parentPort } from 'node:worker_threads';
import { drawnArray, measured } from '../../calibration/drawn-array.ts';
import { stateDifference } from '../../calibration/state-difference.ts';
import { isBeamrigError } from '../../core/errors/beamrig-error.ts';
import { createRandom } from '../../core/signal/random.ts';
import { reportHtml } from '../../models/report/html.ts';
import { calibrationReport } from './calibration-report.ts';
import type { Expected, ToExpect, ToFigures } from './figures.ts';
import { methodByName } from './method-runs.ts';

function expect({ setup, ...method }: ToExpect): Expected {
  const { elements, phaseBits, noise } = setup;
  const random = createRandom(1);
  const [plan, ofArray] = [random.stream('plan'), random.stream('array')];
  const drawn = drawnArray({ elements, phaseBits, random: ofArray, phaseStateErrorDeg: 3, gainStateErrorDb: 0.3 });
  try {
    const { states } = measured(methodByName(method), drawn, { ...setup, random: plan }, noise, random.stream('noise'));
    return { expected: stateDifference(states, drawn) };
  } catch (error) {
    // The array that was drawn is one that the method is not for; the one that is there need not be.
    if (isBeamrigError(error) && error.code === 'calibration')
      return { unexpected: `of an array that was drawn, ${error.message}` };
    throw error;
  }
}

parentPort?.on('message', (wanted: ToFigures) => {
  parentPort?.postMessage('expect' in wanted ? expect(wanted.expect) : reportHtml(calibrationReport(wanted.report)));
});
