/** What is measured on opened panels, and how: the method as it hears what the panels report, and how many readings that takes. */
import type { CalibrationMethod } from '../../calibration/method.ts';
import { BeamrigError } from '../../core/errors/beamrig-error.ts';
import { connectionMask } from '../../core/signal/geometry.ts';
import type { Feature } from '../../firmware-protocol/messages.ts';
import { elementsOf } from '../config/rig-file.ts';
import type { RigPanel } from '../control/rig-panel.ts';
import type { SettingsReader } from './array-reader.ts';
import type { ArrayUnderTest } from './array-under-test.ts';
import type { CalibrationRequest, ReadingKind } from './calibration-request.ts';
import { measureArray, readingsOf, requireFeatures, type MeasureArrayOptions, type MeasuredStates } from './measure-array.ts';
import { byPower, measurePowers, powerReadingsOf } from './measure-powers.ts';
import { drawnFor } from './method-runs.ts';

export interface Measurement {
  readonly array: ArrayUnderTest;
  /** As it hears these readings. */
  readonly method: CalibrationMethod;
  readonly reading: ReadingKind;
  readonly pilots: number;
  readonly seed: number;
  /** Which receiver listens. */
  readonly receiver: number;
  /** All of them, those for the noise among them. */
  readonly readings: number;
  carryOut(onProgress: (done: number, of: number) => void, reader: SettingsReader): Promise<MeasuredStates>;
}

/** An SNR is a ratio to a noise that is measured as well: of few pilots it scatters with the power itself, by 1/√pilots. */
const USUAL_PILOTS: Readonly<Record<ReadingKind, number>> = { pilots: 1, power: 16_384 };

/** @throws {BeamrigError} 'argument' where the panels cannot be measured so */
export function measurementOf(request: CalibrationRequest, { panel }: RigPanel): Measurement {
  const { rig, readings, seed = 1 } = request;
  const features = panel.capabilities?.features ?? [];
  const reading = request.reading ?? (features.includes('pilot-report') ? 'pilots' : 'power');
  requireReports(panel.name, features, reading);
  const { rfChains, phaseBits, connection } = rig.array;
  const elements = elementsOf(rig);
  const array: ArrayUnderTest = {
    ...{ elements, rfChains, phaseBits },
    ...(connection === 'full' ? {} : { connection: connectionMask(connection, elements, rfChains) }),
    elementEnable: features.includes('element-enable'),
  };
  const method = reading === 'power' ? byPower(request.method) : request.method;
  requireFeatures(array, method);
  if (request.seed !== undefined && method.draws !== true) throw nothingDrawn(method.name);
  const options: MeasureArrayOptions = { array, method, readings, random: drawnFor(seed) };
  return {
    ...{ array, method, reading, seed },
    pilots: request.pilots ?? USUAL_PILOTS[reading],
    receiver: receiverOf(request, reading),
    readings: reading === 'power' ? powerReadingsOf(options) : readingsOf(options),
    carryOut: (onProgress, reader) => (reading === 'power' ? measurePowers : measureArray)({ ...options, onProgress }, reader),
  };
}

const nothingDrawn = (method: string): BeamrigError =>
  new BeamrigError('argument', `--seed: the method ${method} draws nothing, so that it would be the same with any`, {
    wayOut: 'Leave it out; another measurement differs by its noise alone.',
  });

function requireReports(panel: string, features: readonly Feature[], reading: ReadingKind): void {
  const needed: readonly Feature[] = reading === 'pilots' ? ['pilot-report'] : ['snr-report', 'digital-weights'];
  const lacking = needed.find((feature) => !features.includes(feature));
  if (lacking === undefined) return;
  const what =
    reading === 'pilots' ? 'reports no pilots' : lacking === 'snr-report' ? 'reports no SNR' : 'takes no digital weights';
  throw new BeamrigError('argument', `${panel} ${what} (feature ${lacking}), which readings of ${reading} need`, {
    wayOut:
      reading === 'pilots'
        ? 'Measure by --reading power, or attach a panel that reports pilots: one of the array, or one with receivers.'
        : 'Attach a panel that does, or one that reports pilots: one of the array, or one with receivers.',
  });
}

function receiverOf({ rig }: CalibrationRequest, reading: ReadingKind): number {
  const { receiver = rig.users.count } = rig.calibration.probe;
  if (reading === 'pilots' || receiver < rig.users.count) return receiver;
  throw new BeamrigError('argument', 'calibration.probe.receiver is no user’s, and only users’ receivers report power', {
    wayOut: `Put the receiver of a user at the probe’s place, and give it as calibration.probe.receiver: 0 … ${rig.users.count - 1}.`,
  });
}
