/** What the study of sounding measures on: users who stand or move, readings of beams, and the rate that an estimate leaves. */
import type { Problem } from '../core/signal/beam-contract.ts';
import type { PropagationPath } from '../core/signal/channel.ts';
import { pathsToChannel } from '../core/signal/channel.ts';
import type { CMatrix } from '../core/signal/complex-matrix.ts';
import { clone, frobeniusNorm, matmul, subtract } from '../core/signal/complex-matrix.ts';
import { digitalForSumRate, sumRateObjective } from '../core/signal/objectives/sum-rate.ts';
import type { Random } from '../core/signal/random.ts';
import { ratesOfGains } from '../core/signal/rate.ts';
import { realiseBeam } from '../core/signal/realise-beam.ts';
import { runBaseline } from '../models/baselines/baselines.ts';
import type { SoundingArray } from '../sounding/sounding-beams.ts';

export const USERS = 4;
export const RF_CHAINS = 4;
export const DATA_NOISE = 0.1;
export const lineArray = (elements: number): SoundingArray => ({
  geometry: { kind: 'ula', elements, spacingWavelengths: 0.5 },
  rfChains: RF_CHAINS,
  states: { bits: 6 },
});

/** σ² of a reading for beams of modulus 1 an element: a random one of norm 1 is to be heard at the pilot SNR. */
export const noiseAt = (pilotSnrDb: number, elements: number): number => elements * 10 ** (-pilotSnrDb / 10);

/** Directions, gains, and how fast the phase of each path turns with the way of its user, in turns a wavelength. */
export type MovingPath = PropagationPath & { turnsAWavelength: number };
export type MovingUsers = readonly (readonly MovingPath[])[];

export function drawUsers(random: Random, paths: number, users = USERS): MovingUsers {
  return Array.from({ length: users }, () =>
    Array.from({ length: paths }, () => {
      const { re, im } = random.complexNormal();
      const azimuthRad = 2 * Math.PI * random.uniform();
      return { gainRe: re, gainIm: im, azimuthRad, turnsAWavelength: Math.cos(2 * Math.PI * random.uniform()) };
    }),
  );
}

/** The same directions, and gains that are drawn again. */
export const fadedAgain = (users: MovingUsers, random: Random): MovingUsers =>
  users.map((paths) =>
    paths.map((path) => {
      const { re, im } = random.complexNormal();
      return { ...path, gainRe: re, gainIm: im };
    }),
  );

/** @param wavelengths how far each user has gone */
export function channelAt({ geometry }: SoundingArray, users: MovingUsers, wavelengths = 0): CMatrix {
  const turned = users.map((paths) =>
    paths.map((path) => {
      const phase = 2 * Math.PI * path.turnsAWavelength * wavelengths;
      const [cos, sin] = [Math.cos(phase), Math.sin(phase)];
      return { ...path, gainRe: path.gainRe * cos - path.gainIm * sin, gainIm: path.gainRe * sin + path.gainIm * cos };
    }),
  );
  return pathsToChannel({ geometry, scale: 'unit-element', users: turned });
}

/** H·F and noise. */
export function readingsOf(channel: CMatrix, beams: CMatrix, noise: number, random: Random): CMatrix {
  const values = clone(matmul(channel, beams));
  const deviation = Math.sqrt(noise);
  for (let i = 0; i < values.re.length; i++) {
    const { re, im } = random.complexNormal();
    values.re[i] += deviation * re;
    values.im[i] += deviation * im;
  }
  return values;
}

/** A by phase extraction and the nearest states. */
export function analogFor(channel: CMatrix, array: SoundingArray): { analog: CMatrix; digital: CMatrix; sumRate: number } {
  const problem: Problem = {
    channel,
    rfChains: array.rfChains,
    power: 1,
    noise: DATA_NOISE,
    ...(array.connection === undefined ? {} : { connection: array.connection }),
  };
  return realiseBeam(problem, runBaseline('phase-extraction', problem), { states: array.states, objective: sumRateObjective });
}

export const digitalFor = (channel: CMatrix, analog: CMatrix): CMatrix => digitalForSumRate(channel, analog, 1, DATA_NOISE);

export const rateOf = (channel: CMatrix, analog: CMatrix, digital: CMatrix): number =>
  ratesOfGains(matmul(matmul(channel, analog), digital), DATA_NOISE).sumRate;

/** ‖Ĥ − H‖² / ‖H‖² */
export const normalisedError = (estimate: CMatrix, channel: CMatrix): number =>
  (frobeniusNorm(subtract(estimate, channel)) / frobeniusNorm(channel)) ** 2;
