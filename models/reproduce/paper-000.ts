/**
 * Everything that is measured for paper 000, as data, on any channels: how far each layer gets (Fig. 2), rates, covariance errors and pattern errors
 * over SNR (Fig. 3a, 3b), mean beampatterns (Fig. 3c). `paper-000-report.ts` shows it.
 *
 *   methods × SNRs, climbs ─► units ─► threads, a channel at a time ─► figures of each channel ─► means
 */
import { createHash } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { z } from 'zod';
import { azimuthCut } from '../../core/signal/beampattern.ts';
import type { CMatrix } from '../../core/signal/complex-matrix.ts';
import type { Sensing } from '../../core/signal/sensing.ts';
import { patternGrid } from '../../core/signal/wanted-pattern.ts';
import { openTaskThreads, type OnProgress, type TaskThreads } from '../engine/task-threads.ts';
import { meanAndError, type MeanAndError } from '../evaluation/statistics.ts';
import { climbsOf, type Curve } from './paper-000-curves.ts';
import { methodsOf, type Method } from './paper-000-methods.ts';
import { constantPgas, fitPhaseNet, openUnfolded } from './paper-000-networks.ts';
import { CURVE_SNR_DB, SNRS_DB, WEIGHT } from './paper-000-theirs.ts';
import type { ChannelFigures, Paper000Answer, Paper000Job, Paper000Start } from './paper-000-worker.ts';
import type { SizedModelFile } from './sized-models.ts';

/** What everything is measured on: a half-wave line, σ² = 1 and P = SNR, as many chains as users. */
export interface Paper000Data {
  /** K×N each, mean |h|² = 1. */
  channels: readonly CMatrix[];
  /** B of the wanted covariance, N×r, ‖B‖² = 1: one, or one for each of `SNRS_DB`. */
  factors: readonly CMatrix[];
  /** UPGANets for this array: of 1, 10 and 20 inner steps. */
  models: readonly SizedModelFile[];
}

/** What determines the result of a unit of work, as JSON has it. */
export interface Unit {
  kind: 'paper-000';
  [what: string]: unknown;
}

/** Does a unit of work, or finds what it was done to before. */
export type Once = <Result>(unit: Unit, schema: z.ZodType<Result>, work: () => Promise<Result>) => Promise<Result>;

export interface Paper000Work {
  /** Default: nothing is kept. */
  once?: Once;
  /** Of a unit's channels, and which unit it is. */
  onProgress?: (unit: string, done: number, total: number) => void;
  /** Default: one a core. */
  threads?: number;
}

/** Over the channels. */
export interface SnrRow {
  method: string;
  snrDb: number;
  /** R, bit/s/Hz. */
  rate: MeanAndError;
  tau: MeanAndError;
  /** R − ωτ */
  objective: MeanAndError;
  /** Mean squared error of the pattern at power 1. */
  patternMse: MeanAndError;
  /** R of each channel, for differences. */
  rates: readonly number[];
  /** R − ωτ of each channel. */
  objectives: readonly number[];
}

/** Power over azimuth at power 1, mean over the channels. */
export interface PatternCurve {
  method: string;
  power: readonly number[];
}

export interface Paper000Figures {
  count: number;
  methods: readonly Pick<Method, 'key' | 'title'>[];
  models: readonly SizedModelFile[];
  rows: readonly SnrRow[];
  curves: readonly Curve[];
  /** At `CURVE_SNR_DB`, the wanted one first. */
  patterns: readonly PatternCurve[];
  azimuthRad: readonly number[];
}

/** JSON has no NaN. */
const number = z
  .number()
  .nullable()
  .transform((value) => value ?? NaN);
const figuresSchema = z.object({
  figures: z.array(z.tuple([number, number, number, number])),
  pattern: z.array(number).optional(),
});
const curveSchema = z.object({ mean: z.array(number), stderr: z.array(number) });

