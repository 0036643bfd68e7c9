/** Beams that somebody chose, as what chooses the beams of a rig: so they are sent, measured and made safe as any other. */
import { BeamrigError } from '../../core/errors/beamrig-error.ts';
import type { ArrayGeometry } from '../../core/signal/geometry.ts';
import { elementCount } from '../../core/signal/geometry.ts';
import type { Beam } from '../../core/signal/beam-contract.ts';
import { oneStream, steeringPhases, type Direction } from '../../core/signal/steering.ts';
import type { Beamformer } from './beamformer.ts';

/** What of a rig a beam by hand is made for. */
export interface ArrayAtHand {
  readonly geometry: ArrayGeometry;
  readonly rfChains: number;
  readonly users: number;
}

/** Where to point, degrees, and whose stream the beam carries. */
export interface SteerWish {
  readonly azimuthDeg: number;
  readonly elevationDeg: number;
  readonly user: number;
}

const RAD = Math.PI / 180;
export const directionOf = ({ azimuthDeg, elevationDeg }: Pick<SteerWish, 'azimuthDeg' | 'elevationDeg'>): Direction => ({
  azimuthRad: azimuthDeg * RAD,
  elevationRad: elevationDeg * RAD,
});

/** Why an array cannot be steered so, naming the value and what is allowed; undefined when it can. */
export function cannotSteer({ geometry, users }: ArrayAtHand, { azimuthDeg, elevationDeg, user }: SteerWish): string | undefined {
  for (const [name, value] of [['azimuth', azimuthDeg] as const, ['elevation', elevationDeg] as const]) {
    if (!(value >= -90 && value <= 90)) return `${name} ${value}: not allowed; allowed: −90 to 90 degrees`;
  }
  if (geometry.kind === 'ula' && elevationDeg !== 0) {
    return `elevation ${elevationDeg}: a line of elements cannot tell elevations apart; allowed: 0`;
  }
  if (!Number.isInteger(user) || user < 0 || user >= users) return `user ${user}: not allowed; allowed: 0 to ${users - 1}`;
  return undefined;
}

/** All chains towards one direction, with the stream of one user. @throws {BeamrigError} 'argument' where the array cannot */
export function beamTowards(array: ArrayAtHand, wish: SteerWish): Beam {
  const why = cannotSteer(array, wish);
  if (why !== undefined) throw new BeamrigError('argument', why, { wayOut: 'Give a direction that the array can point to.' });
  const { geometry, rfChains, users } = array;
  const analogPhase = steeringPhases(geometry, directionOf(wish), rfChains);
  return { analogPhase, digital: oneStream(rfChains, users, wish.user), asGiven: 'phases' };
}

/** The same beam in every cycle. */
export function steered(array: ArrayAtHand, wish: SteerWish): Beamformer {
  return always(
    array,
    { id: 'steered', title: `steered to ${directionText(array, wish)}, with the stream of user ${wish.user}` },
    beamTowards(array, wish),
  );
}

/** One beam in every cycle. */
export function always(
  { geometry, rfChains, users }: ArrayAtHand,
  { id, title }: Pick<Beamformer, 'id' | 'title'>,
  beam: Beam,
): Beamformer {
  return {
    id,
    kind: 'by-hand',
    title,
    dimensions: { elements: elementCount(geometry), rfChains, users },
    compute: async () => beam,
    close: async () => undefined,
  };
}

const directionText = (
  { geometry }: Pick<ArrayAtHand, 'geometry'>,
  { azimuthDeg, elevationDeg }: Pick<SteerWish, 'azimuthDeg' | 'elevationDeg'>,
): string => `azimuth ${azimuthDeg}°${geometry.kind === 'ula' ? '' : `, elevation ${elevationDeg}°`}`;
