/** `beamrig evaluate`: how good a model or baseline is on given channels, beside digital zero-forcing and WMMSE on the same ones. */
import { availableParallelism } from 'node:os';
import { counted } from '../../core/errors/counted.ts';
import { SingleBar } from 'cli-progress';
import { isBaselineName } from '../../models/baselines/baselines.ts';
import { evaluateBeamformer, type EvaluationOptions, type EvaluationResult } from '../../models/evaluation/evaluate.ts';
import { evaluateInParallel, type BeamSource } from '../../models/evaluation/parallel-evaluation.ts';
import { findModel, readCard, verifyModel } from '../../models/zoo.ts';
import { OBJECTIVE_NAMES, type ObjectiveName } from '../../core/signal/objectives/objective-names.ts';
import { OBJECTIVES } from '../../core/signal/objectives/objectives.ts';
import type { Beamformer } from '../beamforming/beamformer.ts';
import { ENGINE_CHOICES, type Engine } from '../../models/engine/engines.ts';
import { openBeamformer } from '../beamforming/open-beamformer.ts';
import { PATIENT_DEADLINE_MS } from '../beamforming/try-model.ts';
import { readChannelFile } from '../config/channel-file.ts';
import { bitsList, numberList, oneOf, wholeNumber } from './arguments.ts';
import { barStream, print, printError, stderr } from './output.ts';
import { table } from './table.ts';

export interface EvaluateOptions {
  channels: string;
  conjugate?: boolean;
  snr: string;
  bits: string;
  objective: string;
  rfChains?: string;
  engine: string;
  resolveDigital?: boolean;
  json?: boolean;
}

export async function evaluate(model: string, options: EvaluateOptions): Promise<void> {
  const snrsDb = numberList('--snr', options.snr, { min: -100, max: 100 });
  const bits = bitsList('--bits', options.bits);
  const objective = oneOf('--objective', options.objective, OBJECTIVE_NAMES);
  const choice = oneOf('--engine', options.engine, ENGINE_CHOICES);
  const chosenChains =
    options.rfChains === undefined ? undefined : wholeNumber('--rf-chains', options.rfChains, { min: 1, max: 4096 });
  const dimensions = isBaselineName(model) ? undefined : readCard(findModel(model)).dimensions;
  const { channels, file, doubts } = readChannelFile(options.channels, {
    conjugate: options.conjugate ?? false,
    ...(dimensions === undefined ? {} : { expected: dimensions }),
  });
  for (const doubt of doubts) printError(`beamrig: ${doubt}`);
  const { rows: users, cols: elements } = channels[0];
  const rfChains = chosenChains ?? dimensions?.rfChains ?? users;
  const beamformer = await openBeamformer(
    model,
    { elements, rfChains, users },
    { deadlineMs: isBaselineName(model) ? Infinity : PATIENT_DEADLINE_MS, engine: choice },
  );
  const { engine = null, engineReason, enginesDiffer } = beamformer;
  if (enginesDiffer === true) printError(`beamrig: onnxruntime runs the model '${beamformer.id}': ${engineReason ?? ''}`);
  const bar =
    stderr().isTerminal && !options.json
      ? new SingleBar({ format: '{bar} {value}/{total} channels', stream: barStream() })
      : undefined;
  const total = snrsDb.length * channels.length;
  bar?.start(total, 0);
  const threads = engine === 'onnxruntime' ? 1 : threadsFor(total);
  let beganMs = performance.now();
  let spentMs: number;
  let result: EvaluationResult;
  try {
    const request = {
      model: beamformer.id,
      ...{ rfChains, channels, file, snrsDb, bits },
      resolveDigital: options.resolveDigital ?? false,
      onProgress: (done: number) => {
        if (done === 0) beganMs = performance.now();
        bar?.update(done);
      },
    };
    result = await evaluated(model, beamformer, objective, { ...request, threads });
    spentMs = performance.now() - beganMs;
  } finally {
    bar?.stop();
    await beamformer.close();
  }
  const why = engineReason === undefined ? {} : { engineReason };
  const pace: Pace = { engine, ...why, threads, channelsPerSecond: Math.round((1000 * total) / spentMs) };
  print(options.json ? JSON.stringify({ ...result, ...pace }) : `${resultTable(result)}\n${paceLine(total, pace)}`);
}

