/**
 * A claim on a topic: one end says on it that it is there, retained, with a last will. One holds it; whoever comes second learns so and
 * goes, and what the first one does is not disturbed:
 *
 *   newcomer ── asking (not retained) ──► holder answers 'online' at once ──► newcomer gives up: taken
 *                                         nobody answers (left over from a crash) ──► newcomer says 'online': the topic is its own
 *
 * The broker passes the messages of a topic to everybody in one order, so two that come at once agree on who asked first. The holder's word
 * is overwritten by nothing for long: an 'offline' of somebody else's last will, and a claim of one that asked later, are answered again.
 *
 * Where there is a key only sealed words count, and of another one that it holds the topic only an answer to a nonce of ours: what was sealed
 * once can be said again by anybody. A holder that reads a sealed claim which answers nothing asks ('doubting') whether its owner is there.
 */
import type { Clock } from '../../../core/clock/clock.ts';
import { BeamrigError } from '../../../core/errors/beamrig-error.ts';
import type { BrokerConnection } from './mqtt-connection.ts';
import { drawPresenceNonce, type PresenceSeal } from './mqtt-seal.ts';
import { readPresenceMessage, presencePayload, type PresenceMessage } from './mqtt-topics.ts';

export interface TopicClaim {
  /** It said 'online', and nobody has overtaken it: who hears that may speak to it at once. */
  readonly isOurs: boolean;
  /** @throws {TopicTaken} when somebody else answers; BeamrigError 'link' when the topic cannot be written or read */
  take(): Promise<void>;
  /** Every message on the topic comes in here. */
  receive(payload: Uint8Array, retained: boolean): void;
  /** Gives the topic up, if it is ours or a claim to it may be on its way. */
  release(): Promise<void>;
}

export class TopicTaken extends BeamrigError {
  readonly holder: string;

  constructor(topic: string, holder: string) {
    super('link', `${topic} is held by ${holder}`);
    this.holder = holder;
  }
}

/** How long the broker may take to pass our own message back. */
const ECHO_MS = 2000;
/** How long somebody who seems to be there may take to answer. */
const HOLDER_ANSWER_MS = 500;
const LATECOMERS_KEPT = 32;
/** Answers in one second at most: two that do not know this rule must not fill the broker. */
const ANSWERS_A_SECOND = 20;
/** A recorded claim can be said again and again: its owner is asked for so seldom. */
const DOUBT_EVERY_MS = 1000;

