/**
 * Where the users are and what they hear: the channel of the simulated lab as a function of time.
 *
 * A scene stands still between two calls of moveTo (block fading): what the beamformer was given and what the panel measures on is one
 * channel, until whoever owns the scene moves it on. To let the channel age between command and measurement, move the scene in between.
 */
import { BeamrigError } from '../core/errors/beamrig-error.ts';
import type { ChannelScale, PropagationPath } from '../core/signal/channel.ts';
import { pathsToChannel } from '../core/signal/channel.ts';
import type { CMatrix } from '../core/signal/complex-matrix.ts';
import { clone } from '../core/signal/complex-matrix.ts';
import type { ArrayGeometry, ElementPattern } from '../core/signal/geometry.ts';
import { elementCount } from '../core/signal/geometry.ts';
import type { Random } from '../core/signal/random.ts';

export interface Scene {
  readonly elements: number;
  readonly users: number;
  /** Puts the scene at this time. Idempotent, in any order: a scene is a pure function of time and its seed. */
  moveTo(timeS: number): void;
  /** H now: K×N, row k is h_kᴴ. The matrix is the caller's: the scene never writes to it again. */
  channel(): CMatrix;
  /** Where the users are seen from the array, radians from broadside, one a user; empty when nobody knows. */
  userAzimuthRad(): Float64Array;
  /** A receiver that stands still at a known place and is no user: its row h_pᴴ, 1×N. */
  readonly probe?: CMatrix;
}

export interface RecordedScene extends Scene {
  readonly count: number;
  /** Shows channel `index` (0-based) from now on. */
  select(index: number): void;
}

export interface MovingUsersOptions {
  geometry: ArrayGeometry;
  users: number;
  /** Paths of each user, the direct one included, ≥ 1. */
  paths: number;
  scale: ChannelScale;
  /** Walking speed of every user, ≥ 0. */
  speedMps: number;
  carrierGhz: number;
  random: Random;
  /** Of every element alike; isotropic when absent. */
  elementPattern?: ElementPattern;
  /**
   * Mean share of a user's power that comes straight from where he stands, 0 … 1 (default 0.3: at ten paths the direct one is nearly
   * always the strongest, and the rest still fades). 0 leaves only scattered paths, all alike: the model of paper 001 as printed.
   */
  directShare?: number;
  /** Nearest and farthest a user may come to the array (default 10 and 40 m). */
  distanceM?: readonly [number, number];
  /** The users stay within ± this azimuth (default 60°). */
  sectorDeg?: number;
  /** How far a user walks while one scatterer stays in sight (default 8 m). */
  scattererLifeM?: number;
}

/** One path as the walk of an image: the user, or his mirror image in a wall, on a circle around a point seen from the array at 0. */
interface ImageWalk {
  centreXM: number;
  centreYM: number;
  /** Where on the circle the walk starts, and which way round (±1). */
  startRad: number;
  sense: number;
  elevationRad: number;
  gainRe: number;
  gainIm: number;
}

/** A scatterer and the share of it, in amplitude, that is seen while it comes or goes. */
interface SeenScatterer {
  walk: ImageWalk;
  weight: number;
}

const SPEED_OF_LIGHT_MPS = 299_792_458;
/** The part of a scatterer's life in which it fades into its successor. */
const HANDOVER_SHARE = 0.25;

/**
 * Users that walk about in front of the array, Saleh-Valenzuela at every instant:
 *
 *   h_k(t) = s·Σ_l w_l(t)·α_l·e^(−j2π·d_l(t)/λ)·a(θ_l(t)),   E|h_n|² = 1 ('unit-element') or L/N ('paper-001'), at every t
 *
 * Each user walks on a circle at the given speed. Every path is the user (direct) or a mirror image of him (scattered) that walks the same
 * circle elsewhere, so one formula gives both the Doppler phase, −2π·d_l/λ with d_l the image's distance, and the slow drift of its angle,
 * θ_l its direction. A scattered path lives while the user walks `scattererLifeM`, then fades into a fresh one with weights cos, sin: α is
 * CN(0, 1), angles are uniform over the circle, and both stay so for as long as one cares to run. At speed 0 nothing ever changes.
 * The direct path has a constant modulus and comes from the user's own direction.
 *
 * @returns a scene of K users and N elements
 * @throws {BeamrigError} 'argument' when an option is outside its range
 * Source of the statistics: Nguyen et al., Asilomar 2023, eq. (2)-(3); the walk is our own.
 */
