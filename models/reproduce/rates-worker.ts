/** A thread of `rates.ts`: a task is one channel of one job. It draws the channels for itself, for the same seed gives the same ones. */
import { workerData } from 'node:worker_threads';
import { BeamrigError } from '../../core/errors/beamrig-error.ts';
import type { Beam, Problem } from '../../core/signal/beam-contract.ts';
import { matmul, type CMatrix } from '../../core/signal/complex-matrix.ts';
import { sumRate } from '../../core/signal/rate.ts';
import { runBaseline } from '../baselines/baselines.ts';
import { fixedStepPga } from '../baselines/fixed-step-pga.ts';
import { bestExtraction } from '../baselines/phase-extraction.ts';
import { openBeams, type CompiledModel } from '../compiled-beams.ts';
import { serveTasks } from '../engine/serve-tasks.ts';
import { drawChannelSet } from '../training/channel-set.ts';
import { rateOfBeam, testCases, type TestCase } from './channel-rate.ts';
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
  const cases = jobs.map(({ set }) => testCases(channelsOf(set, count), set));
  return (task) => {
    const job = Math.floor(task / count);
    return rateOf(jobs[job], cases[job][task % count]);
  };
});

function channelsOf({ seed, name, elements, users, paths, scale }: TestSet, count: number): readonly CMatrix[] {
  const options = { seed, name, elements, users, paths, scale, count };
  const key = JSON.stringify(options);
  const channels = drawn.get(key) ?? drawChannelSet(options).channels;
  drawn.set(key, channels);
  return channels;
}

function rateOf({ source, set }: RateJob, testCase: TestCase): number {
  const { problem, channel } = testCase;
  switch (source.kind) {
    case 'classic': {
      const x = known(classics, source.key).precoderFor(problem.channel, set);
      return x === undefined ? NaN : sumRate(channel, x, problem.noise);
    }
    case 'baseline':
      return rateOfBeam(testCase, runBaseline(source.name, problem), source.bits);
    case 'extraction':
      return rateOfBeam(testCase, extraction(problem, source.steps), source.bits);
    case 'network':
      return rateOfBeam(testCase, known(networks, source.id)(problem), source.bits);
    case 'pga': {
      const { analog, digital } = fixedStepPga(problem, source.settings);
      return sumRate(channel, matmul(analog, digital), problem.noise);
    }
  }
}

function extraction(problem: Problem, steps: number): Beam {
  const { analog, digital } = bestExtraction(problem, { steps, starts: 1 });
  return { analogPhase: analog.re.map((re, i) => Math.atan2(analog.im[i], re)), digital };
}

function known<Value>(values: ReadonlyMap<string, Value>, key: string): Value {
  const value = values.get(key);
  if (value === undefined) throw new BeamrigError('argument', `there is no method '${key}'`);
  return value;
}
