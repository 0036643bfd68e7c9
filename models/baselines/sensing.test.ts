import { describe, expect, it } from 'vitest';
import type { Problem } from '../../core/signal/beam-contract.ts';
import type { CMatrix } from '../../core/signal/complex-matrix.ts';
import { frobeniusNorm, fromPhases, matmul, scale, subtract } from '../../core/signal/complex-matrix.ts';
import { connectionMask } from '../../core/signal/geometry.ts';
import { sumRate } from '../../core/signal/rate.ts';
import { covarianceError } from '../../core/signal/sensing.ts';
import { wantedCovarianceFactor } from '../../core/signal/wanted-pattern.ts';
import { drawChannelSet } from '../training/channel-set.ts';
import type { BaselineName } from './baselines.ts';
import { runBaseline } from './baselines.ts';
import { digitalRateSensing, sensingTask } from './digital-rate-sensing.ts';
import { scaTarget } from './digital-targets.ts';
import { longRun } from './long-run.ts';
import { rateSensingOfPhases } from './rate-sensing-of-phases.ts';
import { towardsCovariance } from './sca-manopt.ts';

const [elements, users] = [32, 4];
const geometry = { kind: 'ula', elements, spacingWavelengths: 0.5 } as const;
const factor = wantedCovarianceFactor(geometry, { directionsRad: [-1, 0, 1], halfWidthRad: 0.05, streams: users });
const sensing = { factor, weight: 0.3 };
const { channels } = drawChannelSet({ seed: 1, name: 'test', count: 6, elements, users, paths: 10, scale: 'unit-element' });

describe('SCA-ManOpt', () => {
  it('goes from the precoder of the rate towards the wanted covariance, as far as it is told to, at full power', () => {
    for (const channel of channels) {
      const wanted = scaTarget(channel, 0.1);
      const drawn = [0, 0.1, 0.2, 0.5, 1].map((rho) => towardsCovariance(wanted, sensing, 10, rho));
      for (const x of drawn) expect(frobeniusNorm(x)).toBeCloseTo(1, 12);
      const far = drawn.map((x) => frobeniusNorm(subtract(x, wanted)));
      const tau = drawn.map((x) => covarianceError(sensing, x, 1));
      expect(far[0]).toBeLessThan(1e-9);
      for (let i = 1; i < drawn.length; i++) {
        expect(far[i]).toBeGreaterThan(far[i - 1]);
        expect(tau[i]).toBeLessThan(tau[i - 1]);
      }
      // A covariance of rank K can be radiated.
      expect(tau[4]).toBeLessThan(1e-4);
    }
  });

  it('ends where no small change is better', () => {
    const [channel] = channels;
    const wanted = scaTarget(channel, 0.1);
    const cost = (x: CMatrix): number => {
      const unit = scale(x, 1 / frobeniusNorm(x));
      return 0.8 * frobeniusNorm(subtract(unit, wanted)) ** 2 + 0.2 * 10 * covarianceError(sensing, unit, 1);
    };
    const x = towardsCovariance(wanted, sensing, 10, 0.2);
    for (let at = 0; at < x.re.length; at += 5) {
      for (const change of [-0.003, 0.003]) {
        const re = x.re.slice();
        re[at] += change;
        expect(cost({ ...x, re })).toBeGreaterThan(cost(x));
      }
    }
  });
});

/** [R, τ] in the mean. */
function meanOf(name: BaselineName, wish: Pick<Problem, 'sensing'>): [number, number] {
  let [rate, tau] = [0, 0];
  for (const channel of channels) {
    const { analogPhase, digital } = runBaseline(name, { channel, power: 10, noise: 1, rfChains: 4, ...wish });
    const precoder = matmul(fromPhases(analogPhase, elements, 4), digital);
    rate += sumRate(channel, precoder, 1) / channels.length;
    tau += covarianceError(sensing, precoder, 10) / channels.length;
  }
  return [rate, tau];
}

describe('baselines with sensing', () => {
  it.each(['sca-manopt', 'pga-searched', 'manifold', 'long-run'] as const)(
    '%s gives up rate for a covariance nearer to the wanted one',
    (name) => {
      const [rate, tau] = meanOf(name, {});
      const [rateLeft, tauLeft] = meanOf(name, { sensing });
      expect(tauLeft).toBeLessThan(0.7 * tau);
      expect(rateLeft).toBeLessThan(rate);
      expect(rateLeft - 0.3 * tauLeft).toBeGreaterThan(rate - 0.3 * tau);
    },
  );

  it('SCA-ManOpt is SCA-RMM without it, and climbing R − ωτ is better than either, to the end best of all', () => {
    expect(meanOf('sca-manopt', {})).toEqual(meanOf('sca-rmm', {}));
    const value = (name: BaselineName): number => {
      const [rate, tau] = meanOf(name, { sensing });
      return rate - 0.3 * tau;
    };
    const values = (['sca-manopt', 'pga-searched', 'manifold', 'long-run'] as const).map(value);
    expect(values).toEqual(values.toSorted((a, b) => a - b));
  });

  it('the long run shows the digital answer where there are two chains a user, and no beam of the array passes it', () => {
    for (const channel of channels.slice(0, 2)) {
      const two = { ...channel, rows: 2, re: channel.re.slice(0, 64), im: channel.im.slice(0, 64) };
      const value = (precoder: CMatrix): number => sumRate(two, precoder, 1) - 0.3 * covarianceError(sensing, precoder, 10);
      const reached = [2, 4].map((rfChains) => {
        const { analog, digital } = longRun({ channel: two, power: 10, noise: 1, rfChains, sensing }, 2);
        return value(matmul(analog, digital));
      });
      const bound = value(digitalRateSensing({ channel: two, power: 10, noise: 1, rfChains: 4, sensing }));
      expect(reached[1] / bound).toBeCloseTo(1, 3);
      expect(reached[0]).toBeLessThan(bound);
    }
  });

  it('the gradient over the phases is the true one, with D the best for them', () => {
    const [channel] = channels;
    const task = sensingTask({ channel, power: 10, noise: 1, rfChains: 4, sensing });
    for (const connection of [undefined, connectionMask('sub', elements, 4)]) {
      const reached = rateSensingOfPhases(task, 4, connection);
      const phases = reached.phasesOf(
        fromPhases(
          Float64Array.from({ length: 4 * elements }, (_, i) => i * i),
          elements,
          4,
          connection,
        ),
      );
      const gradient = new Float64Array(phases.length);
      const nothing = new Float64Array(phases.length);
      const valueAt = (i: number, step: number): number =>
        reached.at(
          phases.map((phase, j) => phase + (i === j ? step : 0)),
          nothing,
        );
      valueAt(0, 0);
      reached.at(phases, gradient);
      for (let i = 0; i < phases.length; i += 7) {
        expect(gradient[i]).toBeCloseTo((valueAt(i, 1e-4) - valueAt(i, -1e-4)) / 2e-4, 3);
      }
    }
  });

  it.each(['sca-manopt', 'pga-searched', 'manifold', 'long-run'] as const)(
    '%s refuses a covariance for another array',
    (name) => {
      const [channel] = channels;
      const other = { factor: { rows: 16, cols: 1, re: new Float64Array(16).fill(0.25), im: new Float64Array(16) }, weight: 0.3 };
      expect(() => runBaseline(name, { channel, power: 1, noise: 1, rfChains: 4, sensing: other })).toThrow(/16 elements/);
    },
  );
});
