/**
 * The link to a panel behind an MQTT broker. It is open while three things hold: the broker carries our frames, the panel's retained presence
 * says online, and the panel is ours to drive (the host's topic).
 *
 *   open() ─► broker ─► to-host, presence, host granted ─► topic taken ─► panel online ─► open ─┬─► panel offline, or another instance ─► lost
 *               ▲                                                                              ├─► topic taken by another host ─► lost
 *               └────────── needed again only after this ◄── lost ◄── connection gone ◄────────┘
 *
 * While only the panel is away the connection stays, so `open` knows at once whether it is back. Reconnecting is the owner's business:
 * nothing here is sent again, and frames that come while the link is not open are dropped and counted.
 *
 * Anybody whom the broker lets write can say that a panel is away or another one. With a key such words close nothing: they are unproven, and
 * the owner of the link asks the panel itself. So `open` also ends well where no presence was read: the handshake shows who is there.
 */
import { createRealClock } from '../../../core/clock/real-clock.ts';
import type { Clock } from '../../../core/clock/clock.ts';
import { MAX_FRAME_BYTES } from '../../../firmware-protocol/limits.ts';
import type { Random } from '../../../core/signal/random.ts';
import {
  LinkError,
  type UnprovenReports,
  type Link,
  type LinkCause,
  type LinkCounters,
  type LinkState,
  noTraffic,
} from '../link.ts';
import { connectToBroker, type BrokerConnection } from './mqtt-connection.ts';
import { WITHOUT_A_WORD, denied, type Ending } from './mqtt-failures.ts';
import { createRoomProbe, type RoomProbe } from './mqtt-packet-size.ts';
import { createPresenceSeal, type PresenceSeal } from './mqtt-seal.ts';
import { TopicTaken, createTopicClaim, type TopicClaim } from './mqtt-claim.ts';
import { brokerSettings, shownUrl, type BrokerSettings, type MqttOptions } from './mqtt-settings.ts';
import { newInstance, readPresenceMessage, topicsOf, type PanelTopics } from './mqtt-topics.ts';

export type { MqttOptions } from './mqtt-settings.ts';

/** How long `open` waits for the panel: a retained presence comes at once, and a panel that lost the broker as well is back within this. */
const PRESENCE_MS = 700;
/** Two instances that take turns within this are two panels; one that comes once is a panel that was restarted. */
const TURNS_WITHIN_MS = 30_000;
/** How long two panels must have been quiet before one of them is trusted. */
const RIVALS_QUIET_MS = 1000;
/** From the longest frame to the shortest by halves, and once more. */
const BROKER_ATTEMPTS = 8;

export interface MqttLinkOptions extends MqttOptions {
  name?: string;
  /** Serial number of the panel, the topic level it lives under. */
  panel: string;
  /** Where the rig has one: of what is said about panel and host only what is sealed, or what the panel confirms, is believed. */
  panelKey?: Uint8Array;
  clock?: Clock;
  /** For the jitter of waits; what tells two hosts apart is not drawn from a seed. */
  random: Random;
}

/**
 * A closed link to the panel `panel`. Options are checked when it is opened. `close` it also after an `open` that failed: the connection to
 * the broker may have been kept to hear the panel come.
 */
export function createMqttLink(options: MqttLinkOptions): Link {
  return new MqttLink(options);
}

/** What is known of the panel from its presence topic. */
interface Presence {
  online: boolean;
  instance: string;
}

