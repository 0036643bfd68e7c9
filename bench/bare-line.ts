/**
 * A line without a driver: sends bytes that were made before, waits until as many answers have come, and looks into none of them. What that
 * takes is the least that a driver with the same frames, the same window and the same order can take.
 */
import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import { MqttClient } from 'mqtt';
import { decodeFrame, encodeFrame } from '../firmware-protocol/codec.ts';
import type { Frame } from '../firmware-protocol/messages.ts';
import { SerialFrameReader, cobsFrame } from '../firmware-protocol/serial-framing.ts';
import { openSerialPort } from '../src/link/serial/serial-port.ts';

export interface BareLine {
  /** As the bytes of a frame go onto this line. */
  wrap(frame: Uint8Array): Uint8Array;
  /** Bytes of this length that ask an echo for so many back. */
  question(length: number, answerLength: number): Uint8Array;
  /** Sends all, at most `window` unanswered at a time; resolves with the last answer. */
  exchange(messages: readonly Uint8Array[], window: number): Promise<void>;
  /** Lengths of the answers to the last exchange, and the frames they are; for a look outside the measured time. */
  lastAnswers(): { lengths: number[]; frames: Frame[] };
  close(): Promise<void>;
}

interface Wire {
  send(bytes: Uint8Array): void;
  close(): Promise<void>;
}

/** Counts answers and sends on; `onAnswer` is called by the wire for each. */
function exchanges(wire: () => Wire) {
  let answered = 0;
  let sent = 0;
  let window = 1;
  let messages: readonly Uint8Array[] = [];
  let done: () => void = () => undefined;
  const fill = (): void => {
    while (sent < messages.length && sent - answered < window) wire().send(messages[sent++]);
  };
  return {
    onAnswer: (): void => {
      answered++;
      if (answered === messages.length) done();
      else fill();
    },
    exchange: (next: readonly Uint8Array[], most: number): Promise<void> =>
      new Promise((resolve) => {
        [messages, window, answered, sent, done] = [next, most, 0, 0, resolve];
        fill();
      }),
  };
}

export async function openBareSerial(path: string, baudRate: number): Promise<BareLine> {
  let received: Uint8Array[] = [];
  const { onAnswer, exchange } = exchanges(() => ({ send: (bytes) => void port.write(bytes), close: () => port.close() }));
  const port = await openSerialPort({
    path,
    baudRate,
    onBytes: (bytes) => {
      received.push(bytes.slice());
      for (const byte of bytes) if (byte === 0) onAnswer();
    },
    onGone: (detail) => {
      throw new Error(`${path}: ${detail}`);
    },
  });
  return {
    wrap: cobsFrame,
    question: (length, answerLength) => {
      const bytes = new Uint8Array(length).fill(1);
      [bytes[0], bytes[1], bytes[length - 1]] = [1 + (answerLength % 255), 1 + Math.floor(answerLength / 255), 0];
      return bytes;
    },
    exchange: (messages, window) => {
      received = [];
      return exchange(messages, window);
    },
    lastAnswers: () => {
      const all = Uint8Array.from(received.flatMap((chunk) => [...chunk]));
      const lengths: number[] = [];
      for (let from = 0, at = all.indexOf(0); at >= 0; from = at + 1, at = all.indexOf(0, from)) lengths.push(at + 1 - from);
      const frames: Frame[] = [];
      new SerialFrameReader({ onFrame: (bytes) => frames.push(read(bytes)) }).push(all);
      return { lengths, frames };
    },
    close: () => port.close(),
  };
}

/** Publishes on one topic and hears answers on another. */
export async function openBareMqtt(url: string, ask: string, answer: string): Promise<BareLine> {
  const client = await connectBare(url);
  let received: Uint8Array[] = [];
  const { onAnswer, exchange } = exchanges(() => ({
    send: (bytes) => void client.publish(ask, Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)),
    close: () => client.endAsync(),
  }));
  client.on('message', (_topic, payload) => {
    received.push(payload);
    onAnswer();
  });
  await client.subscribeAsync(answer);
  return {
    wrap: (frame) => Buffer.from(frame),
    question: (length, answerLength) => {
      const bytes = Buffer.alloc(length, 1);
      [bytes[0], bytes[1]] = [answerLength % 256, Math.floor(answerLength / 256)];
      return bytes;
    },
    exchange: (messages, window) => {
      received = [];
      return exchange(messages, window);
    },
    lastAnswers: () => ({ lengths: received.map(({ length }) => length), frames: received.map((bytes) => read(bytes)) }),
    close: () => client.endAsync(),
  };
}

/** A plain client whose socket sends at once: with Nagle's delay a second message waits for the first to be acknowledged, 40 ms. */
export async function connectBare(url: string): Promise<MqttClient> {
  const { hostname, port } = new URL(url);
  const socket = connectTcp({ host: hostname, port: Number(port), noDelay: true });
  await once(socket, 'connect');
  const client = new MqttClient(() => socket, { protocolVersion: 4, queueQoSZero: false, reconnectPeriod: 0 });
  await new Promise<void>((resolve) => void client.once('connect', () => resolve()));
  return client;
}

/** Says hello, as a panel wants before anything else. */
export async function greet(line: BareLine): Promise<void> {
  const message = { type: 'hello', minMajor: 1, maxMajor: 1, host: 'bare' } as const;
  await line.exchange([line.wrap(encodeFrame({ seq: 1, message }))], 1);
}

function read(bytes: Uint8Array): Frame {
  const decoded = decodeFrame(bytes);
  if (!decoded.ok) throw new Error(`the far end answers with what is no frame: ${JSON.stringify(decoded)}`);
  return decoded.frame;
}
