/** A beamformer without learning, by name: it computes in this thread, so it is for comparison and not for the fastest loops. */
import { BeamrigError } from '../../core/errors/beamrig-error.ts';
import { BASELINE_NAMES, BASELINES, baselineMisfit, isBaselineName, runBaseline } from '../../models/baselines/baselines.ts';
import { connectionMask } from '../../core/signal/geometry.ts';
import type { Beamformer } from './beamformer.ts';
import type { BeamformerNeeds } from './onnx-beamformer.ts';

/**
 * @param deadlineMs a beam that took longer is none: nothing can be done meanwhile, so that a slow one is found out by its end
 * @throws {BeamrigError} 'model-missing' when there is no such baseline, 'model-mismatch' when it is not for such an array
 */
export function openBaseline(name: string, needs: BeamformerNeeds, deadlineMs: number): Beamformer {
  if (!isBaselineName(name)) {
    throw new BeamrigError('model-missing', `There is no baseline '${name}'.`, {
      wayOut: `Baselines are ${BASELINE_NAMES.join(', ')}.`,
    });
  }
  const misfit = baselineMisfit(name, needs);
  if (misfit !== undefined) {
    throw new BeamrigError('model-mismatch', misfit, { wayOut: "Choose 'phase-extraction', which serves every array." });
  }
  const { elements, rfChains, users, connection = 'full' } = needs;
  const mask = connection === 'full' ? {} : { connection: connectionMask(connection, elements, rfChains) };
  return {
    id: name,
    kind: 'baseline',
    title: BASELINES.find((baseline) => baseline.name === name)?.title ?? name,
    dimensions: { elements, rfChains, users },
    compute: async (problem) => {
      const { channel } = problem;
      if (channel.rows !== users || channel.cols !== elements) {
        throw new BeamrigError('shape', `'${name}' was opened for ${users}×${elements}, got ${channel.rows}×${channel.cols}`);
      }
      const beginMs = performance.now();
      const beam = runBaseline(name, { ...problem, rfChains, ...mask });
      if (performance.now() - beginMs <= deadlineMs) return beam;
      throw new BeamrigError('model-slow', `the baseline '${name}' took longer for its beam than ${deadlineMs} ms`, {
        wayOut: 'Choose a faster model, or a longer beamformer.deadlineMs in the rig file.',
      });
    },
    close: async () => undefined,
  };
}
