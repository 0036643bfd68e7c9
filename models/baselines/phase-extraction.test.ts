import { describe, expect, it } from 'vitest';
import type { CMatrix } from '../../core/signal/complex-matrix.ts';
import {
  clone,
  frobeniusNorm,
  fromPhases,
  matmul,
  multiplyABh,
  multiplyAhB,
  scale,
  subtract,
} from '../../core/signal/complex-matrix.ts';
import { svd } from '../../core/signal/decompositions.ts';
import { connectionMask } from '../../core/signal/geometry.ts';
import { digitalForAnalog } from '../../core/signal/precoders.ts';
import { sumRate } from '../../core/signal/rate.ts';
import { rowSpaceBasis } from '../../core/signal/row-space.ts';
import { drawChannelSet } from '../training/channel-set.ts';
import { alignedAnalog } from './aligned.ts';
import { bestExtraction, extractPhases } from './phase-extraction.ts';

const [elements, users] = [32, 4];
const { channels } = drawChannelSet({ seed: 1, name: 'test', count: 20, elements, users, paths: 10, scale: 'unit-element' });

describe('phase extraction', () => {
  it('is, without momentum, what the factors by singular values give', () => {
    for (const channel of channels) {
      const basis = rowSpaceBasis(channel);
      let analog = alignedAnalog(channel, 4);
      for (let step = 0; step < 5; step++) {
        const { u, v } = svd(multiplyAhB(basis, analog));
        const target = matmul(basis, multiplyABh(u, v));
        const phases = target.re.map((re, i) => Math.atan2(target.im[i], re));
        analog = fromPhases(phases, elements, 4);
      }
      const ours = extractPhases(basis, alignedAnalog(channel, 4), { steps: 5, momentum: 0 });
      const rate = (a: CMatrix): number => sumRate(channel, matmul(a, digitalForAnalog(channel, a, 1, 0.1)), 0.1);
      expect(rate(ours)).toBeCloseTo(rate(analog), 1);
    }
  });

  it('keeps unit moduli, what is not connected at zero, and the phases of an element that hears nobody', () => {
    const channel = clone(channels[0]);
    for (let k = 0; k < users; k++) channel.re[k * elements + 5] = channel.im[k * elements + 5] = 0;
    const connection = connectionMask('sub', elements, 4);
    for (const mask of [connectionMask('full', elements, 4), connection]) {
      const start = alignedAnalog(channel, 4, mask);
      const analog = extractPhases(rowSpaceBasis(channel), start, { steps: 10 });
      mask.forEach((connected, place) => expect(Math.hypot(analog.re[place], analog.im[place])).toBeCloseTo(connected, 12));
      for (let place = 20; place < 24; place++) expect(analog.re[place]).toBe(start.re[place]);
    }
  });

  it('gains with every few steps, and with momentum in half as many', () => {
    const mean = (steps: number, momentum?: number): number => {
      let sum = 0;
      for (const channel of channels) {
        const options = { steps, ...(momentum === undefined ? {} : { momentum }) };
        const analog = extractPhases(rowSpaceBasis(channel), alignedAnalog(channel, 4), options);
        sum += sumRate(channel, matmul(analog, digitalForAnalog(channel, analog, 1, 0.1, { start: 'rzf' })), 0.1);
      }
      return sum / channels.length;
    };
    expect(mean(1)).toBeGreaterThan(mean(0) + 0.2);
    expect(mean(3)).toBeGreaterThan(mean(1));
    expect(mean(10)).toBeGreaterThan(mean(3));
    expect(mean(10)).toBeGreaterThan(mean(20, 0));
  });

  it('is the same at any scale of the channel', () => {
    const [channel] = channels;
    const loud = scale(channel, 1e6);
    const plain = extractPhases(rowSpaceBasis(channel), alignedAnalog(channel, 4), { steps: 10 });
    const other = extractPhases(rowSpaceBasis(loud), alignedAnalog(loud, 4), { steps: 10 });
    expect(frobeniusNorm(subtract(plain, other))).toBeLessThan(1e-9);
  });

  it('from several starts is never worse than from fewer, the first of which are aligned phases', () => {
    for (const channel of channels.slice(0, 8)) {
      const rate = (starts: number): number => {
        const { analog, digital } = bestExtraction({ channel, power: 1, noise: 0.1, rfChains: 4 }, { steps: 10, starts });
        return sumRate(channel, matmul(analog, digital), 0.1);
      };
      const one = extractPhases(rowSpaceBasis(channel), alignedAnalog(channel, 4), { steps: 10 });
      const digital = digitalForAnalog(channel, one, 1, 0.1, { start: 'rzf', tolerance: 1e-6 });
      expect(rate(1)).toBeCloseTo(sumRate(channel, matmul(one, digital), 0.1), 4);
      expect(rate(4)).toBeGreaterThanOrEqual(rate(1));
      expect(rate(16)).toBeGreaterThanOrEqual(rate(4));
    }
  });
});
