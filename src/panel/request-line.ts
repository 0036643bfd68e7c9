/**
 * Requests and the replies that belong to them. Every request has a sequence number, a deadline from the measured round trip, a bounded
 * number of attempts that all carry the same bytes (a panel answers a repeated number from memory and does nothing twice), and ends in
 * exactly one of: its reply, or a named failure. What is not waited for any more is forgotten: a late reply is counted and ignored.
 *
 *   begin ─► sent ──reply──► done
 *             │ ▲
 *   no reply  ▼ │ same bytes, later each time        attempts or time used up ─► 'no-answer'
 *            waiting                                 link or panel lost       ─► 'link-closed', 'panel-restarted'
 */
import type { Clock } from '../../clock/clock.ts';
import { decodeFrame, encodeFrame } from '../../firmware-protocol/codec.ts';
import type { Reply, Request } from '../../firmware-protocol/messages.ts';
import type { Random } from '../../signal/random.ts';
import type { Link } from '../link/link.ts';
import type { PanelCounters, PanelFailure, Result } from './panel.ts';
import { createRoundTripEstimator } from './round-trip-estimator.ts';

export interface LineTimeouts {
  /** Wait for the first answer ever, ms. */
  initialMs: number;
  /** Bounds of the wait after which a request is sent again, ms. */
  minMs: number;
  maxMs: number;
  /** Times that one request is sent at most. */
  attempts: number;
  /** From the first sending of a request to giving up, ms. */
  totalMs: number;
}

export const DEFAULT_TIMEOUTS: Readonly<LineTimeouts> = { initialMs: 250, minMs: 25, maxMs: 1000, attempts: 6, totalMs: 2000 };

interface ReplyTypes {
  hello: 'capabilities';
  ping: 'pong';
  'get-status': 'status';
  'set-phases': 'ack';
  'set-digital': 'ack';
  commit: 'committed';
  'read-phases': 'phases';
  'measure-snr': 'snr-report';
  'measure-pilots': 'pilot-report';
  'store-beam': 'ack';
  'select-beam': 'committed';
  'set-safe-state': 'ack';
  'patch-phases': 'ack';
  'cancel-commit': 'ack';
  'sync-time': 'synced';
  challenge: 'challenged';
}
const REPLY_TYPES: { readonly [T in Request['type']]: ReplyTypes[T] } = {
  hello: 'capabilities',
  ping: 'pong',
  'get-status': 'status',
  'set-phases': 'ack',
  'set-digital': 'ack',
  commit: 'committed',
  'read-phases': 'phases',
  'measure-snr': 'snr-report',
  'measure-pilots': 'pilot-report',
  'store-beam': 'ack',
  'select-beam': 'committed',
  'set-safe-state': 'ack',
  'patch-phases': 'ack',
  'cancel-commit': 'ack',
  'sync-time': 'synced',
  challenge: 'challenged',
};

export type RequestOf<T extends Request['type']> = Extract<Request, { type: T }>;
export type ReplyTo<T extends Request['type']> = Extract<Reply, { type: ReplyTypes[T] }>;

export interface RequestLine {
  readonly counters: PanelCounters;
  /** Sends a request; `done` is called once, later, unless the returned function withdraws it first. */
  begin<T extends Request['type']>(request: RequestOf<T>, done: (result: Result<ReplyTo<T>>) => void): () => void;
  request<T extends Request['type']>(request: RequestOf<T>): Promise<Result<ReplyTo<T>>>;
  /** A frame from the link. */
  receive(bytes: Uint8Array): void;
  /** Ends everything that is waited for. Nothing of it is ever sent again. */
  failAll(failure: PanelFailure): void;
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
  cancelTimer: () => void;
  done: (result: Result<Reply>) => void;
}

/** More than the driver ever has in flight: a caller that never awaits is told so instead of filling the memory. */
const MAX_OUTSTANDING = 64;
/** Replies that may overtake a request before it is taken for lost, as in TCP. */
const MAX_OVERTAKEN = 3;
/** Share of a wait that is drawn at random, so that several hosts on one bus do not ask again in step. */
const JITTER = 0.25;

