/** What a network reaches with given parameters: its rate graph on a set of channels at one SNR. */
import { fromDb } from '../../core/signal/rate.ts';
import type { Network } from '../family.ts';
import type { Feed } from '../graph/session.ts';
import { openSession } from '../graph/session.ts';
import type { ChannelSet } from './channel-set.ts';

export interface Judge {
  /** @param learned in the order of the network's parameters */
  figures(learned: readonly Float64Array[], set: ChannelSet, snrDb: number): Promise<NetworkFigures>;
  close(): Promise<void>;
}

/** One for each channel; to be read before the next are asked for. */
export interface NetworkFigures {
  /** R, bit/s/Hz. */
  readonly rate: ArrayLike<number>;
  /** Of a network that senses: τ, and R − ω·τ. */
  readonly tau?: ArrayLike<number>;
  readonly objective?: ArrayLike<number>;
}

/** What a network is judged by, and what its card's metrics are at. */
const VALIDATION_SNR_DB: readonly number[] = [-5, 0, 5, 10, 15, 20];
export const METRIC_SNR_DB: readonly number[] = [0, 5, 10, 15, 20];

export const judgedAtDb = (network: Network): readonly number[] => network.judgedAtDb ?? VALIDATION_SNR_DB;

/** What a network climbs, rate or R − ω·τ, as a mean over channels and SNRs, bit/s/Hz. */
export async function meanRate(
  network: Network,
  judge: Judge,
  learned: readonly Float64Array[],
  validation: ChannelSet,
): Promise<number> {
  const snrsDb = judgedAtDb(network);
  let total = 0;
  for (const snrDb of snrsDb) {
    const { rate, objective = rate } = await judge.figures(learned, validation, snrDb);
    for (let b = 0; b < objective.length; b++) total += objective[b];
  }
  return total / (snrsDb.length * validation.channels.length);
}

/** By onnxruntime, all channels at once. */
export async function openJudge(network: Network): Promise<Judge> {
  const session = await openSession(network.rateGraph());
  return {
    figures: async (learned, set, snrDb) => {
      const { channel, shape, noise } = rateInputs(set, snrDb);
      const found = await session.run({
        ...parameterFeeds(network, learned),
        channel: { values: channel, shape },
        noise: { values: noise, shape: [noise.length] },
      });
      return figuresFound((name) => found[name]?.values);
    },
    close: () => session.close(),
  };
}

/** @param output of the rate graph, by name */
export function figuresFound(output: (name: string) => ArrayLike<number> | undefined): NetworkFigures {
  const [rate = [], tau, objective] = ['rate', 'tau', 'objective'].map(output);
  return { rate, ...(tau === undefined || objective === undefined ? {} : { tau, objective }) };
}

/** Inputs of the rate graph beside the parameters: all channels of a set at one SNR. */
export function rateInputs({ packed, channels }: ChannelSet, snrDb: number) {
  const [{ rows, cols }] = channels;
  return {
    channel: packed,
    shape: [channels.length, rows, cols, 2],
    noise: new Float32Array(channels.length).fill(1 / fromDb(snrDb)),
  };
}

/** The learned numbers as the graphs want them. */
export const parameterFeeds = ({ parameters }: Network, learned: readonly Float64Array[]): Record<string, Feed> =>
  Object.fromEntries(parameters.map(({ name, shape }, i) => [name, { values: Float32Array.from(learned[i]), shape }]));
