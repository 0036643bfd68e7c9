/**
 * The way of a panel to a state that is safe, in the order in which it is tried. Each rung is there for those that do not reach the one before:
 *
 *   1 blind    the safe state is sent at once and again, and nobody is waited for                     blind-safety.ts, `commandSafe`
 *   2 asked    it is asked for, and again where the panel says no: it may be busy                     `askDown`
 *   3 darker   a panel that lacks what the state takes (room for the fixed beam, say) is muted        `darker`
 *   4 ended    the session is given up with the state commanded blind, and confirmed before the next   panel-session.ts, host-silence.ts
 *   5 its own  the panel hears nothing for as long as it was told, and goes there by itself            `silenceMs` of the order
 *
 * Who needs an array to be safe asks here for the rungs that wait for an answer, and nowhere else.
 */
import type { SafeState } from '../../firmware-protocol/messages.ts';
import { meaningOf } from './panel-life-cycle.ts';
import type { PanelFailure, Result } from './panel.ts';

/** What the panel is to show, and after which silence it goes there by itself. */
export interface SafeOrder {
  state: SafeState;
  position: number;
  silenceMs: number;
}

/** What a panel can always do that does not take this state. */
export const darker = (order: SafeOrder): SafeOrder | undefined =>
  order.state === 'mute' ? undefined : { ...order, state: 'mute' };

/** What panels show that are not one array: to hold what they radiate would be to hold parts of two beams. */
export const ofParts = (state: SafeState): SafeState => (state === 'hold' ? 'mute' : state);

/** Has the panel take one of them: there and then, or for when it hears nothing. */
export type AskSafe = (order: SafeOrder) => Promise<Result<unknown>>;

export type Descent =
  /** `refusal`: what it said to the state that was wanted, where another one came of it. */
  { ok: true; safe: SafeOrder; refusal?: PanelFailure } | { ok: false; failure: PanelFailure; refusal?: PanelFailure };

/**
 * Rungs 2 and 3. Only a panel that answers can say no; without an answer, or a session, nothing more is asked, and the rungs around these hold.
 * @param again waits until it may be asked for the wanted state once more; false: not any more
 */
export async function askDown(
  order: SafeOrder,
  ask: AskSafe,
  again: (refusals: number) => Promise<boolean> = never,
): Promise<Descent> {
  const first = await askAgain(() => ask(order), again);
  const less = darker(order);
  if (first.ok) return { ok: true, safe: order };
  if (less === undefined || meaningOf(first.failure) !== 'goes-on') return first;
  const { failure: refusal } = first;
  const second = await ask(less);
  return second.ok ? { ok: true, safe: less, refusal } : { ok: false, failure: second.failure, refusal };
}

async function askAgain(
  ask: () => Promise<Result<unknown>>,
  again: (refusals: number) => Promise<boolean>,
): Promise<Result<unknown>> {
  for (let refusals = 1; ; refusals++) {
    const answer = await ask();
    if (answer.ok || meaningOf(answer.failure) !== 'goes-on' || !(await again(refusals))) return answer;
  }
}

const never = (): Promise<boolean> => Promise.resolve(false);
