/** Whatever can choose the beams of a rig, by the name that the rig file, the command line or the page gives it. */
import { isBeamrigError } from '../../core/errors/beamrig-error.ts';
import { BASELINES, baselineMisfit, isBaselineName } from '../../models/baselines/baselines.ts';
import { listModels } from '../../models/zoo.ts';
import { openBaseline } from './baseline-beamformer.ts';
import type { Beamformer } from './beamformer.ts';
import { misfit, openModel, titleFor } from './onnx-beamformer.ts';
import type { BeamformerNeeds, ModelOptions } from './onnx-beamformer.ts';

/**
 * Opens a baseline by its name, or else a model by its id or path, checked against the rig.
 * @throws {BeamrigError} 'model-missing', 'model-damaged', 'model-mismatch', 'model-slow'
 */
export async function openBeamformer(id: string, needs: BeamformerNeeds, options: ModelOptions): Promise<Beamformer> {
  return isBaselineName(id) ? openBaseline(id, needs, options.deadlineMs) : openModel(id, needs, options);
}

/** Models of the zoo whose cards fit the rig, then the baselines: what a person may choose. */
export function listFittingBeamformers(needs: BeamformerNeeds): { id: string; title: string; kind: 'model' | 'baseline' }[] {
  const baselines = BASELINES.filter(({ name }) => baselineMisfit(name, needs) === undefined).map(({ name, title }) => ({
    id: name,
    title,
    kind: 'baseline' as const,
  }));
  try {
    const models = listModels().filter(({ card }) => misfit(card, needs) === undefined);
    return [...models.map(({ id, card }) => ({ id, title: titleFor(card, needs), kind: 'model' as const })), ...baselines];
  } catch (error) {
    // A zoo with a broken card in it still leaves the baselines; opening the model names what is wrong.
    if (isBeamrigError(error)) return baselines;
    throw error;
  }
}
