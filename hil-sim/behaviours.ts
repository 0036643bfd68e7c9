/**
 * What goes wrong between a host and a panel, as plain data: a list of behaviours, each saying what happens, to which frames and how often.
 * A test, a demo, a rig file or a command-line flag can all write the same list; everything random in it comes from the seed.
 *
 *   [{ do: 'drop', messages: ['commit'], probability: 0.1 }, { do: 'reset', messages: ['set-phases'], nth: 3 }]
 *
 * Every behaviour counts the frames that match its direction and messages. It acts from the `nth` on (default the first) for `times` of
 * them (default one when `nth` is given, else without end), each with `probability` (default 1). Behaviours act in the order of the list,
 * each on what those before left: a frame duplicated and then delayed arrives twice, late.
 */
import { z } from 'zod';
import { BeamrigError } from '../core/errors/beamrig-error.ts';
import type { Message, NackCode } from '../firmware-protocol/messages.ts';
import { NACK_CODES } from '../firmware-protocol/messages.ts';
import { TYPE_CODES } from '../firmware-protocol/type-codes.ts';
import type { Random } from '../core/signal/random.ts';

export type Direction = 'to-panel' | 'to-host';

const MESSAGE_TYPES = Object.keys(TYPE_CODES) as [Message['type'], ...Message['type'][]];

const when = {
  direction: z
    .enum(['to-panel', 'to-host'])
    .default('to-panel')
    .describe('Frames on their way to the panel, or back to the host.'),
  messages: z
    .array(z.enum(MESSAGE_TYPES))
    .min(1)
    .optional()
    .describe('Only these messages; any when left out, damaged frames too.'),
  probability: z.number().min(0).max(1).default(1).describe('Probability of each frame that matches.'),
  nth: z.int().min(1).optional().describe('Act from the nth matching frame on; from the first when left out.'),
  times: z.int().min(1).optional().describe('For so many of them; when left out 1 if `nth` is given, else without end.'),
};
const toPanelOnly = {
  ...when,
  direction: z.literal('to-panel').default('to-panel').describe('It happens on the way to the panel.'),
};
const milliseconds = z.number().min(0).max(1e9);
const kind = <Kind extends string>(name: Kind, what: string) => z.literal(name).describe(what);

export const behaviourSchema = z.discriminatedUnion('do', [
  z.strictObject({ do: kind('drop', 'The frame is lost.'), ...when }),
  z.strictObject({
    do: kind('corrupt', 'One bit of the frame is flipped.'),
    bit: z.int().min(0).optional().describe('This bit, modulo the frame’s bits; one drawn from the seed when left out.'),
    ...when,
  }),
  z.strictObject({
    do: kind('duplicate', 'The frame arrives more than once.'),
    copies: z.int().min(2).max(16).default(2).describe('How many times it arrives.'),
    ...when,
  }),
  z.strictObject({
    do: kind('delay', 'The frame arrives late; one that was not delayed may overtake it.'),
    delayMs: milliseconds.describe('How late, ms.'),
    jitterMs: milliseconds.default(0).describe('And up to so much more, drawn from the seed, ms.'),
    ...when,
  }),
  z.strictObject({
    do: kind('reorder', 'The frame is held back until the next one in its direction has passed; lost when none comes.'),
    ...when,
  }),
  z.strictObject({
    do: kind('stall', 'When the frame comes in, the panel stops reading and answering; a few frames wait, more are lost.'),
    forMs: milliseconds.describe('For how long, ms.'),
    ...toPanelOnly,
  }),
  z.strictObject({
    do: kind(
      'reset',
      'The panel restarts: staging, latch and beam memory are lost, and nothing is radiated until the next commit.',
    ),
    moment: z
      .enum(['before', 'after'])
      .default('after')
      .describe('Before or after it has handled the frame; to-host: before or after its reply has left.'),
    bootMs: milliseconds.default(0).describe('How long it hears nothing, ms.'),
    ...when,
  }),
  z.strictObject({
    do: kind(
      'wrong-version',
      'The panel speaks another major version for once: it refuses a hello that does not offer it, and all else.',
    ),
    major: z.int().min(1).max(15).describe('The version it speaks.'),
    ...toPanelOnly,
  }),
  z.strictObject({
    do: kind('nack', 'The request is refused, and not carried out.'),
    code: z.enum(NACK_CODES).describe('The reason it gives.'),
    detail: z.int().min(0).max(0xffffffff).default(0).describe('The detail it gives with it.'),
    ...toPanelOnly,
  }),
]);

/** One behaviour as it is written down. */
export type Behaviour = z.input<typeof behaviourSchema>;

/** One frame that still arrives. */
export interface Delivery {
  bytes: Uint8Array;
  delayMs: number;
  /** The verdict it belongs to, when it is a frame held back from earlier. */
  of?: Verdict;
}

