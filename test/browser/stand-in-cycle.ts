/** One cycle of the stand-in rig: each RF chain points at one of the users, and the numbers come from the real array equations. */
import { fromPhases, matmul, scale, frobeniusNorm, identity, zeros } from '../../core/signal/complex-matrix.ts';
import type { CMatrix } from '../../core/signal/complex-matrix.ts';
import { steeringVector } from '../../core/signal/geometry.ts';
import { metricsOf } from '../../core/signal/metrics.ts';
import { quantisePhases, wordsToPhases } from '../../core/signal/quantise.ts';
import type { Random } from '../../core/signal/random.ts';
import { sinr, toDb } from '../../core/signal/rate.ts';
import { sensingMetrics } from '../../core/signal/sensing.ts';
import type { CycleView, SensingWish } from '../../src/control/controller.ts';
import { stageTimes, type CycleRecord } from '../../src/telemetry/cycle-record.ts';

const NOISE = 0.1;

export interface StandInCycle {
  cycle: number;
  elements: number;
  /** Ones and zeros, place n·M + m: which chain feeds which element. */
  mask: Uint8Array;
  phaseBits: number;
  /** Where the users stand. */
  azimuths: Float64Array;
  random: Random;
  wish: SensingWish | undefined;
  wordsGain: number | undefined;
  isVoid: boolean;
  /** Why the board did not take the beam. */
  boardIsMissed: string | undefined;
  of: Pick<CycleRecord, 'source' | 'channelSource' | 'modelId'>;
}

export function standInCycle(options: StandInCycle): CycleView {
  const { cycle, elements, mask, phaseBits, azimuths, random, wish, wordsGain, isVoid, boardIsMissed, of } = options;
  const users = azimuths.length;
  const channel = lineOfSight(elements, azimuths);
  const analogPhase = Float64Array.from({ length: elements * users }, (_, i) => {
    const elementPhase = Math.PI * Math.floor(i / users) * Math.sin(azimuths[i % users]);
    const noise = 0.2 * random.normal();
    return mask[i] * (elementPhase + noise);
  });
  const words = quantisePhases(analogPhase, phaseBits);
  const analog = fromPhases(wordsToPhases(words, phaseBits), elements, users, mask);
  const digital = scale(identity(users), 1 / frobeniusNorm(analog));
  const precoder = matmul(analog, digital);
  const predicted = sinr(channel, precoder, NOISE);
  const measured = predicted.map((value) => (isVoid ? NaN : value * (0.9 + 0.05 * random.normal())));
  const rate = (values: Float64Array): number => values.reduce((sum, value) => sum + Math.log2(1 + value), 0);
  const told = {
    ...(wish === undefined ? {} : sensingMetrics(wish, precoder, 1, rate(predicted))),
    ...(wordsGain === undefined ? {} : { words_gain: wordsGain }),
  };
  const ms = (mean: number): number => mean * (0.8 + 0.4 * random.uniform());
  const stageMs = stageTimes({
    channel: ms(0.1),
    model: ms(1.5),
    quantise: ms(0.1),
    push: ms(0.6),
    commit: ms(0.3),
    measure: ms(0.4),
  });
  const record: CycleRecord = {
    ...of,
    cycle,
    timeNs: BigInt(Date.now()) * 1_000_000n,
    panels: 'SIM-0001',
    calibration: 'none',
    phaseBits,
    beamId: isVoid ? 0 : cycle + 1,
    outcome: isVoid ? 'void' : 'ok',
    objective: 'sum-rate',
    digital: 'objective',
    ...(isVoid
      ? { failure: boardIsMissed ? `push: panel /dev/ttyUSB0: ${boardIsMissed}` : 'COMMIT was not answered in 3 attempts' }
      : {}),
    predictedSnrDb: predicted.map(toDb),
    measuredSnrDb: measured.map(toDb),
    predictedSumRate: rate(predicted),
    measuredSumRate: rate(measured),
    zfSumRate: rate(predicted) * 1.1,
    metrics: { predicted: metricsOf(predicted, told), measured: isVoid ? {} : metricsOf(measured) },
    stageMs,
    cycleMs: Object.values(stageMs).reduce((sum, value) => sum + value, 0),
    link: { retries: isVoid ? 2 : 0, timeouts: isVoid ? 3 : 0, discarded: 0, roundTripMs: 0.2 },
  };
  return { record, words, analog, channel, digital, analogPhase, userAzimuthRad: azimuths };
}

/** K×N, row k is the conjugate of user k's steering vector. */
function lineOfSight(elements: number, azimuths: Float64Array): CMatrix {
  const channel = zeros(azimuths.length, elements);
  azimuths.forEach((azimuth, user) => {
    const steering = steeringVector({ kind: 'ula', elements, spacingWavelengths: 0.5 }, azimuth);
    for (let n = 0; n < elements; n++) {
      channel.re[user * elements + n] = steering.re[n];
      channel.im[user * elements + n] = -steering.im[n];
    }
  });
  return channel;
}
