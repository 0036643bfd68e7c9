import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { packageRoot } from '../../../core/files/package-root.ts';
import { REPORT_SCHEMA_FILE, reportSchemaText } from '../../../scripts/regression-report-schema.ts';
import { madeUpReport } from '../../../test/doubles/regression-report.ts';
import { lineInJson } from './line-in-json.ts';
import { readReport, reportJson } from './report-json.ts';

const folder = mkdtempSync(join(tmpdir(), 'beamrig-report-'));
afterAll(() => rmSync(folder, { recursive: true }));
const written = (text: string): string => {
  const path = join(folder, 'report.json');
  writeFileSync(path, text);
  return path;
};
const refusal = (text: string): { code: string; message: string; wayOut: string } => {
  const path = written(text);
  try {
    readReport(path);
  } catch (error) {
    const { code, message, wayOut } = error as { code: string; message: string; wayOut: string };
    return { code, message: message.replace(path, 'report.json'), wayOut };
  }
  throw new Error('it was read');
};
const whole = reportJson(madeUpReport());

it('is read back as it was', () => {
  expect(readReport(written(whole))).toEqual(madeUpReport());
  expect(readReport(written(`\ufeff${whole}`))).toEqual(madeUpReport());
  expect(readReport(written(reportJson(madeUpReport([]))))).toEqual(madeUpReport([]));
});

it('has a line for each case', () => {
  expect(whole.split('\n').filter((line) => line.startsWith('    {"scenario"'))).toHaveLength(madeUpReport().cases.length);
});

it('does not write what nobody could read back', () => {
  const report = madeUpReport();
  report.cases[0].confidence = NaN;
  expect(() => reportJson(report)).toThrow(/confidence/);
});

it('says of what was cut off where it ends', () => {
  expect(refusal(whole.slice(0, whole.length / 2))).toEqual({
    code: 'report-file',
    message: expect.stringMatching(
      /^report\.json: this is no JSON, or not the whole of it: line \d+:\d+: (the text ends|there is .*) where .* should be$/,
    ) as string,
    wayOut: 'It may have been cut off. Give a report.json that `beamrig regress` wrote.',
  });
});

it.each([
  ['', 'this is no report of a regression, nor any JSON'],
  ['<?xml version="1.0"?>', 'this is no report of a regression, nor any JSON'],
  ['[1, 2]', 'this is JSON, but no report of a regression: its format is not beamrig-regression-1'],
  ['{"format": "beamrig-beam-1"}', 'this is JSON, but no report of a regression: its format is not beamrig-regression-1'],
])('takes %j for no report', (text, why) => {
  expect(refusal(text)).toMatchObject({ code: 'report-file', message: `report.json: ${why}` });
});

it('says of another version which one it is and which one is read', () => {
  expect(refusal(whole.replace('beamrig-regression-1', 'beamrig-regression-2'))).toEqual({
    code: 'report-file',
    message: 'report.json: it is of the format beamrig-regression-2, and this version of beamrig reads beamrig-regression-1',
    wayOut: 'Make it again with this version of beamrig: play the same scenarios with what the baseline was made of.',
  });
});

it('names key and line of what is wrong', () => {
  const line = whole.split('\n').findIndex((each) => each.includes('"panel-hangs"')) + 1;
  const broken = whole.replace('"scenario":"panel-hangs"', '"scenario":7');
  expect(refusal(broken).message).toContain(`\n  line ${line}: cases[1].scenario: 7 is not`);
});

it('tells a missing file from a damaged one', () => {
  expect(() => readReport(join(folder, 'no.json'))).toThrow(/no\.json: there is no such file/);
});

it('finds the line of a value, or of as much of its path as there is', () => {
  const text = '{\n"a": {"x": [1,\n {"b": "},{"},\n 3]},\n"c\\n": null,\n"d": []\n}';
  expect(lineInJson(text, ['a', 'x', 0])).toBe(2);
  expect(lineInJson(text, ['a', 'x', 1, 'b'])).toBe(3);
  expect(lineInJson(text, ['a', 'x', 2])).toBe(4);
  expect(lineInJson(text, ['c\n'])).toBe(5);
  expect(lineInJson(text, ['d', 4, 'e'])).toBe(6);
  expect(lineInJson(text, ['e'])).toBe(1);
});

it('has its schema in the documents', () => {
  expect(readFileSync(join(packageRoot(), REPORT_SCHEMA_FILE), 'utf8')).toBe(reportSchemaText());
});
