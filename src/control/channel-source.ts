/** Where each cycle's channel comes from. */
import type { CMatrix } from '../../core/signal/complex-matrix.ts';
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
  /** The channel of a cycle, which may have to be measured first; undefined when there are no more. */
  take(cycle: number): GivenChannel | undefined | Promise<GivenChannel | undefined>;
}
