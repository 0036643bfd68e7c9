/** Who computes an evaluation: threads of this machine, or workers behind a queue, which is loaded only then. The figures are the same. */
import { availableParallelism } from 'node:os';
import { BeamrigError } from '../../core/errors/beamrig-error.ts';
import type { ObjectiveName } from '../../core/signal/objectives/objective-names.ts';
import { OBJECTIVES } from '../../core/signal/objectives/objectives.ts';
import { isBaselineName } from '../../models/baselines/baselines.ts';
import { evaluateBeamformer, type EvaluationOptions, type EvaluationResult } from '../../models/evaluation/evaluate.ts';
import { evaluateInParallel, type BeamSource } from '../../models/evaluation/parallel-evaluation.ts';
import { fitModel } from '../../models/fitted-model.ts';
import { findModel, verifyModel } from '../../models/zoo.ts';
import type { Beamformer } from '../beamforming/beamformer.ts';
import type { BeamformerNeeds } from '../beamforming/onnx-beamformer.ts';
import { wholeNumber } from './arguments.ts';
import { openQueue } from './queue.ts';
import { JOBS_IN_QUEUE } from '../jobs/job-kind.ts';

export interface Evaluated {
  /** As typed. */
  model: string;
  /** Open: it fits. */
  beamformer: Beamformer;
  objective: ObjectiveName;
  fitted: BeamformerNeeds;
  steps: number | undefined;
  deadlineMs: number;
}

type Request = Omit<EvaluationOptions, 'compute' | 'objective' | 'onBeam'>;

export interface Computing {
  /** @returns with how many threads; null: by workers behind a queue */
  evaluate(evaluated: Evaluated, request: Request): Promise<{ result: EvaluationResult; threads: number | null }>;
  close(): Promise<void>;
}

/** @throws {BeamrigError} 'argument', 'queue' */
export async function openComputing({ queue, workers }: { queue?: string; workers?: string }): Promise<Computing> {
  const most = workers === undefined ? undefined : wholeNumber('--workers', workers, { min: 1, max: 256 });
  if (queue === undefined) return { evaluate: (...asked) => byThreads(most, ...asked), close: () => Promise.resolve() };
  const { submitter, close } = await openQueue(queue);
  const { evaluateByQueue } = await import('../jobs/evaluation/evaluation-job.ts');
  return {
    async evaluate({ model, beamformer, objective, fitted, steps, deadlineMs }, request) {
      const { engine } = beamformer;
      await beamformer.close();
      const result = await evaluateByQueue(submitter, most ?? JOBS_IN_QUEUE, {
        ...{ ...request, model: isBaselineName(model) ? model : findModel(model), name: beamformer.id },
        ...{ objective, needs: fitted, deadlineMs },
        ...(steps === undefined ? {} : { steps }),
        ...(engine === undefined ? {} : { engine }),
      });
      return { result, threads: null };
    },
    close,
  };
}

/** With fewer channels a thread takes longer to start than to compute them. */
const CHANNELS_A_THREAD = 250;
const threadsFor = (total: number): number =>
  Math.max(1, Math.min(availableParallelism(), Math.floor(total / CHANNELS_A_THREAD)));

/** On threads of its own, or by the beamformer that is open. */
async function byThreads(
  most: number | undefined,
  { model, beamformer, objective, fitted, steps }: Evaluated,
  request: Request,
): Promise<{ result: EvaluationResult; threads: number }> {
  const total = request.snrsDb.length * request.channels.length;
  const isRuntime = beamformer.engine === 'onnxruntime';
  if (isRuntime && most !== undefined && most > 1) {
    throw new BeamrigError(
      'argument',
      `--workers ${most}: has no meaning for ${model}, which onnxruntime runs on threads of its own`,
      {
        wayOut: 'Leave it out, or give --engine compiled where it can be compiled, or --queue.',
      },
    );
  }
  const threads = isRuntime ? 1 : most === undefined ? threadsFor(total) : Math.min(most, total);
  if (threads === 1) {
    const compute: EvaluationOptions['compute'] = (problem) => beamformer.compute(problem);
    return { result: await evaluateBeamformer({ ...request, compute, objective: OBJECTIVES[objective] }), threads };
  }
  const source: BeamSource = isBaselineName(model)
    ? { baseline: model }
    : await fitModel(verifyModel(findModel(model)), { ...fitted, steps });
  // It has said that it fits; threads compile it for themselves.
  await beamformer.close();
  return { result: await evaluateInParallel({ ...request, source, objective, threads }), threads };
}
