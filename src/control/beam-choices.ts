/** What somebody may choose of a rig's beams while it runs: the model, a beam by hand, and Q. */
import type { Beamformer } from '../beamforming/beamformer.ts';
import { isScan } from '../beamforming/scan-beams.ts';
import type { RigEvent } from '../telemetry/cycle-record.ts';
import type { ActiveBeamformer } from './active-beamformer.ts';
import type { Controller, ControllerState, ControlResult, HandWish } from './controller.ts';
import { MEASURING } from './controller-machine.ts';
import { errorInWords } from './watch/failure-messages.ts';
import { switchModel, switchPhaseBits, switchToHand } from './model-switch.ts';

export type BeamChoices = Pick<Controller, 'switchModel' | 'byHand' | 'scan' | 'setPhaseBits' | 'listBeams'> & {
  /** As somebody looked for them last; undefined before. */
  readonly keptBeams: readonly string[] | undefined;
};

export function createBeamChoices(options: {
  model: ActiveBeamformer;
  /** Beams that somebody asks for; absent: none can be had. */
  byHand: ((wish: HandWish) => Beamformer) | undefined;
  /** Names of those that are kept by now. */
  kept: (() => readonly string[]) | undefined;
  /** Q of the panel's phase shifters. */
  mostPhaseBits: number;
  state: () => ControllerState;
  tell: (event: Omit<RigEvent, 'timeNs'>) => void;
}): BeamChoices {
  const { kept, model, byHand, mostPhaseBits, state, tell } = options;
  const ended = (): string => (state() === 'measuring' ? MEASURING : `the rig is ${state()}`);
  type Telling = Parameters<typeof switchModel>[2];
  const whileItRuns = async (change: (telling: Telling) => Promise<ControlResult>): Promise<ControlResult> =>
    state() === 'running' || state() === 'paused' ? change({ tell, ended }) : { ok: false, reason: ended() };
  let keptBeams: readonly string[] | undefined;
  return {
    get keptBeams() {
      return keptBeams;
    },
    listBeams() {
      try {
        keptBeams = kept?.();
        return { ok: true };
      } catch (error) {
        return { ok: false, reason: errorInWords(error) };
      }
    },
    switchModel: (id) => whileItRuns((telling) => switchModel(model, id, telling)),
    async byHand(wish) {
      if (byHand === undefined) return { ok: false, reason: 'this rig takes no beams by hand' };
      return whileItRuns((telling) => switchToHand(model, () => byHand(wish), telling));
    },
    scan() {
      const { beamformer } = model.current;
      return isScan(beamformer)
        ? { user: beamformer.user, total: beamformer.stops.length, points: beamformer.points }
        : undefined;
    },
    async setPhaseBits(phaseBits) {
      if (!Number.isInteger(phaseBits) || phaseBits < 1 || phaseBits > mostPhaseBits) {
        return {
          ok: false,
          reason: `Q = ${phaseBits} is outside 1 … ${mostPhaseBits}, what the panel's phase shifters can show`,
        };
      }
      return whileItRuns((telling) => switchPhaseBits(model, phaseBits, telling));
    },
  };
}
