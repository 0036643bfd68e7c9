/**
 * A rig's array measured, and its tables written: all of it through the panel driver, and nothing of it before it is whole.
 *
 *   array opened, told its safe state ─► readings, each kept ─► states, flaws ─► explained by noise? ─► tables, a panel each
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { elementFlaws, type ElementFlaw } from '../../calibration/element-health.ts';
import type { StateEstimate } from '../../calibration/estimate-states.ts';
import { expectedError, usualPower } from '../../calibration/expected-error.ts';
import { tableOf, tableOfPanel } from '../../calibration/tables/state-table.ts';
import type { CalibrationTable } from '../../calibration/tables/table-schema.ts';
import type { Clock } from '../../core/clock/clock.ts';
import { BeamrigError, isBeamrigError } from '../../core/errors/beamrig-error.ts';
import type { CMatrix } from '../../core/signal/complex-matrix.ts';
import { zeros } from '../../core/signal/complex-matrix.ts';
import { userIndex } from '../../core/signal/indices.ts';
import { fromDb } from '../../core/signal/rate.ts';
import { elementsOf, type RigFile } from '../config/rig-file.ts';
import type { LentArray } from '../control/array-calibrator.ts';
import type { RigPanel } from '../control/rig-panel.ts';
import { showsNothing, simulatedArrayKey } from '../rig/calibration.ts';
import { probePath } from '../rig/probe.ts';
import { createArrayReader, type ArrayReader } from './array-reader.ts';
import type { CalibrationRequest, ReadingKind } from './calibration-request.ts';
import { measurementOf } from './measurement.ts';
import { sessionKeeper } from './keep-session.ts';
import { startMethodThread } from './method-runs.ts';
import { openJournal } from './readings-journal.ts';
import { resumedReader } from './resumed-reader.ts';
import { requireExplained } from './reading-quality.ts';

export interface MeasuredChainStates {
  /** Of the array. */
  readonly elements: readonly number[];
  /** c without the path to the probe. */
  readonly states: CMatrix;
  readonly estimate: StateEstimate;
  /** σ² of a reading. */
  readonly noise: number;
  readonly flaws: ReadonlyMap<number, ElementFlaw>;
}

export interface CalibrationResult {
  readonly tables: readonly CalibrationTable[];
  /** One for each RF chain. */
  readonly chains: readonly MeasuredChainStates[];
  /** SNR of a reading of one usual element alone, dB. */
  readonly readingSnrDb: number;
  /** Readings at the receiver's full scale, which were left out. */
  readonly saturated: number;
  readonly reading: ReadingKind;
  readonly pilots: number;
  readonly readings: number;
  /** Of this part of the measurement, those that were repeated among them. */
  readonly commits: number;
  readonly spentMs: number;
}

/** Where the readings of a rig's unfinished measurement are. */
export const journalPath = ({ name, calibration }: RigFile): string => join(calibration.folder, `${name}.unfinished`);

export interface HowToCalibrate {
  readonly clock: Clock;
  /** Ends it after the reading that is under way. */
  readonly stop: AbortSignal;
  /** @param kept of `done`, those that were read before an interruption */
  readonly onProgress: (done: number, of: number, kept: number) => void;
  /** After the last reading, before what is left is worked out: makes the array safe, as it is before any states are. */
  readonly whenRead?: () => Promise<void>;
  /** Writes what came of it. Until that is done readings are kept: what cannot be written now can be once there is room. */
  readonly write?: (result: CalibrationResult) => Promise<void>;
  /** What a person should know of the readings that were kept. */
  readonly tell?: (message: string) => void;
}

/**
 * @param stop ends it after the reading that is under way: what was read is kept
 * @throws {BeamrigError} 'stopped'; 'panel' where it did not answer; 'calibration-file' for what is in the way in the folder; 'calibration' where the readings
 *   are not what an array that stands still would give
 */
