/** Measures the array of a rig that is up, lent by its loop: as `beamrig calibrate` does it, and what it finds is used by the same run. */
import { existsSync, renameSync } from 'node:fs';
import type { CalibrationMethod } from '../../calibration/method.ts';
import { CALIBRATION_METHODS } from '../../calibration/methods.ts';
import { stateDifference } from '../../calibration/state-difference.ts';
import { tableId } from '../../calibration/tables/state-table.ts';
import type { Clock } from '../../core/clock/clock.ts';
import { BeamrigError, isBeamrigError } from '../../core/errors/beamrig-error.ts';
import type { ArrayStates } from '../../core/signal/beam-contract.ts';
import { zeros } from '../../core/signal/complex-matrix.ts';
import { idealOf } from '../../core/signal/quantise.ts';
import type { RigFile } from '../config/rig-file.ts';
import type { ArrayCalibrator } from '../control/array-calibrator.ts';
import type { CalibrationMethodOffer, CalibrationPlan, CalibrationWish, StateError } from '../control/calibrating.ts';
import type { RigPanel } from '../control/rig-panel.ts';
import type { Calibrations } from '../rig/calibration.ts';
import { createTableHistory } from '../rig/table-history.ts';
import {
  calibrateRig,
  flawsText,
  journalPath,
  type CalibrationResult as MeasuredTables,
  type MeasuredChainStates,
} from './calibrate-rig.ts';
import type { CalibrationRequest } from './calibration-request.ts';
import { measurementOf } from './measurement.ts';
import { plannedAt, secondsAt } from './planned-measurement.ts';
import { readingsKept } from './readings-journal.ts';
import { worseText, writeResult } from './write-result.ts';

export function createRigCalibrator(rig: RigFile, calibrations: Calibrations, clock: Clock): ArrayCalibrator {
  const requestOf = ({ method: name, readings, pilots, resume }: CalibrationWish): CalibrationRequest => {
    const method = CALIBRATION_METHODS.find((each) => each.name === name);
    if (method === undefined) {
      throw new BeamrigError('argument', `there is no method '${name}'`, {
        wayOut: `Choose one of ${CALIBRATION_METHODS.map((each) => each.name).join(', ')}.`,
      });
    }
    return { rig, method, readings: readings ?? undefined, pilots: pilots ?? undefined, resume };
  };
  const offers = new Map<string, CalibrationMethodOffer[]>();
  /** Working out how exact one will be takes a while, and depends on nothing that changes. */
  const plans = new Map<string, Promise<Omit<CalibrationPlan, 'kept' | 'seconds'>>>();
  /** One after the other, however many pages ask. */
  let planning: Promise<unknown> = Promise.resolve();
  return {
    methods(on) {
      const features = on.panel.capabilities?.features.join() ?? 'none';
      const known = offers.get(features) ?? CALIBRATION_METHODS.map((method) => offerOf(rig, method, on));
      offers.set(features, known);
      return known;
    },
    async plan(wish, on) {
      const request = requestOf(wish);
      const features = on.panel.capabilities?.features.join();
      const key = JSON.stringify([wish.method, wish.readings, wish.pilots, features]);
      const { azimuthDeg, elevationDeg, receiver = rig.users.count } = rig.calibration.probe;
      let plan = plans.get(key);
      if (plan === undefined) {
        const { method } = wish;
        plan = planning.then(async () => {
          const { readings, readingSnrDb, expected = null } = await plannedAt(request, on, { quickestMs: 0, clock });
          return { method, readings, readingSnrDb, expected, probe: { azimuthDeg, elevationDeg, receiver } };
        });
        plans.set(key, plan);
        planning = plan.catch(() => plans.delete(key));
      }
      const known = await plan;
      const { readings } = known;
      const { pilots } = measurementOf(request, on);
      const kept = readingsKept(journalPath(rig), { method: wish.method, pilots, readings });
      return { ...known, seconds: secondsAt(request, on, on.panel.counters.roundTripMs), kept };
    },
    async calibrate(wish, lent, how) {
      const request = requestOf(wish);
      const before = calibrations.for(lent.rigPanel).states(rig.array.phaseBits);
      const journal = journalPath(rig);
      if (!wish.resume && existsSync(journal)) renameSync(journal, `${journal}.aside`);
      let [report, worse]: [string, string | undefined] = ['', undefined];
      const write = async (measured: MeasuredTables): Promise<void> => {
        const written = await writeResult(request, measured, lent.rigPanel.source, { clock, stop: how.stop });
        report = written.report;
        worse = worseText(written, measured.tables[0].accuracy.phaseDeg);
      };
      const result = await calibrateRig(request, lent, { ...how, clock, write });
      calibrations.add(result.tables);
      return {
        tables: result.tables.map(tableId),
        before: beliefError(before, result.chains, rig),
        after: result.tables[0].accuracy,
        flaws: result.tables.map(flawsText).join('; '),
        ...{ report, worse },
        readingSnrDb: result.readingSnrDb,
      };
    },
    history: createTableHistory(rig.calibration.folder),
  };
}

function offerOf(rig: RigFile, method: CalibrationMethod, on: RigPanel): CalibrationMethodOffer {
  const { name, about, finds } = method;
  try {
    measurementOf({ rig, method, resume: false }, on);
    return { name, about, finds, why: null };
  } catch (error) {
    if (!isBeamrigError(error)) throw error;
    return { name, about, finds, why: error.message };
  }
}

/** How far what was believed of the states is from what was measured, RMS over the elements that do what they are told. */
function beliefError(believed: ArrayStates, chains: readonly MeasuredChainStates[], { array }: RigFile): StateError {
  const ideal = idealOf(array.phaseBits);
  const errors = chains.map(({ elements, states, flaws }, m) => {
    const before = zeros(states.rows, states.cols);
    elements.forEach((n, row) => {
      const { re, im } = believed.of?.(n * array.rfChains + m) ?? ideal;
      before.re.set(re, row * states.cols);
      before.im.set(im, row * states.cols);
    });
    return stateDifference(before, states, (index) => !flaws.has(Math.floor(index / states.cols)));
  });
  const rms = (of: (error: StateError) => number): number =>
    Number(Math.sqrt(errors.reduce((sum, error) => sum + of(error) ** 2, 0) / errors.length).toPrecision(3));
  return { phaseDeg: rms(({ phaseDeg }) => phaseDeg), gainDb: rms(({ gainDb }) => gainDb) };
}
