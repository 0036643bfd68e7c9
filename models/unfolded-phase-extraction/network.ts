/**
 * Phase extraction on the row space of H, unfolded: a few layers whose momentum is learned, then the digital precoder by weighted MMSE whose
 * extrapolation is learned.
 *
 * With K ≤ M the best digital precoder is Hᴴ·(something K×K): it lives in the row space of H. So the columns of A need only span that space,
 * and which basis they span it by is D's affair. With Q an orthonormal basis of Hᴴ, the nearest such N×M matrix to A is Q·B, B the polar
 * factor of QᴴA; its phases are the next A. No step size, O(N·K·M) a layer.
 *
 * Source: phase extraction after Yu, Shen, Zhang and Letaief, IEEE J. Sel. Topics Signal Process. 10(3), 2016, on the row space of H in place
 * of a target precoder.
 *
 * All shapes carry the batch B first. N elements, M = K chains and users.
 */
import { BeamrigError } from '../../core/errors/beamrig-error.ts';
import { counted } from '../../core/errors/counted.ts';
import type { Complex } from '../graph/complex.ts';
import {
  add,
  complex,
  hermitian,
  orthonormalBasis,
  polarFactor,
  product,
  scale,
  subtract,
  unitModulus,
  withPhase,
} from '../graph/complex.ts';
import type { Tensor } from '../graph/graph.ts';
import * as ops from '../graph/ops.ts';
import { scan } from '../graph/scan.ts';
import type { NetworkDimensions, NormalisedChannel } from '../network-ends.ts';
import { digitalByWeightedMmse } from './weighted-mmse.ts';

/** What is learned, one number a layer or step: [L, B|1]. */
export interface LearnedSteps {
  /** β, how far a layer goes on in the direction in which Q·B moved. */
  momentum: Tensor;
  /** ω, how far a step of weighted MMSE goes on, at 10 dB, and how much further for 10 dB more. */
  extrapolation: Tensor;
  extrapolationSlope: Tensor;
}

/** Newton steps of a polar factor: 3, 5 and 8 give the same rate to a thousandth of a bit, for a layer repairs what the one before left. */
const NEWTON_STEPS = 4;

/** A of the last layer, and D at unit power. */
export function unfoldedPhaseExtraction(
  { channel, noise }: NormalisedChannel,
  { momentum, extrapolation, extrapolationSlope }: LearnedSteps,
  { elements, rfChains, users }: NetworkDimensions,
): { analog: Complex; digital: Complex } {
  if (rfChains !== users) {
    throw new BeamrigError(
      'argument',
      `unfolded-phase-extraction: ${counted(rfChains, 'RF chain')} for ${counted(users, 'user')}; the network needs as many chains as users`,
      { wayOut: 'use a baseline, or a rig with as many RF chains as users' },
    );
  }
  const { graph } = channel.parts;
  const channelHermitian = hermitian(channel);
  const basis = orthonormalBasis(channelHermitian); // Q, [B, N, 2K]
  const basisHermitian = hermitian(basis);
  const start = unitModulus(withPhase(channelHermitian)); // A₀ = exp(j·angle(Hᴴ))
  const perElement = graph.constant(1 / Math.sqrt(elements)); // a column of Q·B has length 1, one of A √N
  const layers = scan(
    [start.parts, scale(start, perElement).parts],
    [ops.unsqueeze(momentum, [2, 3])], // [L, B|1, 1, 1]
    ([shown, before], [beta]) => {
      const analog = complex(shown);
      const target = product(basis, polarFactor(product(basisHermitian, analog), NEWTON_STEPS)); // Q·B
      const moved = scale(subtract(target, complex(before)), beta); // β·(Q·B − Q·B of the layer before)
      // A millionth of A: an element that hears nobody keeps its phase.
      const kept = scale(analog, graph.constant(1e-6));
      const next = unitModulus(add(add(target, moved), kept)); // A ← exp(j∠(Q·B + β·(…)))
      return { carries: [next.parts, target.parts] };
    },
  );
  const analog = complex(layers.carries[0]);
  const omega = ops.add(extrapolation, ops.multiply(extrapolationSlope, tensOfDecibels(noise)));
  return { analog, digital: digitalByWeightedMmse(channel, analog, noise, omega) };
}

/** (SNR − 10 dB)∕10 dB, [B], held at its ends beyond −8 and 22 dB, where nothing is trained by default. @param noise σ²∕P for ‖H‖²_F = K·N */
function tensOfDecibels(noise: Tensor): Tensor {
  const { graph } = noise;
  const free = ops.subtract(ops.multiply(ops.log(noise), graph.constant(-1 / Math.LN10)), graph.constant(1));
  return ops.maximum(ops.minimum(free, graph.constant(1.2)), graph.constant(-1.8));
}
