/**
 * One beam, staged in several panels, switched in all of them or credited in none.
 *
 *   arm all ─► all acknowledged ─► its time ─► confirm all ─► all latched the words asked for ─► whole
 *      │                                            └─ not all ─► split: says who switched and who missed
 *      └─ not all, and the time is still to come ─► cancel ─► none will switch: once more with more time, or unchanged
 *                                                     └─ too late for one, or no answer ─► after the time: who radiates what? ─► split
 *
 * Panels without a clock to set a time by are told to switch now, all at once, and judged in the same way. What is not known counts as
 * switched where that is the worse case: the caller makes an array safe that may show a part of one beam and a part of another.
 */
import type { Clock } from '../../core/clock/clock.ts';
import type { ClockKeeping } from './clock-keeping.ts';
import type { AppliedBeam, ArrayMember, PanelFailure, Result, StagedBeam } from './panel.ts';

/** One panel's part of the beam. */
export interface Part {
  panel: ArrayMember;
  clock: ClockKeeping;
  staged: StagedBeam;
  stageAgain: () => Promise<Result<StagedBeam>>;
}

export type Switching =
  | { outcome: 'whole'; latches: AppliedBeam[]; latchSpreadUs?: number }
  /** No panel switched. */
  | { outcome: 'unchanged'; failure: PanelFailure }
  /** Some may have. */
  | { outcome: 'split'; failure: PanelFailure };

/** By the host's clock: how long acknowledgements may take, when to switch, and when that is past on every panel. */
interface Schedule {
  withinMs: number;
  atMs: number;
  pastMs: number;
  /** When acknowledgements are there if nothing is late. */
  acknowledgedMs: number;
}

export interface Switch {
  now(parts: readonly Part[]): Promise<Switching>;
  /** All at one time, which needs panels with time-sync whose clocks are known. */
  together(parts: readonly Part[]): Promise<Switching>;
}

/**
 * Time beside the round trips that acknowledgements get, and cancellations twice, ms. A beam that one panel misses is void, one that waits
 * only late: so it begins large, is twice the lateness that was seen last (of answers, and of this host's own timers), and falls
 * while all are on time.
 */
const FIRST_MARGIN_MS = 20;
const LEAST_MARGIN_MS = 1;
const MOST_MARGIN_MS = 80;
const LATENESS_FACTOR = 2;
const MARGIN_GROWTH = 2;
const MARGIN_DECAY = 0.95;
/** Added to what acknowledgements may take at each attempt, ms: for frames that have to be sent again, then for a panel that is held up. */
const PATIENCE_MS = [0, 120, 480];
/** No acknowledgement is waited for longer than this, ms. */
const LONGEST_LEAD_MS = 800;
/** Each attempt has a later time than the one before, by more than estimates of the clocks move meanwhile, ms. */
const LATER_MS = 2;
/** A cancellation that is not answered soon comes too late in any case, ms. */
const CANCEL_MS = 300;
/** How long a panel is asked whether it switched, ms: until then the array may be showing two beams. */
const CONFIRM_MS = 700;
/** Time after the set one at which it is past on every panel whose clock is known well, ms at most. */
const LONGEST_GRACE_MS = 5;

