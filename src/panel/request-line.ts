/**
 * Requests and the replies that belong to them. Every request has a sequence number, a deadline from the measured round trip, a bounded
 * number of attempts that all carry the same bytes (a panel answers a repeated number from memory and does nothing twice), and ends in
 * exactly one of: its reply, or a named failure. What is not waited for any more is forgotten: a late reply is counted and ignored.
 *
 *   begin ─► sent ──reply──► done
 *             │ ▲
 *   no reply  ▼ │ same bytes, later each time        attempts or time used up ─► 'no-answer'
 *            waiting                                 link or panel lost       ─► 'link-closed', 'panel-restarted'
 *
 * With a seal, every sending is authenticated under a counter of its own, and only what the panel sealed is taken for its word.
 */
import type { Clock } from '../../core/clock/clock.ts';
import { decodeFrame, encodeFrame } from '../../firmware-protocol/codec.ts';
import { SESSION_OVER } from '../../firmware-protocol/limits.ts';
import type { Reply, Request } from '../../firmware-protocol/messages.ts';
import type { Random } from '../../core/signal/random.ts';
import type { Link } from '../link/link.ts';
import { discardedText, strayText } from './discarded-reply.ts';
import { createDiscards } from './discards.ts';
import { drawNonce, type FrameSeal } from './frame-seal.ts';
import type { DiscardedReplies, PanelCounters, PanelFailure, Result } from './panel.ts';
import { HINTS_HEEDED, REFUSAL_STANDS_MS, createRefusalHints } from './refusal-hints.ts';
import type { ReplyTo, RequestOf } from './replies.ts';
import { answers } from './replies.ts';
import { createRoundTripEstimator } from './round-trip-estimator.ts';
import type { LineTimeouts, RequestLimits } from './request-timeouts.ts';
import { linkClosed, sealsRefused } from './session-ends.ts';

export interface RequestLine {
  readonly counters: PanelCounters;
  readonly discards: DiscardedReplies;
  /** Sends a request; `done` is called once, later, unless the returned function withdraws it first. */
  begin<T extends Request['type']>(
    request: RequestOf<T>,
    done: (result: Result<ReplyTo<T>>) => void,
    limits?: RequestLimits,
  ): () => void;
  request<T extends Request['type']>(request: RequestOf<T>, limits?: RequestLimits): Promise<Result<ReplyTo<T>>>;
  /** A frame from the link. */
  receive(bytes: Uint8Array): void;
  /** Before a handshake: what was learnt of a link that fell silent says nothing of it now, and counters are agreed upon anew. */
  beginAnew(): void;
  /** Ends everything that is waited for, but what is of these types. Nothing of it is ever sent again. */
  failAll(failure: PanelFailure, but?: readonly Request['type'][]): void;
  /** Sends a request once, under a number of its own, whatever its answer; false when the link does not take it. */
  sendBlind(request: Request): boolean;
  /** What is still to be answered of it says nothing of the panel any more. */
  forgetBlind(): void;
}

interface Outstanding {
  request: Request;
  bytes: Uint8Array;
  seq: number;
  /** Order of the newest sending; a panel answers in order. */
  order: number;
  attempts: number;
  firstSentMs: number;
  sentMs: number;
  /** When the panel last answered something sent before this: it is alive and works its way here. */
  progressMs: number;
  /** Replies to requests that were sent after this one. */
  overtaken: number;
  /** Wait after the newest sending, ms. */
  waitMs: number;
  /** This request's own. */
  mostAttempts: number;
  totalMs: number;
  /** What came under its number and could not be used; framed: whoever sent it speaks the protocol, and says something impossible. */
  instead: { discarded: string; framed?: true } | undefined;
  /** Refusals under its number that nobody sealed. */
  hints: number;
  cancelHint: () => void;
  cancelTimer: () => void;
  done: (result: Result<Reply>) => void;
}

/** More than the driver ever has in flight: a caller that never awaits is told so instead of filling the memory. */
const MAX_OUTSTANDING = 64;
/** Replies that may overtake a request before it is taken for lost, as in TCP. */
const MAX_OVERTAKEN = 3;
/** Share of a wait that is drawn at random, so that several hosts on one bus do not ask again in step. */
const JITTER = 0.25;
/** Pause before a link whose buffer is full is offered a frame again, ms. */
const ROOM_MS = 2;
/** Numbers of requests sent blind whose answers would be known. */
const BLIND_KEPT = 16;

