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
  { tell, ended, make }: { tell: (event: News) => void; ended: () => string; make?: () => Promise<Beamformer> },
): Promise<ControlResult> {
  if (model.loading !== undefined) return { ok: false, reason: `'${model.loading}' is being loaded; wait for it` };
  try {
    const change = await model.offer(id, make);
    return change === 'withdrawn' ? { ok: false, reason: ended() } : { ok: true };
  } catch (error) {
    const reason = errorInWords(error);
    tell({
      level: 'warning',
      code: 'model-refused',
      message: make === undefined ? `The model cannot be switched: ${reason}` : `The array cannot be steered so: ${reason}`,
      action: `'${model.current.id}' goes on.`,
    });
    return { ok: false, reason };
  }
}

export const modelSwitched = ({ from, to }: { from: Beamformer; to: Beamformer }): News => ({
  level: 'info',
  code: 'model-switched',
  message:
    to.kind === 'by-hand' ? `By hand: ${to.title}, after '${from.id}'.` : `'${to.id}' chooses the beams, after '${from.id}'.`,
  ...(to.enginesDiffer === true ? { action: `onnxruntime runs it: ${to.engineReason ?? ''}.` } : {}),
});
