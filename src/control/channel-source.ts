/** Where each cycle's channel comes from. */
import type { Beam, RealisedBeam } from '../../core/signal/beam-contract.ts';
import type { CMatrix } from '../../core/signal/complex-matrix.ts';
import type { ChannelOrigin, SoundingUsed, Stage } from '../telemetry/cycle-record.ts';

export interface GivenChannel {
  /** K×N, rows h_kᴴ. */
  channel: CMatrix;
  /** Radians from broadside; empty when nobody knows. */
  userAzimuthRad: Float64Array;
  /** Words that the channel was sounded through: they stand, with D for it, and no beamformer is asked. */
  standing?: StandingBeam;
  /** Of a channel that was sounded: what that took. */
  sounding?: SoundingUsed;
  /** Time that was spent on it before its cycle, ms: counted with the cycle's own. */
  beforeMs?: Partial<Record<Stage, number>>;
}

export interface StandingBeam {
  /** Who chose the phases, and Q of the words. */
  modelId: string;
  phaseBits: number;
  beam: Beam;
  realised: RealisedBeam;
}

export interface ChannelSource {
  /** What every record says of it. */
  readonly origin: ChannelOrigin;
  /** The channel of a slot, which may have to be measured first; undefined when there are no more. */
  take(slot: number): GivenChannel | undefined | Promise<GivenChannel | undefined>;
  /** For people: how it is known, and how old it is, where that is more than `origin` says. */
  about?(): string;
}
