/**
 * Where each cycle's channel comes from. The controller takes the channel of a cycle (`take`), computes its beam, and asks the world to be
 * as it was then (`present`) before the beam is radiated and measured: block fading, each cycle its own block. Only the simulator can do
 * that; with hardware `present` does nothing and the channel ages while its beam is computed.
 */
import type { RecordedScene, Scene } from '../../hil-sim/scene.ts';
import type { CMatrix } from '../../signal/complex-matrix.ts';

export interface GivenChannel {
  /** K×N, rows h_kᴴ. */
  channel: CMatrix;
  /** Radians from broadside; empty when nobody knows. */
  userAzimuthRad: Float64Array;
}

export interface ChannelSource {
  /** The channel of a cycle; undefined when there are no more. */
  take(cycle: number): GivenChannel | undefined;
  /** The beam of this cycle is about to be radiated. */
  present(cycle: number): void;
}

/**
 * Users that move: the scene's time at cycle c is c/rateHz, whatever the machine's speed, so that one seed gives one story on a fast machine
 * and on a slow one.
 */
export function movingUsersSource(scene: Scene, rateHz: number): ChannelSource {
  return {
    take(cycle) {
      scene.moveTo(cycle / rateHz);
      return { channel: scene.channel(), userAzimuthRad: scene.userAzimuthRad() };
    },
    present: (cycle) => scene.moveTo(cycle / rateHz),
  };
}

/**
 * Recorded channels, one a cycle.
 * @param repeat begin again after the last one; otherwise the run ends there
 */
export function recordedSource(scene: RecordedScene, repeat: boolean): ChannelSource {
  return {
    take(cycle) {
      if (!repeat && cycle >= scene.count) return undefined;
      scene.select(cycle % scene.count);
      return { channel: scene.channel(), userAzimuthRad: scene.userAzimuthRad() };
    },
    present: (cycle) => scene.select(cycle % scene.count),
  };
}
