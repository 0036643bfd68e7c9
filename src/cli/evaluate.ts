/** `beamrig evaluate`: how good a model or baseline is on given channels, beside digital zero-forcing and WMMSE on the same ones. */
import { BeamrigError } from '../../core/errors/beamrig-error.ts';
import { counted } from '../../core/errors/counted.ts';
import { SingleBar } from 'cli-progress';
import { BASELINE_NAMES, isBaselineName } from '../../models/baselines/baselines.ts';
import type { EvaluationResult } from '../../models/evaluation/evaluate.ts';
import { findModel, readCard } from '../../models/zoo.ts';
import { connectionMask } from '../../core/signal/geometry.ts';
import { OBJECTIVE_NAMES } from '../../core/signal/objectives/objective-names.ts';
import { columnsWeighed, requireWish } from '../../core/signal/objectives/rate-sensing.ts';
import { DEFAULT_SWEEPS, MOST_SWEEPS, QUANTISER_NAMES, quantiserText } from '../../core/signal/quantiser-names.ts';
import { ENGINE_CHOICES, type Engine } from '../../models/engine/engines.ts';
import { openBeamformer } from '../beamforming/open-beamformer.ts';
import { PATIENT_DEADLINE_MS, SLOW_WAY_OUT } from '../beamforming/try-model.ts';
import { readChannelFile, requireServable } from '../config/channel-file.ts';
import { bitsList, numberList, oneOf, wholeNumber } from './arguments.ts';
import { openComputing } from './evaluate-computing.ts';
import { sensingTyped, type EvaluatedSensing, type SensingTyped } from './evaluate-sensing.ts';
import { networksAt, together, type NetworkAtBits, type NetworksResult } from './evaluate-networks.ts';
import { barStream, print, printError, stderr } from './output.ts';
import { table } from './table.ts';

export interface EvaluateOptions extends SensingTyped {
  channels: string;
  conjugate?: boolean;
  normalise?: boolean;
  snr: string;
  bits: string;
  objective: string;
  quantiser: string;
  sweeps?: string;
  rfChains?: string;
  connection: string;
  engine?: string;
  steps?: string;
  ownDigital?: boolean;
  workers?: string;
  queue?: string;
  json?: boolean;
}