class MqttLink implements Link {
  readonly kind = 'mqtt';
  readonly name: string;
  readonly source = 'hardware';
  readonly counters: LinkCounters = { ...noTraffic(), strange: 0 };
  readonly unproven?: UnprovenReports;
  state: LinkState = { state: 'closed', reason: 'not-opened' };
  readonly #options: MqttLinkOptions;
  readonly #clock: Clock;
  readonly #instance = newInstance();
  /** Not the instance, which everybody reads: a client that comes under ours would end our connection. */
  readonly #clientId = `beamrig-host-${newInstance()}`;
  readonly #room: RoomProbe;
  #doubt: Ending | undefined;
  #doubtListener: () => void = () => undefined;
  #frameListener: (frame: Uint8Array) => void = () => undefined;
  #stateListener: (state: LinkState) => void = () => undefined;
  #opening: Promise<void> | undefined;
  #wasOpen = false;
  /** Counts closes, so that an open under way notices. */
  #closes = 0;
  #connection: BrokerConnection | undefined;
  #claim: TopicClaim | undefined;
  #topics: PanelTopics | undefined;
  #presenceSeal: PresenceSeal | undefined;
  #presence: Presence | undefined;
  #presenceChanged: () => void = () => undefined;
  /** The online instance before the present one, for seeing two take turns. */
  #former: { instance: string; atMs: number } | undefined;
  #rivals: { detail: string; atMs: number } | undefined;

  constructor(options: MqttLinkOptions) {
    this.#options = options;
    this.#clock = options.clock ?? createRealClock();
    this.#room = createRoomProbe(this.#clock, shownUrl(options.url));
    if (options.panelKey !== undefined) this.unproven = this.#createUnprovenReports();
    this.name = options.name ?? `${shownUrl(options.url)} ${options.topicPrefix}/panels/${options.panel}`;
  }

  get maxFrameBytes(): number {
    return this.#room.bytes;
  }

