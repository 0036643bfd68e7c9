/**
 * The id of each beam. Ids count up and never come twice within a session, because the panel refuses what is not newer than what it has seen;
 * when the 2³² of them have been used up, a new handshake starts a session whose ids begin again.
 */
import type { BeamId } from '../../firmware-protocol/messages.ts';
import type { Panel } from '../panel/panel.ts';

const LAST_BEAM_ID = 0xffffffff;

export interface BeamIds {
  /** The next id. Shakes hands first when there is none left; should that fail, the panel refuses the beam, and the next one tries again. */
  take(): Promise<BeamId>;
  /** The panel has seen this id already: go on above it. */
  passed(newest: BeamId): void;
}

export function createBeamIds(panel: Pick<Panel, 'connect'>): BeamIds {
  let next: BeamId = 1;
  return {
    async take() {
      if (next > LAST_BEAM_ID && (await panel.connect()).ok) next = 1;
      return next > LAST_BEAM_ID ? LAST_BEAM_ID : next++;
    },
    passed(newest) {
      next = Math.max(next, newest + 1);
    },
  };
}
