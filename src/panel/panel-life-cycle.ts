/**
 * The life of a panel as this program knows it, as a pure function: no clock, no link, no promise. The driver of one panel holds it of its session
 * (panel-session.ts), an array of several has it of theirs (`lifeOfArray`), and the recovery in src/control holds it of what cycles run on.
 *
 *   closed ── connect ─► handshake ── shaken ─► session ── ended, or unanswered too often ─► lost ── connect ─► handshake …
 *     ▲                     └── failed ─► closed, or unusable where no handshake can ever end well
 *     └── closed (by us) ── from anywhere
 *
 * Every state says why there is no session, or why there was none before it: what was begun in another one is refused with that. `era` counts what
 * makes everything void that was begun before: whoever waits compares it, and goes on only if it is the same.
 */
import type { Capabilities } from '../../firmware-protocol/messages.ts';
import type { PanelFailure, PanelLife } from './panel.ts';
import { connectFirst } from './session-ends.ts';

export type LifeInput<S> =
  | { input: 'connect'; why?: PanelFailure }
  | { input: 'shaken'; session: S }
  /** The link did not open, or the handshake came to this; of one that was overtaken (another era), nothing is said. */
  | { input: 'not-shaken'; why: PanelFailure }
  /** Something that was asked in the session came to this; it is lost after `patience` of them without an answer. */
  | { input: 'failed'; failure: PanelFailure; patience: number }
  /** It did what it was asked. */
  | { input: 'worked' }
  /** Whatever it may still answer: given up, or known to be gone. */
  | { input: 'ended'; why: PanelFailure }
  /** It was commanded to be safe: the session goes on, and nothing that was begun in it. */
  | { input: 'made-safe' }
  | { input: 'closed' };

/**
 * What a failure says of the session that it came in. 'over': there is none any more. 'unanswered': nobody knows. 'goes-on': an answer, or a word of
 * this program's own. 'unusable': it can never work with this rig. 'parts': as bad as the worst of the panels that it names.
 */
type Meaning = 'over' | 'unanswered' | 'goes-on' | 'ours' | 'unusable' | 'parts';

const MEANING: Record<PanelFailure['reason'], Meaning> = {
  'link-closed': 'over',
  'panel-restarted': 'over',
  'session-over': 'over',
  silent: 'over',
  'not-authenticated': 'over',
  'no-good-cycle': 'over',
  'no-answer': 'unanswered',
  'not-staged': 'goes-on',
  'not-sent': 'goes-on',
  'other-beam': 'goes-on',
  'still-waiting': 'goes-on',
  'clock-jumped': 'goes-on',
  rejected: 'goes-on',
  'unusable-report': 'goes-on',
  'read-back-differs': 'goes-on',
  'made-safe': 'ours',
  'protocol-version': 'unusable',
  'wrong-panel': 'unusable',
  'array-split': 'parts',
};

export const meaningOf = (failure: PanelFailure): Meaning => MEANING[failure.reason];

/** The session that the failure came in is over; known of some failures of parts, too, but those are judged one by one. */
export const endsSession = (failure: PanelFailure): boolean => meaningOf(failure) === 'over';

/** The panel shows no beam of ours any more: it has forgotten them, or has made itself safe. */
export const isDarkAfter = ({ reason }: PanelFailure): boolean => reason === 'panel-restarted' || reason === 'session-over';

/** The failures of one panel each that a failure consists of, with the panel's name where it has one. */
export function partsOf(failure: PanelFailure): PanelFailure[] {
  if (failure.reason !== 'array-split') return [failure];
  return failure.missed.flatMap(({ panel, failure: why }) => partsOf({ ...why, panel: why.panel ?? panel }));
}

/** The codes of a failure without its figures: the same for the same cause. */
export function causeKey(failure: PanelFailure): string {
  const { panel = '', reason } = failure;
  const code = 'cause' in failure ? failure.cause : 'code' in failure ? failure.code : 'field' in failure ? failure.field : '';
  return [panel, reason, code].join(' ');
}

