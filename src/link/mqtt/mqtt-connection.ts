/**
 * One connection to a broker, from the first byte to the last. It never reconnects: who owns it opens another one, so that nothing which was
 * said in one connection is ever sent in the next.
 *
 *   TCP (and TLS) ─► CONNECT as MQTT 5, or 3.1.1 where the broker knows no better ─► subscriptions, all granted ─► frames … ─► closed, why
 *
 * The password goes out only after the certificate was accepted. Frames are QoS 0, expire in a second and are refused here while the socket
 * does not take what was sent before; words about who is there are QoS 1, so that a broker that denies them says so (MQTT 5 only).
 */
import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { MqttClient, type IClientOptions } from 'mqtt';
import type { Clock } from '../../../core/clock/clock.ts';
import { BeamrigError } from '../../../core/errors/beamrig-error.ts';
import { REASON, closedInstead, denied, refused, unreachable } from './mqtt-failures.ts';
import type { BrokerSettings } from './mqtt-settings.ts';

export interface BrokerSession {
  /** The same for all connections of one end: the broker ends the older one, and with it what is still under way in it. */
  clientId: string;
  will?: { topic: string; payload: string };
  clock: Clock;
  onMessage: (topic: string, payload: Uint8Array, retained: boolean) => void;
  /** Once, unless we ended it. */
  onClosed: (detail: string) => void;
}

export interface BrokerConnection {
  readonly alive: boolean;
  /** Bytes that were sent and that the socket has not taken yet. */
  readonly unsentBytes: number;
  /** The longest frame on this topic whose packet the broker takes, by what it announced. */
  largestFrameBytes(topic: string): number;
  /** Calls once when the connection has ended, for whatever reason; the returned function lets go. */
  onEnd(listener: () => void): () => void;
  /** @throws {BeamrigError} 'link' when one of them is denied */
  subscribe(topics: Record<string, 0 | 1>): Promise<void>;
  /** Retained or not, QoS 1. @throws {BeamrigError} 'link' when it is denied or not acknowledged */
  publish(topic: string, payload: string, retain: boolean): Promise<void>;
  /** One frame, QoS 0. False, and nothing sent, when the connection is gone or too much waits already. */
  sendFrame(topic: string, frame: Uint8Array): boolean;
  /** Says goodbye, so that the last will is not published. */
  end(): Promise<void>;
}

/** For TCP and TLS, and again for the broker's answer. */
const ANSWER_MS = 3000;
const GOODBYE_MS = 300;
/** A broker that vanished without a word is noticed after one and a half times this; so is an end, and its last will published. */
const KEEPALIVE_S = 4;
/** What may wait for a socket: a hundred of the longest frames, many beams; more would be stale when it is sent. */
export const UNSENT_BYTES = 400_000;
const FRAME_EXPIRY_S = 1;
/** Frames have 4,120 bytes at most, presences less; a broker that speaks MQTT 5 keeps larger messages of strangers from us. */
const LARGEST_PACKET_BYTES = 16_384;

/** What MQTT can carry. */
const MQTT_LARGEST_BYTES = 268_435_455;
/** Of a frame's packet beside topic and frame: type and length, length of the topic, an expiry. */
const PUBLISH_BYTES = 1 + 4 + 2 + 6;

/** @throws {BeamrigError} 'link' in words, with the way out */
export async function connectToBroker(settings: BrokerSettings, session: BrokerSession): Promise<BrokerConnection> {
  try {
    return await connectAs(5, settings, session);
  } catch (error) {
    if (!(error instanceof OldBroker)) throw error;
  }
  return connectAs(4, settings, session);
}

class OldBroker extends BeamrigError {}

