/** A panel's failure as a person reads it in the record, on the page and in the log: which rung gave up, and what is known of the beam. */
import { isBeamrigError } from '../../../core/errors/beamrig-error.ts';
import { counted } from '../../../core/errors/counted.ts';
import type { PanelFailure } from '../../panel/panel.ts';

/** One sentence, without a full stop, naming the request and the values that differ. */
export function panelFailureMessage(failure: PanelFailure): string {
  const which = failure.panel === undefined ? '' : `panel ${failure.panel}: `;
  return which + reasonMessage(failure);
}

/** The same without the panel's name, where the sentence around it has it. */
export function reasonMessage(failure: PanelFailure): string {
  switch (failure.reason) {
    case 'link-closed':
      return failure.cause === 'not-connected' || failure.cause === 'handshake'
        ? `there is no session with it (${failure.detail})`
        : `the link is closed (${failure.detail}); nothing was sent`;
    case 'not-staged':
      return `the panel lacks the beam from word ${failure.firstMissingWord} on; nothing was switched`;
    case 'rejected':
      if (failure.code === 'fault')
        return `the panel is in fault (its code ${failure.detail}), which is dark; it refused ${failure.request}`;
      return `the panel refused ${failure.request}: ${failure.code} (detail ${failure.detail}); nothing was switched`;
    case 'not-sent':
      return `${failure.request} was not sent: ${failure.detail}`;
    case 'other-beam': {
      const answered = failure.told === 0 ? 'no beam' : `beam ${failure.told}`;
      return `${failure.request} was asked of beam ${failure.asked}, and the answer is of ${answered}`;
    }
    case 'still-waiting':
      return `the panel says ${Math.round(failure.lateMs)} ms after the time of beam ${failure.beamId} that it is still to come; it may switch at any moment`;
    case 'clock-jumped':
      return `the panel's clock jumped by ${Math.round(failure.byMs)} ms: parts of the beam may have been switched so far apart`;
    case 'no-answer': {
      const beam = GREETINGS.has(failure.request) ? '' : '; what the panel radiates is unknown';
      const instead = failure.discarded === undefined ? '' : ` (answered, discarded: ${failure.discarded})`;
      return `no answer to ${failure.request} after ${counted(failure.attempts, 'attempt')} in ${Math.round(failure.waitedMs)} ms${instead}${beam}`;
    }
    case 'unusable-report':
      return `the panel's answer to ${failure.request} cannot be used: ${failure.detail}`;
    case 'read-back-differs':
      return `beam ${failure.beamId} came back with checksum ${hex(failure.actualCrc32c)} instead of ${hex(failure.expectedCrc32c)}`;
    case 'panel-restarted':
      return `the panel restarted (${failure.detail}); its beam is gone`;
    case 'session-over':
      return `the panel refused ${failure.request}: it has heard nothing for longer than it was told, and made itself safe; nothing was switched`;
    case 'silent':
      return `it was asked and said nothing for ${Math.round(failure.quietMs)} ms, longer than the ${failure.limitMs} ms it may be without us; its safe state was commanded blind`;
    case 'no-good-cycle': {
      const newest = failure.newest === undefined ? '' : ` (the newest: ${failure.newest})`;
      return `it radiated for ${Math.round(failure.litMs)} ms without one good cycle${newest}; its safe state was commanded blind`;
    }
    case 'made-safe':
      return 'the safe state was commanded meanwhile; nothing more of this beam was sent';
    case 'protocol-version':
      return `the panel speaks protocol version ${failure.panelMajor}, this program ${failure.ours}`;
    case 'wrong-panel':
      return `the panel's ${failure.field} is ${failure.actual}, the rig wants ${failure.expected}`;
    case 'not-authenticated':
      return `the frames could not be authenticated (${failure.detail})`;
    case 'array-split': {
      const missed = failure.missed.map(({ panel, failure: why }) => `${panel} did not (${reasonMessage(why)})`).join(', ');
      return `the array is split: ${failure.switched.join(', ') || 'no panel'} switched, ${missed}; what it radiates is no beam`;
    }
  }
}

/** Requests of a handshake: nothing was asked of the beam yet. */
const GREETINGS: ReadonlySet<string> = new Set(['hello', 'challenge']);

const hex = (crc: number): string => `0x${crc.toString(16).padStart(8, '0')}`;

/** What was thrown, and the way out where it has one. */
export function errorInWords(error: unknown): string {
  if (!isBeamrigError(error)) return error instanceof Error ? error.message : String(error);
  return error.wayOut === undefined ? error.message : `${error.message} ${error.wayOut}`;
}