export interface RequestLineOptions {
  link: Link;
  clock: Clock;
  random: Random;
  timeouts: LineTimeouts;
  /** Every frame is sealed and opened with it. */
  seal?: FrameSeal;
  /** The session is over: the panel takes our seals no more, or silence has made it safe. */
  onEnded?: (why: PanelFailure) => void;
  /** A request goes out for the first time. */
  onAsked?: () => void;
  /** A request was answered; others may still wait for their answers. */
  onAnswered?: (stillAsked: boolean) => void;
  /** What was sent blind was acknowledged all the same. */
  onBlindAck?: () => void;
}

export function createRequestLine(options: RequestLineOptions): RequestLine {
  const { link, clock, random, timeouts, seal, onEnded, onAsked, onAnswered, onBlindAck } = options;
  const estimator = createRoundTripEstimator(timeouts);
  const outstanding = new Map<number, Outstanding>();
  let sentBlind: { seq: number; counts: boolean }[] = [];
  // Anywhere, so that a host that was restarted is not answered from the panel's memory of the last one.
  let nextSeq = Math.floor(random.uniform() * 0x10000);
  let nextOrder = 0;
  const discards = createDiscards(link, () => clock.nowMs());
  const counters: PanelCounters = {
    requests: 0,
    retries: 0,
    timeouts: 0,
    nacks: 0,
    strayReplies: 0,
    badFrames: 0,
    roundTripMs: 0,
    linkFull: 0,
    unauthenticated: 0,
  };
  const hints = createRefusalHints({
    clock,
    challenge: () => request<'challenge'>({ type: 'challenge', hostNonce: drawNonce() }, { totalMs: 2 * REFUSAL_STANDS_MS }),
    isAhead: (lastCounter) => seal?.isAhead(lastCounter) === true,
    onRefusal: (code) => onEnded?.(sealsRefused(code)),
  });

  const takeSeq = (): number => {
    while (outstanding.has(nextSeq)) nextSeq = (nextSeq + 1) & 0xffff;
    const seq = nextSeq;
    nextSeq = (nextSeq + 1) & 0xffff;
    return seq;
  };

  const finish = (entry: Outstanding, result: Result<Reply>): void => {
    entry.cancelTimer();
    entry.cancelHint();
    outstanding.delete(entry.seq);
    entry.done(result);
  };

  const transmit = (entry: Outstanding): void => {
    entry.order = nextOrder++;
    entry.overtaken = 0;
    entry.sentMs = clock.nowMs();
    if (!link.send(seal === undefined ? entry.bytes : seal.seal(entry.bytes))) return unsent(entry);
    entry.attempts++;
    entry.waitMs = entry.attempts === 1 ? estimator.timeoutMs : backedOffMs(entry.attempts);
    arm(entry);
  };

  /** The link is closed, which ends the request, or has no room just now, which does not. */
  const unsent = (entry: Outstanding): void => {
    if (outstanding.get(entry.seq) !== entry) return;
    if (link.state.state !== 'open') return finish(entry, { ok: false, failure: linkClosed(link) });
    counters.linkFull = (counters.linkFull ?? 0) + 1;
    const waitedMs = clock.nowMs() - entry.firstSentMs;
    if (waitedMs < entry.totalMs - 1e-3) {
      entry.cancelTimer();
      entry.cancelTimer = clock.after(Math.min(ROOM_MS, entry.totalMs - waitedMs), () => transmit(entry));
    } else if (entry.attempts > 0) noAnswer(entry, waitedMs);
    else {
      const detail = `${link.name}: its buffer had no room for a frame for ${Math.round(waitedMs)} ms`;
      finish(entry, { ok: false, failure: { reason: 'link-closed', cause: 'no-room', detail } });
    }
  };

  const backedOffMs = (attempts: number): number => {
    const { timeoutMs } = estimator;
    const waitMs = timeoutMs * 2 ** (attempts - 1) * (1 + JITTER * random.uniform());
    return Math.min(waitMs, Math.max(timeouts.retryMs, timeoutMs), timeouts.maxMs);
  };

  const dueMs = (entry: Outstanding): number =>
    Math.min(Math.max(entry.sentMs, entry.progressMs) + entry.waitMs, entry.firstSentMs + entry.totalMs);

  const arm = (entry: Outstanding): void => {
    entry.cancelTimer();
    entry.cancelTimer = clock.after(dueMs(entry) - clock.nowMs(), () => expire(entry));
  };

  const expire = (entry: Outstanding): void => {
    // Progress moves the deadline without touching the timer, which looks again when it fires.
    if (dueMs(entry) - clock.nowMs() > 1e-3) return arm(entry);
    counters.timeouts++;
    repeat(entry);
  };

  const repeat = (entry: Outstanding): void => {
    const waitedMs = clock.nowMs() - entry.firstSentMs;
    if (entry.attempts >= entry.mostAttempts || waitedMs >= entry.totalMs - 1e-3) return noAnswer(entry, waitedMs);
    counters.retries++;
    transmit(entry);
  };

  const noAnswer = (entry: Outstanding, waitedMs: number): void => {
    const { attempts, request } = entry;
    const discarded = discards.since(entry.firstSentMs);
    const failure = { reason: 'no-answer', request: request.type, attempts, waitedMs } as const;
    const instead = entry.instead ?? (discarded === undefined ? {} : { discarded });
    finish(entry, { ok: false, failure: { ...failure, ...instead } });
  };

  /** A busy panel did nothing, and would repeat its refusal to the same number: ask later under a new one, if there is a later. */
  const askLater = (entry: Outstanding): boolean => {
    const waitMs = backedOffMs(entry.attempts);
    const lastMs = entry.firstSentMs + entry.totalMs;
    if (entry.attempts >= entry.mostAttempts || clock.nowMs() + waitMs >= lastMs) return false;
    outstanding.delete(entry.seq);
    entry.seq = takeSeq();
    entry.bytes = encodeFrame({ seq: entry.seq, message: entry.request });
    outstanding.set(entry.seq, entry);
    entry.cancelTimer();
    entry.cancelTimer = clock.after(waitMs, () => repeat(entry));
    return true;
  };

  const learnFrom = (entry: Outstanding): void => {
    const nowMs = clock.nowMs();
    if (entry.attempts === 1) estimator.sample(nowMs - entry.sentMs);
    else estimator.ambiguous(entry.attempts);
    counters.roundTripMs = estimator.smoothedMs;
    if (outstanding.size === 1) return;
    const lost: Outstanding[] = [];
    for (const other of outstanding.values()) {
      if (other.order > entry.order) other.progressMs = nowMs;
      else if (other.order < entry.order && ++other.overtaken === MAX_OVERTAKEN && other.attempts === 1) lost.push(other);
    }
    for (const other of lost) repeat(other);
  };

  const receive = (bytes: Uint8Array): void => {
    if (seal === undefined) return takeIn(bytes);
    const opened = seal.open(bytes);
    if (opened.as === 'frame') {
      hints.answered();
      takeIn(opened.frame);
    } else if (opened.as === 'damaged') takeIn(bytes);
    else {
      counters.unauthenticated = (counters.unauthenticated ?? 0) + 1;
      discards.note('unauthenticated', 'a frame that is not sealed with the panel’s key, or not fresh');
      if (opened.as === 'plain') takeHint(bytes);
    }
  };

  /** A refusal that is not sealed may come from anybody: it is a hint, and what it says is found out (refusal-hints.ts). */
  const takeHint = (bytes: Uint8Array): void => {
    const decoded = decodeFrame(bytes);
    if (!decoded.ok || decoded.frame.message.type !== 'nack') return;
    const { code, detail } = decoded.frame.message;
    const entry = outstanding.get(decoded.frame.seq);
    if (entry === undefined) return;
    const refused = code === 'not-authenticated' || code === 'replayed';
    if (entry.request.type === 'challenge') {
      if ((!refused && code !== 'unsupported-message') || entry.hints++ > 0) return;
      entry.cancelHint = clock.after(REFUSAL_STANDS_MS, () => {
        finish(entry, { ok: false, failure: { reason: 'rejected', request: 'challenge', code, detail } });
      });
    } else if (refused) {
      if (++entry.hints <= HINTS_HEEDED) repeat(entry);
      hints.refused(code);
    }
  };

  const takeIn = (bytes: Uint8Array): void => {
    const decoded = decodeFrame(bytes);
    if (!decoded.ok) {
      counters.badFrames++;
      const text = discardedText(bytes, decoded);
      discards.note(decoded.reason, text);
      const waiting = decoded.header === undefined ? undefined : outstanding.get(decoded.header.seq);
      // Reserved flags may be a seal that this end knows nothing of.
      const framed = decoded.reason === 'reserved-flags' ? {} : { framed: true as const };
      if (waiting !== undefined) waiting.instead = { discarded: text, ...framed };
      return;
    }
    const { seq, message } = decoded.frame;
    const entry = outstanding.get(seq);
    const blind = entry === undefined && message.type === 'ack' ? sentBlind.find((sent) => sent.seq === seq) : undefined;
    if (blind !== undefined) return blind.counts ? onBlindAck?.() : undefined;
    if (entry === undefined || !answers(entry.request, message)) {
      counters.strayReplies++;
      discards.note('stray', strayText(seq, message));
      return;
    }
    learnFrom(entry);
    onAnswered?.(outstanding.size > 1);
    if (message.type === 'challenged') seal?.agree(message.lastCounter);
    if (message.type !== 'nack') return finish(entry, { ok: true, value: message });
    counters.nacks++;
    if (message.code === 'busy' && askLater(entry)) return;
    const { code, detail } = message;
    if (code === 'stale-beam' && detail === SESSION_OVER) {
      const failure: PanelFailure = { reason: 'session-over', request: entry.request.type };
      finish(entry, { ok: false, failure });
      return onEnded?.(failure);
    }
    finish(entry, { ok: false, failure: { reason: 'rejected', request: entry.request.type, code, detail } });
  };

  const begin = <T extends Request['type']>(
    request: RequestOf<T>,
    done: (result: Result<ReplyTo<T>>) => void,
    limits?: RequestLimits,
  ): (() => void) => {
    const refuseLater = (failure: PanelFailure): (() => void) => {
      queueMicrotask(() => done({ ok: false, failure }));
      return () => undefined;
    };
    if (link.state.state !== 'open') return refuseLater(linkClosed(link));
    if (outstanding.size >= MAX_OUTSTANDING) {
      const detail = `${outstanding.size} requests are under way already`;
      return refuseLater({ reason: 'not-sent', request: request.type, detail });
    }
    counters.requests++;
    const seq = takeSeq();
    const nowMs = clock.nowMs();
    const entry: Outstanding = {
      request,
      bytes: encodeFrame({ seq, message: request }),
      seq,
      order: 0,
      attempts: 0,
      firstSentMs: nowMs,
      sentMs: nowMs,
      progressMs: nowMs,
      overtaken: 0,
      waitMs: 0,
      instead: undefined,
      hints: 0,
      cancelHint: () => undefined,
      mostAttempts: limits?.attempts ?? timeouts.attempts,
      totalMs: limits?.totalMs ?? timeouts.totalMs,
      cancelTimer: () => undefined,
      // `answers` lets only the reply type of this request through.
      done: done as (result: Result<Reply>) => void,
    };
    outstanding.set(seq, entry);
    onAsked?.();
    transmit(entry);
    return () => {
      entry.cancelTimer();
      entry.cancelHint();
      if (outstanding.get(entry.seq) === entry) outstanding.delete(entry.seq);
    };
  };

  function request<T extends Request['type']>(asked: RequestOf<T>, limits?: RequestLimits): Promise<Result<ReplyTo<T>>> {
    return new Promise((resolve) => begin(asked, resolve, limits));
  }

  return {
    counters,
    discards,
    begin,
    request,
    receive,
    beginAnew: () => {
      hints.answered();
      estimator.forgetBackOff();
      seal?.forget();
    },
    failAll: (failure, but = []) => {
      for (const entry of [...outstanding.values()]) {
        if (!but.includes(entry.request.type)) finish(entry, { ok: false, failure });
      }
    },
    sendBlind: (request) => {
      if (link.state.state !== 'open') return false;
      const seq = takeSeq();
      const bytes = encodeFrame({ seq, message: request });
      if (!link.send(seal === undefined ? bytes : seal.seal(bytes))) return false;
      sentBlind = [{ seq, counts: true }, ...sentBlind].slice(0, BLIND_KEPT);
      return true;
    },
    forgetBlind: () => {
      for (const sent of sentBlind) sent.counts = false;
    },
  };
}
