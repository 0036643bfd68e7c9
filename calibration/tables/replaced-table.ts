/** What new tables take the place of, though it was better: of tables for the same place the newest is used (choose-tables.ts), however exact. */
import { SAME_C, SAME_GHZ_SHARE } from './merge-tables.ts';
import { isSimulated, type CalibrationTable } from './table-schema.ts';

/** Measured alike, one comes out a little more exact than the other. */
const CLEARLY_WORSE = 1.25;

/** @returns the most exact of the earlier tables of the same array, frequency and temperature; undefined where none is clearly better than a new one */
export function betterReplaced(
  earlier: readonly CalibrationTable[],
  written: readonly CalibrationTable[],
): CalibrationTable | undefined {
  const better = written.flatMap((table) =>
    earlier.filter((other) => isForSame(other, table) && table.accuracy.phaseDeg > CLEARLY_WORSE * other.accuracy.phaseDeg),
  );
  return better.sort((a, b) => a.accuracy.phaseDeg - b.accuracy.phaseDeg).at(0);
}

function isForSame(a: CalibrationTable, b: CalibrationTable): boolean {
  const keys = ['panel', 'simulatedArray', 'elements', 'rfChains', 'phaseBits'] as const;
  if (keys.some((key) => a[key] !== b[key]) || isSimulated(a) !== isSimulated(b)) return false;
  if (Math.abs(a.frequencyGhz - b.frequencyGhz) > SAME_GHZ_SHARE * b.frequencyGhz) return false;
  return a.temperatureC === null || b.temperatureC === null || Math.abs(a.temperatureC - b.temperatureC) <= SAME_C;
}
