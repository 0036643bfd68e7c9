/** Beams that point somewhere: all elements in phase towards one direction, in the states that each of them can show. */
import { BeamrigError } from '../errors/beamrig-error.ts';
import type { ArrayStates } from './beam-contract.ts';
import type { CMatrix } from './complex-matrix.ts';
import { zeros } from './complex-matrix.ts';
import type { ArrayGeometry } from './geometry.ts';
import { steeringVector } from './geometry.ts';
import type { ElementStates } from './quantise.ts';
import { quantisePhases } from './quantise.ts';

/** Radians: azimuth from broadside, positive towards element 0; elevation from the horizon, positive upwards. */
export interface Direction {
  readonly azimuthRad: number;
  readonly elevationRad: number;
}

/**
 * φ = arg a(direction), the same for every RF chain.
 * @returns radians, N·M row-major
 */
export function steeringPhases(geometry: ArrayGeometry, { azimuthRad, elevationRad }: Direction, rfChains: number): Float64Array {
  const { re, im, rows } = steeringVector(geometry, azimuthRad, elevationRad);
  return Float64Array.from({ length: rows * rfChains }, (_, place) => {
    const n = Math.floor(place / rfChains);
    return Math.atan2(im[n], re[n]);
  });
}

/**
 * D of one stream that all chains carry alike, so that a fully connected array has as much gain as one chain, and a sub-connected one radiates
 * from all of its blocks. Of power M: whoever radiates it scales it.
 * @returns M×K, zero but for one column
 */
export function oneStream(rfChains: number, users: number, user: number): CMatrix {
  const digital = zeros(rfChains, users);
  for (let m = 0; m < rfChains; m++) digital.re[m * users + user] = 1;
  return digital;
}

/**
 * Each phase to the state of its element whose phase is nearest, whatever its gain: what is wanted of a state in a beam that is summed in one
 * direction is that it is in phase. Of ideal states the same as `quantisePhases`.
 * @param phaseRad any finite phases, N·M
 * @returns words, 0 … 2^Q − 1; 0 where nothing is connected
 * @throws {BeamrigError} 'argument' when a phase is not finite
 */
export function nearestInPhase(phaseRad: Float64Array, { bits, of }: ArrayStates, connection?: Uint8Array): Uint16Array {
  const words = of === undefined ? quantisePhases(phaseRad, bits) : inPhase(phaseRad, of);
  if (connection !== undefined) for (let place = 0; place < words.length; place++) if (connection[place] === 0) words[place] = 0;
  return words;
}

function inPhase(phaseRad: Float64Array, of: (place: number) => ElementStates): Uint16Array {
  const words = new Uint16Array(phaseRad.length);
  for (let place = 0; place < phaseRad.length; place++) {
    if (!Number.isFinite(phaseRad[place])) {
      throw new BeamrigError('argument', `phase ${place} is ${phaseRad[place]}: only finite phases can be quantised`);
    }
    const wantedRe = Math.cos(phaseRad[place]);
    const wantedIm = Math.sin(phaseRad[place]);
    const { re, im } = of(place);
    let best = -Infinity;
    for (let word = 0; word < re.length; word++) {
      const size = Math.hypot(re[word], im[word]);
      // Of a state that shows nothing there is no phase.
      const cosine = size > 0 ? (re[word] * wantedRe + im[word] * wantedIm) / size : -1;
      if (cosine > best) {
        best = cosine;
        words[place] = word;
      }
    }
  }
  return words;
}
