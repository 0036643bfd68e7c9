/**
 * The panel in C as a process, told stories over stdin (panel_process.c says in which records). A story is a list of steps; every step has
 * an outcome, which any other panel can be asked for too.
 */
import type { UserRun } from '../../../core/signal/indices.ts';
import { openFrame, sealFrame } from '../../authentication.ts';
import { decodeFrame, encodeFrame } from '../../codec.ts';
import { MAX_FRAME_BYTES, NO_READING, NO_TEMPERATURE } from '../../limits.ts';
import { type Capabilities, type Message, PROTOCOL_MAJOR, type Request } from '../../messages.ts';
import { runProgram } from './c-programs.ts';

/** What a front end can measure, in the order of the program's numbers. */
const MEASURED = ['numbers', 'no number', 'without pilots', 'the last user only', 'no temperature'] as const;

/** One thing that happens to a panel. */
export type Step =
  | { kind: 'request'; request: Request; seq: number }
  /** A request that the panel handles some time after it has come in. */
  | { kind: 'late'; request: Request; seq: number; receivedUs: bigint }
  /** A request in an authenticated frame. */
  | { kind: 'sealed'; request: Request; seq: number; counter: bigint; key: Uint8Array }
  | { kind: 'bytes'; bytes: Uint8Array }
  | { kind: 'at'; timeMs: number }
  /** The bytes of an earlier step come once more. */
  | { kind: 'again'; back: number }
  | { kind: 'fault'; code: number }
  | { kind: 'recover' }
  /** What the front end of the panel in C measures from now on. */
  | { kind: 'measures'; what: (typeof MEASURED)[number] }
  /** Whether the limit of counters can be stored from now on. */
  | { kind: 'storage'; works: boolean }
  | { kind: 'reset'; bootCount: number };

/** What a step did: the reply in a word, all its fields, and the words radiated afterwards. */
export interface Outcome {
  said: string;
  seq?: number;
  message?: Message;
  /** That of the reply, where it is authenticated. */
  counter?: bigint;
  /** The limit of counters as it was stored last. */
  limit?: bigint;
  radiated: string;
}

/** Parts of the memory that a board gives to its panel. */
export const MEMORY_PARTS = ['words', 'weights', 'coverage', 'slots', 'positions', 'enables', 'gains'] as const;

/** What a C panel is. */
export interface PanelBirth {
  capabilities: Capabilities;
  /** K, columns of D. */
  streams: number;
  /** Bytes of the longest reply that it remembers; 0: it remembers no request. */
  replyBytes?: number;
  /** What it has one place too little for. */
  shortOf?: (typeof MEMORY_PARTS)[number];
  authentication?: { panelKey: Uint8Array; counterLimit: bigint };
  /** The users that it reports, where those are not all. */
  hears?: UserRun;
  /** By how much its clock goes on whenever it is read. */
  tickUs?: bigint;
}

/** The bytes that a step sends; undefined when it sends none. */
export function bytesOf(steps: readonly Step[], i: number): Uint8Array | undefined {
  const step = steps[i];
  switch (step?.kind) {
    case 'bytes':
      return step.bytes;
    case 'request':
    case 'late':
      return encodeFrame({ seq: step.seq, message: step.request });
    case 'sealed':
      return sealFrame(encodeFrame({ seq: step.seq, message: step.request }), step.key, step.counter);
    case 'again':
      return bytesOf(steps, i - step.back);
    default:
      return undefined;
  }
}

/** What a front end measures is the board's own, so of reports and the temperature the shape is kept and not the values. */
export function outcome(reply: Uint8Array | undefined, radiated: string, panelKey?: Uint8Array): Outcome {
  if (reply === undefined) return { said: 'silence', radiated };
  const opened = panelKey && openFrame(reply, panelKey);
  const { frame, seal } = opened?.ok ? { frame: opened.frame, seal: { counter: opened.counter } } : { frame: reply, seal: {} };
  const decoded = decodeFrame(frame);
  if (!decoded.ok) throw new Error(`the reply is no frame: ${decoded.reason}`);
  if (frame[0] >>> 4 !== PROTOCOL_MAJOR) throw new Error(`the reply is of version ${frame[0] >>> 4}, whatever was asked`);
  const { seq, message } = decoded.frame;
  return { said: inAWord(message), seq, message: withoutMeasured(message), ...seal, radiated };
}

