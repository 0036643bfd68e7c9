/**
 * What `evaluate` prints against what `run` radiates, on the same channels: phase words one by one, sum rates to the last digit. A rig on the
 * simulator runs through recorded channels in virtual time; the evaluation takes the same channels, beamformer, Q, SNR, objective and quantiser.
 * Each channel is one by itself to both: sweeps begin at the nearest words.
 */
import { createVirtualClock } from '../core/clock/virtual-clock.ts';
import { isBaselineName } from '../models/baselines/baselines.ts';
import type { PhaseBits } from '../models/evaluation/channel-figures.ts';
import { evaluateBeamformer } from '../models/evaluation/evaluate.ts';
import type { CMatrix } from '../core/signal/complex-matrix.ts';
import { METRICS, type MetricValues } from '../core/signal/metrics.ts';
import type { ObjectiveName } from '../core/signal/objectives/objective-names.ts';
import { DEFAULT_SWEEPS, type QuantiserName } from '../core/signal/quantiser-names.ts';
import { OBJECTIVES } from '../core/signal/objectives/objectives.ts';
import { columnsWeighed } from '../core/signal/objectives/rate-sensing.ts';
import { openBeamformer } from '../src/beamforming/open-beamformer.ts';
import { PATIENT_DEADLINE_MS } from '../src/beamforming/try-model.ts';
import { parseRigFile, type RigFile } from '../src/config/rig-file.ts';
import { assembleRig } from '../src/rig/assemble.ts';
import { rigSensing } from '../src/rig/rig-sensing.ts';

export interface Compared {
  beamformer: string;
  bits: number;
  objective: ObjectiveName;
  /** Default: nearest. */
  quantiser?: QuantiserName;
  /** Default: 10. */
  snrDb?: number;
}

export interface SameBeams extends Omit<Compared, 'snrDb' | 'quantiser'> {
  cycles: number;
  /** Cycles that were void: nothing of them is compared. */
  voidCycles: number;
  words: number;
  differentWords: number;
  /** Sum rates that are not the very same number. */
  differentRates: number;
  /** Beams of which a metric is not the very same number, or known to one of the two only. */
  differentMetrics: number;
  /** Beams whose D was the beamformer's own. */
  ownDigital: number;
}

interface Radiated {
  words: Uint16Array;
  sumRate: number;
  metrics: MetricValues;
  digital: string;
}

/** @param channels K×N each; there are as many RF chains as users */
export async function compareEvaluationWithRun(
  channels: readonly CMatrix[],
  { beamformer, bits, objective, quantiser = 'nearest', snrDb = 10 }: Compared,
): Promise<SameBeams> {
  const { rows: users, cols: elements } = channels[0];
  const rig = sameRig(channels, { beamformer, bits, objective, quantiser, snrDb });
  const radiated = await run(channels, rig);
  const sensing = rigSensing(rig);
  const result = {
    beamformer,
    bits,
    objective,
    cycles: 0,
    voidCycles: 0,
    words: 0,
    differentWords: 0,
    differentRates: 0,
    differentMetrics: 0,
    ownDigital: 0,
  };
  const opened = await openBeamformer(
    beamformer,
    { elements, rfChains: users, users, sensingColumns: columnsWeighed(objective, sensing && [sensing]) },
    { deadlineMs: isBaselineName(beamformer) ? Infinity : PATIENT_DEADLINE_MS },
  );
  await evaluateBeamformer({
    model: opened.id,
    compute: (problem) => opened.compute(problem),
    channels,
    rfChains: users,
    file: 'the same',
    objective: OBJECTIVES[objective],
    quantiser: { quantiser, sweeps: DEFAULT_SWEEPS },
    snrsDb: [snrDb],
    bits: [bits] satisfies PhaseBits[],
    ...(sensing === undefined ? {} : { sensing: [sensing] }),
    onBeam: (index, beam) => {
      result.cycles++;
      const same = radiated.get(index);
      if (same === undefined || !('words' in beam)) {
        result.voidCycles++;
        return;
      }
      result.words += beam.words.length;
      beam.words.forEach((word, place) => (result.differentWords += word === same.words[place] ? 0 : 1));
      if (beam.sumRate !== same.sumRate) result.differentRates++;
      if (METRICS.some(({ name }) => beam.metrics[name] !== same.metrics[name])) result.differentMetrics++;
      if (beam.digitalFrom === 'beamformer') result.ownDigital++;
      if (beam.digitalFrom !== same.digital) result.differentRates++;
    },
  });
  await opened.close();
  return result;
}

function sameRig(
  [{ rows: users, cols: elements }]: readonly CMatrix[],
  { beamformer, bits, objective, quantiser, snrDb }: Required<Compared>,
): RigFile {
  return parseRigFile(
    `name: same
array: { geometry: { kind: ula, elements: ${elements} }, rfChains: ${users}, phaseBits: ${bits} }
users: { count: ${users} }
snrDb: ${snrDb}
beamformer: { model: ${beamformer}, objective: ${objective}, quantiser: ${quantiser}, sweepStart: nearest, deadlineMs: 600000 }
${objective === 'rate-sensing' ? 'sensing: { directionsDeg: [-60, 0, 60] }' : ''}
`,
    'same.yaml',
  );
}

async function run(channels: readonly CMatrix[], rig: RigFile): Promise<Map<number, Radiated>> {
  const assembled = await assembleRig({
    rig,
    clock: createVirtualClock(),
    hardware: false,
    channels: { channels: [...channels], file: 'the same' },
    recorder: { cycle: () => undefined, event: () => undefined },
  });
  const radiated = new Map<number, Radiated>();
  assembled.controller.onCycle((record) => {
    const view = assembled.controller.latest();
    if (record.outcome !== 'ok' || view?.record.cycle !== record.cycle) return;
    const { predictedSumRate: sumRate, metrics, digital } = record;
    radiated.set(record.cycle, { words: view.words, sumRate, metrics: metrics.predicted, digital });
  });
  await assembled.run();
  await assembled.controller.stop();
  return radiated;
}
