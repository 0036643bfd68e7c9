/** What a measurement will take and come to, before anything radiates. */
import { drawnArray, DRAWN_REFERENCE_SHARE, measured } from '../../calibration/drawn-array.ts';
import { stateDifference, type StateDifference } from '../../calibration/state-difference.ts';
import { isBeamrigError } from '../../core/errors/beamrig-error.ts';
import { fromDb } from '../../core/signal/rate.ts';
import { createRandom } from '../../core/signal/random.ts';
import type { RigPanel } from '../control/rig-panel.ts';
import { slowestLineMs } from '../rig/hardware.ts';
import type { CalibrationRequest, ReadingKind } from './calibration-request.ts';
import { measurementOf, type Measurement } from './measurement.ts';
import { bytesOfReading } from './reading-bytes.ts';

export interface PlannedMeasurement {
  readonly reading: ReadingKind;
  readonly readings: number;
  readonly commits: number;
  readonly seconds: number;
  /** That the accuracy is told for: of one element alone in one reading, all of its pilots together. */
  readonly readingSnrDb: number;
  /** What the method takes of a chain, whatever number was asked for: its readings come in rounds. */
  readonly ofMethod: number;
  /** RMS error of a state of an array of usual errors; absent where that cannot be worked out, for which `unexpected` says why. */
  readonly expected?: StateDifference;
  readonly unexpected?: string;
}

/** Chunks, commit and report. */
const ROUND_TRIPS = 3;
/** What this program takes for a reading however quick the link is, ms: so long one takes on the simulator. */
const OWN_MS = 3;
const PINGS = 20;
/** Words of all readings together, above which the accuracy is not worked out. */
const MOST_WORDS = 2 ** 20;

/** @throws {BeamrigError} 'argument' where the panels cannot be measured by this method */
export async function planned(request: CalibrationRequest, rigPanel: RigPanel): Promise<PlannedMeasurement> {
  measurementOf(request, rigPanel);
  let quickestMs = Infinity;
  for (let i = 0; i < PINGS; i++) {
    const answer = await rigPanel.panel.ping();
    if (answer.ok) quickestMs = Math.min(quickestMs, answer.value.roundTripMs);
  }
  return plannedAt(request, rigPanel, quickestMs === Infinity ? 0 : quickestMs);
}

/** How long all of its readings take. @param quickestMs of an exchange with the panels */
export function secondsAt(request: CalibrationRequest, rigPanel: RigPanel, quickestMs: number): number {
  const measurement = measurementOf(request, rigPanel);
  return (measurement.readings * readingMs(request, measurement, rigPanel, quickestMs)) / 1000;
}

/** The same without a word to the panels. @param quickestMs of an exchange with them */
export function plannedAt(request: CalibrationRequest, rigPanel: RigPanel, quickestMs: number): PlannedMeasurement {
  const measurement = measurementOf(request, rigPanel);
  const { array, method, reading, readings } = measurement;
  const seconds = secondsAt(request, rigPanel, quickestMs);
  const perChain = array.connection === undefined ? array.elements : Math.ceil(array.elements / array.rfChains);
  const noise = noiseBesideElement(request, measurement, perChain);
  const random = createRandom(1);
  const setup = {
    elements: perChain,
    phaseBits: array.phaseBits,
    elementEnable: array.elementEnable,
    random: random.stream('plan'),
    readings: request.readings,
  };
  const readingSnrDb = Math.round(-10 * Math.log10(noise));
  const told = { reading, readings, commits: readings, seconds, readingSnrDb, ofMethod: method.readings(setup) };
  const ofOneChain = reading === 'power' ? readings / array.rfChains : readings;
  if (ofOneChain * perChain > MOST_WORDS) return { ...told, unexpected: 'working it out would take too long' };
  const drawn = drawnArray({
    elements: perChain,
    phaseBits: array.phaseBits,
    random: random.stream('array'),
    phaseStateErrorDeg: 3,
    gainStateErrorDb: 0.3,
  });
  try {
    const { states } = measured(method, drawn, { ...setup, noise }, noise, random.stream('noise'));
    return { ...told, expected: stateDifference(states, drawn) };
  } catch (error) {
    // The array that was drawn is one that the method is not for; the one that is there need not be.
    if (isBeamrigError(error) && error.code === 'calibration')
      return { ...told, unexpected: `of an array that was drawn, ${error.message}` };
    throw error;
  }
}

/** What the bytes of a reading take on the slowest line, and what the quickest of some exchanges takes beyond its own bytes: there and back, and answering. */
function readingMs(
  { rig }: CalibrationRequest,
  { array, method, reading }: Measurement,
  { panel }: RigPanel,
  quickestMs: number,
): number {
  const wire = {
    ...{ rfChains: array.rfChains, phaseBits: array.phaseBits },
    maxPayloadBytes: panel.capabilities?.maxPayloadBytes ?? USUAL_PAYLOAD_BYTES,
    enables: method.needsElementEnable,
    users: reading === 'power' ? rig.users.count : undefined,
  };
  const onLinksMs = ROUND_TRIPS * quickestMs + slowestLineMs(rig, (elements) => bytesOfReading({ ...wire, elements }));
  return Math.max(OWN_MS, onLinksMs);
}

const USUAL_PAYLOAD_BYTES = 1024;

/** σ² of a complex reading, in powers of one element. An SNR scatters with itself, too: by 1/√pilots of the power that is heard. */
function noiseBesideElement({ rig }: CalibrationRequest, { method, reading, pilots }: Measurement, elements: number): number {
  const added = 1 / (fromDb(rig.simulator.probeSnrDb) * pilots);
  if (reading === 'pilots') return added;
  const heard = (method.needsReference === true ? 1 + DRAWN_REFERENCE_SHARE ** 2 : 1) * elements;
  return added + heard / (2 * pilots);
}