export async function evaluate(model: string, options: EvaluateOptions): Promise<void> {
  const snrsDb = numberList('--snr', options.snr, { min: -100, max: 100 });
  const bits = bitsList('--bits', options.bits);
  refuseIdle(model, options, bits);
  const objective = oneOf('--objective', options.objective, OBJECTIVE_NAMES);
  const quantiser = oneOf('--quantiser', options.quantiser, QUANTISER_NAMES);
  const sweeps = wholeNumber('--sweeps', options.sweeps ?? String(DEFAULT_SWEEPS), { min: 1, max: MOST_SWEEPS });
  const choice = oneOf('--engine', options.engine ?? 'auto', ENGINE_CHOICES);
  const connection = oneOf('--connection', options.connection, CONNECTIONS);
  const chosenChains =
    options.rfChains === undefined ? undefined : wholeNumber('--rf-chains', options.rfChains, { min: 1, max: 4096 });
  const steps = options.steps === undefined ? undefined : wholeNumber('--steps', options.steps, { min: 1, max: 1000 });
  const card = isBaselineName(model) ? undefined : readCard(findModel(model, BASELINE_NAMES));
  const ofCard = card?.dimensions;
  if (steps !== undefined && ofCard !== 'any') {
    throw new BeamrigError('argument', `--steps ${steps}: ${model} has steps of its own`, {
      wayOut: 'Leave it out, or evaluate a model that serves every array, such as phase-net.',
    });
  }
  const dimensions = ofCard === 'any' ? undefined : ofCard;
  const { channels, file, doubts, meanPower } = readChannelFile(options.channels, {
    conjugate: options.conjugate ?? false,
    normalise: options.normalise ?? false,
    ...(dimensions === undefined ? {} : { expected: dimensions }),
  });
  requireServable({ channels, file });
  for (const doubt of doubts) printError(`beamrig: ${doubt}`);
  const { rows: users, cols: elements } = channels[0];
  const rfChains = chosenChains ?? dimensions?.rfChains ?? users;
  const asked = { elements, rfChains, users, meanPower, normalised: options.normalise ?? false, connection };
  requireChains(asked);
  const wished = sensingTyped(options, { elements, users, snrs: snrsDb.length });
  if (objective === 'rate-sensing') requireWish(wished);
  const array = { elements, rfChains, users, connection, sensingColumns: columnsWeighed(objective, wished?.sensing) };
  const networks = networksAt(bits, card, array.sensingColumns !== undefined);
  const each = snrsDb.length * channels.length;
  const total = networks.length * each;
  const computing = await openComputing(options);
  const bar =
    stderr().isTerminal && !options.json
      ? new SingleBar({ format: '{bar} {value}/{total} channels', stream: barStream() })
      : undefined;
  bar?.start(total, 0);
  // A graph of our own takes as long as its array does; only a file of somebody's may never end.
  const deadlineMs = isBaselineName(model) || ofCard === 'any' ? Infinity : PATIENT_DEADLINE_MS;
  const parts: { network: NetworkAtBits; result: EvaluationResult }[] = [];
  const pace: Pace = { engine: null, threads: 1, channelsPerSecond: 0 };
  let spentMs = 0;
  try {
    for (const network of networks) {
      const fitted = { ...array, phaseBits: network.phaseBits };
      const beamformer = await saidWhereSlow(
        `opening ${model} for N = ${elements}, M = ${rfChains}, K = ${users}; large arrays take a while`,
        openBeamformer(model, fitted, { deadlineMs, slowWayOut: SLOW_WAY_OUT, engine: choice, steps }),
      );
      const { engine = null, engineReason, enginesDiffer } = beamformer;
      if (enginesDiffer === true) printError(`beamrig: onnxruntime runs the model '${beamformer.id}': ${engineReason ?? ''}`);
      let beganMs = performance.now();
      const request = {
        model: beamformer.id,
        ...{ rfChains, channels, file, snrsDb, bits: network.bits },
        quantiser: { quantiser, sweeps },
        ownDigital: options.ownDigital ?? false,
        ...(connection === 'full' ? {} : { connection: connectionMask(connection, elements, rfChains) }),
        ...(wished === undefined ? {} : { sensing: wished.sensing }),
        onProgress: (done: number) => {
          if (done === 0) beganMs = performance.now();
          bar?.update(parts.length * each + done);
        },
      };
      try {
        const { result, threads } = await computing.evaluate(
          { model, beamformer, objective, fitted, steps, deadlineMs },
          request,
        );
        parts.push({ network, result });
        pace.threads = threads;
      } finally {
        await beamformer.close();
      }
      spentMs += performance.now() - beganMs;
      Object.assign(pace, { engine }, engineReason === undefined ? {} : { engineReason });
    }
  } finally {
    bar?.stop();
    await computing.close();
  }
  pace.channelsPerSecond = Math.round((1000 * total) / spentMs);
  const result = together(parts);
  if (!options.json) {
    const whoseDigital = options.ownDigital ? [OWN_DIGITAL_LINE] : [];
    const computed = { beams: total, channels: channels.length };
    return print([resultTable(result, asked, wished?.told), ...whoseDigital, paceLine(computed, pace)].join('\n'));
  }
  const { meanPower: _, normalised, connection: wiring, ...sizes } = asked;
  const told = { dimensions: sizes, channels: { ...result.channels, meanPower, normalised } };
  const own = {
    ...(wiring === 'full' ? {} : { connection: wiring }),
    ...(options.ownDigital ? { ownDigitalAtInf: true } : {}),
  };
  print(JSON.stringify({ ...result, ...told, ...own, ...(wished === undefined ? {} : { sensing: wished.told }), ...pace }));
}

const OWN_DIGITAL_LINE =
  'bits inf: the digital weights that the model gave; other rows: the better of those and of weights solved again';
const SLOW_MS = 5000;

/** Says what is waited for where it takes long. */
async function saidWhereSlow<T>(what: string, work: Promise<T>): Promise<T> {
  const timer = setTimeout(() => printError(`beamrig: ${what}`), SLOW_MS);
  try {
    return await work;
  } finally {
    clearTimeout(timer);
  }
}

/** What was evaluated, and how strong its channels are. */
interface Asked {
  elements: number;
  rfChains: number;
  users: number;
  /** Mean |h|² of an element, as it stands in the file. */
  meanPower: number;
  normalised: boolean;
  connection: (typeof CONNECTIONS)[number];
}

const CONNECTIONS = ['full', 'sub'] as const;

/** An option that does nothing was meant to do something. @throws {BeamrigError} 'argument' */
function refuseIdle(
  model: string,
  { quantiser, sweeps, engine, ownDigital }: EvaluateOptions,
  bits: readonly (number | 'inf')[],
): void {
  const refuse = (text: string, wayOut: string): never => {
    throw new BeamrigError('argument', text, { wayOut });
  };
  if (sweeps !== undefined && quantiser !== 'array')
    refuse(`--sweeps ${sweeps}: has no meaning without --quantiser array`, 'Leave it out, or give --quantiser array.');
  if (quantiser === 'array' && bits.every((each) => each === 'inf'))
    refuse('--quantiser array: has no meaning where --bits is inf alone', 'Give bits of a phase word, too, as --bits 2,inf.');
  if (ownDigital && !bits.includes('inf'))
    refuse('--own-digital: has no meaning without inf among --bits', 'Leave it out, or give --bits inf, too, as --bits 2,inf.');
  if (engine !== undefined && isBaselineName(model))
    refuse(`--engine ${engine}: ${model} is a baseline, which is plain code`, 'Leave it out, or evaluate a model.');
}

