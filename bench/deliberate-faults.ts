/**
 * Whether the library of scenarios catches what it is there to catch: each fault is one line changed in a copy of the built program (or of what it
 * is shipped with), with which all of examples/scenarios is played. Told is which scenarios turned red, beside those that should.
 *
 *   npx tsx bench/deliberate-faults.ts [--fault quantiser] [--filter same-words] [--kept FOLDER] [--output docs/results/deliberate-faults.md]
 *
 * Before them all is played with nothing changed: what is red there says nothing of a fault. With --kept the report of each is kept there, and one
 * that the same program and the same scenarios have made before is taken from there: so it goes on after Ctrl-C, and two can share the work.
 */
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { packageRoot } from '../core/files/package-root.ts';
import { programIdentity } from '../src/jobs/program-identity.ts';
import { caseName } from '../src/regression/chosen-cases.ts';
import { readReport } from '../src/regression/reports/report-json.ts';
import type { CaseResult, Report } from '../src/regression/results.ts';
import { DELIBERATE_FAULTS, type DeliberateFault } from './deliberate-fault-list.ts';

const { values } = parseArgs({
  options: {
    /** Only these; `nothing` is none of them, played unchanged. */
    fault: { type: 'string', multiple: true },
    filter: { type: 'string', multiple: true, default: [] },
    workers: { type: 'string', default: '1' },
    kept: { type: 'string' },
    output: { type: 'string' },
  },
});

const root = packageRoot();
/** What the program needs beside node_modules, which is linked. */
const SHIPPED = ['package.json', 'scripts', 'dist', 'models', 'firmware-protocol', 'examples'];

interface Row {
  fault: DeliberateFault;
  red: string[];
  missed: string[];
  unexpected: string[];
  /** Of those: what the report says of each. */
  why: string[];
}

const NOTHING = 'nothing';
const names = [NOTHING, ...DELIBERATE_FAULTS.map(({ name }) => name)];
const unknown = values.fault?.find((name) => !names.includes(name));
if (unknown !== undefined) throw new Error(`--fault ${unknown}: there is none; there are ${names.join(', ')}`);
const { status } = spawnSync(process.execPath, [join(root, 'scripts', 'ensure-built.mjs')], { stdio: 'inherit' });
if (status !== 0) process.exit(1);

const isAsked = (name: string): boolean => values.fault?.includes(name) ?? true;
const asked = DELIBERATE_FAULTS.filter(({ name }) => isAsked(name));
const made = madeBy();
const unchanged = isAsked(NOTHING) ? await report(undefined) : undefined;
const redBefore = unchanged === undefined ? [] : namesOf(unchanged, isRed);
const skipped = unchanged === undefined ? [] : namesOf(unchanged, ({ verdict }) => verdict === 'skipped');
const rows: Row[] = [];
for (const fault of asked) {
  const all = await report(fault);
  const played = namesOf(all, ({ verdict }) => verdict !== 'skipped');
  const red = namesOf(all, isRed).filter((name) => !redBefore.includes(name));
  const may = [...fault.red, ...(fault.also?.red ?? [])];
  const unexpected = red.filter((name) => !may.some((each) => isOf(name, each)));
  const missed = fault.red.filter((each) => played.some((name) => isOf(name, each)) && !red.some((name) => isOf(name, each)));
  const why = all.cases.filter((each) => unexpected.includes(nameOf(each))).map(saidOf);
  rows.push({ fault, red, missed, unexpected, why });
  console.error(`${fault.name}: red ${told(red)}; missed ${told(missed)}; unexpected ${told(unexpected)}`);
  for (const each of all.cases.filter(isRed)) console.error(`  ${saidOf(each)}`);
}
const page = pageOf(rows);
if (values.output === undefined) console.log(page);
else writeFileSync(values.output, page);
process.exitCode = rows.some(({ missed, unexpected }) => missed.length + unexpected.length > 0) || redBefore.length > 0 ? 1 : 0;

/** What decides the verdicts, beside the fault. */
function madeBy(): string {
  const hash = createHash('sha256').update(JSON.stringify([programIdentity().hash, values.filter]));
  const folder = join(root, 'examples');
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => /\.(yaml|json)$/.test(name));
  for (const name of files.sort()) hash.update(name).update(readFileSync(join(folder, name)));
  return hash.digest('hex');
}

/** Played now, or the same as before. */
async function report(fault: DeliberateFault | undefined): Promise<Report> {
  if (values.kept === undefined) return play(fault);
  mkdirSync(values.kept, { recursive: true });
  const key = createHash('sha256')
    .update(JSON.stringify([made, fault?.file, fault?.from, fault?.to]))
    .digest('hex');
  const path = join(values.kept, `${fault?.name ?? NOTHING}.${key.slice(0, 16)}.json`);
  if (!existsSync(path)) writeFileSync(path, JSON.stringify(await play(fault)));
  return readReport(path);
}

