/**
 * One interface for whatever chooses the beam: an ONNX model from the zoo, anyone's own, or a baseline. H is K×N with rows h_kᴴ; power and
 * noise are linear; A = exp(jφ) is N×M, D is M×K with ‖A·D‖²_F = power.
 */
import type { CMatrix } from '../../signal/complex-matrix.ts';

export interface BeamRequest {
  channel: CMatrix;
  power: number;
  noise: number;
}

export interface HybridBeam {
  /** φ, radians, N·M row-major. */
  analogPhase: Float64Array;
  digital: CMatrix;
  /** ‖A·D‖²_F / power as the beamformer gave it, where it was measured; D is scaled to full power since. */
  powerRatio?: number;
}

export interface Beamformer {
  /** 'unfolded-pga-n64', 'aligned', … */
  readonly id: string;
  readonly kind: 'model' | 'baseline';
  /** One line for the page and `beamrig models`. */
  readonly title: string;
  readonly dimensions: { elements: number; rfChains: number; users: number };
  compute(request: BeamRequest): Promise<HybridBeam>;
  close(): Promise<void>;
}
