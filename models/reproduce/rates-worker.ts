/** A thread of `rates.ts`: a task is one channel of one job. It draws the channels for itself, for the same seed gives the same ones. */
import { workerData } from 'node:worker_threads';
import { BeamrigError } from '../../core/errors/beamrig-error.ts';
import { matmul, type CMatrix } from '../../core/signal/complex-matrix.ts';
import { sumRate } from '../../core/signal/rate.ts';
import { runBaseline } from '../baselines/baselines.ts';
import { fixedStepPga } from '../baselines/fixed-step-pga.ts';
import { openBeams, type CompiledModel } from '../compiled-beams.ts';
import { serveTasks } from '../engine/serve-tasks.ts';
import { drawChannelSet } from '../training/channel-set.ts';
import { problemOf, rateOfBeam } from './channel-rate.ts';
import { DIGITAL, HYBRID, YARDSTICKS } from './classic-methods.ts';
import type { RateJob, TestSet } from './methods.ts';

export interface SharedJobs {
  readonly jobs: readonly RateJob[];
  /** Channels of each job. */
  readonly count: number;
}

const networks = new Map(
  Object.entries(workerData as Readonly<Record<string, CompiledModel>>).map(([id, model]) => [id, openBeams(model)]),
);
const classics = new Map([...DIGITAL, ...YARDSTICKS, ...HYBRID].map((method) => [method.key, method]));
const drawn = new Map<string, readonly CMatrix[]>();

serveTasks<SharedJobs, number>(({ jobs, count }) => {
  const channels = jobs.map(({ set }) => channelsOf(set, count));
  return (task) => {
    const job = Math.floor(task / count);
    return rateOf(jobs[job], channels[job][task % count]);
  };
});

function channelsOf({ snrDb: _, ...set }: TestSet, count: number): readonly CMatrix[] {
  const options = { ...set, count };
  const key = JSON.stringify(options);
  const channels = drawn.get(key) ?? drawChannelSet(options).channels;
  drawn.set(key, channels);
  return channels;
}

function rateOf({ source, set }: RateJob, channel: CMatrix): number {
  const problem = problemOf(channel, set.snrDb);
  switch (source.kind) {
    case 'classic': {
      const x = known(classics, source.key).precoderFor(channel, set);
      return x === undefined ? NaN : sumRate(channel, x, problem.noise);
    }
    case 'baseline':
      return rateOfBeam(problem, runBaseline(source.name, problem), source.bits);
    case 'network':
      return rateOfBeam(problem, known(networks, source.id)(problem), source.bits);
    case 'pga': {
      const { analog, digital } = fixedStepPga(problem, source.settings);
      return sumRate(channel, matmul(analog, digital), problem.noise);
    }
  }
}

function known<Value>(values: ReadonlyMap<string, Value>, key: string): Value {
  const value = values.get(key);
  if (value === undefined) throw new BeamrigError('argument', `there is no method '${key}'`);
  return value;
}
