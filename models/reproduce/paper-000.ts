/**
 * The figures of paper 000 as data, on any channels: how far each layer gets (Fig. 2), rates, covariance errors and pattern errors over SNR
 * (Fig. 3a, 3b), mean beampatterns (Fig. 3c), and a line for each claim. `scripts/paper-000.ts` reads the channels and writes the page.
 */
import { readFileSync } from 'node:fs';
import { azimuthCut } from '../../core/signal/beampattern.ts';
import type { HybridPrecoder, Problem } from '../../core/signal/beam-contract.ts';
import type { CMatrix } from '../../core/signal/complex-matrix.ts';
import { frobeniusNorm, fromPhases, matmul, scale } from '../../core/signal/complex-matrix.ts';
import type { ArrayGeometry } from '../../core/signal/geometry.ts';
import { zeroForcing } from '../../core/signal/precoders.ts';
import { fromDb, sumRate, toDb } from '../../core/signal/rate.ts';
import { rateSensingObjective } from '../../core/signal/objectives/rate-sensing.ts';
import { realiseExactly } from '../../core/signal/realise-beam.ts';
import { sensingMetrics, type Sensing } from '../../core/signal/sensing.ts';
import { normaliseChannel } from '../baselines/normalise.ts';
import { fixedStepSensingPga, PAPER_SENSING_PGA, type SensingPgaSettings } from '../baselines/sensing-pga.ts';
import { openBeams } from '../compiled-beams.ts';
import { compileImage } from '../engine/compiled-session.ts';
import { meanAndError, type MeanAndError } from '../evaluation/statistics.ts';
import type { SizedModelFile } from './sized-models.ts';
import searched from './searched-sensing-steps.json' with { type: 'json' };

/** What everything is measured on: σ² = 1 and P = SNR. */
export interface Paper000Setting {
  geometry: ArrayGeometry;
  /** K×N each. */
  channels: readonly CMatrix[];
  rfChains: number;
  snrsDb: readonly number[];
  /** What is sensed at each SNR, with a grid. */
  sensing: readonly Sensing[];
}

export interface Method {
  key: string;
  title: string;
  /** X = A·D, N×K at full power, of each channel in their order. */
  precoders: (problems: readonly Problem[]) => CMatrix[];
}

/** Means over the channels. */
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
}

/** Power over azimuth at power 1, mean over the channels. */
export interface PatternCurve {
  method: string;
  azimuthRad: Float64Array;
  power: Float64Array;
}

export interface OverSnr {
  rows: SnrRow[];
  /** At the highest SNR, with what is wanted first. */
  patterns: PatternCurve[];
}

/** Every method on every channel at every SNR. @param onProgress called after each method and SNR */
export function overSnr(
  { geometry, channels, rfChains, snrsDb, sensing }: Paper000Setting,
  methods: readonly Method[],
  onProgress?: (what: string) => void,
): OverSnr {
  const rows: SnrRow[] = [];
  const highest = snrsDb.length - 1;
  const patterns = [meanPattern('wanted', geometry, [sensing[highest].factor], 1)];
  snrsDb.forEach((snrDb, at) => {
    const power = fromDb(snrDb);
    const problems = channels.map((channel) => ({ channel, rfChains, power, noise: 1, sensing: sensing[at] }));
    for (const { key, precoders } of methods) {
      const found = precoders(problems);
      const figures = found.map((x, i) => {
        const rate = sumRate(channels[i], x, 1);
        return { rate, ...sensingMetrics(sensing[at], x, power, rate) };
      });
      const mean = (name: string): MeanAndError =>
        meanAndError(figures.map((each) => (each as Record<string, number>)[name] ?? NaN));
      const [rate, tau, objective, patternMse] = ['rate', 'tau', 'rate_less_tau', 'beampattern_mse'].map(mean);
      rows.push({ method: key, snrDb, rate, tau, objective, patternMse });
      if (at === highest) patterns.push(meanPattern(key, geometry, found, power));
      onProgress?.(`${key}, ${snrDb} dB`);
    }
  });
  return { rows, patterns };
}

function meanPattern(method: string, geometry: ArrayGeometry, precoders: readonly CMatrix[], power: number): PatternCurve {
  const cuts = precoders.map((x) => azimuthCut(geometry, x, []));
  const sum = new Float64Array(cuts[0].power.length);
  for (const cut of cuts) for (let i = 0; i < sum.length; i++) sum[i] += cut.power[i] / (cuts.length * power);
  return { method, azimuthRad: cuts[0].anglesRad, power: sum };
}

/** The file's own A and D; or its A with D by the objective, as a rig has it. */
export function networkMethod({ id, path, card }: SizedModelFile, digital: 'own' | 'objective' = 'own'): Method {
  const beamAt = openBeams({ card, image: compileImage(readFileSync(path)) });
  const { elements, rfChains } = card.dimensions;
  return {
    key: digital === 'own' ? id : `${id}, D by the objective`,
    title: `${card.title}${digital === 'own' ? '' : ', D by the objective'}`,
    precoders: (problems) =>
      problems.map((problem) => {
        const beam = beamAt(problem);
        if (digital === 'objective') return precoderOf(realiseExactly(problem, beam, rateSensingObjective));
        const x = matmul(fromPhases(beam.analogPhase, elements, rfChains), beam.digital);
        return scale(x, Math.sqrt(problem.power) / frobeniusNorm(x));
      }),
  };
}

const precoderOf = ({ analog, digital }: HybridPrecoder): CMatrix => matmul(analog, digital);

const hybrid = (key: string, title: string, run: (problem: Problem) => HybridPrecoder): Method => ({
  key,
  title,
  precoders: (problems) => problems.map((problem) => precoderOf(run(problem))),
});

const paperPga = (innerSteps: number): Method =>
  hybrid(`pga-j${innerSteps}`, `PGA, μ = λ = 0.01, J = ${innerSteps}`, (problem) =>
    fixedStepSensingPga(problem, { ...PAPER_SENSING_PGA, innerSteps }),
  );

/** Constant steps and J that search found best for the SNR (search-sensing-steps.ts), from the start of (17). */
function searchedSensingPga(problem: Problem): HybridPrecoder {
  const snrDb = -toDb(normaliseChannel(problem.channel, problem.noise, problem.power).noise);
  const nearest = searched.results.reduce((best, entry) =>
    Math.abs(entry.snrDb - snrDb) < Math.abs(best.snrDb - snrDb) ||
    (entry.snrDb === best.snrDb && entry.objective > best.objective)
      ? entry
      : best,
  );
  return fixedStepSensingPga(problem, nearest as SensingPgaSettings);
}

/** What the paper compares with, and what it should have. */
export const classicMethods: readonly Method[] = [
  paperPga(1),
  paperPga(10),
  paperPga(20),
  hybrid('pga-searched', 'PGA, J and constant steps by search', searchedSensingPga),
  {
    key: 'zf',
    title: 'digital ZF, communications only',
    precoders: (problems) => problems.map(({ channel, power }) => zeroForcing(channel, power)),
  },
];
