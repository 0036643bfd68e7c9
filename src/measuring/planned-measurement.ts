/** What a measurement will take and come to, before anything radiates. */
import { drawnArray, measured } from '../../calibration/drawn-array.ts';
import { stateDifference, type StateDifference } from '../../calibration/state-difference.ts';
import { isBeamrigError } from '../../core/errors/beamrig-error.ts';
import { fromDb } from '../../core/signal/rate.ts';
import { createRandom } from '../../core/signal/random.ts';
import type { RigFile } from '../config/rig-file.ts';
import type { RigPanel } from '../control/rig-panel.ts';
import { slowestTransferMs } from '../rig/hardware.ts';
import { arrayUnderTest, measureOptions, type CalibrationRequest } from './calibrate-rig.ts';
import { readingsOf } from './measure-array.ts';

export interface PlannedMeasurement {
  readonly readings: number;
  readonly commits: number;
  readonly seconds: number;
  /** That the accuracy is told for: of one element alone in one reading, all of its pilots together. */
  readonly readingSnrDb: number;
  /** RMS error of a state of an array of usual errors; absent where working that out takes too long. */
  readonly expected?: StateDifference;
}

/** Chunks, commit and report. */
const ROUND_TRIPS = 3;
const PINGS = 5;
/** Words of all readings together, above which the accuracy is not worked out. */
const MOST_WORDS = 2 ** 20;

/** @throws {BeamrigError} 'argument' where the panels cannot be measured by this method */
export async function planned(request: CalibrationRequest, rigPanel: RigPanel): Promise<PlannedMeasurement> {
  arrayUnderTest(request, rigPanel);
  let roundTripMs = 0;
  for (let i = 0; i < PINGS; i++) {
    const answer = await rigPanel.panel.ping();
    if (answer.ok) roundTripMs = Math.max(roundTripMs, answer.value.roundTripMs);
  }
  return plannedAt(request, rigPanel, roundTripMs);
}

/** How long so many readings take. */
export const secondsFor = (rig: RigFile, readings: number, roundTripMs: number): number =>
  (readings * (ROUND_TRIPS * roundTripMs + slowestTransferMs(rig) / 2)) / 1000;

/** The same without a word to the panels. @param roundTripMs of a request */
export function plannedAt(request: CalibrationRequest, rigPanel: RigPanel, roundTripMs: number): PlannedMeasurement {
  const { rig, method, pilots } = request;
  const array = arrayUnderTest(request, rigPanel);
  const readings = readingsOf(measureOptions(request, array));
  const seconds = secondsFor(rig, readings, roundTripMs);
  const readingSnrDb = Math.round(rig.simulator.probeSnrDb + 10 * Math.log10(pilots));
  const told = { readings, commits: readings, seconds, readingSnrDb };
  const perChain = array.connection === undefined ? array.elements : Math.ceil(array.elements / array.rfChains);
  if (readings * perChain > MOST_WORDS) return told;
  const random = createRandom(1);
  const setup = {
    elements: perChain,
    phaseBits: array.phaseBits,
    elementEnable: array.elementEnable,
    random: random.stream('plan'),
    readings: request.readings,
  };
  const drawn = drawnArray({
    elements: perChain,
    phaseBits: array.phaseBits,
    random: random.stream('array'),
    phaseStateErrorDeg: 3,
    gainStateErrorDb: 0.3,
  });
  const noise = 1 / fromDb(readingSnrDb);
  try {
    const { states } = measured(method, drawn, { ...setup, noise }, noise, random.stream('noise'));
    return { ...told, expected: stateDifference(states, drawn) };
  } catch (error) {
    // The array that was drawn is one that the method is not for; the one that is there need not be.
    if (isBeamrigError(error) && error.code === 'calibration') return told;
    throw error;
  }
}