export function createRequestLine(options: { link: Link; clock: Clock; random: Random; timeouts: LineTimeouts }): RequestLine {
  const { link, clock, random, timeouts } = options;
  const estimator = createRoundTripEstimator(timeouts);
  const outstanding = new Map<number, Outstanding>();
  // Anywhere, so that a host that was restarted is not answered from the panel's memory of the last one.
  let nextSeq = Math.floor(random.uniform() * 0x10000);
  let nextOrder = 0;
  const counters: PanelCounters = {
    requests: 0,
    retries: 0,
    timeouts: 0,
    nacks: 0,
    strayReplies: 0,
    badFrames: 0,
    roundTripMs: 0,
  };

  const takeSeq = (): number => {
    while (outstanding.has(nextSeq)) nextSeq = (nextSeq + 1) & 0xffff;
    const seq = nextSeq;
    nextSeq = (nextSeq + 1) & 0xffff;
    return seq;
  };

  const finish = (entry: Outstanding, result: Result<Reply>): void => {
    entry.cancelTimer();
    outstanding.delete(entry.seq);
    entry.done(result);
  };

  const transmit = (entry: Outstanding): void => {
    entry.attempts++;
    entry.order = nextOrder++;
    entry.overtaken = 0;
    entry.sentMs = clock.nowMs();
    if (!link.send(entry.bytes)) return finish(entry, { ok: false, failure: linkClosed(link) });
    entry.waitMs = entry.attempts === 1 ? estimator.timeoutMs : backedOffMs(entry.attempts);
    arm(entry);
  };

  const backedOffMs = (attempts: number): number => {
    const waitMs = estimator.timeoutMs * 2 ** (attempts - 1) * (1 + JITTER * random.uniform());
    return Math.min(waitMs, timeouts.maxMs);
  };

  const dueMs = (entry: Outstanding): number =>
    Math.min(Math.max(entry.sentMs, entry.progressMs) + entry.waitMs, entry.firstSentMs + timeouts.totalMs);

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
    const { attempts, request } = entry;
    if (attempts >= timeouts.attempts || waitedMs >= timeouts.totalMs - 1e-3) {
      return finish(entry, { ok: false, failure: { reason: 'no-answer', request: request.type, attempts, waitedMs } });
    }
    counters.retries++;
    transmit(entry);
  };

  /** A busy panel did nothing, and would repeat its refusal to the same number: ask later under a new one, if there is a later. */
  const askLater = (entry: Outstanding): boolean => {
    const waitMs = backedOffMs(entry.attempts);
    const lastMs = entry.firstSentMs + timeouts.totalMs;
    if (entry.attempts >= timeouts.attempts || clock.nowMs() + waitMs >= lastMs) return false;
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
    const decoded = decodeFrame(bytes);
    if (!decoded.ok) {
      counters.badFrames++;
      return;
    }
    const { seq, message } = decoded.frame;
    const entry = outstanding.get(seq);
    if (entry === undefined || !answers(entry.request, message)) {
      counters.strayReplies++;
      return;
    }
    learnFrom(entry);
    if (message.type !== 'nack') return finish(entry, { ok: true, value: message });
    counters.nacks++;
    if (message.code === 'busy' && askLater(entry)) return;
    const { code, detail } = message;
    finish(entry, { ok: false, failure: { reason: 'rejected', request: entry.request.type, code, detail } });
  };

  const begin = <T extends Request['type']>(request: RequestOf<T>, done: (result: Result<ReplyTo<T>>) => void): (() => void) => {
    const refuseLater = (failure: PanelFailure): (() => void) => {
      queueMicrotask(() => done({ ok: false, failure }));
      return () => undefined;
    };
    if (link.state.state !== 'open') return refuseLater(linkClosed(link));
    if (outstanding.size >= MAX_OUTSTANDING) {
      return refuseLater({ reason: 'rejected', request: request.type, code: 'busy', detail: outstanding.size });
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
      cancelTimer: () => undefined,
      // `answers` lets only the reply type of this request through.
      done: done as (result: Result<Reply>) => void,
    };
    outstanding.set(seq, entry);
    transmit(entry);
    return () => {
      entry.cancelTimer();
      outstanding.delete(entry.seq);
    };
  };

  return {
    counters,
    begin,
    request: (request) => new Promise((resolve) => begin(request, resolve)),
    receive,
    failAll: (failure) => {
      for (const entry of [...outstanding.values()]) finish(entry, { ok: false, failure });
    },
  };
}

export function linkClosed(link: Link): PanelFailure {
  const { state } = link;
  const why = state.state === 'open' ? 'refused the frame' : [state.reason, state.detail].filter(Boolean).join(': ');
  return { reason: 'link-closed', detail: `${link.name}: ${why}` };
}

/**
 * Whether a message under the right number is an answer to this request at all. A number comes round again after 65,536 requests, and a
 * reply that was under way for so long must not pass for another. The beam of a report is left to the caller, who can say more about it.
 */
function answers(request: Request, message: Request | Reply): message is Reply {
  if (message.type === 'nack') return true;
  if (message.type !== REPLY_TYPES[request.type]) return false;
  if (request.type === 'ping' && message.type === 'pong') return message.nonce === request.nonce;
  if ((request.type === 'commit' || request.type === 'select-beam') && message.type === 'committed') {
    return message.beamId === request.beamId;
  }
  if (request.type === 'read-phases' && message.type === 'phases') {
    return message.offset === request.offset && message.words.length === request.count;
  }
  return true;
}
