/**
 * Cases whose verdict does not count for a while: a YAML file of its own, with a reason and a date for each. A case in quarantine is played and
 * judged as any other; it does not decide how the command ends, until the date has passed.
 */
import * as z from 'zod';
import { BeamrigError } from '../../../core/errors/beamrig-error.ts';
import { nearest } from '../../../core/errors/nearest.ts';
import { problemsOf, type Problem, type SchemaNode } from '../../../core/errors/schema-problems.ts';
import { readBoundedFile } from '../../../core/files/bounded-file.ts';
import { plainTextOf } from '../../../core/files/plain-text.ts';
import { readRigYaml, refuseRigFile, type PageKind } from '../../config/rig-yaml.ts';
import type { CaseResult } from '../results.ts';

const QUARANTINE: PageKind = {
  code: 'scenario-file',
  noun: 'quarantine file',
  wayOut:
    'An entry is `{ scenario: cable-pulled, case: panels=2, reason: why, until: 2026-12-31 }`; docs/regression.md says more.',
};
const LARGEST_BYTES = 1_000_000;

const entrySchema = z.strictObject({
  scenario: z.string().min(1).max(80).describe('Name of a scenario.'),
  case: z.string().min(1).max(1000).optional().describe('One of its cases. Left out: all.'),
  reason: z.string().trim().min(1).max(1000).describe('Why its verdict does not count.'),
  until: z.iso.date().meta({ allowed: 'a date such as 2026-12-31' }).describe('Last day (UTC) on which it does not.'),
});
const quarantineSchema = z.strictObject({ entries: z.array(entrySchema).max(1000) });

export interface QuarantineEntry extends z.output<typeof entrySchema> {
  line: string | undefined;
}

export interface Quarantine {
  file: string;
  entries: QuarantineEntry[];
}

/** @throws {BeamrigError} 'scenario-file', with every problem and its line */
export function readQuarantine(path: string): Quarantine {
  const read = readBoundedFile(path, { maxBytes: LARGEST_BYTES });
  if (!read.ok) {
    const why = read.reason === 'too-large' ? 'larger than 1 MB, so this is no quarantine file' : read.why;
    throw new BeamrigError(QUARANTINE.code, `${path}: ${why}`, { wayOut: QUARANTINE.wayOut, cause: read.cause });
  }
  const decoded = plainTextOf(read.bytes);
  if (!decoded.ok) return refuseRigFile(path, [{ position: String(decoded.flaw.line), text: decoded.flaw.text }], 0, QUARANTINE);
  return parseQuarantine(decoded.text, path);
}

export function parseQuarantine(yaml: string, file: string): Quarantine {
  const { raw, lineOf, writtenAt } = readRigYaml(yaml, file, QUARANTINE);
  const refuse = (problems: readonly Problem[]): never =>
    refuseRigFile(
      file,
      problems.map(({ path, text }) => ({ position: lineOf(path), text })),
      0,
      QUARANTINE,
    );
  const schema = z.toJSONSchema(quarantineSchema, { io: 'input', unrepresentable: 'any' }) as SchemaNode;
  const parsed = quarantineSchema.safeParse(raw);
  if (!parsed.success) return refuse(problemsOf(parsed.error.issues, raw, schema, writtenAt));
  const { entries } = parsed.data;
  const twice = entries.flatMap((entry, i): Problem[] => {
    const first = entries.findIndex((other) => other.scenario === entry.scenario && other.case === entry.case);
    return first === i ? [] : [{ path: ['entries', i], text: `entries[${i}]: names what entries[${first}] names` }];
  });
  if (twice.length > 0) refuse(twice);
  return { file, entries: entries.map((entry, i) => ({ ...entry, line: lineOf(['entries', i]) })) };
}

type Named = Pick<CaseResult, 'scenario' | 'case'>;

/**
 * @param known all cases there are, of which some may not be played
 * @param today its UTC day counts
 */
export function quarantineOf({ file, entries }: Quarantine, known: readonly Named[], today: Date) {
  const day = today.toISOString().slice(0, 10);
  const holds = ({ until }: QuarantineEntry): boolean => day <= until;
  const names = (entry: QuarantineEntry, one: Named): boolean =>
    entry.scenario === one.scenario && (entry.case === undefined || entry.case === one.case);
  const place = ({ line }: QuarantineEntry): string => (line === undefined ? file : `${file}, line ${line}`);
  const told = entries.flatMap((entry) => {
    const what = [entry.scenario, entry.case].filter(Boolean).join(' ');
    if (!known.some((one) => names(entry, one))) return [`${place(entry)}: ${what} names nothing${hint(entry, known)}`];
    return holds(entry) ? [] : [`${place(entry)}: ${what} counts again since ${entry.until} has passed; take the entry out`];
  });
  return {
    /** What the result of a case carries; undefined where its verdict counts. An entry for the very case goes before one for all. */
    of: (one: Named): CaseResult['quarantined'] => {
      const found = entries.filter((entry) => holds(entry) && names(entry, one));
      const entry = found.find((each) => each.case !== undefined) ?? found.at(0);
      return entry && { reason: entry.reason, until: entry.until };
    },
    /** Entries that do nothing, and why. */
    told,
  };
}

function hint(entry: QuarantineEntry, known: readonly Named[]): string {
  const cases = known.filter(({ scenario }) => scenario === entry.scenario).map((one) => one.case);
  const near =
    cases.length === 0
      ? nearest(entry.scenario, [...new Set(known.map(({ scenario }) => scenario))])
      : nearest(entry.case ?? '', cases.filter(Boolean));
  return near === undefined ? '' : `; did you mean ${near}?`;
}