/** The whole library, or what is asked for of it, with a copy of the program in which this is changed. */
async function play(fault: DeliberateFault | undefined): Promise<Report> {
  const folder = mkdtempSync(join(tmpdir(), 'beamrig-deliberate-'));
  try {
    for (const name of SHIPPED) cpSync(join(root, name), join(folder, name), { recursive: true });
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
    if (fault !== undefined) change(fault, folder);
    const output = join(folder, 'regression');
    mkdirSync(output);
    const began = performance.now();
    await regress(folder, output);
    console.error(`${fault?.name ?? NOTHING}: played in ${((performance.now() - began) / 1000).toFixed(0)} s`);
    return readReport(join(output, 'report.json'));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function regress(folder: string, output: string): Promise<void> {
  const filters = values.filter.flatMap((filter) => ['--filter', filter]);
  const words = ['regress', join(folder, 'examples', 'scenarios'), '--output', output, '--workers', values.workers];
  const child = spawn(process.execPath, [join(folder, 'scripts', 'beamrig.mjs'), ...words, '--retries', '0', ...filters], {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    // 1 says that something failed, which is what is looked for.
    child.once('exit', (code) =>
      code === 0 || code === 1 ? resolve() : reject(new Error(`beamrig regress ended with ${code}`)),
    );
  });
}

/** The line has to be there, and once: a program that was changed meanwhile is not played without the fault. */
function change({ name, file, from, to, sealedBy }: DeliberateFault, folder: string): void {
  const path = join(folder, file);
  const text = readFileSync(path, 'utf8');
  const found = text.split(from).length - 1;
  if (found !== 1) throw new Error(`${name}: in ${file} ${JSON.stringify(from)} stands ${found} times, and it has to be once`);
  const changed = text.replace(from, () => to);
  writeFileSync(path, changed);
  if (sealedBy === undefined) return;
  const [before, after] = [text, changed].map((each) => createHash('sha256').update(each).digest('hex'));
  const card = readFileSync(join(folder, sealedBy), 'utf8');
  if (card.split(before).length !== 2) throw new Error(`${name}: ${sealedBy} has not the checksum of ${file} once`);
  writeFileSync(join(folder, sealedBy), card.replace(before, after));
}

function isRed({ verdict }: CaseResult): boolean {
  return verdict === 'failed' || verdict === 'error';
}

function nameOf(result: CaseResult): string {
  return caseName(result.scenario, result.case);
}

/** Without names of scratch folders. */
function saidOf(result: CaseResult): string {
  return `${nameOf(result)}: ${(result.why ?? '').replaceAll(/\S*beamrig-deliberate-\w+\//g, '').slice(0, 300)}`;
}

function namesOf({ cases }: Report, which: (result: CaseResult) => boolean): string[] {
  return cases.filter(which).map(nameOf);
}

/** 'same-words carrier=pty' is of 'same-words', and of itself. */
function isOf(name: string, scenario: string): boolean {
  return name === scenario || name.startsWith(`${scenario} `);
}

function told(names: readonly string[]): string {
  return names.length === 0 ? 'none' : names.join(', ');
}

function pageOf(all: readonly Row[]): string {
  const code = (text: string): string => `\`${text.trim().replaceAll('|', String.raw`\|`)}\``;
  const cell = (names: readonly string[]): string => (names.length === 0 ? 'none' : names.map(code).join(', '));
  const lines = all.map(({ fault: { name, file, from, to, about, red: wanted, also }, red, missed, unexpected }) =>
    [
      ...[name, `${about}: in ${code(file)} ${code(from)} becomes ${code(to)}`],
      ...[cell(red), cell(wanted), also === undefined ? 'nothing' : `${cell(also.red)}: ${also.why}`],
      missed.length === 0 ? 'none' : `**${told(missed)}**`,
      unexpected.length === 0 ? 'none' : `**${told(unexpected)}**`,
    ].join(' | '),
  );
  const options = ['fault', 'filter'] as const;
  const chosen = options.flatMap((name) => (values[name] ?? []).map((value) => ` --${name} ${value}`)).join('');
  const before =
    unchanged === undefined
      ? 'What is red with nothing changed was not looked at.'
      : `With nothing changed ${unchanged.totals.passed} of ${unchanged.cases.length} cases pass; red: ${cell(redBefore)}; skipped: ${cell(skipped)}.`;
  return `# Seven deliberate faults, and the scenarios that catch them

<!-- Written by bench/deliberate-faults.ts. -->

Each fault is one line changed in a copy of the built program, or of what it is shipped with; all of \`examples/scenarios\` is played with it. A
fault that turns nothing red is a hole in the library, and a scenario that turns red where it should not says less than it seems to.

\`npx tsx bench/deliberate-faults.ts${chosen} --workers ${values.workers} --output docs/results/deliberate-faults.md\` on ${availableParallelism()} × ${cpus()[0].model}, Node ${process.version}.
${before}

| fault | what was changed | turned red | has to | may as well | has to and did not | may not and did |
| --- | --- | --- | --- | --- | --- | --- |
${lines.map((line) => `| ${line} |`).join('\n')}

Of a scenario with several cases one that turns red is enough; names with \`key=value\` are of one case.
${all.flatMap(({ fault, why }) => why.map((text) => `\n- May not and did, with ${fault.name}: ${text}`)).join('')}
`.replace(/\n+$/, '\n');
}