export function createSwitch(clock: Clock): Switch {
  let marginMs = FIRST_MARGIN_MS;

  /** How long acknowledgements may take, and when to switch: after that there is still time to call it off. */
  const schedule = (parts: readonly Part[], attempt: number, beforeMs: number): Schedule => {
    const nowMs = clock.nowMs();
    const tripMs = Math.max(...parts.map((part) => part.clock.estimate.mostRoundTripsUs)) / 1000;
    const doubtMs = Math.max(...parts.map((part) => part.clock.estimate.uncertaintyUs(nowMs * 1000))) / 1000;
    const withinMs = Math.min(2 * tripMs + marginMs + PATIENCE_MS[attempt], LONGEST_LEAD_MS);
    const leadMs = Math.min(withinMs + tripMs + 2 * marginMs + 2 * doubtMs, 2 * LONGEST_LEAD_MS);
    const atMs = Math.max(nowMs + leadMs, beforeMs + LATER_MS);
    return { withinMs, atMs, pastMs: atMs + Math.min(doubtMs, LONGEST_GRACE_MS), acknowledgedMs: nowMs + tripMs };
  };

  const learnLateness = (lateMs: number): void => {
    marginMs = within(LEAST_MARGIN_MS, Math.max(MARGIN_DECAY * marginMs, LATENESS_FACTOR * lateMs), MOST_MARGIN_MS);
  };

  const waitUntil = async (ms: number): Promise<void> => {
    const leftMs = ms - clock.nowMs();
    if (leftMs > 0) await clock.sleep(leftMs);
  };

  const confirmed = async (parts: readonly Part[]): Promise<Switching> => {
    const latches = await Promise.all(parts.map(({ panel, staged }) => panel.confirm(staged, CONFIRM_MS)));
    const judged = judge(parts, latches);
    if (judged.outcome !== 'whole') return judged;
    const latchedUs = judged.latches.map((latch, i) => parts[i].clock.estimate.toHostUs(latch.panelTimeUs));
    return { ...judged, latchSpreadUs: Math.max(...latchedUs) - Math.min(...latchedUs) };
  };

  /**
   * Calls it off everywhere, also where it was refused: a copy of the commit may still be on its way. Which of them surely will not switch,
   * which did, and which did not answer.
   */
  const callOff = (parts: readonly Part[], armed: readonly Result<void>[], cause: PanelFailure): Promise<Known[]> =>
    Promise.all(
      parts.map(async ({ panel, staged }, i): Promise<Known> => {
        const { [i]: own } = armed;
        const failure = own.ok ? cause : own.failure;
        const off = await panel.cancel(staged, CANCEL_MS);
        if (off.ok) return { state: 'not', failure };
        return stateAfter(off.failure, off.failure.reason === 'rejected' ? 'switched' : 'unknown');
      }),
    );

  /** The time has passed, and every panel said that it would not switch: what do they show? One may have been restarted since. */
  const lookAgain = async (parts: readonly Part[], known: readonly Known[]): Promise<Switching> => {
    const looks = await Promise.all(
      parts.map(async ({ panel, staged }, i): Promise<Known> => {
        const look = await panel.status();
        if (!look.ok) return stateAfter(look.failure, 'unknown');
        return look.value.beamId === staged.beamId ? { state: 'switched' } : known[i];
      }),
    );
    return looks.every(({ state }) => state === 'switched') ? confirmed(parts) : verdict(parts, looks);
  };

  /** A panel that calls a time too late that is still to come may have another clock than was thought. */
  const lookAtClocks = async (parts: readonly Part[], armed: readonly Result<void>[]): Promise<PanelFailure | undefined> => {
    for (const [i, part] of parts.entries()) {
      const { [i]: own } = armed;
      if (own.ok || own.failure.reason !== 'rejected' || own.failure.code !== 'too-late') continue;
      part.clock.doubt();
      const known = await part.clock.refresh();
      if (!known.ok) return named(part, known.failure);
      if (part.clock.jumpedMs > 0) return named(part, { reason: 'clock-jumped', byMs: part.clock.jumpedMs });
    }
    return undefined;
  };

  const stageAgain = async (parts: readonly Part[], armed: readonly Result<void>[]): Promise<PanelFailure | undefined> => {
    for (const [i, part] of parts.entries()) {
      const { [i]: own } = armed;
      if (own.ok || own.failure.reason !== 'not-staged') continue;
      const again = await part.stageAgain();
      if (!again.ok) return named(part, again.failure);
      part.staged = again.value;
    }
    return undefined;
  };

  return {
    now: async (parts) => judge(parts, await Promise.all(parts.map(({ panel, staged }) => panel.commit(staged)))),

    together: async (parts) => {
      let lastMs = -Infinity;
      for (let attempt = 0; ; attempt++) {
        const { withinMs, atMs, pastMs, acknowledgedMs } = schedule(parts, attempt, lastMs);
        lastMs = atMs;
        const armed = await Promise.all(
          parts.map(({ panel, clock: { estimate }, staged }) => panel.arm(staged, estimate.toPanelUs(atMs * 1000), withinMs)),
        );
        const failures = armed.flatMap((one, i) => (one.ok ? [] : [named(parts[i], one.failure)]));
        if (failures.length === 0) {
          const answersLateMs = clock.nowMs() - acknowledgedMs;
          await waitUntil(pastMs);
          learnLateness(Math.max(answersLateMs, clock.nowMs() - pastMs));
          return confirmed(parts);
        }
        marginMs = Math.min(MARGIN_GROWTH * marginMs, MOST_MARGIN_MS);
        const known = await callOff(parts, armed, failures[0]);
        if (known.every(({ state }) => state === 'switched')) return confirmed(parts);
        if (known.some(({ state }) => state !== 'not')) return verdict(parts, known);
        // A slot that is empty after an attempt is that of a panel which was restarted.
        const emptied = attempt > 0 && failures.some(({ reason }) => reason === 'not-staged');
        if (attempt === PATIENCE_MS.length - 1 || emptied || !failures.every(mayPass)) {
          await waitUntil(pastMs);
          return lookAgain(parts, known);
        }
        const jumped = await lookAtClocks(parts, armed);
        if (jumped !== undefined) return { outcome: 'unchanged', failure: jumped };
        const failure = await stageAgain(parts, armed);
        if (failure !== undefined) return { outcome: 'unchanged', failure };
      }
    },
  };
}

