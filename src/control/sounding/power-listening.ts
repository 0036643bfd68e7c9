/**
 * By the SNR of users: a set of words is K·M slots, each a power, and K·(3M − 2) slots where it is to be known as pilots would tell it. A user learns his
 * noise of the same P pilots as his signal, so that an SNR p scatters by p²/P beside the 2·p/P of the noise; for a complex value of that power it is as if the noise
 * were (1 + p/2)/P.
 */
import { turnedTowards } from '../../../sounding/power-only.ts';
import { scale } from '../../../core/signal/complex-matrix.ts';
import type { Listening, ListeningOptions } from './listening.ts';
import { beamsByPower, readChainsByPower, readPowers } from './power-reader.ts';
import { sideBySide } from './sounding-plans.ts';

export function createPowerListening({ noise, ...request }: ListeningOptions): Listening {
  const { singles, withPairs } = beamsByPower(request.rfChains, request.users);
  const noiseOf = (power: number, pilots: number): number => (noise * (1 + Math.max(power, 0) / 2)) / pilots;
  return {
    slotsASet: { whole: singles, through: withPairs },
    readWhole: (bench, toShow) => readPowers(bench, toShow, request),
    readThrough: (bench, toShow) => readChainsByPower(bench, toShow, request),
    // Narrow beams differ by more than a glitch would, and an SNR is bounded by what a report can say.
    glitched: (sets) => sets.map(() => false),
    whole(sets) {
      const pilots = Math.min(...sets.flat().map((reading) => reading.pilots));
      const powers = sideBySide(sets.flat().map((reading) => reading.values));
      const mean = powers.re.reduce((sum, each) => sum + each, 0) / powers.re.length;
      const ofReading = noiseOf(mean, pilots);
      // Reports have the noise taken out; an estimator expects |hᴴf + n|².
      const values = { ...powers, re: powers.re.map((power) => Math.max(noise * power + ofReading, 0)) };
      return { values, noise: ofReading, pilotSnr: (mean * noise) / ofReading };
    },
    through([{ values, pilots }], expected) {
      const ofUser = values.re.reduce((sum, re, i) => sum + re * re + values.im[i] * values.im[i], 0) / values.rows;
      return { values: turnedTowards(scale(values, Math.sqrt(noise)), expected), noise: noiseOf(ofUser, pilots) };
    },
    doubt: () => undefined,
    forget: () => undefined,
  };
}
