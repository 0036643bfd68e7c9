/**
 * The world of a rig's simulator: its users and their channels, as the controller's source and as the scene its panels radiate into. It
 * depends on rig file, seed and recorded channels alone, so that a panel in a process of its own stands in the very same one.
 *
 * Beam b ≥ 1 of a run belongs to slot b − 1, which is cycle b − 1 unless beams were shown between cycles. A panel that latches it shows the channel that the beam was worked out for (`latched`), and holds
 * it until the next: each cycle is a block of its own (block fading), pipelined or not. With hardware nothing latches here, and the channel has
 * aged by then.
 */
import type { BeamId } from '../../firmware-protocol/messages.ts';
import { createMovingUsers, createRecordedScene } from '../../hil-sim/scene.ts';
import type { RecordedScene, Scene } from '../../hil-sim/scene.ts';
import type { CMatrix } from '../../core/signal/complex-matrix.ts';
import { clone, scale as times } from '../../core/signal/complex-matrix.ts';
import { fromDb } from '../../core/signal/rate.ts';
import { cosinePowerPattern } from '../../core/signal/geometry.ts';
import type { Random } from '../../core/signal/random.ts';
import type { RigFile } from '../config/rig-file.ts';
import { probePath } from './probe.ts';
import { FIRST_SETTING_ID } from '../control/beam-ids.ts';
import type { ChannelSource, GivenChannel } from '../control/channel-source.ts';
import type { ChannelOrigin } from '../telemetry/cycle-record.ts';

export interface World extends ChannelSource {
  take(cycle: number): GivenChannel | undefined;
  /** What panels radiate into. */
  readonly scene: Scene;
  /** A panel radiates this beam from now on. */
  latched(beamId: BeamId): void;
}

export interface WorldOptions {
  rig: RigFile;
  /** The simulator's: `createRandom(seed).stream('simulator')`. */
  random: Random;
  /** Recorded channels instead of moving users; checked against the rig by the caller. */
  recorded?: CMatrix[];
  /** Begin again after the last recorded channel. */
  repeat: boolean;
  /** The receiver that the rig file names for calibration stands where it says that the probe is, and not where its user walks. */
  receiverAtProbe?: boolean;
  /** Seconds that the users have walked at a cycle; default: the cycle's own time. It never goes back. */
  walkedS?: (cycle: number) => number;
  /** What stands in the way of the users at a cycle: their channels as they are, changed where they are. */
  obstruct?: (channel: CMatrix, cycle: number) => void;
}

/** Channels that were taken and not latched yet: one, or two when pipelined; more are of beams that never came on the air. */
const MOST_TAKEN = 4;

export function createWorld(options: WorldOptions): World {
  const { rig, random, recorded, repeat, receiverAtProbe = false, obstruct = () => undefined } = options;
  // The noise is the unit of power.
  const probe = times(probePath(rig), Math.sqrt(fromDb(rig.simulator.probeSnrDb)));
  if (recorded !== undefined) return recordedWorld({ ...createRecordedScene(recorded), probe }, repeat, obstruct);
  const { geometry, carrierGhz } = rig.array;
  const { paths, scale, directShare, nearestM, farthestM, sectorDeg, scattererLifeM, elementPattern } = rig.simulator.channel;
  const scene = createMovingUsers({
    geometry,
    users: rig.users.count,
    paths,
    scale,
    directShare,
    distanceM: [nearestM, farthestM],
    sectorDeg,
    scattererLifeM,
    ...(elementPattern === undefined ? {} : { elementPattern: cosinePowerPattern(elementPattern) }),
    speedMps: rig.simulator.userSpeedMps,
    carrierGhz,
    random: random.stream('scene'),
  });
  const { receiver } = rig.calibration.probe;
  const { walkedS = (cycle: number) => cycle / rig.loop.rateHz } = options;
  if (!receiverAtProbe || receiver === undefined || receiver >= rig.users.count) {
    return movingWorld({ ...scene, probe }, walkedS, obstruct);
  }
  const channel = (): CMatrix => withRow(scene.channel(), receiver, probe);
  return movingWorld({ ...scene, channel, probe }, walkedS, obstruct);
}

/** The same but for one row. */
function withRow(matrix: CMatrix, row: number, by: CMatrix): CMatrix {
  const out = clone(matrix);
  out.re.set(by.re, row * matrix.cols);
  out.im.set(by.im, row * matrix.cols);
  return out;
}

/**
 * Users that move: the scene's time at cycle c is c/rateHz, whatever the machine's speed, so that one seed gives one story on a fast machine
 * and on a slow one.
 */
function movingWorld(scene: Scene, walkedS: (cycle: number) => number, obstruct: Obstruct): World {
  return blockFading('simulation', scene, (cycle) => {
    scene.moveTo(walkedS(cycle));
    return seenAt(scene, cycle, obstruct);
  });
}

type Obstruct = NonNullable<WorldOptions['obstruct']>;

function seenAt(scene: Scene, cycle: number, obstruct: Obstruct): GivenChannel {
  const channel = scene.channel();
  obstruct(channel, cycle);
  return { channel, userAzimuthRad: scene.userAzimuthRad() };
}

/** Recorded channels, one a cycle. @param repeat begin again after the last one; otherwise the run ends there */
function recordedWorld(scene: RecordedScene, repeat: boolean, obstruct: Obstruct): World {
  return blockFading('file', scene, (cycle) => {
    if (!repeat && cycle >= scene.count) return undefined;
    scene.select(cycle % scene.count);
    return seenAt(scene, cycle, obstruct);
  });
}

function blockFading(origin: ChannelOrigin, scene: Scene, at: (cycle: number) => GivenChannel | undefined): World {
  let shown: GivenChannel = { channel: scene.channel(), userAzimuthRad: scene.userAzimuthRad() };
  const taken = new Map<number, GivenChannel>();
  return {
    origin,
    take(cycle) {
      const given = at(cycle);
      if (given !== undefined) taken.set(cycle, given);
      for (const oldest of taken.keys()) if (taken.size > MOST_TAKEN) taken.delete(oldest);
      return given;
    },
    latched(beamId) {
      // Settings of a measurement, and the fixed beam of the safe state, were worked out for no channel.
      if (beamId < 1 || beamId >= FIRST_SETTING_ID) return;
      const cycle = beamId - 1;
      shown = taken.get(cycle) ?? at(cycle) ?? shown;
      for (const known of taken.keys()) if (known <= cycle) taken.delete(known);
    },
    scene: {
      elements: scene.elements,
      users: scene.users,
      moveTo: () => undefined,
      channel: () => shown.channel,
      userAzimuthRad: () => shown.userAzimuthRad,
      ...(scene.probe === undefined ? {} : { probe: scene.probe }),
    },
  };
}
