/** What a network reaches with given parameters: its rate graph on a set of channels at one SNR, P = 1. */
import { fromDb } from '../../core/signal/rate.ts';
import type { Network } from '../family.ts';
import type { Feed } from '../graph/session.ts';
import { openSession } from '../graph/session.ts';
import type { ChannelSet } from './channel-set.ts';

export interface Judge {
  /** bit/s/Hz, one for each channel. @param learned in the order of the network's parameters */
  rates(learned: readonly Float64Array[], set: ChannelSet, snrDb: number): Promise<ArrayLike<number>>;
  close(): Promise<void>;
}

/** By onnxruntime, all channels at once. */
export async function openJudge(network: Network): Promise<Judge> {
  const session = await openSession(network.rateGraph());
  return {
    rates: async (learned, set, snrDb) => {
      const { channel, shape, noise } = rateInputs(set, snrDb);
      const { rate } = await session.run({
        ...parameterFeeds(network, learned),
        channel: { values: channel, shape },
        noise: { values: noise, shape: [noise.length] },
      });
      return rate.values;
    },
    close: () => session.close(),
  };
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