export function createTopicClaim(options: {
  connection: Pick<BrokerConnection, 'publish'>;
  topic: string;
  instance: string;
  /** What stays on the topic when we leave: the payload of the last will. */
  vacant: string;
  /** Where the rig has a key. */
  seal?: PresenceSeal;
  clock: Clock;
  /** Longer or shorter wait for an answer, 0 … 1, so that two who wait for a dead holder do not go on in step. */
  jitter: number;
  /** Somebody asked, and was answered. */
  onAsked: (rival: string) => void;
  /** Somebody took the topic while we could not answer. */
  onLost: (rival: string) => void;
  /** A word came that nobody sealed who knows the key, or that was none. */
  onStranger?: () => void;
  /** The broker does not pass on what we say: not allowed to read the topic. */
  unreadable: () => BeamrigError;
}): TopicClaim {
  const { connection, topic, instance, vacant, clock, seal, onStranger = () => undefined } = options;
  /** Who asked while the topic was ours, and the nonce to answer with. */
  const latecomers = new Map<string, string | undefined>();
  const asked = { nonce: seal && drawPresenceNonce() };
  const doubted = { nonce: undefined as string | undefined, atMs: -Infinity };
  let state: 'outside' | 'asking' | 'asked' | 'held' | 'gone' = 'outside';
  /** Who seems to hold the topic by what was retained. */
  let leftover: string | undefined;
  let notify: () => void = () => undefined;
  let rival: string | undefined;
  let claimed = false;
  let answers = { secondOf: 0, count: 0 };

  const payloadOf = (message: Omit<PresenceMessage, 'tag'>): string => presencePayload(seal?.seal(message) ?? message);
  /** @param nonce of who asked */
  const online = (nonce?: string): string =>
    payloadOf({ state: 'online', instance, ...(nonce !== undefined && seal !== undefined && { answers: nonce }) });

  const say = (nonce?: string): void => {
    const second = Math.floor(clock.nowMs() / 1000);
    if (answers.secondOf !== second) answers = { secondOf: second, count: 0 };
    if (++answers.count > ANSWERS_A_SECOND) return;
    claimed = true;
    connection.publish(topic, online(nonce), true).catch(() => undefined); // its connection is gone, and says so itself
  };

  /** A sealed claim of somebody who was never heard to ask: made now, or once and recorded. */
  const doubt = (): void => {
    say();
    if (clock.nowMs() - doubted.atMs < DOUBT_EVERY_MS) return;
    doubted.atMs = clock.nowMs();
    doubted.nonce = drawPresenceNonce();
    connection.publish(topic, payloadOf({ state: 'doubting', instance, nonce: doubted.nonce }), false).catch(() => undefined);
  };

  const isFresh = ({ answers }: PresenceMessage): boolean =>
    seal === undefined || (answers !== undefined && (answers === asked.nonce || answers === doubted.nonce));

  const overtaken = (by: string): void => {
    const held = state === 'held';
    rival ??= by;
    if (held) {
      state = 'gone';
      options.onLost(by);
    }
    notify();
  };

  const until = (ms: number, done: () => boolean): Promise<boolean> =>
    new Promise((resolve) => {
      const settle = (result: boolean): void => {
        cancel();
        notify = () => undefined;
        resolve(result);
      };
      const cancel = clock.after(ms, () => settle(false));
      notify = () => done() && settle(true);
      notify();
    });

  const refuseIfTaken = (): void => {
    if (rival === undefined) return;
    state = 'gone';
    throw new TopicTaken(topic, rival);
  };

  return {
    get isOurs() {
      return claimed && rival === undefined;
    },
    async take() {
      state = 'asking';
      const { nonce } = asked;
      await connection.publish(topic, payloadOf({ state: 'asking', instance, ...(nonce !== undefined && { nonce }) }), false);
      const echoed = await until(ECHO_MS, () => state === 'asked' || rival !== undefined);
      refuseIfTaken();
      if (!echoed) throw options.unreadable();
      if (leftover !== undefined) await until(HOLDER_ANSWER_MS * (1 + options.jitter / 2), () => rival !== undefined);
      refuseIfTaken();
      claimed = true;
      await connection.publish(topic, online(), true);
      refuseIfTaken();
      state = 'held';
    },
    receive(payload, retained) {
      const read = readPresenceMessage(payload);
      const sealed = seal === undefined || (read !== undefined && seal.isGood(read));
      // Leaving is an empty payload where the topic has no other word for it.
      if (!sealed && payload.length > 0) onStranger();
      const message = sealed ? read : undefined;
      const ours = message?.instance === instance;
      if (retained) {
        // From before we came, perhaps from before the broker came; if it is true, its owner answers.
        if (message?.state === 'online' && !ours) leftover = message.instance;
        return;
      }
      const before = state === 'outside' || state === 'asking';
      if (ours && message.state === 'asking') {
        if (state === 'asking') state = 'asked';
        notify();
      } else if (ours && message.state !== 'offline') {
        // Heard back; nothing to do.
      } else if (message === undefined || message.state === 'offline') {
        if (state === 'held') say();
      } else if (message.state === 'doubting') {
        // Of two that doubt each other one answers, and the other one goes.
        const both = clock.nowMs() - doubted.atMs < DOUBT_EVERY_MS;
        if (state === 'held' && (!both || instance < message.instance)) say(message.nonce);
      } else if (message.state === 'asking') {
        if (before || state === 'gone') return;
        // The newest is the one most likely to claim; a list that were full for good would let any later one have the topic.
        latecomers.delete(message.instance);
        latecomers.set(message.instance, message.nonce);
        const [oldest] = latecomers.keys();
        if (latecomers.size > LATECOMERS_KEPT) latecomers.delete(oldest);
        say(message.nonce);
        options.onAsked(message.instance);
      } else if (state !== 'gone' && state !== 'outside') {
        if (latecomers.has(message.instance)) say(latecomers.get(message.instance));
        else if (isFresh(message)) overtaken(message.instance);
        else if (state === 'held') doubt();
      }
    },
    async release() {
      if (!claimed || state === 'gone') return;
      state = 'gone';
      await connection.publish(topic, vacant, true).catch(() => undefined);
    },
  };
}
