/**
 * From staged to radiated: what is asked of the panel, and what is believed of its answers. 'committed' counts with the checksum of the words
 * that were asked for and nothing less; where the answer was lost the panel is asked what it radiates, and what nobody can say is void.
 *
 *   commit now ─► committed + checksum ─────────────────────────────────────────────► radiated
 *   arm (a time) ─► ack: it waits ─── its time ───► confirm ─► committed + checksum ─► radiated
 *                          └─► cancel ─► ack: it never will      └─► ack: not yet, ask again;   too-late: it did not
 */
import type { Clock } from '../../core/clock/clock.ts';
import type { BeamId, Request } from '../../firmware-protocol/messages.ts';
import { wordsCrc32c } from '../../firmware-protocol/packing.ts';
import type { Session } from './handshake.ts';
import type { BeamCommand, PanelFailure, PanelStatus, Result, StagedBeam } from './panel.ts';
import type { ReplyTo, RequestOf } from './replies.ts';
import type { RequestLimits } from './request-timeouts.ts';

/** A beam in a slot of a panel, in one session with it. */
export interface Staged extends StagedBeam {
  readonly session: Session;
  readonly slot: number;
  /** Where it lies in the panel's beam memory: nothing was staged, and it is switched to from there. */
  position?: number;
  readonly beam: BeamCommand;
  readonly crc: number;
  pushMs: number;
  /** Panel time of its timed commit, from before it was sent; 0 when it was never armed. */
  atUs: bigint;
  /** The answer to a commit that was sent at the heels of the chunks, before they were acknowledged. */
  earlyCommit: Promise<Result<ReplyTo<'commit'>>> | undefined;
}

/** What committing needs of the driver. */
export interface Conversation {
  readonly clock: Clock;
  /** Whether the session goes on. */
  holds(session: Session): boolean;
  ask<T extends Request['type']>(session: Session, request: RequestOf<T>, limits?: RequestLimits): Promise<Result<ReplyTo<T>>>;
  status(limits?: RequestLimits): Promise<Result<PanelStatus>>;
  readBack(): Promise<Result<{ beamId: BeamId; words: Uint16Array }>>;
  ping(): Promise<Result<{ panelTimeUs: bigint }>>;
  explain(failure: PanelFailure): Promise<{ ok: false; failure: PanelFailure }>;
}

export interface Commits {
  /** Panel time is counted from here: a panel whose time falls behind ours was restarted. */
  sessionBegan(session: Session): void;
  /** Switches now. @returns panel time of the latch, or when it was found latched if the answer was lost */
  now(staged: Staged): Promise<Result<bigint>>;
  arm(staged: Staged, atUs: bigint, withinMs: number | undefined): Promise<Result<void>>;
  /** @returns panel time of the latch */
  confirm(staged: Staged, withinMs: number | undefined): Promise<Result<bigint>>;
  cancel(staged: Staged, withinMs: number | undefined): Promise<Result<void>>;
}

/** How slow a panel's clock may be, and how late an answer, before they are taken for a restart and looked into. */
const CLOCK_SLACK = 0.9;
const ANSWER_SLACK_MS = 250;
/** Pauses between questions to a panel whose time has not come yet by its own clock, ms; and how long it is asked. */
const FIRST_PAUSE_MS = 0.5;
const LONGEST_PAUSE_MS = 20;
const PATIENCE_MS = 100;
/** A panel that said nothing to a commit is given no second such time. */
const AFTER_SILENCE: RequestLimits = { totalMs: 700 };

