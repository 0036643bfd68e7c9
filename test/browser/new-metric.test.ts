/**
 * Two sketches of metrics are declared here, as anybody would declare one in core/signal/metrics.ts, and nothing else of the program is touched: a
 * real run on the simulator must tell of them wherever it tells of anything.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createRealClock } from '../../core/clock/real-clock.ts';
import { METRICS } from '../../core/signal/metrics.ts';
import type * as Metrics from '../../core/signal/metrics.ts';
import type * as SumRate from '../../core/signal/objectives/sum-rate.ts';
import { recordsPage } from '../../scripts/records-doc.ts';
import type { Outlet } from '../../src/cli/outlet.ts';
import { textOutput } from '../../src/cli/run-output.ts';
import { assembleRig, type Rig } from '../../src/rig/assemble.ts';
import type { CycleRecord } from '../../src/telemetry/cycle-record.ts';
import { exportCsv } from '../../src/telemetry/export-csv.ts';
import { createRunRecorder, openRun, type RunRecorder } from '../../src/telemetry/run-folder.ts';
import type { RunSummary } from '../../src/telemetry/run-summary.ts';
import { demoWith } from '../integration/spine.ts';
import { hasPart } from '../parts.ts';
import { openPageOf, type OpenPage } from './page-of.ts';

vi.mock('../../core/signal/metrics.ts', async (original) => {
  const metrics = await original<typeof Metrics>();
  const declared = metrics.METRICS as Metrics.Metric[];
  declared.push(
    {
      name: 'spread_db',
      title: 'spread of users',
      unit: 'dB',
      meaning: 'best user over worst',
      ofSinr: (sinr) => 10 * Math.log10(Math.max(...sinr) / Math.min(...sinr)),
    },
    { name: 'sketch_error', title: 'error of the sketch', meaning: 'what only the objective knows' },
  );
  return metrics;
});
// The function that computes the one which does not follow from SINR: an objective names it in its score.
vi.mock('../../core/signal/objectives/sum-rate.ts', async (original) => {
  const { sumRateObjective } = await original<typeof SumRate>();
  const sketched: typeof sumRateObjective = {
    ...sumRateObjective,
    at: (problem, array) => {
      const at = sumRateObjective.at(problem, array);
      return { ...at, score: (digital) => ({ ...at.score(digital), metrics: { sketch_error: 0.25, undeclared: 1 } }) };
    },
  };
  return { sumRateObjective: sketched };
});

const CYCLES = 20;
const NAMES = ['predicted_min_rate', 'measured_min_rate', 'predicted_spread_db', 'measured_spread_db', 'predicted_sketch_error'];

describe('a metric that was declared once', () => {
  const folder = mkdtempSync(join(tmpdir(), 'beamrig-metric-'));
  const records: CycleRecord[] = [];
  let recorder: RunRecorder;
  let rig: Rig;
  let page: OpenPage | undefined;
  let summary: RunSummary;

  beforeAll(async () => {
    const file = demoWith((demo) => {
      demo.beamformer.model = 'aligned';
      // What only some rigs can tell is told, too.
      demo.sensing = { directionsDeg: [0], weight: 0.3 };
      demo.telemetry.runFolder = folder;
    });
    const clock = createRealClock();
    recorder = createRunRecorder({ rig: file, rigText: '', rigPath: 'demo.yaml', seed: 1, clock, time: 'real' });
    rig = await assembleRig({ rig: file, clock, recorder, cycles: CYCLES });
    rig.controller.onCycle((record) => records.push(record));
    if (hasPart('chromium')) page = await openPageOf(rig.controller);
    await rig.run();
    ({ summary } = await recorder.close('done'));
  }, 120_000);

  afterAll(async () => {
    await page?.close();
    await rig.controller.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it('is in every record, predicted and measured, and what nobody declared is in none', () => {
    expect(records).toHaveLength(CYCLES);
    for (const { metrics, predictedSnrDb, measuredSnrDb } of records) {
      // Others may have been declared since.
      expect(Object.keys(metrics.predicted)).toEqual(METRICS.map(({ name }) => name));
      expect(Object.keys(metrics.measured)).toEqual(METRICS.flatMap(({ name, ofSinr }) => (ofSinr === undefined ? [] : [name])));
      expect(metrics.predicted.sketch_error).toBe(0.25);
      for (const [values, db] of [[metrics.predicted, predictedSnrDb] as const, [metrics.measured, measuredSnrDb] as const]) {
        expect(values.spread_db).toBeCloseTo(Math.max(...db) - Math.min(...db), 9);
        expect(values.min_rate).toBeCloseTo(Math.log2(1 + 10 ** (Math.min(...db) / 10)), 9);
      }
    }
  });

  it('is in the lines of the run folder and of InfluxDB, and in the table, with its unit', async () => {
    const lines = readFileSync(join(recorder.folder, 'records.lp'), 'utf8');
    for (const name of NAMES) expect(lines.split(`,${name}=`)).toHaveLength(CYCLES + 1);
    expect(lines).not.toContain('undeclared');
    const out = new PassThrough();
    const table = text(out);
    await exportCsv(openRun(recorder.folder), out);
    out.end();
    const [head = '', first = ''] = (await table).split('\r\n');
    const place = (name: string): number => head.split(',').indexOf(name);
    expect(Number(first.split(',')[place('predicted_min_rate_bit_per_s_per_hz')])).toBe(records[0].metrics.predicted.min_rate);
    expect(Number(first.split(',')[place('measured_spread_db')])).toBe(records[0].metrics.measured.spread_db);
    expect(first.split(',')[place('predicted_sketch_error')]).toBe('0.25');
  });

  it('is in the summary, in what the command says at the end, and in the documentation', () => {
    for (const name of NAMES) expect(summary.means[name]).toBeGreaterThan(0);
    expect(summary.means.predicted_sketch_error).toBe(0.25);
    const said: string[] = [];
    const out = { isTerminal: false, columns: 80, write: (line: string) => said.push(line) } as unknown as Outlet;
    textOutput(out).end({ ended: 'done', folder: 'x', summary });
    const two = '\\d+\\.\\d\\d';
    expect(said.join('')).toMatch(new RegExp(`lowest rate: measured ${two}, predicted ${two} bit/s/Hz\n`));
    expect(said.join('')).toMatch(new RegExp(`spread of users: measured ${two}, predicted ${two} dB\n`));
    expect(said.join('')).toContain('error of the sketch: predicted 0.25\n');
    for (const name of NAMES) expect(recordsPage()).toContain(`| \`${name}\` |`);
  });

  it.skipIf(!hasPart('chromium'))('is on the page, with its unit and what it means [needs chromium]', async () => {
    const shown = async (figure: string): Promise<string> =>
      (await page?.page.textContent(`[data-figure="${figure}"] dd`))?.replace(/\s+/g, ' ') ?? '';
    const soon = { timeout: 20_000 };
    await expect.poll(() => shown('lowest rate'), soon).toMatch(/^measured ?\d+\.\d\dpredicted ?\d+\.\d\dbit\/s\/Hz$/);
    await expect.poll(() => shown('spread of users'), soon).toMatch(/^measured ?\d+\.\d\dpredicted ?\d+\.\d\ddB$/);
    await expect.poll(() => shown('error of the sketch'), soon).toMatch(/^predicted ?0\.25$/);
    expect(await page?.page.getAttribute('[data-figure="spread of users"] dd span', 'title')).toContain('best user over worst');
    if (process.env.METRIC_SHOT) await page?.page.screenshot({ path: process.env.METRIC_SHOT });
  });
});