/** How it was computed, and how fast: a channel counts once for each SNR. */
interface Pace {
  /** Of a model; a baseline is plain code. */
  engine: Engine | null;
  /** Why onnxruntime runs it where the compiled engine would have been taken. */
  engineReason?: string;
  threads: number;
  channelsPerSecond: number;
}

/** With fewer channels a thread takes longer to start than to compute them. */
const CHANNELS_A_THREAD = 250;
const threadsFor = (total: number): number =>
  Math.max(1, Math.min(availableParallelism(), Math.floor(total / CHANNELS_A_THREAD)));

/** On threads of its own, or by the beamformer that is open: the figures are the same. */
async function evaluated(
  model: string,
  beamformer: Beamformer,
  objective: ObjectiveName,
  { threads, ...request }: Omit<EvaluationOptions, 'compute' | 'objective'> & { threads: number },
): Promise<EvaluationResult> {
  if (threads === 1) {
    const compute: EvaluationOptions['compute'] = (problem) => beamformer.compute(problem);
    return evaluateBeamformer({ ...request, compute, objective: OBJECTIVES[objective] });
  }
  const source: BeamSource = isBaselineName(model) ? { baseline: model } : modelSource(model);
  // It has said that it fits; threads compile it for themselves.
  await beamformer.close();
  return evaluateInParallel({ ...request, source, objective, threads });
}

function modelSource(model: string): BeamSource {
  const { card, bytes } = verifyModel(findModel(model));
  return { card, onnx: bytes };
}

const paceLine = (total: number, { engine, threads, channelsPerSecond }: Pace): string =>
  [
    `${counted(total, 'channel')} at ${channelsPerSecond}/s, yardsticks included`,
    ...(engine === null ? [] : [engine]),
    `on ${counted(threads, 'thread')}`,
  ].join(', ');

function resultTable({ model, objective, channels, power, results }: EvaluationResult): string {
  const figure = ({ mean, stderr }: { mean: number; stderr: number }): string => `${mean.toFixed(3)} ± ${stderr.toFixed(3)}`;
  const other = objective !== 'sum-rate';
  const rows = results.map(({ snrDb, bits, sumRate, score, zf, wmmse, ofWmmse }) => [
    snrDb,
    bits,
    ...(other ? [figure(score)] : []),
    figure(sumRate),
    figure(zf),
    figure(wmmse),
    ofWmmse === null ? '–' : `${(100 * ofWmmse).toFixed(1)} %`,
  ]);
  return [
    `${model} on ${counted(channels.count, 'channel')} of ${channels.file}; ${objective === 'sum-rate' ? 'sum rates' : `${objective}, then sum rates,`} in bit/s/Hz, mean ± standard error`,
    ...offPower(model, power),
    table(['SNR dB', 'bits', ...(other ? [objective] : []), model, 'digital ZF', 'digital WMMSE', 'of WMMSE'], rows),
  ].join('\n');
}

/** A line of its own where beams had not the power asked for. */
function offPower(model: string, { leastRatio, mostRatio, scaled }: EvaluationResult['power']): string[] {
  if (scaled === 0) return [];
  const [least, most] = [leastRatio, mostRatio].map((ratio) => ratio.toPrecision(3));
  const times = least === most ? most : `${least} to ${most}`;
  return [
    `warning: ${model} gives beams of ${times} times the power asked for (‖A·D‖² is not P); they were scaled to it, and the rates are those of full power.`,
  ];
}
