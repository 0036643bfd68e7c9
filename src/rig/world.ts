/**
 * The world of a rig's simulator: its users and their channels, as the controller's source and as the scene its panel radiates into. It
 * depends on rig file, seed and recorded channels alone, so that a panel in a process of its own stands in the very same one.
 *
 * Beam b ≥ 1 of a run belongs to cycle b − 1: whoever radiates it shows that cycle's channel first (`showBeam`).
 */
import { createMovingUsers, createRecordedScene } from '../../hil-sim/scene.ts';
import type { CMatrix } from '../../signal/complex-matrix.ts';
import type { Random } from '../../signal/random.ts';
import type { RigFile } from '../config/rig-file.ts';
import { movingUsers, recordedChannels } from '../control/channel-source.ts';
import type { BlockFading } from '../control/channel-source.ts';

export interface WorldOptions {
  rig: RigFile;
  /** The simulator's: `createRandom(seed).stream('simulator')`. */
  random: Random;
  /** Recorded channels instead of moving users; checked against the rig by the caller. */
  recorded?: CMatrix[];
  /** Begin again after the last recorded channel. */
  repeat: boolean;
}

export function createWorld({ rig, random, recorded, repeat }: WorldOptions): BlockFading {
  if (recorded !== undefined) return recordedChannels(createRecordedScene(recorded), repeat);
  const { geometry, carrierGhz } = rig.array;
  const scene = createMovingUsers({
    geometry,
    users: rig.users.count,
    paths: rig.simulator.channel.paths,
    scale: rig.simulator.channel.scale,
    speedMps: rig.simulator.userSpeedMps,
    carrierGhz,
    random: random.stream('scene'),
  });
  return movingUsers(scene, rig.loop.rateHz);
}

/** Puts the world where it was when this beam was worked out: what a panel does that has no controller in its process. */
export function showBeam(world: BlockFading, beamId: number): void {
  if (beamId < 1) return;
  world.take(beamId - 1);
  world.present(beamId - 1);
}
