/**
 * The simulator as the rest of the rig sees it: a link with a panel at its other end, and where the users' channels come from. Scene, array
 * and virtual panel are built from the rig file and one seed, each from a stream of its own.
 */
import type { Clock } from '../../clock/clock.ts';
import type { Behaviour } from '../../hil-sim/behaviours.ts';
import { createMovingUsers, createRecordedScene } from '../../hil-sim/scene.ts';
import { createSimulatedArray } from '../../hil-sim/simulated-array.ts';
import { createVirtualPanel } from '../../hil-sim/virtual-panel.ts';
import type { VirtualPanel } from '../../hil-sim/virtual-panel.ts';
import type { CMatrix } from '../../signal/complex-matrix.ts';
import type { Random } from '../../signal/random.ts';
import { elementsOf } from '../config/rig-file.ts';
import type { RigFile } from '../config/rig-file.ts';
import { movingUsers, recordedChannels } from '../control/channel-source.ts';
import type { BlockFading } from '../control/channel-source.ts';
import { createLoopbackLink } from '../link/loopback.ts';
import type { LoopbackLink } from '../link/loopback.ts';

export interface Simulator {
  panel: VirtualPanel;
  link: LoopbackLink;
  channels: BlockFading;
}

export interface SimulatorOptions {
  rig: RigFile;
  random: Random;
  clock: Clock;
  /** σ² at each user, linear. */
  noise: number;
  /** Recorded channels instead of moving users; checked against the rig by the caller. */
  recorded?: CMatrix[];
  /** Begin again after the last recorded channel. */
  repeat: boolean;
  /** Faults to play: drops, resets, stalls, … */
  behaviours: readonly Behaviour[];
  /** One-way latency of the loopback link, ms. */
  latencyMs: number;
}

export function assembleSimulator(options: SimulatorOptions): Simulator {
  const { rig, random, clock, noise, recorded, repeat, behaviours, latencyMs } = options;
  const { geometry, rfChains, phaseBits, connection, carrierGhz } = rig.array;
  const array = createSimulatedArray({
    elements: elementsOf(rig),
    rfChains,
    phaseBits,
    connection,
    random: random.stream('array'),
    impairments: rig.simulator.impairments,
  });
  const world = (): BlockFading => {
    if (recorded !== undefined) return recordedChannels(createRecordedScene(recorded), repeat);
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
  };
  const channels = world();
  const panel = createVirtualPanel({ clock, array, scene: channels.scene, noise, random: random.stream('panel'), behaviours });
  const link = createLoopbackLink(panel, clock, { name: 'simulator', latencyMs });
  return { panel, link, channels };
}
