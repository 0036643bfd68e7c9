/**
 * Where a panel that runs as a process of its own meets the broker: frames from to-panel go to the peer, its replies to to-host, and the
 * retained presence says that the panel is there. When the broker goes it comes back by itself. When another panel with the same id is there it
 * does not begin; when one comes that has not asked it gives way, and asks again and again whether that one is there: anybody who may write
 * the topic can say so. With a key only those count who know it.
 *
 * A panel without its topic hears no frames: they are for the one that has it, and two that carried them out would radiate two beams.
 *
 * A panel speaks when it is spoken to. What the peer says before the first frame of a connection is the answer to an older one, and is dropped.
 */
import { randomInt } from 'node:crypto';
import { createRealClock } from '../../../core/clock/real-clock.ts';
import { BeamrigError } from '../../../core/errors/beamrig-error.ts';
import { MAX_FRAME_BYTES } from '../../../firmware-protocol/limits.ts';
import type { LoopbackPeer } from '../loopback.ts';
import { connectToBroker, type BrokerConnection } from './mqtt-connection.ts';
import { denied } from './mqtt-failures.ts';
import { SHORTEST_FRAME_BYTES, tooNarrow } from './mqtt-packet-size.ts';
import { createPresenceSeal } from './mqtt-seal.ts';
import { TopicTaken, createTopicClaim, type TopicClaim } from './mqtt-claim.ts';
import { brokerSettings, shownUrl, type MqttOptions } from './mqtt-settings.ts';
import { newInstance, presencePayload, topicsOf } from './mqtt-topics.ts';
import type { PanelEnd } from '../panel-end.ts';

const FIRST_PAUSE_MS = 90;
/**
 * Well below the 700 ms for which a host that has reached the broker waits for its panel: one attempt of the host finds all of its panels,
 * and an array of several is back within a second of its broker.
 */
const LONGEST_PAUSE_MS = 400;
/** Before another panel that took the id is asked whether it is there: at once where it came once, seldom where it comes again and again. */
const RIVAL_PAUSES_MS = [FIRST_PAUSE_MS, 5000, 30_000];
/** A rival that was not seen for so long is forgotten. */
const RIVAL_FORGOTTEN_MS = 60_000;
/** Newcomers of one second are told of once. */
const ASKED_TOLD_EVERY_MS = 1000;

export interface MqttPanelEndOptions extends MqttOptions {
  panel: string;
  /** Where the rig has one: only those who know it are believed. */
  panelKey?: Uint8Array;
}

