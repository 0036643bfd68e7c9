/**
 * The channel of a hexagonal network: every base station is heard by every user, its own and those of all other cells. Transmit power over noise
 * is folded in, so that P = σ² = 1 beside it. No wraparound: cells at the rim have fewer neighbours.
 *
 *   H = √(P/σ²)·10^(−loss/20)·fading,  loss = 128.1 + 37.6·log₁₀(distance in km) + shadowing, in dB
 *
 * Source: Zhu, Chang and Shen, "DeepFP", section V-A (paper 004). It prints R/√3 for the circumradius, and D/√3 is meant.
 */
import { BeamrigError } from '../../errors/beamrig-error.ts';
import type { CMatrix } from '../complex-matrix.ts';
import { zeros } from '../complex-matrix.ts';
import type { Random } from '../random.ts';
import { fromDb } from '../rate.ts';
import type { Position } from './hexagons.ts';
import { hexagonCentres, uniformInHexagon } from './hexagons.ts';

export interface MultiCellSetting {
  /** D, between neighbouring base stations. */
  spacingM: number;
  /** Of a user from its own base station. */
  minimumDistanceM: number;
  /** P/σ² of a base station. */
  powerToNoiseDb: number;
  /** Standard deviation, drawn for every link of a user and a base station. */
  shadowingDb: number;
  /** Entries CN(0, 1), or of modulus 1 with uniform phases. */
  fading: 'rayleigh' | 'unit-modulus';
}

/**
 * - `text`: as paper 004 says; the least distance, of which it says nothing, is the usual 35 m.
 * - `tables`: what it takes to come to the rates that its tables print.
 */
export const MULTI_CELL_SETTINGS = {
  text: { spacingM: 800, minimumDistanceM: 35, powerToNoiseDb: 110, shadowingDb: 8, fading: 'rayleigh' },
  tables: { spacingM: 800, minimumDistanceM: 173, powerToNoiseDb: 96.5, shadowingDb: 8, fading: 'unit-modulus' },
} as const satisfies Record<string, MultiCellSetting>;

export interface MultiCellDraw {
  random: Random;
  setting: MultiCellSetting;
  /** L, one of 1, 7, 19. */
  cells: number;
  /** K */
  usersPerCell: number;
  /** Nr, of a user. */
  receiveAntennas: number;
  /** N, of a base station. */
  elements: number;
}

export interface MultiCellChannel {
  /**
   * For each base station, what all users hear of it: (L·K·Nr)×N. User u has rows u·Nr … u·Nr + Nr − 1, and the users of cell l are l·K … l·K + K − 1.
   */
  channels: CMatrix[];
  /** One a cell. */
  baseStations: Position[];
  /** L·K, in the order of the rows. */
  users: Position[];
}

/**
 * One draw. Positions, shadowing and fading have streams of their own: another number of antennas leaves users where they are.
 * @throws {BeamrigError} `argument` for numbers that make no network
 */
export function drawMultiCellChannel(draw: MultiCellDraw): MultiCellChannel {
  requireDraw(draw);
  const { random, setting, cells, usersPerCell, receiveAntennas, elements } = draw;
  const { spacingM, minimumDistanceM } = setting;
  const places = random.stream('positions');
  const baseStations = hexagonCentres(cells, spacingM);
  const users = baseStations.flatMap((centre) =>
    Array.from({ length: usersPerCell }, () => uniformInHexagon(places, centre, spacingM, minimumDistanceM)),
  );
  const shadowing = random.stream('shadowing');
  const fading = random.stream('fading');
  const block = receiveAntennas * elements;
  const channels = baseStations.map((station) => {
    const channel = zeros(users.length * receiveAntennas, elements);
    users.forEach((user, u) => {
      const distanceM = Math.hypot(user.xM - station.xM, user.yM - station.yM);
      const lossDb = pathLossDb(distanceM) + setting.shadowingDb * shadowing.normal();
      const amplitude = Math.sqrt(fromDb(setting.powerToNoiseDb - lossDb));
      for (let at = u * block; at < (u + 1) * block; at++) {
        const { re, im } = setting.fading === 'rayleigh' ? fading.complexNormal() : unitModulus(fading);
        channel.re[at] = amplitude * re;
        channel.im[at] = amplitude * im;
      }
    });
    return channel;
  });
  return { channels, baseStations, users };
}

/** Without shadowing. */
export const pathLossDb = (distanceM: number): number => 128.1 + 37.6 * Math.log10(distanceM / 1000);

function unitModulus(random: Random): { re: number; im: number } {
  const phaseRad = 2 * Math.PI * random.uniform();
  return { re: Math.cos(phaseRad), im: Math.sin(phaseRad) };
}

function requireDraw({ setting, usersPerCell, receiveAntennas, elements }: MultiCellDraw): void {
  for (const [field, value] of Object.entries({ usersPerCell, receiveAntennas, elements })) {
    if (Number.isInteger(value) && value >= 1) continue;
    throw new BeamrigError('argument', `${field} is ${value}`, { wayOut: 'give a whole number from 1 on' });
  }
  const { spacingM, minimumDistanceM, powerToNoiseDb, shadowingDb } = setting;
  if (!(spacingM > 0 && Number.isFinite(spacingM))) {
    throw new BeamrigError('argument', `spacingM is ${spacingM}`, { wayOut: 'give metres above 0' });
  }
  if (!(minimumDistanceM > 0 && minimumDistanceM < spacingM / 2)) {
    throw new BeamrigError(
      'argument',
      `minimumDistanceM is ${minimumDistanceM}, and cells reach ${spacingM / 2} m at the nearest`,
      {
        wayOut: `give metres above 0 and below ${spacingM / 2}`,
      },
    );
  }
  if (!Number.isFinite(powerToNoiseDb)) {
    throw new BeamrigError('argument', `powerToNoiseDb is ${powerToNoiseDb}`, { wayOut: 'give decibels' });
  }
  if (!(shadowingDb >= 0 && Number.isFinite(shadowingDb))) {
    throw new BeamrigError('argument', `shadowingDb is ${shadowingDb}`, { wayOut: 'give decibels from 0 on' });
  }
}
