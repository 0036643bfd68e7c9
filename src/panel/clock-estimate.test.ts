/** The estimate against synthetic clocks, whose truth is known to the µs. */
import { describe, expect, it } from 'vitest';
import { createRandom } from '../../core/signal/random.ts';
import { createClockEstimate } from './clock-estimate.ts';
import type { ClockSample } from './panel.ts';

interface Truth {
  offsetUs: number;
  driftPpm: number;
}

const panelAt = ({ offsetUs, driftPpm }: Truth, hostUs: number): number => offsetUs + hostUs * (1 + driftPpm * 1e-6);

/** An exchange of times that begins at `hostUs`, whose ways take `thereUs` and `backUs`. */
function exchange(truth: Truth, hostUs: number, thereUs: number, backUs: number): ClockSample {
  const workUs = 40;
  return {
    hostSendUs: hostUs,
    panelReceiveUs: BigInt(Math.floor(panelAt(truth, hostUs + thereUs))),
    panelSendUs: BigInt(Math.floor(panelAt(truth, hostUs + thereUs + workUs))),
    hostReceiveUs: hostUs + thereUs + workUs + backUs,
  };
}

describe('clock estimate', () => {
  it.each([
    { offsetUs: 5e9, driftPpm: 100 },
    { offsetUs: 123, driftPpm: -100 },
    { offsetUs: 7e12, driftPpm: 0 },
  ])('follows a clock of $offsetUs µs and $driftPpm ppm through jitter and one late answer in ten', (truth) => {
    const random = createRandom(7);
    const estimate = createClockEstimate();
    let worstUs = 0;
    for (let i = 0; i < 300; i++) {
      const hostUs = 1e6 + 500_000 * i;
      const jitter = (): number => 30 * Math.abs(random.normal());
      const late = random.uniform() < 0.1 ? 20_000 * random.uniform() : 0;
      const there = random.uniform() < 0.5;
      estimate.add(exchange(truth, hostUs, 1000 + jitter() + (there ? late : 0), 1000 + jitter() + (there ? 0 : late)));
      if (i < 20) continue;
      const aheadUs = hostUs + 250_000;
      worstUs = Math.max(worstUs, Math.abs(Number(estimate.toPanelUs(aheadUs)) - panelAt(truth, aheadUs)));
    }
    expect(worstUs).toBeLessThan(40);
    expect(Math.abs(estimate.driftPpm - truth.driftPpm)).toBeLessThan(5);
    expect(estimate.samples).toBe(64);
    expect(estimate.asymmetryUs).toBeGreaterThan(999);
    expect(estimate.asymmetryUs).toBeLessThan(1050);
  });

  it('is not pulled aside when every second request is held up on one way', () => {
    const truth = { offsetUs: 1e6, driftPpm: 40 };
    const random = createRandom(3);
    const estimate = createClockEstimate();
    for (let i = 0; i < 64; i++) {
      const heldUpUs = i % 2 === 0 ? 0 : 500 + 3000 * random.uniform();
      estimate.add(exchange(truth, 100_000 * i, 400 + heldUpUs + 5 * random.uniform(), 400 + 5 * random.uniform()));
    }
    const nowUs = 6.4e6;
    expect(Math.abs(Number(estimate.toPanelUs(nowUs)) - panelAt(truth, nowUs))).toBeLessThan(10);
  });

  it('leaves out samples with good round trips and wrong times', () => {
    const truth = { offsetUs: 1e6, driftPpm: -30 };
    const random = createRandom(9);
    const estimate = createClockEstimate();
    for (let i = 0; i < 64; i++) {
      const sample = exchange(truth, 100_000 * i, 400 + 10 * random.uniform(), 400 + 10 * random.uniform());
      const wrongUs = i % 10 === 5 ? 2000n : 0n;
      estimate.add({ ...sample, panelReceiveUs: sample.panelReceiveUs + wrongUs, panelSendUs: sample.panelSendUs + wrongUs });
    }
    expect(Math.abs(Number(estimate.toPanelUs(6.4e6)) - panelAt(truth, 6.4e6))).toBeLessThan(10);
  });

  it('is as sure of itself as it may be: the truth is within its uncertainty, more at a distance', () => {
    let within = 0;
    const runs = 200;
    for (let seed = 1; seed <= runs; seed++) {
      const random = createRandom(seed);
      const truth = { offsetUs: 1e7 * random.uniform(), driftPpm: 100 * (2 * random.uniform() - 1) };
      const estimate = createClockEstimate();
      for (let i = 0; i < 20; i++) {
        estimate.add(exchange(truth, 200_000 * i, 500 + 60 * random.uniform(), 500 + 60 * random.uniform()));
      }
      const nowUs = 4.2e6;
      const errorUs = Math.abs(Number(estimate.toPanelUs(nowUs)) - panelAt(truth, nowUs));
      if (errorUs <= estimate.uncertaintyUs(nowUs)) within++;
      expect(estimate.uncertaintyUs(nowUs + 10e6)).toBeGreaterThan(estimate.uncertaintyUs(nowUs));
    }
    expect(within / runs).toBeGreaterThan(0.95);
  });

  it('begins with a handful of quick samples without taking their noise for drift', () => {
    const truth = { offsetUs: 5e6, driftPpm: 20 };
    const random = createRandom(2);
    const estimate = createClockEstimate();
    for (let i = 0; i < 8; i++) estimate.add(exchange(truth, 2000 * i, 500 + 50 * random.uniform(), 500 + 50 * random.uniform()));
    const laterUs = 1e6;
    expect(Math.abs(Number(estimate.toPanelUs(laterUs)) - panelAt(truth, laterUs))).toBeLessThan(100);
  });

  it('turns panel time back into host time, and forgets a panel that was restarted', () => {
    const estimate = createClockEstimate();
    expect(estimate.uncertaintyUs(0)).toBe(Infinity);
    const before = { offsetUs: 9e9, driftPpm: 80 };
    for (let i = 0; i < 10; i++) estimate.add(exchange(before, 1e5 * i, 300, 300));
    expect(estimate.toHostUs(estimate.toPanelUs(2e6))).toBeCloseTo(2e6, 0);
    estimate.reset();
    expect(estimate.samples).toBe(0);
    const after = { offsetUs: -1.5e6, driftPpm: 80 };
    for (let i = 0; i < 4; i++) estimate.add(exchange(after, 2e6 + 1e5 * i, 300, 300));
    expect(Math.abs(Number(estimate.toPanelUs(2.5e6)) - panelAt(after, 2.5e6))).toBeLessThan(20);
  });
});
