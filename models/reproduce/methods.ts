/**
 * The methods that paper 001 is compared by: each takes a set of channels at one SNR and gives the sum rate on every channel, in order, so
 * that any two can be compared channel by channel.
 */
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import type { ChannelScale } from '../../core/signal/channel.ts';
import type { Beam, HybridPrecoder, Problem } from '../../core/signal/beam-contract.ts';
import type { CMatrix } from '../../core/signal/complex-matrix.ts';
import { fromParts, fromPhases, matmul, zeros } from '../../core/signal/complex-matrix.ts';
import { digitalForAnalog, wmmse, zeroForcing } from '../../core/signal/precoders.ts';
import { sumRateObjective } from '../../core/signal/objectives/sum-rate.ts';
import { fromDb, sumRate } from '../../core/signal/rate.ts';
import { realiseExactly } from '../../core/signal/realise-beam.ts';
import { alignedAnalog, nearestToZeroForcing } from '../baselines/aligned.ts';
import { runBaseline } from '../baselines/baselines.ts';
import { fixedStepPga } from '../baselines/fixed-step-pga.ts';
import { constantSteps, pgaUnfold } from '../baselines/pga.ts';
import searched from '../baselines/searched-steps.json' with { type: 'json' };
import type { ModelCard } from '../card.ts';
import { openSession } from '../graph/session.ts';
import { packChannels } from '../training/channel-set.ts';
import type { ModelFile } from '../zoo.ts';

export interface TestSet {
  scale: ChannelScale;
  snrDb: number;
  channels: readonly CMatrix[];
}

export interface Method {
  key: string;
  title: string;
  /** For the tables of differences. */
  short: string;
  /** Sum rate on each channel, bit/s/Hz. */
  rates: (set: TestSet) => Promise<number[]>;
}

/** P = 1, σ² = 10^(−SNR/10) on the channel as drawn. */
const noiseOf = ({ snrDb }: TestSet): number => fromDb(-snrDb);

export const digitalMethods: readonly Method[] = [
  perChannel('zf', 'digital ZF', 'ZF', (channel) => zeroForcing(channel, 1)),
  perChannel('wmmse', 'digital WMMSE', 'WMMSE', (channel, set) => wmmse(channel, 1, noiseOf(set))),
];

export const classicMethods: readonly Method[] = [
  perChannel('aligned', 'initial phases, D₀', 'initial phases, D₀', (channel) => {
    const analog = alignedAnalog(channel, channel.rows);
    return matmul(analog, nearestToZeroForcing(channel, analog, 1));
  }),
  perChannel('aligned-wmmse', 'initial phases, D by WMMSE', 'initial phases, D by WMMSE', (channel, set) => {
    const analog = alignedAnalog(channel, channel.rows);
    return matmul(analog, digitalForAnalog(channel, analog, 1, noiseOf(set)));
  }),
  paperPga(10, 10),
  paperPga(30, 1),
  paperPga(30, 10),
  searchedPga(10),
  searchedPga(30),
  perChannel('wmmse-factored', 'WMMSE, then factored (for SCA-RMM)', 'WMMSE, factored', (channel, set) => {
    const beam = runBaseline('wmmse-factored', { channel, power: 1, noise: noiseOf(set), rfChains: channel.rows });
    return precoderOf(beam, channel);
  }),
];

/** The network of a model file. */
export function networkMethod(model: ModelFile): Method {
  return {
    key: basename(model.path, '.onnx'),
    title: networkTitle(model.card),
    short: `network I = ${model.card.layers ?? '?'}${isLiteral(model.card) ? ", the paper's recipe" : ''}`,
    rates: async (set) => {
      const beams = await networkBeams(model, set);
      return set.channels.map((channel, i) => sumRate(channel, precoderOf(beams[i], channel), noiseOf(set)));
    },
  };
}

/** The same network with its digital weights replaced by WMMSE for its phases, as the control loop does after quantising. */
export function networkWithDigitalSolved(model: ModelFile): Method {
  const plain = networkMethod(model);
  return {
    key: `${plain.key}-wmmse`,
    title: `${plain.title}, D by WMMSE`,
    short: `${plain.short}, D by WMMSE`,
    rates: async (set) => {
      const beams = await networkBeams(model, set);
      return set.channels.map((channel, i) => {
        const problem: Problem = { channel, rfChains: beams[i].digital.rows, power: 1, noise: noiseOf(set) };
        return realiseExactly(problem, beams[i], sumRateObjective).sumRate;
      });
    },
  };
}

