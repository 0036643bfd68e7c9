/** The report as a file of JSON: written for programs, and read back where it is the baseline of a later one. */
import * as z from 'zod';
import { BeamrigError } from '../../../core/errors/beamrig-error.ts';
import { pathText, problemsOf, type SchemaNode } from '../../../core/errors/schema-problems.ts';
import { readBoundedFile } from '../../../core/files/bounded-file.ts';
import { readJson } from '../../../core/files/json-text.ts';
import { REPORT_FORMAT, reportSchema, type Report } from '../results.ts';
import { lineInJson } from './line-in-json.ts';

/** A line for each case: two reports are compared line by line. @throws {ZodError} for one that could not be read back */
export function reportJson(report: Report): string {
  const { cases, ...rest } = reportSchema.parse(report);
  const members = Object.entries(rest).map(([key, value]) => `  ${JSON.stringify(key)}: ${JSON.stringify(value)}`);
  const lines = cases.map((one) => `    ${JSON.stringify(one)}`).join(',\n');
  return `{\n${members.join(',\n')},\n  "cases": [${lines === '' ? '' : `\n${lines}\n  `}]\n}\n`;
}

const LARGEST_BYTES = 512 * 2 ** 20;
const PROBLEMS_SHOWN = 5;
const MAKE_ONE = 'Give a report.json that `beamrig regress` wrote.';
const AGAIN = 'Make it again with this version of beamrig: play the same scenarios with what the baseline was made of.';

/** @throws {BeamrigError} 'report-file' naming the file, and what is wrong with it at which key and line */
export function readReport(path: string): Report {
  const refuse = (why: string, wayOut: string, cause?: unknown): never => {
    throw new BeamrigError('report-file', `${path}: ${why}`, { wayOut, cause });
  };
  const read = readBoundedFile(path, { maxBytes: LARGEST_BYTES });
  if (!read.ok) return refuse(read.why, MAKE_ONE, read.cause);
  const text = read.bytes.toString('utf8').replace(/^\ufeff/, '');
  const json = readJson(text);
  if (!json.ok) {
    if (!/^\s*\{/.test(text)) return refuse('this is no report of a regression, nor any JSON', MAKE_ONE);
    return refuse(`this is no JSON, or not the whole of it: ${json.why}`, `It may have been cut off. ${MAKE_ONE}`);
  }
  const raw = json.value;
  const format = typeof raw === 'object' && raw !== null && 'format' in raw ? raw.format : undefined;
  if (typeof format !== 'string' || !format.startsWith(FAMILY))
    return refuse(`this is JSON, but no report of a regression: its format is not ${REPORT_FORMAT}`, MAKE_ONE);
  if (format !== REPORT_FORMAT)
    return refuse(`it is of the format ${format.slice(0, 60)}, and this version of beamrig reads ${REPORT_FORMAT}`, AGAIN);
  const parsed = reportSchema.safeParse(raw);
  if (parsed.success) return parsed.data;
  const problems = problemsOf(parsed.error.issues, raw, reportNode());
  const lines = problems
    .slice(0, PROBLEMS_SHOWN)
    .map((problem) => `\n  line ${lineInJson(text, problem.path)}: ${problem.text || pathText(problem.path)}`);
  const more = problems.length > PROBLEMS_SHOWN ? `\n  and ${problems.length - PROBLEMS_SHOWN} more of this kind` : '';
  return refuse(`this is no whole report of a regression:${lines.join('')}${more}`, AGAIN);
}

const FAMILY = REPORT_FORMAT.replace(/\d+$/, '');

const reportNode = (): SchemaNode => z.toJSONSchema(reportSchema, { io: 'input', unrepresentable: 'any' }) as SchemaNode;
