/** One interface for whatever chooses the beam: an ONNX model from the zoo, anyone's own, or a baseline. */
import type { Beam, Problem } from '../../core/signal/beam-contract.ts';

export interface Beamformer {
  /** 'unfolded-pga-n64', 'aligned', … */
  readonly id: string;
  readonly kind: 'model' | 'baseline';
  /** One line for the page and `beamrig models`. */
  readonly title: string;
  readonly dimensions: { elements: number; rfChains: number; users: number };
  compute(problem: Problem): Promise<Beam>;
  close(): Promise<void>;
}