export function createMovingUsers(options: MovingUsersOptions): Scene {
  const { geometry, users, paths, scale, speedMps, carrierGhz, random } = options;
  const { directShare = 0.3, distanceM = [10, 40], sectorDeg = 60, scattererLifeM = 8 } = options;
  requireWhole('users', users);
  requireWhole('paths', paths);
  requireRange('speedMps', speedMps, 0, 1e4);
  requireRange('carrierGhz', carrierGhz, 1e-3, 1e4);
  requireRange('directShare', directShare, 0, 1);
  requireRange('distanceM', distanceM[0], 1, distanceM[1] - 1);
  requireRange('sectorDeg', sectorDeg, 1, 90);
  requireRange('scattererLifeM', scattererLifeM, 1e-3, 1e6);

  const wavelengthM = SPEED_OF_LIGHT_MPS / (carrierGhz * 1e9);
  const radiusM = Math.min(4, (distanceM[1] - distanceM[0]) / 4);
  const share = directShare > 0 && paths === 1 ? 1 : directShare;
  const scatterers = share > 0 ? paths - 1 : paths;
  // Gains whose mean squares add up to L, as L gains of CN(0, 1) would.
  const directGain = Math.sqrt(share * paths);
  const scatteredGain = scatterers > 0 ? Math.sqrt(((1 - share) * paths) / scatterers) : 0;
  const walks = Array.from({ length: users }, (_, user) => ({
    own: userWalk(random.stream(`user ${user}`), user, users, radiusM, distanceM, (sectorDeg * Math.PI) / 180),
    slots: Array.from({ length: scatterers }, (_, slot) =>
      scattererSlot(random.stream(`user ${user} scatterer ${slot}`), scattererLifeM, distanceM, geometry.kind === 'upa'),
    ),
  }));

  let walkedM = 0;
  let seenNow: PropagationPath[][] | undefined;
  let channelNow: CMatrix | undefined;
  let isLooked = false;
  const pattern = options.elementPattern === undefined ? {} : { elementPattern: options.elementPattern };
  const look = (walk: ImageWalk, gain: number): PropagationPath => lookAt(walk, walkedM, radiusM, wavelengthM, gain);
  // Plain loops: there are paths by the dozen, and this is gone through in every cycle.
  const pathsOf = ({ own, slots }: (typeof walks)[number]): PropagationPath[] => {
    const inSight: SeenScatterer[] = [];
    for (const slot of slots) slot(walkedM, inSight);
    const count = inSight.length + (share > 0 ? 1 : 0);
    // pathsToChannel divides 'unit-element' by the paths it is given; during a handover that is more than L.
    const surplus = scale === 'unit-element' ? Math.sqrt(count / paths) : 1;
    const seen = share > 0 ? [look(own, surplus * directGain)] : [];
    for (const { walk, weight } of inSight) seen.push(look(walk, surplus * weight * scatteredGain));
    return seen;
  };
  const pathsNow = (): PropagationPath[][] => (seenNow ??= walks.map(pathsOf));

  return {
    elements: elementCount(geometry),
    users,
    moveTo(timeS) {
      requireRange('timeS', timeS, 0, 1e12);
      if (timeS * speedMps === walkedM) return;
      walkedM = timeS * speedMps;
      seenNow = undefined;
      channelNow = undefined;
      isLooked = false;
    },
    channel() {
      if (channelNow !== undefined) return clone(channelNow);
      const fresh = pathsToChannel({ geometry, scale, users: pathsNow(), ...pattern });
      // Nearly always it is asked for once at a time, and then no copy need stay here: for a large array, half a megabyte a cycle.
      if (isLooked) channelNow = clone(fresh);
      isLooked = true;
      return fresh;
    },
    userAzimuthRad() {
      if (share > 0) {
        return Float64Array.from(walks, ({ own }) => look(own, 1).azimuthRad);
      }
      return Float64Array.from(pathsNow(), (seen) => {
        const strongest = seen.reduce((best, path) => (power(path) > power(best) ? path : best));
        // A planar array hears front and back alike; shown is the front.
        return Math.asin(Math.sin(strongest.azimuthRad));
      });
    },
  };
}

/**
 * A scene that shows recorded channels, one at a time, whatever the time is.
 * @param channels at least one, all K×N, rows h_kᴴ
 * @throws {BeamrigError} 'shape' when the channels differ in size, 'argument' when there is none or an index is outside
 */
export function createRecordedScene(channels: CMatrix[]): RecordedScene {
  if (channels.length === 0) {
    throw new BeamrigError('argument', 'a recorded scene needs at least one channel, got none', {
      wayOut: 'Give it a channel file that holds some.',
    });
  }
  let shown = channels[0];
  const { rows, cols } = shown;
  channels.forEach((channel, index) => {
    if (channel.rows === rows && channel.cols === cols) return;
    throw new BeamrigError('shape', `channel ${index} is ${channel.rows}×${channel.cols}, channel 0 is ${rows}×${cols}`, {
      wayOut: 'All channels of one scene must have the same users and elements.',
    });
  });
  return {
    elements: cols,
    users: rows,
    count: channels.length,
    moveTo: () => undefined,
    select(index) {
      if (!Number.isInteger(index) || index < 0 || index >= channels.length) {
        throw new BeamrigError('argument', `channel index ${index} is outside 0 … ${channels.length - 1}`, {
          wayOut: 'Choose an index that the recorded scene holds.',
        });
      }
      shown = channels[index];
    },
    channel: () => clone(shown),
    userAzimuthRad: () => new Float64Array(0),
  };
}

