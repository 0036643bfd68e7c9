/** Tables of a folder as somebody looks at them: what comes and goes is followed, and one that is damaged hides no other. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { drawnArray } from '../../calibration/drawn-array.ts';
import { tableOf, tableText } from '../../calibration/tables/state-table.ts';
import { createRandom } from '../../core/signal/random.ts';
import { createTableHistory } from './table-history.ts';

let folder = '';
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'beamrig-history-'))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const textOf = (panel: string, measuredAt: string): string => {
  const random = createRandom(1);
  const states = drawnArray({ elements: 2, phaseBits: 2, random, phaseStateErrorDeg: 3, gainStateErrorDb: 0.3 });
  const facts = {
    ...{ panel, measuredAt, measurement: 'lab', simulatedArray: null, frequencyGhz: 28, temperatureC: 24.5 },
    ...{ method: 'coded', readings: 48, elements: 2, rfChains: 1, phaseBits: 2, accuracy: { phaseDeg: 0.5, gainDb: 0.05 } },
  };
  return tableText(tableOf(facts, [{ elements: [0, 1], states, flaws: new Map([[1, 'weak' as const]]) }]));
};
const write = (file: string, text: string): void => writeFileSync(join(folder, file), text);

it('lists them newest first, a damaged one with its reason, and follows the folder', async () => {
  const history = createTableHistory(folder);
  expect(await history()).toEqual([]);
  const older = textOf('B-1', '2026-01-02T03:04:05.000Z');
  write('older.json', older);
  write('newer.json', textOf('B-2', '2026-02-03T04:05:06.000Z'));
  write('cut.json', older.slice(0, 200));
  write('report.html', 'no table');
  const listed = await history();
  expect(listed.map(({ file }) => file)).toEqual(['newer.json', 'older.json', 'cut.json']);
  expect(listed[1]).toMatchObject({
    panel: 'B-1',
    problem: null,
    table: { method: 'coded', temperatureC: 24.5, phaseDeg: 0.5, flaws: [{ element: 1, rfChain: 0, flaw: 'weak' }] },
  });
  expect(listed[2]).toMatchObject({ table: null, problem: expect.stringContaining('not JSON, or cut off') as string });
  write('cut.json', older);
  rmSync(join(folder, 'newer.json'));
  expect((await history()).map(({ file, problem }) => [file, problem])).toEqual([
    ['cut.json', null],
    ['older.json', null],
  ]);
});

it('is empty where there is no folder', async () => {
  expect(await createTableHistory(join(folder, 'none'))()).toEqual([]);
});
