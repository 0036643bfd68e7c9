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

export async function openJudge(network: Network): Promise<Judge> {
  const session = await openSession(network.rateGraph());
  return {
    rates: async (learned, { packed, channels }, snrDb) => {
      const [{ rows, cols }] = channels;
      const { rate } = await session.run({
        ...parameterFeeds(network, learned),
        channel: { values: packed, shape: [channels.length, rows, cols, 2] },
        noise: { values: new Float32Array(channels.length).fill(1 / fromDb(snrDb)), shape: [channels.length] },
      });
      return rate.values;
    },
    close: () => session.close(),
  };
}

/** The learned numbers as the graphs want them. */
export const parameterFeeds = ({ parameters }: Network, learned: readonly Float64Array[]): Record<string, Feed> =>
  Object.fromEntries(parameters.map(({ name, shape }, i) => [name, { values: Float32Array.from(learned[i]), shape }]));
