/** A thread of `paper-000.ts`: a task is one channel, by one method at one SNR, or climbed once. */
import { workerData } from 'node:worker_threads';
import { azimuthCut } from '../../core/signal/beampattern.ts';
import type { Problem } from '../../core/signal/beam-contract.ts';
import type { CMatrix } from '../../core/signal/complex-matrix.ts';
import { fromDb, sumRate } from '../../core/signal/rate.ts';
import { sensingMetrics, type Sensing } from '../../core/signal/sensing.ts';
import { serveTasks } from '../engine/serve-tasks.ts';
import { startOf, type Climb } from './paper-000-curves.ts';
import { methodsOf } from './paper-000-methods.ts';
import type { Budgeted, ConstantPga, Unfolded } from './paper-000-networks.ts';
import { CURVE_SNR_DB } from './paper-000-theirs.ts';
import { openAscent, type Ascent } from './sensing-ascent.ts';

export interface Paper000Start {
  readonly channels: readonly CMatrix[];
  readonly rfChains: number;
  readonly networks: readonly Unfolded[];
  readonly budgeted: readonly Budgeted[];
  readonly pgas: readonly ConstantPga[];
}

export type Paper000Job = { readonly snrDb: number; readonly sensing: Sensing } & (
  { readonly method: string } | { readonly climb: Climb }
);

export type Paper000Answer = ChannelFigures | number[];

export interface ChannelFigures {
  /** R, τ, R − ωτ, and the squared error of the pattern at power 1. */
  figures: [number, number, number, number];
  /** Power over azimuth at power 1, where it is shown. */
  pattern?: number[];
}

const { channels, rfChains, networks, budgeted, pgas } = workerData as Paper000Start;
const methods = new Map(methodsOf(networks, budgeted, pgas).map((method) => [method.key, method]));

serveTasks<Paper000Job, Paper000Answer>((job) => {
  const around = { rfChains, power: fromDb(job.snrDb), noise: 1, sensing: job.sensing };
  if ('climb' in job) {
    let ascent: Ascent | undefined;
    return (task) => {
      ascent ??= ascentOf(job.climb);
      return Array.from(ascent(job.climb.steps, [channels[task]], around)[0]);
    };
  }
  const method = methods.get(job.method);
  if (method === undefined) throw new Error(`there is no method ${job.method}`);
  return (task) => figuresOf({ ...around, channel: channels[task] }, method.precoder, job.snrDb === CURVE_SNR_DB);
});

function figuresOf(
  problem: Problem & { sensing: Sensing },
  precoder: (problem: Problem) => CMatrix,
  withPattern: boolean,
): ChannelFigures {
  const { channel, power, sensing } = problem;
  const x = precoder(problem);
  const rate = sumRate(channel, x, 1);
  const { tau, rate_less_tau: objective, beampattern_mse: patternMse } = sensingMetrics(sensing, x, power, rate);
  const figures: ChannelFigures['figures'] = [rate, tau, objective, patternMse];
  if (!withPattern) return { figures };
  const { power: pattern } = azimuthCut({ kind: 'ula', elements: channel.cols, spacingWavelengths: 0.5 }, x, []);
  return { figures, pattern: Array.from(pattern, (value) => value / power) };
}

function ascentOf({ start, steps, digitalGradient, guarded }: Climb): Ascent {
  const [{ rows: users, cols: elements }] = channels;
  const { layers, innerSteps, form, snrRangeDb, mu } = steps;
  return openAscent({
    ...{ dimensions: { elements, rfChains, users }, layers, innerSteps, form, snrRangeDb, coefficients: mu.length },
    ...{ digitalGradient, guarded, columns: 8 },
    ...(start === 'aligned' ? {} : { startOf: (channel) => startOf(start, channel, channels.indexOf(channel), rfChains) }),
  });
}