export async function calibrateRig(
  request: CalibrationRequest,
  { rigPanel, recovery }: LentArray,
  { clock, stop, onProgress, whenRead, write, tell }: HowToCalibrate,
): Promise<CalibrationResult> {
  const { rig, resume } = request;
  const measurement = measurementOf(request, rigPanel);
  const { array, method, reading, pilots, seed, receiver, readings: total } = measurement;
  makeFolder(rig.calibration.folder);
  const journal = openJournal(
    journalPath(rig),
    {
      ...{ format: 'beamrig-readings-2', method: method.name, reading, readings: total, receiver, pilots, seed },
      ...{ elements: array.elements, rfChains: array.rfChains, phaseBits: array.phaseBits, elementEnable: array.elementEnable },
      ...{ probe: JSON.stringify(rig.calibration.probe), frequencyGhz: rig.array.carrierGhz },
      panels: rigPanel.boards().map(({ panel }) => panel),
    },
    resume,
  );
  if (journal.damage !== undefined) tell?.(journal.damage);
  try {
    const beganMs = clock.nowMs();
    const beganC = await temperatureOf(rigPanel);
    const { panel } = rigPanel;
    const reader = createArrayReader({
      panel,
      recovery,
      clock,
      ...{ phaseBits: array.phaseBits, rfChains: array.rfChains, users: rig.users.count },
      receiver: userIndex(receiver),
      pilots,
      stop,
    });
    let isLit = false;
    const lighting: Pick<ArrayReader, 'read'> = {
      read(setting) {
        isLit = true;
        return reader.read(setting);
      },
    };
    const kept = resumedReader(lighting, journal);
    const beforeSolving = async (): Promise<void> => {
      if (isLit) await recovery.makeSafe();
      isLit = false;
    };
    const keepSession = sessionKeeper({ rigPanel, recovery }, clock, stop);
    const thread = startMethodThread({ method, seed }, { clock, stop, beforeSolving, keepSession });
    let done = 0;
    const carriedOut = measurement.carryOut((...progress) => onProgress(...progress, journal.kept.length), {
      async read(setting) {
        const heard = await kept.read(setting);
        if (++done < total || whenRead === undefined) return heard;
        await whenRead();
        isLit = false;
        return heard;
      },
      begin: thread.begin,
    });
    const { chains } = await carriedOut.finally(() => thread.end());
    const endedC = await temperatureOf(rigPanel);
    requireExplained(chains, method);
    const found = chains.map(({ elements, estimate, noise }): MeasuredChainStates => {
      const flaws = elementFlaws(estimate.states, estimate.variance, method.finds === 'states', method.hearsConstants(array));
      return { elements, estimate, noise, flaws, states: withoutPath(estimate.states, elements, probePath(rig)) };
    });
    const accuracy = accuracyOf(found);
    const facts = {
      frequencyGhz: rig.array.carrierGhz,
      temperatureC: beganC === null || endedC === null ? null : Math.round(5 * (beganC + endedC)) / 10,
      measuredAt: new Date(Number(clock.epochNs() / 1_000_000n)).toISOString(),
      simulatedArray: rigPanel.source === 'simulator' ? simulatedArrayKey(rig) : null,
      measuredOn: rigPanel.source,
      ...{ method: method.name, readings: total, accuracy },
      ...{ elements: array.elements, rfChains: array.rfChains, phaseBits: array.phaseBits },
    };
    const whole = tableOf(
      { ...facts, panel: 'array', measurement: `${rig.name} ${facts.measuredAt}` },
      found,
      nominalPower(rig, rigPanel),
    );
    const tables = partsOf(rig, rigPanel).map(({ panel: serial, elements }) => tableOfPanel(whole, serial, elements));
    const usual = usualPower(found.map(({ estimate }) => estimate.states));
    const result = {
      ...{
        tables,
        chains: found,
        saturated: chains.reduce((sum, each) => sum + each.saturated, 0),
        reading,
        pilots,
        readings: total,
        commits: reader.commits,
        spentMs: clock.nowMs() - beganMs,
      },
      readingSnrDb: 10 * Math.log10((usual * found.length) / found.reduce((sum, { noise }) => sum + noise, 0)),
    };
    if (write !== undefined) await keepSession(clock.during(write(result)));
    journal.remove();
    return result;
  } catch (error) {
    if (isBeamrigError(error) && error.code === 'calibration') journal.setAside();
    throw error;
  } finally {
    journal.close();
  }
}

function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true });
  } catch (error) {
    throw new BeamrigError('calibration-file', `${folder}: tables cannot be written there: ${(error as Error).message}`, {
      wayOut: 'Give another folder as calibration.folder in the rig file.',
      cause: error,
    });
  }
}

/** Of a nominal element, as the probe reports it; undefined where nobody knows. */
function nominalPower({ calibration, simulator }: RigFile, { source }: RigPanel): number | undefined {
  const levelDb = calibration.probe.elementLevelDb ?? (source === 'simulator' ? simulator.probeSnrDb : undefined);
  return levelDb === undefined ? undefined : fromDb(levelDb);
}

/** Boards with the elements of the array that each of them drives. */
function partsOf(rig: RigFile, rigPanel: RigPanel): { panel: string; elements: readonly number[] }[] {
  const { links } = rig;
  const all = Array.from({ length: elementsOf(rig) }, (_, n) => n);
  const driving = rigPanel.boards().filter((board) => !showsNothing(rig, board));
  return driving.map(({ panel, link }) => ({
    panel,
    elements: rigPanel.source === 'simulator' ? all : (links.find(({ name }) => name === link)?.elements ?? all),
  }));
}

async function temperatureOf({ panel }: RigPanel): Promise<number | null> {
  const told = await panel.status();
  return told.ok ? told.value.temperatureC : null;
}

/** c/h_p: what the elements show, whoever listens from wherever. */
function withoutPath({ rows, cols, re, im }: CMatrix, elements: readonly number[], path: CMatrix): CMatrix {
  const out = zeros(rows, cols);
  elements.forEach((n, row) => {
    const power = path.re[n] ** 2 + path.im[n] ** 2;
    const [byRe, byIm] = [path.re[n] / power, -path.im[n] / power];
    for (let at = row * cols; at < (row + 1) * cols; at++) {
      out.re[at] = re[at] * byRe - im[at] * byIm;
      out.im[at] = re[at] * byIm + im[at] * byRe;
    }
  });
  return out;
}

function accuracyOf(chains: readonly MeasuredChainStates[]): CalibrationTable['accuracy'] {
  const { phaseDeg, gainDb } = expectedError(chains.map(({ estimate }) => estimate));
  const round = (value: number): number => Number(value.toPrecision(3));
  return { phaseDeg: round(phaseDeg), gainDb: round(gainDb) };
}

/** What does not do what it is told, element by element. */
export function flawsText({ flaws, rfChains, gainDb }: CalibrationTable): string {
  if (flaws.length === 0) return 'no element was found to be dead, stuck or weak';
  const chainsOf = new Map<string, number[]>();
  for (const { element, rfChain, flaw } of flaws) {
    const text = `element ${element} ${flaw.replaceAll('-', ' ')}`;
    chainsOf.set(text, [...(chainsOf.get(text) ?? []), rfChain]);
  }
  const connected = (element: number): number =>
    gainDb.slice(element * rfChains, (element + 1) * rfChains).filter((row) => row !== null).length;
  return Array.from(chainsOf, ([text, chains]) =>
    chains.length === connected(Number(text.split(' ')[1]))
      ? text
      : `${text} on ${chains.length === 1 ? 'chain' : 'chains'} ${chains.join(', ')}`,
  ).join(', ');
}
