/** A thread of `chain-by-bits.ts`: a task is a row of its tables, for which a rig runs through all channels of a scale. */
import { createVirtualClock } from '../core/clock/virtual-clock.ts';
import type { ChannelScale } from '../core/signal/channel.ts';
import type { CMatrix } from '../core/signal/complex-matrix.ts';
import { sumRateObjective } from '../core/signal/objectives/sum-rate.ts';
import { serveTasks } from '../models/engine/serve-tasks.ts';
import { evaluateBeamformer } from '../models/evaluation/evaluate.ts';
import { meanAndError, type MeanAndError } from '../models/evaluation/statistics.ts';
import { openBeamformer } from '../src/beamforming/open-beamformer.ts';
import { readRigFile } from '../src/config/rig-file.ts';
import { assembleRig } from '../src/rig/assemble.ts';

export interface ChainJob {
  rows: readonly { scale: ChannelScale; bits: number | 'inf' }[];
  channels: Readonly<Record<ChannelScale, readonly CMatrix[]>>;
  snrDb: number;
}

export interface ChainFigures {
  asked: MeanAndError;
  /** Cycles credited, words compared and words that differed, rates; absent where nothing goes over the wire. */
  cycles?: number;
  words?: number;
  wrongWords?: number;
  radiated?: MeanAndError;
  measured?: MeanAndError;
  /** Fully digital on the same channels, where nothing is quantised. */
  zf?: MeanAndError;
  wmmse?: MeanAndError;
}

const RIG = new URL('../examples/rigs/paper-001.yaml', import.meta.url);

serveTasks<ChainJob, ChainFigures>(({ rows, channels, snrDb }) => (row) => {
  const { scale, bits } = rows[row];
  return bits === 'inf' ? unquantised(channels[scale], snrDb) : chainAt(bits, channels[scale], snrDb);
});

async function chainAt(bits: number, channels: readonly CMatrix[], snrDb: number): Promise<ChainFigures> {
  const rig = readRigFile(RIG.pathname);
  rig.array.phaseBits = bits;
  rig.snrDb = snrDb;
  const [asked, radiated, measured]: number[][] = [[], [], []];
  let words = 0;
  let wrongWords = 0;
  const assembled = await assembleRig({
    rig,
    clock: createVirtualClock(),
    channels: { channels: [...channels], file: 'test channels' },
    recorder: {
      cycle: (record) => {
        if (record.outcome !== 'ok') throw new Error(`cycle ${record.cycle} at Q = ${bits} is void: ${record.failure}`);
        asked.push(record.predictedSumRate);
        measured.push(record.measuredSumRate);
      },
      event: () => undefined,
    },
    pipelined: false,
  });
  const { controller, simulator } = assembled;
  if (simulator === undefined) throw new Error('this chain runs on the simulator');
  controller.onCycle(() => {
    const view = controller.latest();
    const shown = simulator.panel.radiated();
    if (view === undefined || shown.beamId !== view.record.beamId) throw new Error(`the panel shows beam ${shown.beamId}`);
    words += view.words.length;
    for (let i = 0; i < view.words.length; i++) if (view.words[i] !== shown.words[i]) wrongWords++;
    radiated.push(simulator.panel.trueSinr().reduce((rate, sinr) => rate + Math.log2(1 + sinr), 0));
  });
  await assembled.run();
  await controller.stop();
  return {
    cycles: asked.length,
    words,
    wrongWords,
    asked: meanAndError(asked),
    radiated: meanAndError(radiated),
    measured: meanAndError(measured),
  };
}

async function unquantised(channels: readonly CMatrix[], snrDb: number): Promise<ChainFigures> {
  const [{ rows: users, cols: elements }] = channels;
  const needs = { elements, rfChains: users, users, connection: 'full' } as const;
  const network = await openBeamformer('unfolded-pga-n32', needs, { deadlineMs: 10_000 });
  const { results } = await evaluateBeamformer({
    model: network.id,
    file: 'test channels',
    channels,
    snrsDb: [snrDb],
    bits: ['inf'],
    ownDigital: true,
    rfChains: users,
    objective: sumRateObjective,
    compute: (problem) => network.compute(problem),
  });
  await network.close();
  const [{ sumRate, zf, wmmse }] = results;
  return { asked: sumRate, zf, wmmse };
}