/** A circle that keeps the user inside sector and distances; each user has his own slice of the sector, so that they rarely coincide. */
function userWalk(
  random: Random,
  user: number,
  users: number,
  radiusM: number,
  [nearM, farM]: readonly [number, number],
  sectorRad: number,
): ImageWalk {
  const centreM = nearM + radiusM + random.uniform() * (farM - nearM - 2 * radiusM);
  const margin = Math.asin(radiusM / centreM);
  const reach = Math.max(0, sectorRad - margin);
  const azimuth = reach * ((2 * (user + random.uniform())) / users - 1);
  return {
    centreXM: centreM * Math.cos(azimuth),
    centreYM: centreM * Math.sin(azimuth),
    startRad: 2 * Math.PI * random.uniform(),
    sense: random.uniform() < 0.5 ? -1 : 1,
    elevationRad: 0,
    gainRe: 1,
    gainIm: 0,
  };
}

/**
 * One place among a user's scattered paths, held by one scatterer after another. Scatterer number e is drawn from a stream of its own, so
 * any time can be looked at in any order; the one or two that are in sight are added with weights whose squares add up to 1.
 */
function scattererSlot(random: Random, lifeM: number, distanceM: readonly [number, number], planar: boolean) {
  const stagger = random.uniform();
  const known = new Map<number, ImageWalk>();
  const scatterer = (generation: number): ImageWalk => {
    const met = known.get(generation);
    if (met) return met;
    if (known.size > 3) known.clear();
    const drawn = drawImage(random.stream(`generation ${generation}`), distanceM, planar);
    known.set(generation, drawn);
    return drawn;
  };
  return (walkedM: number, inSight: SeenScatterer[]): void => {
    const age = walkedM / lifeM + stagger;
    const generation = Math.floor(age);
    const handover = (age - generation - (1 - HANDOVER_SHARE)) / HANDOVER_SHARE;
    if (handover <= 0) {
      inSight.push({ walk: scatterer(generation), weight: 1 });
      return;
    }
    // Smoothstep: the weights start and end with slope 0, so not even their derivative jumps.
    const angle = (Math.PI / 2) * handover * handover * (3 - 2 * handover);
    inSight.push({ walk: scatterer(generation), weight: Math.cos(angle) });
    inSight.push({ walk: scatterer(generation + 1), weight: Math.sin(angle) });
  };
}

/** A mirror image in any direction (on a planar array also any elevation), behind the wall that mirrors: farther off than most users. */
function drawImage(random: Random, [nearM, farM]: readonly [number, number], planar: boolean): ImageWalk {
  const detourM = (nearM + farM) / 2 + random.uniform() * farM;
  const direction = 2 * Math.PI * random.uniform();
  const startRad = 2 * Math.PI * random.uniform();
  const sense = random.uniform() < 0.5 ? -1 : 1;
  const elevationRad = planar ? Math.PI * (random.uniform() - 0.5) : 0;
  const gain = random.complexNormal();
  return {
    centreXM: detourM * Math.cos(direction),
    centreYM: detourM * Math.sin(direction),
    startRad,
    sense,
    elevationRad,
    gainRe: gain.re,
    gainIm: gain.im,
  };
}

/** Direction and complex gain of an image after the user has walked so far. */
function lookAt(walk: ImageWalk, walkedM: number, radiusM: number, wavelengthM: number, gain: number): PropagationPath {
  const turned = walk.startRad + (walk.sense * walkedM) / radiusM;
  const x = walk.centreXM + radiusM * Math.cos(turned);
  const y = walk.centreYM + radiusM * Math.sin(turned);
  const phase = (-2 * Math.PI * Math.hypot(x, y)) / wavelengthM;
  const cos = gain * Math.cos(phase);
  const sin = gain * Math.sin(phase);
  return {
    azimuthRad: Math.atan2(y, x),
    elevationRad: walk.elevationRad,
    gainRe: walk.gainRe * cos - walk.gainIm * sin,
    gainIm: walk.gainRe * sin + walk.gainIm * cos,
  };
}

const power = (path: PropagationPath): number => path.gainRe ** 2 + path.gainIm ** 2;

function requireRange(name: string, value: number, least: number, most: number): void {
  if (value >= least && value <= most) return;
  throw new BeamrigError('argument', `${name} is ${value}, outside ${least} … ${most}`, {
    wayOut: `Choose ${name} between ${least} and ${most}.`,
  });
}

function requireWhole(name: string, value: number): void {
  if (Number.isInteger(value) && value >= 1) return;
  throw new BeamrigError('argument', `${name} is ${value}; it must be a whole number of at least 1`, {
    wayOut: `Choose ${name} ≥ 1.`,
  });
}
