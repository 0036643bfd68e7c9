/**
 * Where each cycle's channel comes from. The controller takes the channel of a cycle (`take`), computes its beam, and says when that beam is
 * about to be radiated (`present`). With hardware `present` means nothing: the channel has aged meanwhile. The simulator shows its panel
 * exactly the channel that the beam was computed for, so each cycle is a block of its own (block fading), pipelined or not.
 */
import type { RecordedScene, Scene } from '../../hil-sim/scene.ts';
import type { CMatrix } from '../../signal/complex-matrix.ts';
import type { ChannelOrigin } from '../telemetry/cycle-record.ts';

export interface GivenChannel {
  /** K×N, rows h_kᴴ. */
  channel: CMatrix;
  /** Radians from broadside; empty when nobody knows. */
  userAzimuthRad: Float64Array;
}

export interface ChannelSource {
  /** What every record says of it. */
  readonly origin: ChannelOrigin;
  /** The channel of a cycle; undefined when there are no more. */
  take(cycle: number): GivenChannel | undefined;
  /** The beam of this cycle is about to be radiated. */
  present(cycle: number): void;
}

/** A simulated world, seen by the controller as a source of channels and by the panel as a scene that holds still for a cycle. */
export interface BlockFading extends ChannelSource {
  readonly scene: Scene;
}

/**
 * Users that move: the scene's time at cycle c is c/rateHz, whatever the machine's speed, so that one seed gives one story on a fast machine
 * and on a slow one.
 */
export const movingUsers = (scene: Scene, rateHz: number): BlockFading =>
  blockFading('simulation', scene, (cycle) => {
    scene.moveTo(cycle / rateHz);
    return { channel: scene.channel(), userAzimuthRad: scene.userAzimuthRad() };
  });

/**
 * Recorded channels, one a cycle.
 * @param repeat begin again after the last one; otherwise the run ends there
 */
export const recordedChannels = (scene: RecordedScene, repeat: boolean): BlockFading =>
  blockFading('file', scene, (cycle) => {
    if (!repeat && cycle >= scene.count) return undefined;
    scene.select(cycle % scene.count);
    return { channel: scene.channel(), userAzimuthRad: scene.userAzimuthRad() };
  });

function blockFading(origin: ChannelOrigin, world: Scene, at: (cycle: number) => GivenChannel | undefined): BlockFading {
  let shown: GivenChannel = { channel: world.channel(), userAzimuthRad: world.userAzimuthRad() };
  /** Taken and not radiated yet: one, or two when pipelined. */
  const taken = new Map<number, GivenChannel>();
  return {
    origin,
    take(cycle) {
      const given = at(cycle);
      if (given !== undefined) taken.set(cycle, given);
      return given;
    },
    present(cycle) {
      shown = taken.get(cycle) ?? shown;
      for (const known of taken.keys()) if (known <= cycle) taken.delete(known);
    },
    scene: {
      elements: world.elements,
      users: world.users,
      moveTo: () => undefined,
      channel: () => shown.channel,
      userAzimuthRad: () => shown.userAzimuthRad,
    },
  };
}
