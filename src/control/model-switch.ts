/** What is answered and told where another model is to choose the beams. */
import type { Beamformer } from '../beamforming/beamformer.ts';
import type { RigEvent } from '../telemetry/cycle-record.ts';
import type { ActiveBeamformer } from './active-beamformer.ts';
import type { ControlResult } from './controller.ts';
import { errorInWords } from './watch/failure-messages.ts';

type News = Omit<RigEvent, 'timeNs'>;

/** Answered once the model has taken its place. @param ended why it did not, where the rig has stopped meanwhile */
export async function switchModel(
  model: ActiveBeamformer,
  id: string,
  { tell, ended }: { tell: (event: News) => void; ended: () => string },
): Promise<ControlResult> {
  if (model.loading !== undefined) return { ok: false, reason: `'${model.loading}' is being loaded; wait for it` };
  try {
    const change = await model.offer(id);
    return change === 'withdrawn' ? { ok: false, reason: ended() } : { ok: true };
  } catch (error) {
    const reason = errorInWords(error);
    tell({
      level: 'warning',
      code: 'model-refused',
      message: `The model cannot be switched: ${reason}`,
      action: `'${model.current.id}' goes on.`,
    });
    return { ok: false, reason };
  }
}

export const modelSwitched = ({ from, to }: { from: Beamformer; to: Beamformer }): News => ({
  level: 'info',
  code: 'model-switched',
  message: `'${to.id}' chooses the beams, after '${from.id}'.`,
  ...(to.enginesDiffer === true ? { action: `onnxruntime runs it: ${to.engineReason ?? ''}.` } : {}),
});
