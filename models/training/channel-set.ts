/** Channels to learn from: a fixed set per seed and name, packed as the network's input wants them. */
import type { CMatrix } from '../../core/signal/complex-matrix.ts';
import { salehValenzuela } from '../../core/signal/channel.ts';
import type { ChannelScale } from '../../core/signal/channel.ts';
import { createRandom } from '../../core/signal/random.ts';

export interface ChannelSet {
  channels: CMatrix[];
  /** [count, K, N, 2] */
  packed: Float32Array;
  /** Numbers in one channel, 2·K·N. */
  stride: number;
}

/** Which channels: a stream of the seed, how many of it, and in which scale. */
export interface ChannelDraw {
  /** 'train', 'validation' and 'test' are independent streams of the seed. */
  name: 'train' | 'validation' | 'test';
  count: number;
  scale: ChannelScale;
}

export interface ChannelSetOptions extends ChannelDraw {
  seed: number;
  elements: number;
  users: number;
  paths: number;
}

/** Saleh-Valenzuela channels of a half-wave line array. The same options give the same channels; a longer set starts with a shorter one. */
export function drawChannelSet({ seed, name, count, elements, users, paths, scale }: ChannelSetOptions): ChannelSet {
  const random = createRandom(seed).stream(name);
  const geometry = { kind: 'ula', elements, spacingWavelengths: 0.5 } as const;
  const channels = Array.from({ length: count }, () => salehValenzuela({ random, geometry, users, paths, scale }));
  return { channels, ...packChannels(channels) };
}

/** [n, K, N, 2] float32 of n channels of one shape. */
export function packChannels(channels: readonly CMatrix[]): { packed: Float32Array; stride: number } {
  const stride = 2 * channels[0].rows * channels[0].cols;
  const packed = new Float32Array(channels.length * stride);
  channels.forEach(({ re, im }, index) => {
    for (let i = 0; i < re.length; i++) {
      packed[index * stride + 2 * i] = re[i];
      packed[index * stride + 2 * i + 1] = im[i];
    }
  });
  return { packed, stride };
}