function inAWord(message: Message): string {
  if (message.type === 'nack') return `${message.code} ${message.detail}`;
  if (message.type === 'status' && message.temperatureCentiC === NO_TEMPERATURE) return 'status without a temperature';
  if (message.type !== 'snr-report') return message.type;
  const silent = [...message.snrCentiDb.keys()].filter((user) => message.snrCentiDb[user] === NO_READING);
  return silent.length > 0 ? `snr-report without ${silent.join()}` : message.type;
}

function withoutMeasured(message: Message): Message {
  if (message.type === 'status') return { ...message, temperatureCentiC: 0 };
  if (message.type === 'snr-report') return { ...message, pilots: 1, snrCentiDb: message.snrCentiDb.slice().fill(0) };
  if (message.type === 'pilot-report') return { ...message, pilots: 1, values: message.values.slice().fill(0) };
  return message;
}

/** Tells each story to a new panel, all in one run of the program. Its time counts from its last reset. */
export function tellStories(program: string, birth: PanelBirth, stories: readonly (readonly Step[])[]): Outcome[][] {
  const records = stories.map((steps) => recordsOf(birth, steps));
  const answers = [...answersIn(runProgram(program, [], Buffer.concat(records.flat(2))))];
  const { authentication } = birth;
  let from = 0;
  return records.map((story) =>
    story.flatMap((step, i) => {
      const own = answers.slice(from, (from += step.length));
      // The first is the birth. Of a step the last two answers are what is radiated and what is stored; before them stands its reply.
      if (i === 0) return [];
      const [reply, shown, stored] = own.slice(-3);
      const replies = outcome(
        reply.length === 0 ? undefined : new Uint8Array(reply),
        wordsIn(shown, birth).join(),
        authentication?.panelKey,
      );
      return [authentication ? { ...replies, limit: stored.readBigUInt64LE() } : replies];
    }),
  );
}

/**
 * What a panel answers to these requests when its board refuses beams, with this code, after those of before; and to those of afterwards, when
 * the board takes beams again and the panel has recovered.
 */
export function tellOfFault(
  program: string,
  birth: PanelBirth,
  fault: { before: readonly Request[]; code: number; after: readonly Request[]; afterwards?: readonly Request[] },
): Outcome[] {
  const { after, afterwards = [] } = fault;
  const ask = (message: Request): Buffer[] => [record('F', encodeFrame({ seq: 1, message })), record('W')];
  const before = [...newborn(birth, 1), ...fault.before.flatMap(ask), record('X', u32(fault.code))];
  const broken = after.flatMap(ask);
  const mended = [record('X', u32(0)), record('R')];
  const output = runProgram(program, [], Buffer.concat([...before, ...broken, ...mended, ...afterwards.flatMap(ask)]));
  const answers = [...answersIn(output)].slice(before.length);
  answers.splice(broken.length, mended.length);
  return [...after, ...afterwards].map((_, i) => outcome(answers[2 * i], wordsIn(answers[2 * i + 1], birth).join()));
}

/** What the elements of a C panel are driven with. */
export interface Driven {
  words: number[];
  /** Of a beam without: all 1. */
  enabled: number[];
  /** Of a beam without: all at full gain. */
  gains: number[];
}

/** What is driven after each of these requests, which must be carried out; undefined when nothing is. */
export function tellDriven(program: string, birth: PanelBirth, requests: readonly Request[]): (Driven | undefined)[] {
  const before = newborn(birth, 1);
  const records = requests.flatMap((message, i) => [record('F', encodeFrame({ seq: i, message })), record('W')]);
  const answers = [...answersIn(runProgram(program, [], Buffer.concat([...before, ...records])))].slice(before.length);
  const places = birth.capabilities.elements * birth.capabilities.rfChains;
  const wordsAt = (answer: Buffer, from: number): number[] =>
    Array.from({ length: places }, (_, place) => answer.readUInt16LE(from + 2 * place));
  return requests.map((request, i) => {
    const { said } = outcome(new Uint8Array(answers[2 * i]), '');
    if (!['ack', 'committed'].includes(said)) throw new Error(`${request.type} was answered ${said}`);
    const shown = answers[2 * i + 1];
    if (shown.length === 0) return undefined;
    const enabled = [...shown.subarray(2 * places, 3 * places)];
    return { words: wordsAt(shown, 0), enabled, gains: wordsAt(shown, 3 * places) };
  });
}

