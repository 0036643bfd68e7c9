/** The tables that a folder holds, read again when somebody asks: each file once, and again where it has changed. One that is damaged hides no other. */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { tableId } from '../../calibration/tables/state-table.ts';
import { isBeamrigError } from '../../core/errors/beamrig-error.ts';
import type { TableListing } from '../control/calibrating.ts';
import { readTableFile } from './calibration.ts';

export function createTableHistory(folder: string): () => Promise<TableListing[]> {
  const known = new Map<string, { as: string; listing: TableListing }>();
  return async () => {
    const listings: TableListing[] = [];
    for (const file of filesIn(folder)) {
      const path = join(folder, file);
      const stat = statSync(path, { throwIfNoEntry: false });
      if (stat === undefined) continue;
      const as = `${stat.mtimeMs} ${stat.size}`;
      let before = known.get(file);
      if (before?.as !== as) {
        before = { as, listing: listingOf(file, path) };
        known.set(file, before);
        // A table is large, and cycles turn meanwhile.
        await new Promise((resolve) => setImmediate(resolve));
      }
      listings.push(before.listing);
    }
    return listings.sort((a, b) => (b.table?.measuredAtMs ?? 0) - (a.table?.measuredAtMs ?? 0));
  };
}

function listingOf(file: string, path: string): TableListing {
  try {
    const table = readTableFile(path);
    const { panel, measuredAt, method, readings, frequencyGhz, temperatureC, accuracy, flaws } = table;
    return {
      ...{ file, panel, problem: null },
      table: {
        ...{ id: tableId(table), measuredAtMs: Date.parse(measuredAt), method, readings, frequencyGhz, temperatureC },
        ...{ phaseDeg: accuracy.phaseDeg, gainDb: accuracy.gainDb, flaws: flaws.slice() },
      },
    };
  } catch (error) {
    return { file, panel: '', table: null, problem: isBeamrigError(error) ? error.message : String(error) };
  }
}

function filesIn(folder: string): string[] {
  try {
    return readdirSync(folder).filter((name) => name.endsWith('.json'));
  } catch {
    return []; // there is none, or nobody may look into it
  }
}