async function connectAs(version: 4 | 5, settings: BrokerSettings, session: BrokerSession): Promise<BrokerConnection> {
  const { clock, clientId, will } = session;
  const socket = await reach(settings, clock);
  const options: IClientOptions = {
    protocolVersion: version,
    protocolId: 'MQTT',
    clean: true,
    clientId,
    keepalive: KEEPALIVE_S,
    reconnectPeriod: 0,
    connectTimeout: 2 * ANSWER_MS, // ours comes first
    queueQoSZero: false,
    resubscribe: false,
    ...(version === 5 && { properties: { maximumPacketSize: LARGEST_PACKET_BYTES } }),
    ...(settings.username !== undefined && { username: settings.username }),
    ...(settings.password !== undefined && { password: settings.password }),
    ...(will !== undefined && { will: { topic: will.topic, payload: Buffer.from(will.payload), qos: 1, retain: true } }),
  };
  const client = new MqttClient(() => socket, options);
  let opened = false;
  let ended = false;
  let largestPacketBytes = MQTT_LARGEST_BYTES;
  let why: string | undefined;
  const largestFrameBytes = (topic: string): number => largestPacketBytes - PUBLISH_BYTES - Buffer.byteLength(topic);
  const closedListeners = new Set<() => void>();

  client.on('message', (topic, payload, packet) => session.onMessage(topic, payload, packet.retain));
  client.on('disconnect', (packet) => {
    why ??= `the broker ended the connection: ${reasonInWords(packet.reasonCode ?? 0)}`;
  });
  // Errors come before 'close'; without a listener they would end the process.
  client.on('error', (error) => {
    why ??= /keepalive/i.test(error.message) ? 'the broker no longer answers' : error.message;
  });
  client.on('close', () => {
    for (const listener of closedListeners) listener();
    closedListeners.clear();
    if (!opened || ended) return;
    ended = true;
    client.end(true); // timers
    session.onClosed(why ?? 'the broker closed the connection');
  });

  await new Promise<void>((resolve, reject) => {
    const fail = (error: BeamrigError): void => {
      cancel();
      ended = true;
      client.end(true);
      socket.destroy();
      reject(error);
    };
    const late = (): void =>
      fail(unreachable(settings, { code: 'ETIMEDOUT', message: `the broker said nothing for ${ANSWER_MS / 1000} s` }));
    const cancel = clock.after(ANSWER_MS, late);
    client.once('connect', ({ properties }) => {
      cancel();
      largestPacketBytes = properties?.maximumPacketSize ?? MQTT_LARGEST_BYTES;
      opened = true;
      resolve();
    });
    client.once('error', (error) => {
      const { code } = error as { code?: unknown };
      if (opened) return;
      if (typeof code !== 'number') return fail(unreachable(settings, error));
      const old = version === 5 && (code === REASON.oldUnsupportedVersion || code === REASON.unsupportedVersion);
      fail(old ? new OldBroker('link', 'MQTT 5 is not spoken') : refused(settings, code));
    });
    client.once('close', () => opened || fail(closedInstead(settings)));
  });

  /** Waits for an acknowledgement, or for what makes it impossible. */
  const acknowledged = (what: string, begin: (done: (error?: Error | null) => void) => void): Promise<void> =>
    new Promise((resolve, reject) => {
      const lost = (): void => settle(cutOff(settings, why));
      const late = (): void =>
        settle(unreachable(settings, { code: 'ETIMEDOUT', message: `${what} not acknowledged for ${ANSWER_MS / 1000} s` }));
      const settle = (error?: Error | null): void => {
        cancel();
        closedListeners.delete(lost);
        if (error) reject(error);
        else resolve();
      };
      const cancel = clock.after(ANSWER_MS, late);
      if (!client.connected) return lost();
      closedListeners.add(lost);
      begin(settle);
    });

  return {
    get alive() {
      return opened && !ended && client.connected;
    },
    get unsentBytes() {
      return socket.writableLength;
    },
    largestFrameBytes,
    onEnd: (listener) => {
      closedListeners.add(listener);
      return () => closedListeners.delete(listener);
    },
    subscribe: (topics) =>
      acknowledged('the subscription is', (done) => {
        const wanted = Object.fromEntries(Object.entries(topics).map(([topic, qos]) => [topic, { qos }]));
        client.subscribe(wanted, (error, granted, packet) => {
          const codes = packet?.granted ?? [];
          const index = codes.findIndex((code) => typeof code === 'number' && code >= 128);
          if (index >= 0) done(denied(settings, 'subscribe to', Object.keys(topics)[index]));
          else done(granted === undefined ? cutOff(settings, error?.message) : asLinkError(settings, error));
        });
      }),
    publish: (topic, payload, retain) =>
      acknowledged(`a message on ${topic} is`, (done) =>
        client.publish(topic, payload, { qos: 1, retain }, (error) => {
          const { code } = (error ?? {}) as { code?: unknown };
          done(code === REASON.notAuthorised ? denied(settings, 'publish to', topic) : asLinkError(settings, error));
        }),
      ),
    sendFrame: (topic, frame) => {
      if (frame.length > largestFrameBytes(topic)) return false;
      if (!client.connected || ended || socket.writableLength + frame.length > UNSENT_BYTES) return false;
      // A copy: the socket may keep it for a while, and the caller may use its buffer again.
      client.publish(topic, Buffer.from(frame), { qos: 0, properties: { messageExpiryInterval: FRAME_EXPIRY_S } });
      return true;
    },
    end: async () => {
      if (ended) return;
      ended = true;
      await new Promise<void>((resolve) => {
        const cancel = clock.after(GOODBYE_MS, resolve);
        client.end(false, () => {
          cancel();
          resolve();
        });
      });
      socket.destroy();
    },
  };
}