export function createCommits(panel: Conversation): Commits {
  const { clock } = panel;
  /** Newest panel time seen, and when. */
  let panelTime = { us: 0n, atMs: 0 };

  /** A restarted panel counts its time from nought: worth asking for its status, even if it is only a slow clock. */
  const timeFellBack = (timeUs: bigint): boolean => {
    const elapsedMs = clock.nowMs() - panelTime.atMs;
    const advancedMs = Number(timeUs - panelTime.us) / 1000;
    panelTime = { us: timeUs, atMs: clock.nowMs() };
    return advancedMs < 0 || advancedMs < CLOCK_SLACK * elapsedMs - ANSWER_SLACK_MS;
  };

  const latched = async ({ beamId, crc }: Staged, answer: ReplyTo<'commit'> & { type: 'committed' }): Promise<Result<bigint>> => {
    if (answer.wordsCrc32c !== crc) return refused(differs(beamId, crc, answer.wordsCrc32c));
    if (timeFellBack(answer.timeUs)) {
      const status = await panel.status();
      if (!status.ok) return status;
    }
    return { ok: true, value: answer.timeUs };
  };

  const commit = (staged: Staged, atUs: bigint, limits?: RequestLimits): Promise<Result<ReplyTo<'commit'>>> =>
    panel.ask<'commit'>(staged.session, { type: 'commit', slot: staged.slot, beamId: staged.beamId, atUs }, limits);
  const select = ({ session, beamId }: Staged, position: number): Promise<Result<ReplyTo<'commit'>>> =>
    panel.ask<'select-beam'>(session, { type: 'select-beam', beamId, position });

  /**
   * After a commit without a good answer: what does the panel radiate? `failure` stands unless it is this very beam, word by word. Enables and
   * gains cannot be read back, so that a beam with them is never found out to be radiated.
   */
  const findOut = async ({ session, beamId, crc, beam }: Staged, failure: PanelFailure): Promise<Result<bigint>> => {
    const asItStands = refused(notStaged(failure));
    // Ids begin again with each host: what was radiated before us may bear this one, with the same words and another D.
    if (!panel.holds(session) || beamId === session.inheritedBeamId) return asItStands;
    const onlyWords = beam.enabled === undefined && beam.gains === undefined;
    const status = await panel.status(AFTER_SILENCE);
    if (!status.ok) return status.failure.reason === 'panel-restarted' ? status : asItStands;
    if (!onlyWords || status.value.beamId !== beamId || !session.capabilities.features.includes('read-back')) return asItStands;
    const radiated = await panel.readBack();
    if (!radiated.ok || radiated.value.beamId !== beamId) return asItStands;
    const radiatedCrc = wordsCrc32c(radiated.value.words);
    if (radiatedCrc !== crc) return refused(differs(beamId, crc, radiatedCrc));
    const pong = await panel.ping();
    return pong.ok ? { ok: true, value: pong.value.panelTimeUs } : asItStands;
  };

  return {
    sessionBegan: ({ uptimeMs }) => {
      panelTime = { us: BigInt(uptimeMs) * 1000n, atMs: clock.nowMs() };
    },

    now: async (staged) => {
      const early = await staged.earlyCommit;
      staged.earlyCommit = undefined;
      // It came before a chunk that had to be sent again; by now all of them are there.
      const tooEarly = early !== undefined && !early.ok && notStaged(early.failure).reason === 'not-staged';
      const { position } = staged;
      const again = early === undefined || tooEarly;
      const answer = position !== undefined ? await select(staged, position) : again ? await commit(staged, 0n) : early;
      if (!answer.ok) return findOut(staged, answer.failure);
      // An 'ack' answers timed commits only: the line lets no other through.
      return answer.value.type === 'committed' ? latched(staged, answer.value) : refused(stillWaiting(staged, 0));
    },

    arm: async (staged, atUs, withinMs) => {
      // No cancellation could tell it from a late copy of the one before.
      if (atUs <= staged.atUs && staged.atUs > 0n) return refused(NOT_LATER);
      // 0 would mean now.
      staged.atUs = atUs > 0n ? atUs : 1n;
      const answer = await commit(staged, staged.atUs, within(withinMs));
      // Not looked into: the time is coming, and others may have to be told that it is off.
      if (!answer.ok) return refused(notStaged(answer.failure));
      const { value } = answer;
      // Its time has come already.
      if (value.type === 'committed' && value.wordsCrc32c !== staged.crc) {
        return refused(differs(staged.beamId, staged.crc, value.wordsCrc32c));
      }
      return DONE;
    },

    confirm: async (staged, withinMs) => {
      const startMs = clock.nowMs();
      for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)) {
        const answer = await commit(staged, staged.atUs, within(withinMs));
        if (!answer.ok) {
          const { failure } = answer;
          if (failure.reason !== 'rejected') return findOut(staged, failure);
          return refused(notStaged((await panel.explain(failure)).failure));
        }
        if (answer.value.type === 'committed') return latched(staged, answer.value);
        if (clock.nowMs() - startMs > PATIENCE_MS) {
          // A panel that was restarted counts from nought, and will wait for hours.
          const status = await panel.status(AFTER_SILENCE);
          return status.ok ? refused(stillWaiting(staged, clock.nowMs() - startMs)) : status;
        }
        await clock.sleep(pauseMs);
      }
    },

    cancel: async (staged, withinMs) => {
      const request = { type: 'cancel-commit', beamId: staged.beamId, atUs: staged.atUs } as const;
      const answer = await panel.ask<'cancel-commit'>(staged.session, request, within(withinMs));
      return answer.ok ? DONE : refused(answer.failure);
    },
  };
}

const within = (totalMs: number | undefined): RequestLimits | undefined => (totalMs === undefined ? undefined : { totalMs });

const DONE = { ok: true, value: undefined } as const;

export const refused = (failure: PanelFailure): { ok: false; failure: PanelFailure } => ({ ok: false, failure });

/** The panel says of a beam whose time has come that it waits, or of one without a time. */
const stillWaiting = ({ beamId }: Staged, lateMs: number): PanelFailure => ({ reason: 'still-waiting', beamId, lateMs });

const NOT_LATER: PanelFailure = {
  reason: 'not-sent',
  request: 'commit',
  detail: 'its time is no later than the one it had before',
};

const differs = (beamId: BeamId, expectedCrc32c: number, actualCrc32c: number): PanelFailure => ({
  reason: 'read-back-differs',
  beamId,
  expectedCrc32c,
  actualCrc32c,
});

function notStaged(failure: PanelFailure): PanelFailure {
  if (failure.reason !== 'rejected' || failure.code !== 'not-staged') return failure;
  return { reason: 'not-staged', firstMissingWord: failure.detail };
}
