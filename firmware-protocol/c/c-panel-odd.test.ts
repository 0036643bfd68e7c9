/** Requests that are odd behind a right checksum, and boards that measure what is no number: the panel in C answers as the virtual panel does. */
import { beforeAll, describe, expect, it } from 'vitest';
import { USERS, WORDS, chunk } from '../../test/doubles/panel-host.ts';
import { createRandom } from '../../core/signal/random.ts';
import { hasPart } from '../../test/parts.ts';
import { sealFrame } from '../authentication.ts';
import { encodeFrame } from '../codec.ts';
import { crc32c } from '../crc32c.ts';
import { CRC_BYTES, HEADER_BYTES } from '../limits.ts';
import type { Capabilities, Request } from '../messages.ts';
import { anySealedStory, anyStory } from './test/any-story.ts';
import { BUILD_MS, buildProgram } from './test/c-programs.ts';
import { type Step, tellStories } from './test/panel-process.ts';
import { commit, pilots, ping, read, snr, status, whole } from './test/requests.ts';
import { birthLike, expectSameOfAny, story } from './test/two-panels.ts';

const KEY = Uint8Array.from({ length: 32 }, (_, i) => i);
const STORIES = 20;
const TYPES = [
  1, 2, 3, 0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x20, 0x21, 0x30, 0x31, 0x40, 0x50, 0x60, 0x70, 0x81, 0xff,
];

const KINDS: Partial<Pick<Capabilities, 'stagingSlots' | 'beamMemory' | 'maxPayloadBytes' | 'features'>>[] = [
  { stagingSlots: 1 },
  { stagingSlots: 3, beamMemory: 2 },
  { maxPayloadBytes: 64 },
  { features: ['snr-report', 'beam-memory', 'patch', 'read-back'] },
  { features: ['pilot-report', 'digital-weights', 'time-sync'] },
  { beamMemory: 1, features: ['digital-weights', 'beam-memory', 'time-sync', 'patch', 'snr-report'] },
];

describe.skipIf(!hasPart('gcc'))('the panel in C and what is odd [needs gcc]', () => {
  let program: string;
  beforeAll(async () => {
    program = await buildProgram('panel', 'panel_process');
  }, BUILD_MS);

  const drawer = (name: string) => {
    const random = createRandom(17).stream(name);
    return (limit: number): number => Math.floor(random.uniform() * limit);
  };
  const drawn = (below: (limit: number) => number) => ({
    below,
    words: WORDS,
    users: USERS,
    steps: 20 + below(80),
    chunk: (...part: Parameters<typeof chunk>) => chunk(...part) as Request & { type: 'set-phases' },
  });

  it.each(KINDS)('is told as much by a panel that is %j', async (capabilities) => {
    const below = drawer(JSON.stringify(capabilities));
    const stories = Array.from({ length: STORIES }, () => withOddFrames(anyStory(drawn(below)), below));
    const received = await expectSameOfAny(program, stories, { capabilities });
    expect(received).toEqual(expect.arrayContaining(['ack', 'malformed', 'unsupported-message', 'wrong-dimensions']));
  });

  it.each(KINDS)('is told as much by one with a key that is %j', async ({ features, ...capabilities }) => {
    const below = drawer(`sealed ${JSON.stringify(capabilities)}`);
    let counter = 1_000_000n;
    const seal = (bytes: Uint8Array): Uint8Array => (sealable(bytes) ? sealFrame(bytes, KEY, (counter += 1n)) : bytes);
    const stories = Array.from({ length: STORIES }, () =>
      withOddFrames(anySealedStory({ ...drawn(below), key: KEY }), below).map((step) =>
        step.kind === 'bytes' && below(2) === 0 ? { ...step, bytes: seal(step.bytes) } : step,
      ),
    );
    const kind = {
      capabilities: { ...capabilities, ...(features && { features: [...features, 'authentication' as const] }) },
      authentication: { panelKey: KEY, counterLimit: 0n },
    };
    const received = await expectSameOfAny(program, stories, kind);
    expect(received).toEqual(expect.arrayContaining(['ack', 'not-authenticated', 'replayed']));
  });

  it.each(['no number', 'without pilots'] as const)('is busy when its front end measures %s, and says so', (what) => {
    const answers = tellStories(program, birthLike({}), [
      story(whole(5), commit(5), { kind: 'measures', what }, pilots(5, 0), snr(5), { kind: 'measures', what: 'numbers' }, snr(5)),
    ])[0].map(({ said }) => said);
    expect(answers.slice(3)).toEqual(['busy 0', what === 'no number' ? 'snr-report' : 'busy 0', 'silence', 'snr-report']);
  });

  it('says for whom it has no reading, and takes one that is out of range for a reading', () => {
    const [answers] = tellStories(program, birthLike({}), [
      story(whole(5), commit(5), { kind: 'measures', what: 'the last user only' }, snr(5)),
    ]);
    expect(answers.at(-1)?.said).toBe('snr-report without 0');
  });

  it('says that it has no sensor for its temperature', () => {
    const [answers] = tellStories(program, birthLike({}), [story(status, { kind: 'measures', what: 'no temperature' }, status)]);
    expect(answers.map(({ said }) => said)).toEqual(['status', 'silence', 'status without a temperature']);
  });

  it('remembers no reply that its memory has no room for', () => {
    const asked = Array.from({ length: 40 }, (_, i) => (i % 2 === 0 ? read('radiated') : ping));
    const birth = { ...birthLike({}), replyBytes: 24 };
    const [answers] = tellStories(program, birth, [story(...asked, { kind: 'again', back: 2 }, { kind: 'again', back: 2 })]);
    expect(answers.map(({ said }) => said)).toEqual(Array.from({ length: 42 }, (_, i) => (i % 2 === 0 ? 'phases' : 'pong')));
  });
});