/** @throws {BeamrigError} as the methods do; 'internal' where a thread ends by itself */
export async function paper000Figures(data: Paper000Data, work: Paper000Work = {}): Promise<Paper000Figures> {
  const { channels, factors, models } = data;
  const { once = (_unit, _schema, compute) => compute(), onProgress, threads = availableParallelism() } = work;
  const [{ rows: users, cols: elements }] = channels;
  const line = { kind: 'ula', elements, spacingWavelengths: 0.5 } as const;
  const sensingOf = factors.map((factor): Sensing => ({ factor, weight: WEIGHT, grid: patternGrid(line, factor) }));
  const sensingAt = (snrDb: number): Sensing => sensingOf[factors.length === 1 ? 0 : SNRS_DB.indexOf(snrDb)];
  const networks = openUnfolded(models);
  const columns = Math.max(...factors.map(({ cols }) => cols));
  const budgeted = await fitPhaseNet({ elements, rfChains: users, users }, columns);
  const pgas = constantPgas(networks[0]);
  const methods = methodsOf(networks, budgeted, pgas);
  const start: Paper000Start = { channels, rfChains: users, networks, budgeted, pgas };
  // Where all is kept, nobody needs threads.
  let pool: Promise<TaskThreads<Paper000Job, Paper000Answer>> | undefined;
  const determined = {
    channels: digestOf(channels),
    factors: digestOf(factors),
    networks: [...models.map(({ card }) => card.sha256), ...budgeted.map(({ sha256 }) => sha256)],
  };
  const run = async <Answer>(name: string, job: Paper000Job): Promise<Answer[]> => {
    pool ??= openTaskThreads(import.meta.url, 'paper-000-worker', start, threads);
    const tell: OnProgress = (done, total) => onProgress?.(name, done, total);
    return (await (await pool).run(job, channels.length, tell)) as Answer[];
  };
  const cut = azimuthCut(line, sensingAt(CURVE_SNR_DB).factor, []);
  const patterns: PatternCurve[] = [{ method: 'wanted', power: Array.from(cut.power) }];
  const rows: SnrRow[] = [];
  const curves: Curve[] = [];
  try {
    for (const climb of climbsOf(networks)) {
      const { key, title, start: from, steps } = climb;
      const unit: Unit = { kind: 'paper-000', ...determined, climb: key, start: from };
      const job = { snrDb: CURVE_SNR_DB, sensing: sensingAt(CURVE_SNR_DB), climb };
      const found = await once(unit, curveSchema, async () => overLayers(await run<number[]>(`${key} from ${from}`, job)));
      curves.push({ key, title, start: from, innerSteps: steps.innerSteps, ...found });
    }
    for (const snrDb of SNRS_DB) {
      for (const { key, snrsDb = SNRS_DB } of methods) {
        if (!snrsDb.includes(snrDb)) continue;
        const unit: Unit = { kind: 'paper-000', ...determined, method: key, snrDb };
        const job = { snrDb, sensing: sensingAt(snrDb), method: key };
        const found = await once(unit, figuresSchema, async () =>
          together(await run<ChannelFigures>(`${key}, ${snrDb} dB`, job)),
        );
        rows.push(rowOf(key, snrDb, found.figures));
        if (found.pattern !== undefined) patterns.push({ method: key, power: found.pattern });
      }
    }
  } finally {
    await (await pool)?.close();
  }
  const named = methods.map(({ key, title }) => ({ key, title }));
  return { count: channels.length, methods: named, models, rows, curves, patterns, azimuthRad: Array.from(cut.anglesRad) };
}

function overLayers(climbed: readonly (readonly number[])[]): z.infer<typeof curveSchema> {
  const each = climbed[0].map((_, layer) => meanAndError(climbed.map((curve) => curve[layer])));
  return { mean: each.map(({ mean }) => mean), stderr: each.map(({ stderr }) => stderr) };
}

function together(found: readonly ChannelFigures[]): z.infer<typeof figuresSchema> {
  const figures = found.map((each) => each.figures);
  const patterns = found.flatMap(({ pattern }) => (pattern === undefined ? [] : [pattern]));
  if (patterns.length === 0) return { figures };
  const pattern = patterns[0].map((_, i) => patterns.reduce((sum, each) => sum + each[i], 0) / patterns.length);
  return { figures, pattern };
}

function rowOf(method: string, snrDb: number, figures: readonly (readonly number[])[]): SnrRow {
  const column = (index: number): number[] => figures.map((each) => each[index]);
  const [rate, tau, objective, patternMse] = [0, 1, 2, 3].map((index) => meanAndError(column(index)));
  return { method, snrDb, rate, tau, objective, patternMse, rates: column(0), objectives: column(2) };
}

function digestOf(matrices: readonly CMatrix[]): string {
  const hash = createHash('sha256');
  for (const { rows, cols, re, im } of matrices) {
    hash.update(JSON.stringify([rows, cols]));
    for (const { buffer, byteOffset, byteLength } of [re, im]) hash.update(new Uint8Array(buffer, byteOffset, byteLength));
  }
  return hash.digest('hex');
}
