/** What an array was known to show in a run that is over: by the tables that lie in its folder. */
import { join } from 'node:path';
import { tableId } from '../../calibration/tables/state-table.ts';
import type { ArrayStates } from '../../core/signal/beam-contract.ts';
import { elementsOf, parseRigFile } from '../config/rig-file.ts';
import { TABLES_FOLDER, type StoredRun } from '../telemetry/run-folder.ts';
import { readTables, statesOfTables } from './calibration.ts';

/**
 * @param id as a record of the run has it: the tables of the panels, in the order of the links
 * @returns undefined where one of them is not there
 */
export function statesOfRun({ folder, manifest }: StoredRun, id: string, bits: number): ArrayStates | undefined {
  const rig = parseRigFile(manifest.rigFile.text, manifest.rigFile.path);
  const tables = readTables(join(folder, TABLES_FOLDER));
  const all = Array.from({ length: elementsOf(rig) }, (_, n) => n);
  const ofArray = rig.links.filter(({ users }) => users === undefined);
  const parts = id.split(' + ').map((own, i) => {
    const table = tables.find((each) => tableId(each) === own);
    const elements = table?.simulatedArray === null ? (ofArray[i]?.elements ?? all) : all;
    return { elements, table };
  });
  const there = parts.flatMap(({ elements, table }) => (table === undefined ? [] : [{ elements, table }]));
  return there.length < parts.length ? undefined : statesOfTables(rig, there)(bits);
}