/** Some of the requests become frames with anything inside, be they too long or cut, each behind a right checksum. */
function withOddFrames(steps: readonly Step[], below: (limit: number) => number): Step[] {
  return steps.map((step): Step => {
    if (step.kind !== 'request' || below(3) > 0) return step;
    const frame = new Uint8Array(encodeFrame({ seq: step.seq, message: step.request }));
    return { kind: 'bytes', bytes: checked(odd(frame, below)) };
  });
}

function odd(frame: Uint8Array, below: (limit: number) => number): Uint8Array {
  const longer = (extra: number): Uint8Array => {
    const bytes = new Uint8Array(frame.length + extra);
    bytes.set(frame.subarray(0, frame.length - CRC_BYTES));
    return bytes;
  };
  switch (below(8)) {
    case 0:
      frame[0] = below(256);
      return frame;
    case 1:
      frame[1] = TYPES[below(TYPES.length)];
      return frame;
    case 2:
      return longer(1 + below(8));
    case 3:
      return frame.slice(0, Math.max(HEADER_BYTES + CRC_BYTES, frame.length - 1 - below(8)));
    case 4:
      return longer(1200 + below(2800));
    default:
      for (let changes = 1 + below(3); changes > 0; changes--) {
        const payloadBytes = frame.length - HEADER_BYTES - CRC_BYTES;
        if (payloadBytes > 0) frame[HEADER_BYTES + below(payloadBytes)] = [0, 1, 2, 0x7f, 0x80, 0xff, below(256)][below(7)];
      }
      return frame;
  }
}

function checked(frame: Uint8Array): Uint8Array {
  const end = frame.length - CRC_BYTES;
  new DataView(frame.buffer, frame.byteOffset).setUint32(end, crc32c(frame.subarray(0, end)), true);
  return frame;
}

/** Whether it is a frame without authentication that has room for one. */
function sealable(bytes: Uint8Array): boolean {
  if (bytes.length < HEADER_BYTES + CRC_BYTES || bytes.length > 4100 || (bytes[0] & 1) !== 0) return false;
  const end = bytes.length - CRC_BYTES;
  return crc32c(bytes.subarray(0, end)) === new DataView(bytes.buffer, bytes.byteOffset).getUint32(end, true);
}
