import { describe, expect, it } from 'vitest';
import { frobeniusNorm, matmul } from '../../core/signal/complex-matrix.ts';
import { connectionMask } from '../../core/signal/geometry.ts';
import { fromDb, sumRate } from '../../core/signal/rate.ts';
import { drawChannelSet } from '../training/channel-set.ts';
import { fixedStepPga } from './fixed-step-pga.ts';
import { lineSearchPga } from './line-search-pga.ts';
import { startingPoint } from './pga.ts';
import searched from '../reproduce/searched-steps.json' with { type: 'json' };

const { channels } = drawChannelSet({
  seed: 1,
  name: 'test',
  count: 10,
  elements: 32,
  users: 4,
  paths: 10,
  scale: 'unit-element',
});

describe('projected gradient ascent with steps searched on the way', () => {
  it('never falls from one layer to the next, at full power and unit moduli', () => {
    for (const channel of channels.slice(0, 4)) {
      for (const connection of [undefined, connectionMask('sub', 32, 4)]) {
        const start = startingPoint(channel, 4, 1, connection);
        let before = sumRate(channel, matmul(start.analog, start.digital), 0.1);
        for (let layers = 1; layers < 8; layers++) {
          const { analog, digital } = lineSearchPga({ channel, noise: 0.1 }, start, layers, 3);
          expect(frobeniusNorm(matmul(analog, digital))).toBeCloseTo(1, 12);
          analog.re.forEach((re, at) => expect(Math.hypot(re, analog.im[at])).toBeCloseTo(connection?.[at] ?? 1, 12));
          const rate = sumRate(channel, matmul(analog, digital), 0.1);
          expect(rate).toBeGreaterThanOrEqual(before);
          before = rate;
        }
      }
    }
  });

  it('is above the best constant steps of as many layers, at every SNR that there are some for', () => {
    for (const snrDb of [0, 5, 10, 15, 20]) {
      const noise = fromDb(-snrDb);
      const entry = searched.results.find(
        ({ elements, scale, layers, snrDb: found }) =>
          elements === 32 && scale === 'unit-element' && layers === 10 && found === snrDb,
      );
      if (entry === undefined) throw new Error(`no constant steps for ${snrDb} dB`);
      let gain = 0;
      for (const channel of channels) {
        const own = lineSearchPga({ channel, noise }, startingPoint(channel, 4, 1), 10, 10);
        const constant = fixedStepPga({ channel, power: 1, noise, rfChains: 4 }, entry);
        gain += sumRate(channel, matmul(own.analog, own.digital), noise);
        gain -= sumRate(channel, matmul(constant.analog, constant.digital), noise);
      }
      expect(gain / channels.length).toBeGreaterThan(0.02);
    }
  });
});