  open(): Promise<void> {
    if (this.state.state === 'open') return Promise.resolve();
    this.#opening ??= this.#openNow().finally(() => {
      this.#opening = undefined;
    });
    return this.#opening;
  }

  send(frame: Uint8Array): boolean {
    if (this.state.state !== 'open' || this.#topics === undefined || frame.length > this.#room.bytes) return false;
    if (this.#connection?.sendFrame(this.#topics.toPanel, frame) !== true) return false;
    this.counters.framesSent++;
    this.counters.bytesSent += frame.length;
    return true;
  }

  onFrame(listener: (frame: Uint8Array) => void): void {
    this.#frameListener = listener;
  }

  onState(listener: (state: LinkState) => void): void {
    this.#stateListener = listener;
  }

  async close(): Promise<void> {
    this.#closes++;
    this.#closeAs({ state: 'closed', reason: 'closed-by-us' });
    this.state = { state: 'closed', reason: 'closed-by-us' };
    this.#presenceChanged();
    await this.#opening?.catch(() => undefined);
    await this.#leaveBroker();
  }

  async #openNow(): Promise<void> {
    const closes = this.#closes;
    try {
      if (this.#connection?.alive !== true) await this.#reachBroker();
      if (this.#closes === closes) await this.#waitForPanel();
      if (this.#closes !== closes) throw this.#gone({ cause: 'closed-meanwhile', detail: 'closed while it was being opened' });
    } catch (error) {
      if (this.#closes === closes && error instanceof LinkError) {
        const { reason: cause, message: detail } = error;
        this.state = { state: 'closed', reason: this.#wasOpen ? 'lost' : 'refused', cause, detail };
      }
      throw error;
    }
    if (this.#wasOpen) this.counters.reconnects++;
    this.#wasOpen = true;
    this.state = { state: 'open' };
    this.#stateListener(this.state);
  }

  /** Connection, subscriptions and claim: all of them or none. A broker that throws out who says something long is asked again with less. */
  async #reachBroker(): Promise<void> {
    for (let attempt = 1; !(await this.#tryBroker()) && attempt < BROKER_ATTEMPTS; attempt++);
  }

  /** @returns false when the broker closed the connection on a length, and a shorter one is to be tried */
  async #tryBroker(): Promise<boolean> {
    await this.#leaveBroker();
    const clock = this.#clock;
    const instance = this.#instance;
    const { panelKey } = this.#options;
    const topics = topicsOf(this.#options.topicPrefix, this.#options.panel);
    const settings = brokerSettings(this.#options);
    const connection = await connectToBroker(settings, {
      clientId: this.#clientId,
      will: { topic: topics.host, payload: '' },
      clock,
      onMessage: (topic, payload, retained) => this.#receive(topic, payload, retained),
      onClosed: ({ cause, detail }) => {
        this.#connection = undefined;
        this.#claim = undefined;
        this.#presence = undefined;
        this.#closeAs(lost(cause, `${settings.url}: ${detail}`));
      },
    });
    this.#topics = topics;
    this.#presenceSeal = panelKey && createPresenceSeal(panelKey, topics.presence);
    this.#connection = connection;
    const claim = createTopicClaim({
      connection,
      topic: topics.host,
      instance,
      vacant: '',
      clock,
      jitter: this.#options.random.uniform(),
      ...(panelKey !== undefined && { seal: createPresenceSeal(panelKey, topics.host) }),
      onStranger: () => this.#countStrange(),
      onAsked: () => undefined, // the other one is told; nothing changes here
      onLost: (rival) => {
        this.#closeAs(lost('other-host', this.#otherHost(rival)));
        void this.#leaveBroker();
      },
      unreadable: () => denied(settings, 'read', topics.host),
    });
    this.#claim = claim;
    try {
      await connection.subscribe({ [topics.toHost]: 0, [topics.presence]: 1, [topics.host]: 1 });
      if ((await this.#room.look(connection, topics)) === 'closed') return false;
      await claim.take();
      return true;
    } catch (error) {
      await this.#leaveBroker();
      throw this.#explain(error, settings);
    }
  }

  #explain(error: unknown, settings: BrokerSettings): unknown {
    if (!(error instanceof TopicTaken)) return error;
    return new LinkError('other-host', `${settings.url}: ${this.#otherHost(error.holder)}`, {
      wayOut: 'Stop the other controller, or drive another panel: a panel has one host.',
    });
  }

  #otherHost(instance: string): string {
    return `another controller (${instance}) drives panel ${this.#options.panel}, as ${this.#topics?.host ?? 'its host topic'} says`;
  }

  async #waitForPanel(): Promise<void> {
    const clock = this.#clock;
    const closes = this.#closes;
    this.#doubt = undefined;
    const settled = (): boolean => this.#presence?.online === true || this.#connection?.alive !== true || this.#closes !== closes;
    if (!settled()) {
      await new Promise<void>((resolve) => {
        const cancel = clock.after(PRESENCE_MS, resolve);
        this.#presenceChanged = () => {
          if (!settled()) return;
          cancel();
          resolve();
        };
      });
      this.#presenceChanged = () => undefined;
    }
    const { panel } = this.#options;
    const topic = this.#topics?.presence ?? '';
    if (this.#connection?.alive !== true) throw this.#gone(WITHOUT_A_WORD);
    if (this.#rivals !== undefined && clock.nowMs() - this.#rivals.atMs < RIVALS_QUIET_MS) {
      throw new LinkError('two-panels', this.#rivals.detail, {
        wayOut: 'Give each panel a serial number of its own, or switch one off.',
      });
    }
    if (this.#presence?.online === true) return;
    const absence: Ending =
      this.#presence === undefined
        ? { cause: 'panel-unannounced', detail: `no panel has said on ${topic} that it is there` }
        : { cause: 'panel-offline', detail: `panel ${panel} is offline, as ${topic} says` };
    if (this.unproven !== undefined) {
      this.#doubt = absence;
      return;
    }
    throw new LinkError(absence.cause, `${shownUrl(this.#options.url)}: ${absence.detail}`, {
      wayOut:
        'Switch the panel on, and check panel and topicPrefix on both ends, and that the broker lets this user read the topic.',
    });
  }

  #gone({ cause, detail }: Ending): LinkError {
    return new LinkError(cause, `${this.name}: ${detail}`, { wayOut: 'Open the link again.' });
  }

  #receive(topic: string, payload: Uint8Array, retained: boolean): void {
    const topics = this.#topics;
    if (topic === topics?.toHost) this.#receiveFrame(payload, retained);
    else if (topic === topics?.presence) this.#receivePresence(payload);
    else if (topic === topics?.host && !this.#room.received(payload)) this.#claim?.receive(payload, retained);
  }

  #receiveFrame(payload: Uint8Array, retained: boolean): void {
    // A retained one is from who knows when, and what is longer than any frame is no frame: it is not even copied.
    if (this.state.state !== 'open' || retained || payload.length > MAX_FRAME_BYTES) {
      this.counters.discarded++;
      return;
    }
    this.counters.framesReceived++;
    this.counters.bytesReceived += payload.length;
    this.#frameListener(new Uint8Array(payload));
  }

  #receivePresence(payload: Uint8Array): void {
    const message = readPresenceMessage(payload);
    const stranger = message === undefined ? payload.length > 0 : this.#presenceSeal?.isGood(message) === false;
    if (stranger) this.#countStrange();
    if (message === undefined || message.state === 'asking' || message.state === 'doubting') return;
    const { instance } = message;
    const before = this.#presence;
    const online = message.state === 'online';
    // The last will of one that was here earlier, or of a rival that went: says nothing about the panel that is here.
    if (!online && before?.online === true && before.instance !== instance) return;
    this.#presence = { online, instance };
    if (online) this.#doubt = undefined;
    if (online && before?.online === true && before.instance !== instance) this.#instanceChanged(before, instance);
    else if (!online)
      this.#lost('panel-offline', `panel ${this.#options.panel} went offline, as ${this.#topics?.presence ?? ''} says`);
    this.#presenceChanged();
  }

  /** The presence topic says so. */
  #lost(cause: LinkCause, detail: string): void {
    if (this.unproven === undefined) return this.#closeAs(lost(cause, detail));
    if (this.state.state !== 'open') return;
    this.#doubt = { cause, detail };
    this.#doubtListener();
  }

  #createUnprovenReports(): UnprovenReports {
    const doubt = (): Ending | undefined => this.#doubt;
    return {
      get doubt() {
        return doubt();
      },
      onDoubt: (listener) => {
        this.#doubtListener = listener;
      },
      refute: () => {
        this.#doubt = undefined;
      },
      believe: () => {
        if (this.#doubt !== undefined) this.#closeAs(lost(this.#doubt.cause, this.#doubt.detail));
      },
    };
  }

  #countStrange(): void {
    this.counters.strange = (this.counters.strange ?? 0) + 1;
  }

  #instanceChanged(before: Presence, instance: string): void {
    const { panel } = this.#options;
    const former = this.#former;
    const atMs = this.#clock.nowMs();
    this.#former = { instance: before.instance, atMs };
    if (former?.instance === instance && atMs - former.atMs < TURNS_WITHIN_MS && this.unproven === undefined) {
      const detail = `two panels with one id: instances ${instance} and ${before.instance} take turns on ${this.#topics?.presence ?? panel}`;
      this.#rivals = { detail, atMs };
      this.#closeAs(lost('two-panels', detail));
    } else {
      this.#lost('panel-replaced', `panel ${panel} was restarted (instance ${before.instance} became ${instance})`);
    }
  }

  #closeAs(closed: LinkState): void {
    this.#doubt = undefined;
    if (this.state.state === 'open') {
      this.state = closed;
      this.#stateListener(this.state);
    }
    this.#presenceChanged();
  }

  async #leaveBroker(): Promise<void> {
    const connection = this.#connection;
    const claim = this.#claim;
    this.#connection = undefined;
    this.#claim = undefined;
    this.#presence = undefined;
    if (connection?.alive === true) await claim?.release();
    await connection?.end();
  }
}

const lost = (cause: LinkCause, detail: string): LinkState => ({ state: 'closed', reason: 'lost', cause, detail });
