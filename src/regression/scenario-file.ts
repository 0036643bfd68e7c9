/** Reads scenarios, of files or as objects: each whole, or refused with all that is wrong with it, of a file by its line. */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import * as z from 'zod';
import { parse } from 'yaml';
import { BeamrigError } from '../../core/errors/beamrig-error.ts';
import { problemsOf, type SchemaNode } from '../../core/errors/schema-problems.ts';
import { readBoundedFile } from '../../core/files/bounded-file.ts';
import { plainTextOf } from '../../core/files/plain-text.ts';
import { loadRigFile } from '../config/rig-file.ts';
import { pathsFrom } from '../config/rig-paths.ts';
import { readRigYaml, refuseRigFile, type PageKind, type PlacedProblem } from '../config/rig-yaml.ts';
import { casesOf } from './cases.ts';
import { merged } from './merged.ts';
import { scenarioProblems } from './scenario-disagreements.ts';
import { scenarioSchema, type ScenarioInput, type ScenarioText } from './scenario-schema.ts';
import type { ReadScenario, Scenario } from './scenario.ts';

const SCENARIO_FILE: PageKind = {
  code: 'scenario-file',
  noun: 'scenario file',
  wayOut: 'Every key and its range is in docs/scenario-file.md; docs/regression.md writes a first scenario step by step.',
};
const LARGEST_BYTES = 1_000_000;

export const scenarioJsonSchema = (): SchemaNode =>
  z.toJSONSchema(scenarioSchema, { io: 'input', unrepresentable: 'any' }) as SchemaNode;

/** @throws {BeamrigError} 'scenario-file', with every problem and its line */
export function readScenario(path: string): ReadScenario {
  const read = readBoundedFile(path, { maxBytes: LARGEST_BYTES });
  if (!read.ok) {
    const why = read.reason === 'too-large' ? 'larger than 1 MB, so this is no scenario' : read.why;
    const wayOut = 'Give scenario files, or folders of them: `beamrig regress examples/scenarios`.';
    throw new BeamrigError('scenario-file', `${path}: ${why}`, { wayOut, cause: read.cause });
  }
  const decoded = plainTextOf(read.bytes);
  if (!decoded.ok) refuse(path, [{ position: String(decoded.flaw.line), text: decoded.flaw.text }]);
  return parseScenario(decoded.text, path);
}

function refuse(name: string, problems: readonly PlacedProblem[]): never {
  return refuseRigFile(name, problems, 0, SCENARIO_FILE);
}

export function parseScenario(yaml: string, path: string): ReadScenario {
  const { raw, lineOf, writtenAt } = readRigYaml(yaml, path, SCENARIO_FILE);
  const whence = {
    name: path,
    file: relative('', resolve(path)) || path,
    folder: dirname(resolve(path)),
    sha256: sha256Of(yaml),
  };
  return checkScenario(raw, { ...whence, lineOf, writtenAt });
}

/**
 * A scenario that was put together as an object.
 * @param folder that its paths are relative to
 * @throws {BeamrigError} 'scenario-file', with every problem
 */
export function scenarioOf(given: ScenarioInput, folder: string): ReadScenario {
  const { name } = given as { name?: unknown };
  const called = `the scenario ${typeof name === 'string' ? `'${name}'` : 'without a name'}`;
  // What a file cannot say, functions and cycles among it, an object cannot either.
  const text = jsonOf(given) ?? refuse(called, [{ position: undefined, text: 'it is no plain data: keys and values only' }]);
  const whence = { name: called, file: `${String(name)} (from code)`, folder: resolve(folder), sha256: sha256Of(text) };
  return checkScenario(JSON.parse(text), whence);
}

function jsonOf(given: unknown): string | undefined {
  try {
    return JSON.stringify(given);
  } catch {
    return undefined;
  }
}

const sha256Of = (text: string): string => createHash('sha256').update(text).digest('hex');

/** Where a scenario comes from. */
interface Whence {
  /** What messages call it. */
  name: string;
  file: string;
  folder: string;
  sha256: string;
  lineOf?: (path: readonly PropertyKey[]) => string | undefined;
  writtenAt?: (path: readonly PropertyKey[]) => string | undefined;
}

function checkScenario(raw: unknown, { name, file, folder, sha256, lineOf, writtenAt }: Whence): ReadScenario {
  const placed = (problems: readonly { path: PropertyKey[]; text: string }[]): PlacedProblem[] =>
    problems
      .map((problem) => ({ position: lineOf?.(problem.path), text: problem.text }))
      .sort((a, b) => Number(a.position ?? 0) - Number(b.position ?? 0));
  const parsed = scenarioSchema.safeParse(raw);
  if (!parsed.success) return refuse(name, placed(problemsOf(parsed.error.issues, raw, scenarioJsonSchema(), writtenAt)));
  const text = parsed.data;
  const scenario: Scenario = { file, folder, text, ...rigOf(text, folder, name) };
  const problems = scenarioProblems(scenario);
  if (problems.length > 0) refuse(name, placed(problems));
  const { cases, problems: wrong } = casesOf(scenario);
  if (wrong.length > 0) refuse(name, placed(wrong));
  return { ...scenario, cases, sha256 };
}

/** The keys of the rig, from its file or from the scenario itself, whose paths are from its own folder. */
function rigOf({ rig, with: keys }: ScenarioText, folder: string, name: string): Pick<Scenario, 'rig' | 'rigFolder'> {
  const otherwise = pathsFrom(folder, keys);
  if (typeof rig !== 'string') return { rig: merged(rig, otherwise), rigFolder: folder };
  const file = resolve(folder, rig);
  if (!existsSync(file)) refuse(name, [{ position: undefined, text: `rig: ${rig} is not there (${relative('', file)})` }]);
  const { text } = loadRigFile(file);
  return { rig: merged(parse(text) as Record<string, unknown>, otherwise), rigFolder: dirname(file) };
}

/**
 * All scenarios of files, folders and objects, files of a folder in the order of their names.
 * @param folder that paths of objects are relative to
 * @throws {BeamrigError} 'scenario-file' also where two have one name, or there is none
 */
export function readScenarios(given: readonly (string | ScenarioInput)[], folder = '.'): ReadScenario[] {
  const scenarios = given.flatMap((each) =>
    typeof each === 'string' ? filesIn(each).map(readScenario) : [scenarioOf(each, folder)],
  );
  const wayOut = 'Give scenario files, or folders of them: `beamrig regress examples/scenarios`.';
  if (scenarios.length === 0) {
    const paths = given.filter((each) => typeof each === 'string');
    throw new BeamrigError('scenario-file', `${paths.join(', ') || 'nothing was given'}: there is no scenario`, { wayOut });
  }
  const known = new Map<string, ReadScenario>();
  const all: ReadScenario[] = [];
  for (const scenario of scenarios) {
    const other = known.get(scenario.text.name);
    if (other !== undefined && resolve(other.file) === resolve(scenario.file) && other.sha256 === scenario.sha256) continue;
    if (other !== undefined) {
      throw new BeamrigError('scenario-file', `name: '${scenario.text.name}' stands in ${other.file} and in ${scenario.file}`, {
        wayOut: 'Reports and goldens know scenarios by their names: give one of them another.',
      });
    }
    known.set(scenario.text.name, scenario);
    all.push(scenario);
  }
  return all;
}

function filesIn(path: string): string[] {
  if (!existsSync(path) || !statSync(path).isDirectory()) return [path];
  return readdirSync(path, { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.ya?ml$/.test(name))
    .sort()
    .map((name) => join(path, name));
}
