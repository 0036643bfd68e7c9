/** `beamrig evaluate`: how good a model or baseline is on given channels, beside digital zero-forcing and WMMSE on the same ones. */
import { counted } from '../../core/errors/counted.ts';
import { SingleBar } from 'cli-progress';
import { isBaselineName } from '../../models/baselines/baselines.ts';
import { evaluateBeamformer, type EvaluationResult } from '../../models/evaluation/evaluate.ts';
import { findModel, readCard } from '../../models/zoo.ts';
import { OBJECTIVE_NAMES } from '../../core/signal/objectives/objective-names.ts';
import { OBJECTIVES } from '../../core/signal/objectives/objectives.ts';
import { ENGINE_CHOICES } from '../beamforming/engine-choice.ts';
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
  const engine = oneOf('--engine', options.engine, ENGINE_CHOICES);
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
    { deadlineMs: isBaselineName(model) ? Infinity : PATIENT_DEADLINE_MS, engine },
  );
  const bar =
    stderr().isTerminal && !options.json
      ? new SingleBar({ format: '{bar} {value}/{total} channels', stream: barStream() })
      : undefined;
  bar?.start(snrsDb.length * channels.length, 0);
  let result: EvaluationResult;
  try {
    result = await evaluateBeamformer({
      model: beamformer.id,
      compute: (problem) => beamformer.compute(problem),
      rfChains,
      objective: OBJECTIVES[objective],
      channels,
      file,
      snrsDb,
      bits,
      resolveDigital: options.resolveDigital ?? false,
      onProgress: (done) => bar?.update(done),
    });
  } finally {
    bar?.stop();
    await beamformer.close();
  }
  print(options.json ? JSON.stringify(result) : resultTable(result));
}

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