/** @throws {BeamrigError} 'argument' */
function requireChains({ elements, rfChains, users }: Asked): void {
  const wayOut = `Give --rf-chains from ${users} to ${elements}, or other channels.`;
  if (rfChains > elements)
    throw new BeamrigError('argument', `${counted(rfChains, 'RF chain')} for ${counted(elements, 'element')}`, { wayOut });
  if (rfChains >= users) return;
  throw new BeamrigError('argument', `${counted(users, 'user')} need as many RF chains, got ${rfChains}`, { wayOut });
}

/** How it was computed, and how fast: a channel counts once for each SNR and network. */
interface Pace {
  /** Of a model; a baseline is plain code. */
  engine: Engine | null;
  /** Why onnxruntime runs it where the compiled engine would have been taken. */
  engineReason?: string;
  /** null: workers behind a queue. */
  threads: number | null;
  channelsPerSecond: number;
}

/** @param computed a channel has a beam at each SNR, by each network that the bits ask for */
const paceLine = (computed: { beams: number; channels: number }, { engine, threads, channelsPerSecond }: Pace): string =>
  [
    `${counted(computed.beams, 'beam')} of ${counted(computed.channels, 'channel')} at ${channelsPerSecond}/s, yardsticks included`,
    ...(engine === null ? [] : [engine]),
    threads === null ? 'by workers behind the queue' : `on ${counted(threads, 'thread')}`,
  ].join(', ');

function resultTable(result: NetworksResult, asked: Asked, sensing: EvaluatedSensing['told'] | undefined): string {
  const { model, objective, quantiser, sweeps = DEFAULT_SWEEPS, channels, power, results } = result;
  // R − ωτ has a column of its own.
  const other = objective !== 'sum-rate' && objective !== 'rate-sensing';
  const head = [
    ...['SNR dB', 'bits', ...(other ? [`${model}: ${objective}`, 'its sum rate'] : [model])],
    ...(sensing === undefined ? [] : ['τ', 'R − ωτ', 'pattern error']),
    ...['digital ZF', 'digital WMMSE', 'of WMMSE'],
  ];
  const rows = results.map(({ snrDb, bits, sumRate, score, tau, objective: rateLessTau, beampatternMse, zf, wmmse, ofWmmse }) => [
    ...[snrDb, bits, ...(other ? [figure(score)] : []), figure(sumRate)],
    ...(sensing === undefined ? [] : [figure(tau), figure(rateLessTau), figure(beampatternMse)]),
    ...[figure(zf), figure(wmmse), ofWmmse === null ? '–' : `${(100 * ofWmmse).toFixed(1)} %`],
  ]);
  const rates = other ? `${objective}, then sum rates,` : 'sum rates';
  return [
    `${model} on ${counted(channels.count, 'channel')} of ${channels.file}; ${rates} in bit/s/Hz, mean ± standard error${quantiserText({ quantiser, sweeps })}`,
    ...askedLines(asked),
    ...(sensing === undefined ? [] : [sensingLine(sensing, objective)]),
    ...offPower(model, power),
    table(head, rows),
  ].join('\n');
}

const figure = (value: { mean: number; stderr: number } | undefined): string =>
  value === undefined ? '–' : `${value.mean.toFixed(3)} ± ${Number.isNaN(value.stderr) ? '–' : value.stderr.toFixed(3)}`;

/** Beyond this, what is called SNR is another than that of the papers: 10 times. */
const FAR_FROM_ONE = 10;

function askedLines({ elements, rfChains, users, meanPower, normalised, connection }: Asked): string[] {
  const wiring = connection === 'full' ? '' : ', sub-connected: a run of elements to each chain';
  const level = `mean |h|² ${Number(meanPower.toPrecision(3))} (${(10 * Math.log10(meanPower)).toFixed(1)} dB)`;
  const scaled = normalised ? `${level}, scaled to 1` : level;
  const far = !normalised && (meanPower > FAR_FROM_ONE || meanPower < 1 / FAR_FROM_ONE);
  return [
    `N = ${counted(elements, 'element')}, M = ${counted(rfChains, 'RF chain')}, K = ${counted(users, 'user')}${wiring}; ${scaled}`,
    ...(far
      ? ['warning: SNR is P/σ² at a mean |h|² of 1, which these channels are far from; --normalise scales them to it']
      : []),
  ];
}

function sensingLine(sensing: EvaluatedSensing['told'], objective: string): string {
  const wish =
    'file' in sensing
      ? `the ${sensing.count === 1 ? 'covariance' : 'covariances, one each SNR,'} of ${sensing.file}`
      : `${sensing.directionsDeg.join('°, ')}°, ${sensing.widthDeg}° wide, of a half-wave line`;
  const aim = objective === 'rate-sensing' ? '' : `; digital weights are for ${objective}, --objective rate-sensing weighs both`;
  return `sensing: ${wish}; ω = ${sensing.weight}${aim}`;
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
