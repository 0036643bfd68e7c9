/**
 * One slot of a sounding on the panel: words are shown under a beam id of their own, and every user's pilots are asked for on this very beam. A
 * reading is credited to that id alone, as the panel driver has it; a slot that lacks one is void as a whole.
 */
import type { CMatrix } from '../../../core/signal/complex-matrix.ts';
import { zeros } from '../../../core/signal/complex-matrix.ts';
import { userIndex } from '../../../core/signal/indices.ts';
import type { BeamCommand, MeasuredPilots, PanelFailure, Result } from '../../panel/panel.ts';
import type { Bench } from '../between-cycles.ts';

/** What was heard in a slot. */
export interface SlotReading {
  /** K×M: what user k hears of chain m when it carries power 1. */
  readonly values: CMatrix;
  /** The fewest that a user's values are averaged over. */
  readonly pilots: number;
}

export interface SlotToShow {
  /** At the Q of the panel. */
  readonly words: Uint16Array;
  readonly phaseBits: number;
  /** D goes with it where a beam stands; pilots do not depend on it. */
  readonly digital?: NonNullable<BeamCommand['digital']>;
}

export interface SlotRequest {
  readonly users: number;
  readonly rfChains: number;
  /** That a reading is to be averaged over. */
  readonly pilots: number;
  /** How often pilots are asked for on the one beam: more than once tells the noise. */
  readonly times: number;
}

/**
 * @returns a reading for each time
 * @throws {BeamrigError} 'stopped' where nothing is to be shown any more
 */
export async function readSlot(bench: Bench, slot: SlotToShow, request: SlotRequest): Promise<Result<SlotReading[]>> {
  const { panel } = bench.on;
  const beamId = await bench.beamId();
  const applied = await panel.apply({ beamId, ...slot });
  if (!applied.ok) return applied;
  const readings: SlotReading[] = [];
  for (let time = 0; time < request.times; time++) {
    const reports = await Promise.all(
      Array.from({ length: request.users }, (_, user) => panel.measurePilots(beamId, userIndex(user), request.pilots)),
    );
    const failed = reports.find((report) => !report.ok);
    if (failed?.ok === false) return failed;
    readings.push(
      readingOf(
        reports.flatMap((report) => (report.ok ? [report.value] : [])),
        request.rfChains,
      ),
    );
  }
  bench.heard();
  return { ok: true, value: readings };
}

function readingOf(reports: readonly MeasuredPilots[], rfChains: number): SlotReading {
  const values = zeros(reports.length, rfChains);
  reports.forEach((report, user) => {
    for (let m = 0, at = user * rfChains; m < rfChains; m++, at++) {
      values.re[at] = report.values[2 * m];
      values.im[at] = report.values[2 * m + 1];
    }
  });
  return { values, pilots: Math.min(...reports.map(({ pilots }) => pilots)) };
}

/** A failure after which no other slot can be had: the safe state was commanded, there is no session any more, or the panel never reports pilots. */
export const endsSounding = (bench: Bench, failure: PanelFailure): boolean =>
  failure.reason === 'made-safe' ||
  failure.reason === 'not-sent' ||
  (failure.reason === 'rejected' && failure.code === 'unsupported-message') ||
  bench.on.panel.capabilities === undefined;
