/** Several measurements of one panel as one: every state by how exactly each of them knows it. */
import { BeamrigError } from '../../core/errors/beamrig-error.ts';
import { commonOf, placesOfAll, requireAlike, statesAt } from './compare-tables.ts';
import { tableBetween } from './state-table.ts';
import type { CalibrationTable } from './table-schema.ts';

/** Measurements farther apart than these are of two states of the panel, and their mean is of none. */
export const SAME_GHZ_SHARE = 1e-4;
export const SAME_C = 3;

/**
 * @returns the mean, weighed by the inverse variance of a state, the first table's common factor kept
 * @throws {BeamrigError} 'calibration-file' where they are not of one panel at one frequency and temperature
 */
export function mergeTables(tables: readonly CalibrationTable[]): CalibrationTable {
  if (tables.length < 2)
    throw new BeamrigError('calibration-file', 'one table is merged with nothing', { wayOut: 'Give two or more.' });
  requireAlike(tables);
  const twice = tables.find((table, i) => tables.findIndex(({ measurement }) => measurement === table.measurement) < i);
  if (twice !== undefined) {
    throw new BeamrigError(
      'calibration-file',
      `the measurement '${twice.measurement}' is among them twice, and would count twice`,
      {
        wayOut: 'Give each measurement once.',
      },
    );
  }
  const [first] = tables;
  for (const other of tables) {
    const apart =
      Math.abs(other.frequencyGhz - first.frequencyGhz) > SAME_GHZ_SHARE * first.frequencyGhz
        ? `at ${first.frequencyGhz} and ${other.frequencyGhz} GHz`
        : first.temperatureC !== null && other.temperatureC !== null && Math.abs(other.temperatureC - first.temperatureC) > SAME_C
          ? `at ${first.temperatureC} and ${other.temperatureC} °C`
          : undefined;
    if (apart !== undefined) {
      throw new BeamrigError('calibration-file', `the tables were measured ${apart}: merged they would be of neither`, {
        wayOut: 'Keep both in the folder: a rig takes the line between them.',
      });
    }
  }
  const places = placesOfAll(tables);
  const reference = statesAt(first, places);
  const variances = tables.map(({ accuracy: { phaseDeg } }) => Math.max(phaseDeg, 1e-3) ** 2);
  const total = variances.reduce((sum, variance) => sum + 1 / variance, 0);
  const weighed = tables.map((table, i) => {
    const [phase, gainDb] = table === first ? [0, 0] : commonOf(reference, statesAt(table, places));
    return { table: moved(table, (-phase * 180) / Math.PI, -gainDb), weight: 1 / variances[i] / total };
  });
  const better = Math.sqrt(1 / total);
  const round = (value: number): number => Number(value.toPrecision(3));
  return tableBetween(weighed, {
    frequencyGhz: first.frequencyGhz,
    temperatureC: first.temperatureC,
    measuredAt:
      tables
        .map(({ measuredAt }) => measuredAt)
        .sort()
        .at(-1) ?? first.measuredAt,
    accuracy: {
      phaseDeg: round(better),
      gainDb: round((better * first.accuracy.gainDb) / Math.max(first.accuracy.phaseDeg, 1e-3)),
    },
  });
}

const moved = (table: CalibrationTable, phaseDeg: number, gainDb: number): CalibrationTable => {
  const by = (rows: CalibrationTable['gainDb'], shift: number): CalibrationTable['gainDb'] =>
    rows.map((row) => row && row.map((value) => value + shift));
  return { ...table, phaseDeg: by(table.phaseDeg, phaseDeg), gainDb: by(table.gainDb, gainDb) };
};