/** A socket that is connected, and whose other end is who it should be. */
function reach(settings: BrokerSettings, clock: Clock): Promise<Socket> {
  const { host, port, tls } = settings;
  return new Promise((resolve, reject) => {
    const socket =
      tls === undefined
        ? connectTcp({ host, port, noDelay: true })
        : connectTls({ host, port, ...tls, rejectUnauthorized: true, ...(isIP(host) === 0 && { servername: host }) });
    const settle = (error?: unknown): void => {
      cancel();
      socket.removeListener('error', settle);
      socket.removeListener('close', closed);
      if (error === undefined) return resolve(socket);
      socket.on('error', () => undefined);
      socket.destroy();
      reject(unreachable(settings, error));
    };
    const closed = (): void => settle({ code: 'ECONNRESET', message: 'closed' });
    const late = (): void => settle({ code: 'ETIMEDOUT', message: `nothing for ${ANSWER_MS / 1000} s` });
    const cancel = clock.after(ANSWER_MS, late);
    socket.once('error', settle);
    socket.once('close', closed);
    socket.once(tls === undefined ? 'connect' : 'secureConnect', () => {
      socket.setNoDelay(true);
      settle();
    });
  });
}

function asLinkError(settings: BrokerSettings, error: Error | null | undefined): Error | null {
  if (!error) return null;
  return new BeamrigError('link', `${settings.url}: ${error.message}`, { wayOut: 'The broker’s log says why.', cause: error });
}

function cutOff(settings: BrokerSettings, why = 'the broker closed the connection'): BeamrigError {
  return new BeamrigError('link', `${settings.url}: ${why}`, {
    wayOut:
      'The broker’s log says why. One that speaks only MQTT 3.1.1 closes the connection on a message that it does not allow.',
  });
}

function reasonInWords(code: number): string {
  switch (code) {
    case 0:
      return 'without a reason';
    case 139:
      return 'it is shutting down';
    case 141:
      return 'it heard nothing from here for too long';
    case 142:
      return 'another client came with the same client id';
    case 135:
      return 'not authorised any more';
    case 149:
      return 'a message was larger than it takes';
    default:
      return `reason ${code}`;
  }
}