/** The end of panel `panel`; options are checked when it is opened. */
export function createMqttPanelEnd(options: MqttPanelEndOptions): PanelEnd {
  const { panel, topicPrefix, panelKey } = options;
  const name = `${shownUrl(options.url)} ${topicPrefix}/panels/${panel}`;
  const clock = createRealClock();
  const instance = newInstance();
  /** Not the instance, which everybody reads: a client that comes under ours would end our connection. */
  const clientId = `beamrig-panel-${newInstance()}`;
  const rivals = { times: 0, atMs: -Infinity };
  let askedToldMs = -Infinity;
  let onState: (state: { open: boolean; detail: string }) => void = () => undefined;
  let peer: LoopbackPeer | undefined;
  let line: { connection: BrokerConnection; claim: TopicClaim } | undefined;
  /** A frame has come in this connection. */
  let spokenTo = false;
  let closed = false;
  let cancelPause: () => void = () => undefined;
  let attempt: Promise<void> | undefined;

  const connect = async (): Promise<void> => {
    const topics = topicsOf(topicPrefix, panel);
    const settings = brokerSettings(options);
    const seal = panelKey && createPresenceSeal(panelKey, topics.presence);
    const word = { state: 'offline', instance } as const;
    const offline = presencePayload(seal?.seal(word) ?? word);
    let claim: TopicClaim | undefined = undefined;
    let established = false;
    spokenTo = false;
    const connection = await connectToBroker(settings, {
      // One id for all connections of this process, so that the broker itself ends the one before.
      clientId,
      will: { topic: topics.presence, payload: offline },
      clock,
      onMessage: (topic, payload, retained) => {
        if (topic === topics.presence) claim?.receive(payload, retained);
        else if (topic === topics.toPanel && !retained && line?.claim.isOurs === true && payload.length <= MAX_FRAME_BYTES) {
          spokenTo = true;
          peer?.receive(new Uint8Array(payload));
        }
      },
      onClosed: (detail) => {
        if (line?.connection !== connection) return;
        line = undefined;
        if (!established) return; // who is connecting hears of it there
        onState({ open: false, detail: `${settings.url}: ${detail}; connecting again` });
        pauseAndRetry(0);
      },
    });
    claim = createTopicClaim({
      connection,
      topic: topics.presence,
      instance,
      vacant: offline,
      clock,
      jitter: randomInt(1000) / 1000,
      ...(seal !== undefined && { seal }),
      onAsked: (rival) => {
        if (clock.nowMs() - askedToldMs < ASKED_TOLD_EVERY_MS) return;
        askedToldMs = clock.nowMs();
        const detail = `another panel (${rival}) with the id ${panel} asked to come, and was told that it is taken`;
        onState({ open: true, detail });
      },
      onLost: (rival) => giveWay(rival),
      unreadable: () => denied(settings, 'read', topics.presence),
    });
    try {
      if (connection.largestFrameBytes(topics.toHost) < SHORTEST_FRAME_BYTES) throw tooNarrow(settings.url);
      await connection.subscribe({ [topics.presence]: 1, [topics.toPanel]: 0 });
      // Frames are for the panel that holds the topic. They are taken once we have said 'online': a host that sees it may speak at once.
      line = { connection, claim };
      await claim.take();
      if (closed) throw new BeamrigError('link', `${name}: closed while it was being opened`);
      if (!connection.alive) throw new BeamrigError('link', `${settings.url}: the broker closed the connection`);
      established = true;
    } catch (error) {
      line = undefined;
      // A goodbye keeps the last will back, and a claim that was made would stay on the topic for good.
      if (connection.alive) await claim.release();
      await connection.end();
      throw error instanceof TopicTaken ? twoPanels(panel, error.holder) : error;
    }
  };

  /** Another one says that it is us. */
  const giveWay = (rival: string): void => {
    const leaving = line?.connection;
    line = undefined;
    if (closed) return;
    onState({ open: false, detail: `${twoPanels(panel, rival).message}; asking again and again whether it is there` });
    void leaving?.end();
    pauseForRival();
  };

  const pauseForRival = (): void => {
    const nowMs = clock.nowMs();
    if (nowMs - rivals.atMs > RIVAL_FORGOTTEN_MS) rivals.times = 0;
    rivals.atMs = nowMs;
    const pauseMs = RIVAL_PAUSES_MS[Math.min(rivals.times++, RIVAL_PAUSES_MS.length - 1)];
    pauseAndRetry(0, pauseMs);
  };

  const pauseAndRetry = (failures: number, longestMs = Math.min(FIRST_PAUSE_MS * 2 ** failures, LONGEST_PAUSE_MS)): void => {
    if (closed) return;
    cancelPause = clock.after(longestMs * (0.5 + randomInt(500) / 1000), () => {
      attempt = retry(failures);
    });
  };

  const retry = async (failures: number): Promise<void> => {
    try {
      await connect();
      onState({ open: true, detail: `${name}: back` });
    } catch (error) {
      if (closed) return;
      if (error instanceof TwoPanels) pauseForRival();
      else pauseAndRetry(failures + 1);
    }
  };

  return {
    name,
    async open(newPeer) {
      peer = newPeer;
      closed = false;
      peer.onSend((frame) => {
        if (spokenTo && line !== undefined) line.connection.sendFrame(topicsOf(topicPrefix, panel).toHost, frame);
      });
      attempt = connect();
      await attempt;
      onState({ open: true, detail: `${name}: online` });
    },
    onState(listener) {
      onState = listener;
    },
    async close() {
      closed = true;
      cancelPause();
      await attempt?.catch(() => undefined);
      const leaving = line;
      line = undefined;
      await leaving?.claim.release();
      await leaving?.connection.end();
    },
  };
}

class TwoPanels extends BeamrigError {}

const twoPanels = (panel: string, other: string): TwoPanels =>
  new TwoPanels('link', `two panels with one id: another panel (${other}) is online as ${panel}, so this one gives way`, {
    wayOut: 'Give each panel a serial number of its own.',
  });
