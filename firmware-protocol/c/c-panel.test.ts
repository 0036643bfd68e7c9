/**
 * The panel in C tells the same stories as the virtual panel: the same requests at the same times get the same replies, and leave the
 * same words radiated.
 */
import { beforeAll, describe, expect, it } from 'vitest';
import { CHAINS, USERS, WORDS, beamWords, chunk } from '../../test/doubles/panel-host.ts';
import { createRandom } from '../../core/signal/random.ts';
import { hasPart } from '../../test/parts.ts';
import type { Request } from '../messages.ts';
import { anyStory } from './test/any-story.ts';
import { BUILD_MS, buildProgram } from './test/c-programs.ts';
import { type Outcome, type Step, tellStories } from './test/panel-process.ts';
import {
  cancel,
  challenge,
  commit,
  hello,
  patch,
  pilots,
  ping,
  read,
  select,
  snr,
  status,
  store,
  weights,
  whole,
} from './test/requests.ts';
import {
  DARK,
  type Kind,
  at,
  birthLike,
  bytes,
  expectSameOfAny,
  expectStory as expectStoryOfBoth,
  story,
} from './test/two-panels.ts';

describe.skipIf(!hasPart('gcc'))('the panel in C [needs gcc]', () => {
  let program: string;

  beforeAll(async () => {
    program = await buildProgram('panel', 'panel_process');
  }, BUILD_MS);

  const expectStory = (steps: readonly Step[], said: readonly string[], kind: Kind = {}): Promise<Outcome[]> =>
    expectStoryOfBoth(program, steps, said, kind);

  it('shakes hands, says what it is, and refuses versions it does not speak', () =>
    expectStory(
      story(hello, { type: 'hello', minMajor: 2, maxMajor: 9, host: '' }, { type: 'ping', nonce: 0xdeadbeef }, status),
      ['capabilities', 'unsupported-version 1', 'pong', 'status'],
    ));

  it('moves a beam as a whole, whatever order its chunks come in', async () => {
    const steps = story(
      chunk(5, 16, 16),
      commit(5),
      chunk(5, 0, 8),
      commit(5),
      chunk(5, 8, 8),
      chunk(5, 8, 8),
      at(2.5),
      commit(5),
      at(4),
      { kind: 'request', request: commit(5), seq: 60 },
      read('radiated', 8, 8),
      read('staged'),
    );
    const answers = await expectStory(steps, [
      ...['ack', 'not-staged 0', 'ack', 'not-staged 8', 'ack', 'ack', 'committed', 'committed', 'phases', 'phases'],
    ]);
    expect(answers[5].radiated).toBe(DARK);
    expect(answers[7].radiated).toBe(beamWords(5).join());
    // Said again as it was: latched at 2.5 ms.
    expect(answers[9].message).toMatchObject({ type: 'committed', timeUs: 2500n });
  });

  it('empties a slot for another beam, and refuses beams that are old', () =>
    expectStory(
      story(
        whole(5),
        commit(5),
        chunk(6, 0, 16),
        commit(5),
        commit(6),
        whole(6),
        commit(6),
        whole(4),
        commit(4),
        commit(7),
        status,
      ),
      [
        'ack',
        'committed',
        'ack',
        'committed',
        'not-staged 16',
        'ack',
        'committed',
        'stale-beam 6',
        'stale-beam 6',
        'not-staged 0',
        'status',
      ],
    ));

  it('waits for all weights of a D that was begun', () =>
    expectStory(story(whole(5), weights(5, 1, 2), commit(5), weights(5, 0, 1), commit(5), weights(5, 3, 1), commit(5), snr(5)), [
      'ack',
      'ack',
      `not-staged ${WORDS}`,
      'ack',
      `not-staged ${WORDS + 3}`,
      'ack',
      'committed',
      'snr-report',
    ]));

  it('starts the order of beam ids anew with each hello, and goes on radiating', async () => {
    const answers = await expectStory(
      story(whole(9), commit(9), chunk(10, 0, 8), hello, read('staged'), commit(10), whole(1), commit(1)),
      [...['ack', 'committed', 'ack', 'capabilities', 'phases', 'not-staged 0', 'ack', 'committed']],
    );
    expect(answers[4].radiated).toBe(beamWords(9).join());
  });

  it('names what does not fit it', () =>
    expectStory(
      story(
        { ...chunk(5, 0, 8), phaseBits: 5, words: new Uint16Array(8) } as Request,
        { ...chunk(5, 0, 8), slot: 2 } as Request,
        { ...chunk(5, 0, 8), offset: WORDS - 7 } as Request,
        { ...chunk(5, 0, 8), offset: 0xffffffff } as Request,
        { ...weights(5, 0, 1), users: USERS + 1 } as Request,
        weights(5, CHAINS * USERS, 1),
        { ...weights(5, 0, 1), slot: 255 } as Request,
        read('radiated', 1, WORDS),
        { ...read('staged'), slot: 9 } as Request,
        commit(5, 0, 2),
        challenge,
        { ...store(5, 0), slot: 2 } as Request,
        store(5, 16),
        select(16, 5),
        pilots(1, 0),
        snr(1),
        whole(5),
        commit(5),
        pilots(5, USERS),
        pilots(5, USERS - 1),
        snr(6),
      ),
      [
        ...['wrong-bits 6', 'no-such-slot 2', `wrong-dimensions ${WORDS}`, `wrong-dimensions ${WORDS}`],
        ...[`wrong-dimensions ${CHAINS * USERS}`, `wrong-dimensions ${CHAINS * USERS}`, 'no-such-slot 2'],
        ...[`wrong-dimensions ${WORDS}`, 'no-such-slot 2', 'no-such-slot 2', 'unsupported-message 96'],
        ...['no-such-slot 2', 'wrong-dimensions 16', 'wrong-dimensions 16', 'beam-mismatch 0', 'beam-mismatch 0'],
        ...['ack', 'committed', `wrong-dimensions ${USERS}`, 'pilot-report', 'beam-mismatch 5'],
      ],
    ));

  it('refuses payloads longer than it takes, and features it has not', () =>
    expectStory(
      story(
        whole(5),
        { ...chunk(5, 0, 1), words: new Uint16Array(80) } as Request,
        weights(5, 0, 1),
        snr(5),
        store(5, 0),
        select(0, 5),
        read('staged'),
        pilots(5, 0),
        { ...commit(5), atUs: 5n } as Request,
        cancel(5, 5),
        { type: 'sync-time', hostSendUs: 1n },
        patch(5, 4, [[1, 1]]),
        challenge,
      ),
      [
        ...['ack', 'malformed 16', 'unsupported-message 17', 'unsupported-message 32', 'unsupported-message 48'],
        ...['unsupported-message 49', 'unsupported-message 19', 'unsupported-message 33', 'unsupported-message 18'],
        ...['unsupported-message 22', 'unsupported-message 80', 'unsupported-message 23', 'unsupported-message 96'],
      ],
      { capabilities: { features: [], maxPayloadBytes: 64 } },
    ));

  it('keeps beams in memory and radiates them under new ids', async () => {
    const answers = await expectStory(
      story(
        store(4, 3),
        whole(4),
        weights(4, 0, 4),
        store(4, 3),
        select(2, 6),
        whole(5),
        commit(5),
        select(3, 5),
        select(3, 4),
        select(3, 6),
        select(3, 6),
        snr(6),
      ),
      [
        ...['not-staged 0', 'ack', 'ack', 'ack', 'not-staged 0', 'ack', 'committed', 'committed', 'stale-beam 5'],
        ...['committed', 'committed', 'snr-report'],
      ],
    );
    expect(answers[3].radiated).toBe(DARK);
    expect(answers[9].radiated).toBe(beamWords(4).join());
  });

  it('answers a request that comes again with the same bytes, and carries it out once', async () => {
    const answers = await expectStory(
      story(
        chunk(5, 0, 16),
        chunk(6, 0, 16),
        { kind: 'again', back: 2 },
        read('staged'),
        ping,
        at(10),
        { kind: 'again', back: 2 },
        hello,
        at(20),
        { kind: 'again', back: 5 },
      ),
      ['ack', 'ack', 'ack', 'phases', 'pong', 'pong', 'capabilities', 'pong'],
    );
    // The late copy of beam 5 did not empty the slot of beam 6; a hello makes the panel forget.
    expect(answers[3].message).toMatchObject({ beamId: 6 });
    expect([answers[6], answers[9]].map(({ message }) => message?.type === 'pong' && message.timeUs)).toEqual([0n, 20_000n]);
  });

  it('answers frames it cannot use as the protocol says, and counts them', async () => {
    const answers = await expectStory(
      story(
        bytes('2002090005000000ce667f78'),
        bytes('1202090005000000adf07163'),
        bytes('101809007ae24667'),
        bytes('100209000102035105cb90'),
        bytes('1002090005000000e30a0971'),
        bytes('10840900b9a0eaba'),
        status,
      ),
      ['unsupported-version 1', 'unsupported-message 2', 'unsupported-message 24', 'malformed 2', 'silence', 'silence', 'status'],
    );
    expect(answers[6].message).toMatchObject({ type: 'status' });
  });

  it('does without memory of requests where there is none', () => {
    const birth = { ...birthLike({}), replyBytes: 0 };
    const [answers] = tellStories(program, birth, [story(ping, at(10), { kind: 'again', back: 2 })]);
    expect(answers[2].message).toMatchObject({ type: 'pong', timeUs: 10_000n });
  });

  it('tells any story as the virtual panel does', async () => {
    const random = createRandom(7).stream('stories');
    const below = (limit: number): number => Math.floor(random.uniform() * limit);
    const drawn = { below, chunk: (...part: Parameters<typeof chunk>) => chunk(...part) as Request & { type: 'set-phases' } };
    const stories = Array.from({ length: 300 }, () => anyStory({ ...drawn, words: WORDS, users: USERS, steps: 20 + below(40) }));
    const received = await expectSameOfAny(program, stories);
    // The stories went everywhere.
    expect(received).toEqual([
      ...[
        'ack',
        'beam-mismatch',
        'busy',
        'capabilities',
        'committed',
        'fault',
        'malformed',
        'no-such-slot',
        'not-staged',
        'phases',
      ],
      ...['pilot-report', 'pong', 'silence', 'snr-report', 'stale-beam', 'status', 'synced', 'too-late'],
      ...['unsupported-message', 'unsupported-version', 'wrong-bits', 'wrong-dimensions'],
    ]);
  }, 120_000);
});
