/** What a measurement will take and come to, before anything radiates. */
import { DRAWN_REFERENCE_SHARE } from '../../calibration/drawn-array.ts';
import type { StateDifference } from '../../calibration/state-difference.ts';
import type { Clock } from '../../core/clock/clock.ts';
import { fromDb } from '../../core/signal/rate.ts';
import { createRandom } from '../../core/signal/random.ts';
import type { LentArray } from '../control/array-calibrator.ts';
import type { RigPanel } from '../control/rig-panel.ts';
import { slowestLineMs } from '../rig/hardware.ts';
import type { CalibrationRequest, ReadingKind } from './calibration-request.ts';
import { expectedOf } from './figures.ts';
import { sessionKeeper } from './keep-session.ts';
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
export async function planned(request: CalibrationRequest, lent: LentArray, clock: Clock): Promise<PlannedMeasurement> {
  const { rigPanel } = lent;
  measurementOf(request, rigPanel);
  let quickestMs = Infinity;
  for (let i = 0; i < PINGS; i++) {
    const answer = await rigPanel.panel.ping();
    if (answer.ok) quickestMs = Math.min(quickestMs, answer.value.roundTripMs);
  }
  const keepSession = sessionKeeper(lent, clock, new AbortController().signal);
  return keepSession(plannedAt(request, rigPanel, { quickestMs: quickestMs === Infinity ? 0 : quickestMs, clock }));
}

/** How long all of its readings take. @param quickestMs of an exchange with the panels */
export function secondsAt(request: CalibrationRequest, rigPanel: RigPanel, quickestMs: number): number {
  const measurement = measurementOf(request, rigPanel);
  return (measurement.readings * readingMs(request, measurement, rigPanel, quickestMs)) / 1000;
}

/** The same without a word to the panels. @param quickestMs of an exchange with them */
export async function plannedAt(
  request: CalibrationRequest,
  rigPanel: RigPanel,
  { quickestMs, clock }: { quickestMs: number; clock: Clock },
): Promise<PlannedMeasurement> {
  const measurement = measurementOf(request, rigPanel);
  const { array, method, reading, readings } = measurement;
  const seconds = secondsAt(request, rigPanel, quickestMs);
  const perChain = array.connection === undefined ? array.elements : Math.ceil(array.elements / array.rfChains);
  const noise = noiseBesideElement(request, measurement, perChain);
  const setup = {
    elements: perChain,
    phaseBits: array.phaseBits,
    elementEnable: array.elementEnable,
    readings: request.readings,
  };
  const readingSnrDb = Math.round(-10 * Math.log10(noise));
  const ofMethod = method.readings({ ...setup, random: createRandom(1).stream('plan') });
  const told = { reading, readings, commits: readings, seconds, readingSnrDb, ofMethod };
  const ofOneChain = reading === 'power' ? readings / array.rfChains : readings;
  if (ofOneChain * perChain > MOST_WORDS) return { ...told, unexpected: 'working it out would take too long' };
  return { ...told, ...(await expectedOf(method, { ...setup, noise }, clock)) };
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