export const born = <S>(why?: PanelFailure): PanelLife<S> => ({ state: 'closed', era: 0, why });

export const inSession = <S>(session: S): PanelLife<S> => ({ state: 'session', era: 0, why: undefined, session, unanswered: 0 });

export const sessionOf = <S>(life: PanelLife<S>): S | undefined => (life.state === 'session' ? life.session : undefined);

const MADE_SAFE: PanelFailure = { reason: 'made-safe' };

/** The life after an input. The very same object where it changes nothing. */
export function next<S>(life: PanelLife<S>, given: LifeInput<S>): PanelLife<S> {
  const era = life.era + 1;
  switch (given.input) {
    case 'connect':
      return { state: 'handshake', era, why: given.why ?? life.why };
    case 'shaken':
      // Whoever was overtaken by a loss has no session to bring.
      if (life.state !== 'handshake') return life;
      return { state: 'session', era: life.era, why: life.why, session: given.session, unanswered: 0 };
    case 'not-shaken': {
      if (life.state === 'session') return life;
      const why = isSilenceStill(life.why, given.why) ? life.why : given.why;
      return { state: partsOf(given.why).some(isUnusable) ? 'unusable' : 'closed', era: life.era, why };
    }
    case 'failed':
      return life.state === 'session' ? afterFailure(life, given.failure, given.patience) : life;
    case 'worked':
      return life.state === 'session' && life.unanswered > 0 ? { ...life, unanswered: 0 } : life;
    case 'ended':
      return { state: 'lost', era, why: given.why };
    case 'made-safe':
      // The same session of the panel, and another one for whatever was begun in it.
      return life.state === 'session' ? { ...life, era, why: MADE_SAFE, session: { ...life.session } } : life;
    case 'closed':
      return { state: 'closed', era, why: life.why };
  }
}

const isUnusable = (failure: PanelFailure): boolean => meaningOf(failure) === 'unusable';

function afterFailure<S>(life: PanelLife<S> & { state: 'session' }, failure: PanelFailure, patience: number): PanelLife<S> {
  let { unanswered } = life;
  for (const part of partsOf(failure)) {
    switch (meaningOf(part)) {
      case 'over':
        return { state: 'lost', era: life.era + 1, why: part };
      case 'unusable':
        return { state: 'unusable', era: life.era + 1, why: part };
      case 'unanswered':
        unanswered += 1;
        if (unanswered >= patience) return { state: 'lost', era: life.era + 1, why: part };
        break;
      case 'goes-on':
        unanswered = 0;
        break;
      case 'ours':
      case 'parts':
        break;
    }
  }
  return unanswered === life.unanswered ? life : { ...life, unanswered };
}

/** Silence that goes on is the same reason; only its figures change. */
function isSilenceStill(before: PanelFailure | undefined, now: PanelFailure): boolean {
  if (before === undefined || now.reason !== 'no-answer') return false;
  return (before.reason === 'no-answer' || before.reason === 'silent') && before.panel === now.panel;
}

/** One panel of an array. */
export interface MemberLife {
  name: string;
  life: PanelLife<{ capabilities: Capabilities }>;
  /** What it said of itself when the array was put together; undefined before that. */
  joined: Capabilities | undefined;
}

/**
 * The life of an array, of nothing but those of its panels: a session where every panel is in the very one that it was put together with. Else it is
 * what the first panel is that is not, and for that one's reason.
 */
export function lifeOfArray<T>(members: readonly MemberLife[], together: () => T): PanelLife<T> {
  const era = members.reduce((sum, { life }) => sum + life.era, 0);
  for (const { name, life, joined } of members) {
    if (life.state !== 'session') return { state: life.state, era, why: life.why && { panel: name, ...life.why } };
    if (life.session.capabilities !== joined) return { state: 'closed', era, why: connectFirst(name) };
  }
  return { state: 'session', era, why: undefined, session: together(), unanswered: 0 };
}