/** The records of a birth, and then of each step. */
function recordsOf(birth: PanelBirth, steps: readonly Step[]): Buffer[][] {
  let nowMs = 0;
  let bornMs = 0;
  const recordsOfStep = (step: Step, i: number): Buffer[] => {
    switch (step.kind) {
      case 'at':
        nowMs = step.timeMs;
        return [record('T', microseconds(nowMs - bornMs))];
      case 'reset':
        bornMs = nowMs;
        return newborn(birth, step.bootCount);
      case 'late':
        return [record('A', Buffer.concat([u64(step.receivedUs), encodeFrame({ seq: step.seq, message: step.request })]))];
      case 'fault':
        return [record('B', u32(step.code))];
      case 'recover':
        return [record('R')];
      case 'measures':
        return [record('M', Uint8Array.of(MEASURED.indexOf(step.what)))];
      case 'storage':
        return [record('S', Uint8Array.of(step.works ? 1 : 0))];
      default: {
        // Before the story began there was nothing to be said again.
        const frame = bytesOf(steps, i);
        return [frame ? record('F', frame) : record('T', microseconds(nowMs - bornMs))];
      }
    }
  };
  const { authentication } = birth;
  const limit = authentication ? [record('P', u64(authentication.counterLimit)), record('S', Uint8Array.of(1))] : [];
  return [[...limit, ...newborn(birth, 1)], ...steps.map((step, i) => [...recordsOfStep(step, i), record('W'), record('L')])];
}

/** Its capabilities go as a frame; its key afterwards, as a board takes it from its flash. */
function newborn(birth: PanelBirth, bootCount: number): Buffer[] {
  const { capabilities, streams, replyBytes = MAX_FRAME_BYTES, shortOf, authentication, hears, tickUs = 0n } = birth;
  const head = Buffer.alloc(9);
  head.writeUInt16LE(streams, 0);
  head.writeUInt32LE(bootCount, 2);
  head.writeUInt16LE(replyBytes, 6);
  head[8] = shortOf === undefined ? 0 : 1 + MEMORY_PARTS.indexOf(shortOf);
  const body = Buffer.concat([head, encodeFrame({ seq: 0, message: { type: 'capabilities', ...capabilities } })]);
  const reports = hears && record('H', Buffer.concat([u16(hears.firstUser), u16(hears.count)]));
  const key = authentication && record('K', authentication.panelKey);
  return [record('N', body), record('D', u64(tickUs)), ...(key ? [key] : []), ...(reports ? [reports] : [])];
}

function record(kind: string, body: Uint8Array = new Uint8Array(0)): Buffer {
  const head = Buffer.alloc(5);
  head.write(kind, 'latin1');
  head.writeUInt32LE(body.length, 1);
  return Buffer.concat([head, body]);
}

const microseconds = (timeMs: number): Buffer => u64(BigInt(Math.round(1000 * timeMs)));

function u64(value: bigint): Buffer {
  const body = Buffer.alloc(8);
  body.writeBigUInt64LE(value);
  return body;
}

function u16(value: number): Buffer {
  const body = Buffer.alloc(2);
  body.writeUInt16LE(value);
  return body;
}

function u32(value: number): Buffer {
  const body = Buffer.alloc(4);
  body.writeUInt32LE(value);
  return body;
}

function* answersIn(output: Buffer): Generator<Buffer> {
  for (let from = 0; from < output.length;) {
    const end = from + 4 + output.readUInt32LE(from);
    yield output.subarray(from + 4, end);
    from = end;
  }
}

/** Muted elements are given as words of 0, as the virtual panel has it. */
const wordsIn = (answer: Buffer, { capabilities }: PanelBirth): number[] =>
  Array.from({ length: capabilities.elements * capabilities.rfChains }, (_, n) =>
    answer.length === 0 ? 0 : answer.readUInt16LE(2 * n),
  );