/** A frame was lost or late, or a slot was not what it should be: worth another attempt. */
const mayPass = (failure: PanelFailure): boolean =>
  failure.reason === 'no-answer' ||
  failure.reason === 'not-staged' ||
  failure.reason === 'not-sent' ||
  (failure.reason === 'rejected' && (failure.code === 'too-late' || failure.code === 'busy'));

type Known =
  | { state: 'switched' }
  /** It did not; it shows no beam of ours any more ('dark'); nobody knows. */
  | { state: 'not' | 'dark' | 'unknown'; failure: PanelFailure };

function stateAfter(failure: PanelFailure, otherwise: Known['state']): Known {
  if (failure.reason === 'panel-restarted' || failure.reason === 'session-over') return { state: 'dark', failure };
  return otherwise === 'switched' ? { state: otherwise } : { state: otherwise, failure };
}

function judge(parts: readonly Part[], results: readonly Result<AppliedBeam>[]): Switching {
  const latches = results.flatMap((result) => (result.ok ? [result.value] : []));
  if (latches.length === parts.length) return { outcome: 'whole', latches };
  return verdict(
    parts,
    results.map((result): Known => {
      if (result.ok) return { state: 'switched' };
      const { failure } = result;
      // A panel that still waits may switch at any time.
      const refusal = failure.reason === 'not-staged' || (failure.reason === 'rejected' && failure.code !== 'busy');
      return stateAfter(failure, refusal ? 'not' : 'unknown');
    }),
  );
}

function verdict(parts: readonly Part[], known: readonly Known[]): Switching {
  const switched: string[] = [];
  const missed: { panel: string; failure: PanelFailure }[] = [];
  known.forEach((one, i) => {
    const { name } = parts[i].panel;
    if (one.state === 'switched') switched.push(name);
    else missed.push({ panel: name, failure: one.failure });
  });
  if (switched.length > 0) return { outcome: 'split', failure: { reason: 'array-split', switched, missed } };
  // Of several causes the one that leaves most in doubt.
  const worst = (['unknown', 'dark', 'not'] as const).map((state) => known.findIndex((one) => one.state === state));
  const index = worst.find((found) => found >= 0) ?? 0;
  const cause = known[index];
  const failure = cause.state === 'switched' ? missed[0].failure : named(parts[index], cause.failure);
  return { outcome: known.some((one) => one.state === 'unknown') ? 'split' : 'unchanged', failure };
}

const within = (least: number, value: number, most: number): number => Math.min(Math.max(value, least), most);

/** The failure, saying whose it is. */
const named = ({ panel }: Pick<Part, 'panel'>, failure: PanelFailure): PanelFailure => ({ panel: panel.name, ...failure });
