/** What is answered and told where another model is to choose the beams, or their phases are to have other bits. */
import { counted } from '../../core/errors/counted.ts';
import type { Beamformer } from '../beamforming/beamformer.ts';
import type { RigEvent } from '../telemetry/cycle-record.ts';
import type { ActiveBeamformer } from './active-beamformer.ts';
import type { ControlResult } from './controller.ts';
import { errorInWords } from './watch/failure-messages.ts';

type News = Omit<RigEvent, 'timeNs'>;

interface Telling {
  tell: (event: News) => void;
  /** Why it did not come to be, where the rig has stopped meanwhile. */
  ended: () => string;
}

const SUPERSEDED = 'something else was chosen before the next cycle';

/** Answered once the model has taken its place. */
export function switchModel(model: ActiveBeamformer, id: string, telling: Telling): Promise<ControlResult> {
  return offered(model, id, model.current.phaseBits, 'The model cannot be switched', telling);
}

/** Answered once a beam that somebody asks for has taken the model's place. */
export function switchToHand(model: ActiveBeamformer, make: () => Beamformer, telling: Telling): Promise<ControlResult> {
  return offered(model, 'a beam by hand', model.current.phaseBits, 'The array cannot be steered so', telling, make);
}

/** Answered once words have so many bits: at once, or where the model has a network for just so many, once that has taken its place. */
export async function switchPhaseBits(model: ActiveBeamformer, phaseBits: number, telling: Telling): Promise<ControlResult> {
  const { beamformer, phaseBits: before } = model.current;
  // Which network Q is changed of is open until then.
  if (model.waiting !== undefined) return { ok: false, reason: `'${model.waiting}' is about to choose the beams; wait for it` };
  if (phaseBits === before && model.loading === undefined) return { ok: true };
  const refusal = `Phases cannot have ${counted(phaseBits, 'bit')}`;
  const result = await offered(model, beamformer.id, phaseBits, refusal, telling);
  if (result.ok) telling.tell(phasesHave(phaseBits, beamformer, model.current.beamformer));
  return result;
}

async function offered(
  model: ActiveBeamformer,
  id: string,
  phaseBits: number,
  refusal: string,
  { tell, ended }: Telling,
  make?: () => Beamformer,
): Promise<ControlResult> {
  if (model.loading !== undefined) return { ok: false, reason: `'${model.loading}' is being loaded; wait for it` };
  try {
    const change = await model.offer(id, phaseBits, make);
    if (change === 'superseded') return { ok: false, reason: SUPERSEDED };
    return change === 'withdrawn' ? { ok: false, reason: ended() } : { ok: true };
  } catch (error) {
    const reason = errorInWords(error);
    const { beamformer, phaseBits: kept } = model.current;
    tell({
      level: 'warning',
      code: 'model-refused',
      message: `${refusal}: ${reason}`,
      action: `'${beamformer.id}' goes on${phaseBits === kept ? '' : ` with ${counted(kept, 'bit')}`}.`,
    });
    return { ok: false, reason };
  }
}

function phasesHave(phaseBits: number, from: Beamformer, { id, phaseBits: words }: Beamformer): News {
  const network = words === undefined ? 'computes phases as if any could be shown' : 'chooses among those words';
  return {
    level: 'info',
    code: 'phase-bits',
    message: `Phases have ${counted(phaseBits, 'bit')} from the next cycle on.`,
    ...(from.phaseBits === words ? {} : { action: `Another network of '${id}' ${network}.` }),
  };
}

/** Undefined where it is another network of the same model: that is told with the bits that it is for. */
export const modelSwitched = ({ from, to }: { from: Beamformer; to: Beamformer }): News | undefined =>
  to.id === from.id && to.kind !== 'by-hand'
    ? undefined
    : {
        level: 'info',
        code: 'model-switched',
        message:
          to.kind === 'by-hand'
            ? `By hand: ${to.title}, after '${from.id}'.`
            : `'${to.id}' chooses the beams, after '${from.id}'.`,
        ...(to.enginesDiffer === true ? { action: `onnxruntime runs it: ${to.engineReason ?? ''}.` } : {}),
      };
