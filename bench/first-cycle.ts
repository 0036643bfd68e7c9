/**
 * How long the first cycles of a run take, stage by stage, and how soon after the command the first one has ended: the demo rig on the
 * simulator, as built, each run a process of its own.
 *
 *   npm run build && npx tsx bench/first-cycle.ts [--runs 15] [--rate 100]
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { parseDocument } from 'yaml';
import { packageRoot } from '../core/files/package-root.ts';
import { readRecord } from '../src/telemetry/record-reader.ts';
import { STAGES } from '../src/telemetry/cycle-record.ts';
import { spread } from './statistics.ts';

const { values } = parseArgs({ options: { runs: { type: 'string', default: '15' }, rate: { type: 'string', default: '100' } } });
const CYCLES = 400;
const SHOWN = [0, 1, 2, 5, 10, 20, 50, 100];
const columns = [...STAGES, 'cycle'].map((name) => `${name}_ms`);

const folder = mkdtempSync(join(tmpdir(), 'beamrig-first-'));
const rigPath = join(folder, 'rig.yaml');
const rig = parseDocument(readFileSync(join(packageRoot(), 'examples', 'rigs', 'demo.yaml'), 'utf8'));
rig.setIn(['loop', 'rateHz'], Number(values.rate));
rig.setIn(['dashboard', 'port'], 0);
rig.setIn(['telemetry', 'runFolder'], join(folder, 'runs'));
writeFileSync(rigPath, String(rig));

/** Of the cycles of one run, a row each, and when the first had ended, ms after the command. */
function oneRun(): { rows: number[][]; firstMs: number } {
  const begunMs = Date.now();
  const command = join(packageRoot(), 'dist', 'src', 'cli', 'main.js');
  execFileSync(process.execPath, [command, 'run', rigPath, '--cycles', String(CYCLES)], { stdio: 'ignore' });
  const [run] = readdirSync(join(folder, 'runs'));
  const lines = readFileSync(join(folder, 'runs', run, 'records.lp'), 'utf8').split('\n');
  rmSync(join(folder, 'runs'), { recursive: true });
  const points = lines.flatMap((line) => readRecord(line) ?? []).filter(({ measurement }) => measurement === 'cycle');
  const rows = points.map(({ fields }) => columns.map((name) => Number(fields[name])));
  return { rows, firstMs: Number(points[0].timeNs / 1_000_000n) - begunMs + Number(points[0].fields['cycle_ms']) };
}

try {
  const runs = Array.from({ length: Number(values.runs) }, oneRun);
  const cells = (of: (column: number) => readonly number[]): string =>
    columns
      .map((_, column) => spread(of(column)))
      .map(({ min, median }) => `${min.toFixed(2)} / ${median.toFixed(2)}`.padStart(15))
      .join('');
  console.log(`${values.runs} runs at ${values.rate} Hz, Node ${process.version}, ms, minimum / median`);
  console.log(`cycle ${columns.map((name) => name.replace('_ms', '').padStart(15)).join('')}`);
  for (const cycle of SHOWN) {
    console.log(`${String(cycle).padEnd(6)}${cells((column) => runs.map(({ rows }) => rows[cycle][column]))}`);
  }
  console.log(`later ${cells((column) => runs.flatMap(({ rows }) => rows.slice(CYCLES / 2).map((row) => row[column])))}`);
  const { min, median } = spread(runs.map(({ firstMs }) => firstMs));
  console.log(`from the command to the end of the first cycle: ${min.toFixed(0)} / ${median.toFixed(0)} ms`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