/** All channels in one batch through onnxruntime, float32 in and out. */
export async function networkBeams({ path, card }: ModelFile, set: TestSet): Promise<Beam[]> {
  const { elements, rfChains, users } = card.dimensions;
  const count = set.channels.length;
  const session = await openSession(readFileSync(path));
  const outputs = await session.run({
    channel: { values: packChannels(set.channels).packed, shape: [count, users, elements, 2] },
    power: { values: new Float32Array(count).fill(1), shape: [count] },
    noise: { values: new Float32Array(count).fill(noiseOf(set)), shape: [count] },
  });
  await session.close();
  const phases = Float64Array.from(outputs.analog_phase.values);
  const weights = outputs.digital.values;
  return set.channels.map((_, b) => {
    const digital = zeros(rfChains, users);
    for (let i = 0; i < rfChains * users; i++) {
      digital.re[i] = weights[2 * (b * rfChains * users + i)];
      digital.im[i] = weights[2 * (b * rfChains * users + i) + 1];
    }
    return { analogPhase: phases.slice(b * elements * rfChains, (b + 1) * elements * rfChains), digital };
  });
}

const isLiteral = ({ training }: ModelCard): boolean => training !== 'none' && training.recipe === 'paper';

function networkTitle(card: ModelCard): string {
  const { layers, innerSteps, training } = card;
  return `network, I = ${layers ?? '?'}, J = ${innerSteps ?? '?'}, ${training === 'none' ? 'untrained' : trainingTitle(training)}`;
}

/** Where no epoch was better than the start, the network *is* its start, and the row says so. */
function trainingTitle({ recipe, bestEpoch }: Exclude<ModelCard['training'], 'none'>): string {
  const how = recipe === 'paper' ? "trained by the paper's recipe" : 'trained';
  return bestEpoch === 0 ? `${how} (no epoch beat the start)` : how;
}

/** The published constant steps in the published convention: σ² = 1 and P = SNR on the channel as drawn. */
function paperPga(iterations: number, innerSteps: number): Method {
  const settings = `I = ${iterations}, J = ${innerSteps}, the paper's`;
  return perChannel(`pga-${iterations}-j${innerSteps}`, `PGA, ${settings} steps`, `PGA ${settings}`, (channel, { snrDb }) => {
    const power = fromDb(snrDb);
    const { layers } = pgaUnfold({ channel, power, noise: 1, ...constantSteps(iterations, innerSteps, 0.01, 1e-4) });
    return precoder(layers[iterations - 1], 1 / Math.sqrt(power));
  });
}

/** Constant steps searched for just this scale, SNR and number of iterations. */
function searchedPga(layers: number): Method {
  return perChannel(
    `pga-${layers}-searched`,
    `PGA, I = ${layers}, J = 10, searched steps`,
    `PGA I = ${layers}, searched`,
    (channel, { scale, snrDb }) => {
      const settings = searched.results.find(
        (entry) => entry.elements === channel.cols && entry.scale === scale && entry.snrDb === snrDb && entry.layers === layers,
      );
      if (settings === undefined) return undefined;
      return precoder(fixedStepPga({ channel, power: 1, noise: fromDb(-snrDb), rfChains: channel.rows }, settings), 1);
    },
  );
}

/** A method that gives one N×K precoder per channel; none (where it has no setting for the SNR) counts as no rate. */
function perChannel(
  key: string,
  title: string,
  short: string,
  precoderFor: (channel: CMatrix, set: TestSet) => CMatrix | undefined,
): Method {
  return {
    key,
    title,
    short,
    rates: async (set) =>
      set.channels.map((channel) => {
        const x = precoderFor(channel, set);
        return x === undefined ? NaN : sumRate(channel, x, noiseOf(set));
      }),
  };
}

function precoder({ analog, digital }: HybridPrecoder, factor: number): CMatrix {
  const x = matmul(analog, digital);
  return fromParts(
    x.rows,
    x.cols,
    x.re.map((value) => value * factor),
    x.im.map((value) => value * factor),
  );
}

function precoderOf({ analogPhase, digital }: Beam, channel: CMatrix): CMatrix {
  return matmul(fromPhases(analogPhase, channel.cols, digital.rows), digital);
}