/** What becomes of one frame. */
export interface Verdict {
  deliveries: Delivery[];
  stallMs: number;
  reset?: { moment: 'before' | 'after'; bootMs: number };
  /** The version the panel plays for this request. */
  major?: number;
  nack?: { code: NackCode; detail: number };
}

export interface Injector {
  /** `type` is undefined when the frame does not say. Never writes to `bytes`. */
  judge(direction: Direction, type: Message['type'] | undefined, bytes: Uint8Array): Verdict;
}

/**
 * @param behaviours plain data, checked here
 * @param random each behaviour draws from a stream of its own, so that adding one does not change what the others do
 * @throws {BeamrigError} 'argument' naming the behaviour and the field that is wrong
 */
export function createInjector(behaviours: readonly Behaviour[], random: Random): Injector {
  const rules = behaviours.map((behaviour, index) => createRule(parse(behaviour, index), random.stream(`behaviour ${index}`)));
  return {
    judge(direction, type, bytes) {
      const verdict: Verdict = { deliveries: [{ bytes, delayMs: 0 }], stallMs: 0 };
      for (const rule of rules) rule(direction, type, verdict);
      return verdict;
    },
  };
}

type ParsedBehaviour = z.output<typeof behaviourSchema>;
type ActingBehaviour = Exclude<ParsedBehaviour, { do: 'reorder' }>;

function parse(behaviour: Behaviour, index: number): ParsedBehaviour {
  const parsed = behaviourSchema.safeParse(behaviour);
  if (parsed.success) return parsed.data;
  const problem = parsed.error.issues.map((issue) => `${issue.path.join('.') || 'behaviour'}: ${issue.message}`).join('; ');
  throw new BeamrigError('argument', `behaviour ${index} (${JSON.stringify(behaviour)}): ${problem}`, {
    wayOut: 'The behaviours and their fields are listed in hil-sim/README.md.',
  });
}

type Rule = (direction: Direction, type: Message['type'] | undefined, verdict: Verdict) => void;

function createRule(behaviour: ParsedBehaviour, random: Random): Rule {
  const { nth = 1, times = behaviour.nth === undefined ? Infinity : 1, messages, probability } = behaviour;
  let met = 0;
  let held: Delivery[] = [];
  return (direction, type, verdict) => {
    if (direction !== behaviour.direction) return;
    // What was held back follows this frame, which is not held back itself: else nothing would ever pass.
    const overtaken = held;
    held = [];
    const matches = !messages || (type !== undefined && messages.includes(type));
    if (matches) met += 1;
    const acts = matches && met >= nth && met < nth + times && (probability === 1 || random.uniform() < probability);
    if (acts && behaviour.do !== 'reorder') act(behaviour, verdict, random);
    else if (acts && overtaken.length === 0) held = heldBack(verdict);
    verdict.deliveries.push(...overtaken);
  };
}

/** Takes the frame out of its verdict, with a copy of its bytes: it outlives the caller's buffer. */
function heldBack(verdict: Verdict): Delivery[] {
  const frames = verdict.deliveries.map(({ bytes, delayMs, of = verdict }) => ({ bytes: new Uint8Array(bytes), delayMs, of }));
  verdict.deliveries = [];
  return frames;
}

function act(behaviour: ActingBehaviour, verdict: Verdict, random: Random): void {
  switch (behaviour.do) {
    case 'drop':
      verdict.deliveries = [];
      return;
    case 'corrupt':
      for (const delivery of verdict.deliveries) {
        const bits = 8 * delivery.bytes.length;
        delivery.bytes = flipped(
          delivery.bytes,
          behaviour.bit === undefined ? Math.floor(random.uniform() * bits) : behaviour.bit,
        );
      }
      return;
    case 'duplicate':
      verdict.deliveries = verdict.deliveries.flatMap((delivery) =>
        Array.from({ length: behaviour.copies }, () => ({ ...delivery })),
      );
      return;
    case 'delay':
      for (const delivery of verdict.deliveries) delivery.delayMs += behaviour.delayMs + behaviour.jitterMs * random.uniform();
      return;
    case 'stall':
      verdict.stallMs += behaviour.forMs;
      return;
    case 'reset':
      verdict.reset = { moment: behaviour.moment, bootMs: behaviour.bootMs };
      return;
    case 'wrong-version':
      verdict.major = behaviour.major;
      return;
    case 'nack':
      verdict.nack = { code: behaviour.code, detail: behaviour.detail };
      return;
  }
}

function flipped(bytes: Uint8Array, bit: number): Uint8Array {
  const copy = bytes.slice();
  const at = bit % (8 * copy.length);
  copy[at >> 3] ^= 1 << (at & 7);
  return copy;
}
