/** One interface for whatever chooses the beam: an ONNX model from the zoo, anyone's own, or a baseline. */
import type { Engine } from '../../models/engine/engines.ts';
import type { Feature } from '../../firmware-protocol/messages.ts';
import type { Beam, Problem } from '../../core/signal/beam-contract.ts';

/** An ONNX file, plain code, or beams that somebody chose. */
export type BeamformerKind = 'model' | 'baseline' | 'by-hand';

/** What came of a beam. */
export interface BeamReading {
  /** SINR of each user, dB, as the panels reported it; undefined of a cycle that was void, or whose readings nobody believes. */
  readonly measuredDb: Float64Array | undefined;
  /** As it was expected over the channel that the beam was asked for. */
  readonly predictedDb: Float64Array;
  /** The panels are lost: it was sent to nobody. */
  readonly isAway?: boolean;
}

export interface Beamformer {
  /** 'unfolded-pga-n64', 'aligned', … */
  readonly id: string;
  readonly kind: BeamformerKind;
  /** One line for the page and `beamrig models`. */
  readonly title: string;
  readonly dimensions: { elements: number; rfChains: number; users: number };
  /** Budget of steps that it was opened with, where that could be chosen. */
  readonly steps?: number;
  /** Q of the words that its network chooses among; absent: it gives phases as if any could be shown. */
  readonly phaseBits?: number;
  /** Phases of 1 to so many bits have a network each, opened for just so many; absent: this one serves every Q. */
  readonly mostPhaseBits?: number;
  /** Its network is told what is to be sensed. */
  readonly sensing?: true;
  /** Absent of a baseline, which is plain code. */
  readonly engine?: Engine;
  /** Why onnxruntime runs it where the compiled engine would have been taken. */
  readonly engineReason?: string;
  /** It could be compiled, and did not compute the same: somebody should know. */
  readonly enginesDiffer?: true;
  /** What a panel must have to show its beams. */
  readonly takes?: readonly Feature[];
  /** Of a beam that was kept: id of the tables that its words were chosen by; 'none': ideal states. */
  readonly madeBy?: string;
  compute(problem: Problem): Promise<Beam>;
  /**
   * For one that looks for its users with beams: what came of a beam that `compute` gave. Not every beam comes to be radiated.
   * @returns words for whoever watches, where there is news
   */
  heard?(beam: Beam, reading: BeamReading): string | undefined;
  close(): Promise<void>;
}
