/**
 * The panel in C as a process, told stories over stdin (panel_process.c says in which records). A story is a list of steps; every step has
 * an outcome, which any other panel can be asked for too.
 */
import { decodeFrame, encodeFrame } from '../../codec.ts';
import type { Capabilities, Message, Request } from '../../messages.ts';
import { runProgram } from './c-programs.ts';

/** One thing that happens to a panel. */
export type Step =
  | { kind: 'request'; request: Request; seq: number }
  | { kind: 'bytes'; bytes: Uint8Array }
  | { kind: 'at'; timeMs: number }
  /** The bytes of an earlier step come once more. */
  | { kind: 'again'; back: number }
  | { kind: 'reset'; bootCount: number };

/** What a step did: the reply in a word, all its fields, and the words radiated afterwards. */
export interface Outcome {
  said: string;
  seq?: number;
  message?: Message;
  radiated: string;
}

/** What a C panel is. */
export interface PanelBirth {
  capabilities: Capabilities;
  /** K, columns of D. */
  streams: number;
  /** Whether it remembers requests. */
  remembers?: boolean;
}

/** The bytes that a step sends; undefined when it sends none. */
export function bytesOf(steps: readonly Step[], i: number): Uint8Array | undefined {
  const step = steps[i];
  if (step === undefined || step.kind === 'at' || step.kind === 'reset') return undefined;
  if (step.kind === 'bytes') return step.bytes;
  if (step.kind === 'request') return encodeFrame({ seq: step.seq, message: step.request });
  return bytesOf(steps, i - step.back);
}

/** What a front end measures is the board's own, so of reports and the temperature the shape is kept and not the values. */
export function outcome(reply: Uint8Array | undefined, radiated: string): Outcome {
  if (reply === undefined) return { said: 'silence', radiated };
  const decoded = decodeFrame(reply);
  if (!decoded.ok) throw new Error(`the reply is no frame: ${decoded.reason}`);
  const { seq, message } = decoded.frame;
  const said = message.type === 'nack' ? `${message.code} ${message.detail}` : message.type;
  return { said, seq, message: withoutMeasured(message), radiated };
}

function withoutMeasured(message: Message): Message {
  if (message.type === 'status') return { ...message, temperatureCentiC: 0 };
  if (message.type === 'snr-report') return { ...message, pilots: 1, snrCentiDb: message.snrCentiDb.slice().fill(0) };
  if (message.type === 'pilot-report') return { ...message, pilots: 1, values: message.values.slice().fill(0) };
  return message;
}

/** Tells each story to a new panel, all in one run of the program. Its time counts from its last reset. */
export function tellStories(program: string, birth: PanelBirth, stories: readonly (readonly Step[])[]): Outcome[][] {
  const output = runProgram(program, [], Buffer.concat(stories.flatMap((steps) => recordsOf(birth, steps))));
  const answers = answersIn(output);
  const next = (): Buffer => answers.next().value as Buffer;
  return stories.map((steps) => {
    next();
    return steps.map(() => {
      const reply = next();
      return outcome(reply.length === 0 ? undefined : new Uint8Array(reply), wordsIn(next(), birth).join());
    });
  });
}

/** What a panel answers to these requests when its board breaks, with this code, between the first ones and the others. */
export function tellOfFault(
  program: string,
  birth: PanelBirth,
  fault: { before: readonly Request[]; code: number; after: readonly Request[] },
): Outcome[] {
  const ask = (message: Request): Buffer[] => [record('F', encodeFrame({ seq: 1, message })), record('W', new Uint8Array(0))];
  const code = Buffer.alloc(4);
  code.writeUInt32LE(fault.code);
  const before = [record('N', newborn(birth, 1)), ...fault.before.flatMap(ask), record('X', code)];
  const output = runProgram(program, [], Buffer.concat([...before, ...fault.after.flatMap(ask)]));
  const answers = [...answersIn(output)].slice(before.length);
  return fault.after.map((_, i) => outcome(answers[2 * i], wordsIn(answers[2 * i + 1], birth).join()));
}

function recordsOf(birth: PanelBirth, steps: readonly Step[]): Buffer[] {
  const records = [record('N', newborn(birth, 1))];
  let nowMs = 0;
  let bornMs = 0;
  for (const [i, step] of steps.entries()) {
    const frame = bytesOf(steps, i);
    if (step.kind === 'at') nowMs = step.timeMs;
    if (step.kind === 'reset') {
      bornMs = nowMs;
      records.push(record('N', newborn(birth, step.bootCount)));
    } else {
      records.push(frame === undefined ? record('T', microseconds(nowMs - bornMs)) : record('F', frame));
    }
    records.push(record('W', new Uint8Array(0)));
  }
  return records;
}

/** u16 streams, u32 bootCount, u8 whether it remembers requests, and its capabilities as a frame. */
function newborn({ capabilities, streams, remembers = true }: PanelBirth, bootCount: number): Buffer {
  const head = Buffer.alloc(7);
  head.writeUInt16LE(streams, 0);
  head.writeUInt32LE(bootCount, 2);
  head[6] = remembers ? 1 : 0;
  return Buffer.concat([head, encodeFrame({ seq: 0, message: { type: 'capabilities', ...capabilities } })]);
}

function record(kind: string, body: Uint8Array): Buffer {
  const head = Buffer.alloc(5);
  head.write(kind, 'latin1');
  head.writeUInt32LE(body.length, 1);
  return Buffer.concat([head, body]);
}

function microseconds(timeMs: number): Buffer {
  const body = Buffer.alloc(8);
  body.writeBigUInt64LE(BigInt(Math.round(1000 * timeMs)));
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
