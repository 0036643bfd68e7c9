import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { RECORDS_PAGE, recordsPage } from '../../scripts/records-doc.ts';
import { CYCLE_COLUMNS, csvName, USER_COLUMNS, pageColumns } from './cycle-columns.ts';
import { STAGES } from './cycle-record.ts';

it('has each name once, in records and in the table', () => {
  const names = CYCLE_COLUMNS.map(({ name }) => name);
  const cells = [...CYCLE_COLUMNS.map(csvName), ...USER_COLUMNS.map(({ csv }) => csv)];
  expect(new Set(names).size).toBe(names.length);
  expect(new Set(cells).size).toBe(cells.length);
});

it('says the unit of every number in its name, in the table', () => {
  const endings = { ms: '_ms', dB: '_db', 'bit/s/Hz': '_bit_per_s_per_hz' } as const;
  for (const column of CYCLE_COLUMNS)
    if (column.unit !== undefined) expect(csvName(column).endsWith(endings[column.unit])).toBe(true);
  for (const { csv, unit } of USER_COLUMNS) expect(csv.endsWith(endings[unit])).toBe(true);
});

it('has a column of every stage, which pages draw', () => {
  const names = pageColumns(2).map(({ name }) => name);
  expect(names).toEqual(expect.arrayContaining([...STAGES.map((stage) => `${stage}_ms`), 'user_1_measured_db']));
});

it('is the page of the documentation (npx tsx scripts/records-doc.ts writes it)', () => {
  expect(readFileSync(RECORDS_PAGE, 'utf8')).toBe(recordsPage());
});
