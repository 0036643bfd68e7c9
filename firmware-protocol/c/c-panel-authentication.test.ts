/** A panel in C with a key hears what the virtual panel with that key hears, and nothing else. */
import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { USERS, WORDS, beamWords, chunk } from '../../test/doubles/panel-host.ts';
import { createRandom } from '../../core/signal/random.ts';
import { hasPart } from '../../test/parts.ts';
import { derivePanelKey, openFrame, sealFrame } from '../authentication.ts';
import { encodeFrame } from '../codec.ts';
import { crc32c } from '../crc32c.ts';
import type { Request } from '../messages.ts';
import { anySealedStory } from './test/any-story.ts';
import { BUILD_MS, buildProgram } from './test/c-programs.ts';
import { type Outcome, type Step, tellStories } from './test/panel-process.ts';
import { challenge, commit, hello, ping, safe, status, whole } from './test/requests.ts';
import { DARK, at, birthLike, expectSameOfAny, expectStory as expectStoryOfBoth, story } from './test/two-panels.ts';

const KEY = derivePanelKey(new Uint8Array(32).fill(9), 'SIM-0001');
const ANOTHER_KEY = derivePanelKey(new Uint8Array(32).fill(9), 'SIM-0002');
const AHEAD = 65_536n;

describe.skipIf(!hasPart('gcc'))('the panel in C with a key [needs gcc]', () => {
  let program: string;

  beforeAll(async () => {
    program = await buildProgram('panel', 'panel_process');
  }, BUILD_MS);

  const expectStory = (steps: readonly Step[], said: readonly string[], counterLimit = 0n): Promise<Outcome[]> =>
    expectStoryOfBoth(program, steps, said, { authentication: { panelKey: KEY, counterLimit } });

  let seq = 0;
  const sealed = (counter: number | bigint, request: Request, key = KEY): Step => ({
    kind: 'sealed',
    request,
    seq: (seq = (seq + 1) & 0xffff),
    counter: BigInt(counter),
    key,
  });
  const again = (back: number): Step => ({ kind: 'again', back });

  it('begins with a challenge, says what it is, and seals every answer under a counter of its own', async () => {
    const answers = await expectStory(
      story(sealed(0, challenge), sealed(101, hello), sealed(102, whole(5)), sealed(103, commit(5)), sealed(104, commit(9))),
      ['challenged', 'capabilities', 'ack', 'committed', 'not-staged 0'],
      100n,
    );
    expect(answers[0].message).toEqual({ type: 'challenged', hostNonce: 0xabcdef0123456789n, lastCounter: 100n });
    expect(answers.map(({ counter }) => counter)).toEqual([101n, 102n, 103n, 104n, 105n]);
    expect(answers[3].radiated).toBe(beamWords(5).join());
  });

  it('takes no frame that is plain, of another key, changed, or was sent before; and says so to whoever may have no key', async () => {
    const changed = sealFrame(encodeFrame({ seq: 3, message: commit(5) }), KEY, 9n);
    changed[4] ^= 2;
    new DataView(changed.buffer).setUint32(changed.length - 4, crc32c(changed, 0, changed.length - 4), true);
    const answers = await expectStory(
      story(
        ...[sealed(1, whole(5)), commit(5), sealed(2, commit(5), ANOTHER_KEY), { kind: 'bytes', bytes: changed } as const],
        ...[again(4), sealed(3, commit(6)), sealed(1, commit(5)), hello, sealed(4, status)],
      ),
      [
        ...['ack', 'not-authenticated 0', 'not-authenticated 0', 'not-authenticated 0', 'replayed 0', 'not-staged 0'],
        ...['replayed 0', 'not-authenticated 0', 'status'],
      ],
    );
    expect(answers.map(({ counter }) => counter !== undefined)).toEqual([
      true,
      false,
      false,
      false,
      false,
      true,
      false,
      false,
      true,
    ]);
    expect(answers.at(-1)?.message).toMatchObject({ badFrames: 6, state: 'idle' });
  });

  it('answers what it does not take as the vectors say', () => {
    const { unopened } = JSON.parse(readFileSync(new URL('../vectors/vectors.json', import.meta.url), 'utf8')) as {
      unopened: { name: string; panelKey: string; bytes: string; nack: { seq: number; message: object } | null }[];
    };
    expect(unopened.length).toBeGreaterThan(0);
    const birth = birthLike({ authentication: { panelKey: KEY, counterLimit: 0n } });
    for (const { name, panelKey, bytes, nack } of unopened) {
      const authentication = { panelKey: new Uint8Array(Buffer.from(panelKey, 'hex')), counterLimit: 0n };
      const frame: Step = { kind: 'bytes', bytes: new Uint8Array(Buffer.from(bytes, 'hex')) };
      const [[answers]] = tellStories(program, { ...birth, authentication }, [[frame]]);
      const { seq, message, counter } = answers;
      expect({ seq, message, counter }, name).toEqual(nack ?? { seq: undefined, message: undefined });
    }
  });

  it('takes frames that the link has put in another order, within 64', () =>
    expectStory(
      story(sealed(100, ping), sealed(37, ping), sealed(36, ping), sealed(99, ping), sealed(37, ping), sealed(99, status)),
      ['pong', 'pong', 'replayed 0', 'pong', 'replayed 0', 'replayed 0'],
    ));

  it('looks at nothing of a challenge but its tag, and changes nothing for it', async () => {
    const answers = await expectStory(
      story(
        ...[
          sealed(5, safe({ silenceMs: 10 })),
          sealed(6, whole(5)),
          sealed(7, commit(5)),
          sealed(1, challenge),
          sealed(900, challenge),
        ],
        ...[again(2), sealed(8, challenge, ANOTHER_KEY), challenge, sealed(8, ping)],
        // Nobody speaks but with challenges, old frames and wrong keys: that is silence.
        ...[at(9), sealed(2, challenge), sealed(6, ping), sealed(9, ping, ANOTHER_KEY), again(2), at(11), sealed(9, status)],
      ),
      [
        ...['ack', 'ack', 'committed', 'challenged', 'challenged', 'challenged', 'not-authenticated 0', 'not-authenticated 0'],
        ...['pong', 'challenged', 'replayed 0', 'not-authenticated 0', 'replayed 0', 'status'],
      ],
    );
    expect(answers.at(-1)?.radiated).toBe(DARK);
    expect([3, 4, 5].map((i) => answers[i].message)).toEqual(
      [7n, 7n, 7n].map((lastCounter) => ({ type: 'challenged', hostNonce: 0xabcdef0123456789n, lastCounter })),
    );
  });

  it('stores a limit before it uses a counter above it, and goes on above it after a start', async () => {
    const answers = await expectStory(
      story(
        ...[sealed(1, whole(5)), sealed(2, commit(5)), { kind: 'reset', bootCount: 2 } as const],
        ...[
          sealed(3, status),
          sealed(1n + AHEAD, status),
          sealed(0, challenge),
          sealed(2n + AHEAD, status),
          sealed(3n + AHEAD, ping),
        ],
      ),
      ['ack', 'committed', 'replayed 0', 'replayed 0', 'challenged', 'status', 'pong'],
    );
    expect(answers.map(({ limit }) => limit)).toEqual(
      [1n, 1n, 1n, 1n, 1n, 2n + AHEAD, 2n + AHEAD, 2n + AHEAD].map((counter) => counter + AHEAD),
    );
    expect(answers[5].counter).toBe(2n + AHEAD);
  });

  it('accepts nothing while it cannot store a limit', async () => {
    const answers = await expectStory(
      story(
        ...[{ kind: 'storage', works: false } as const, sealed(1, whole(5)), sealed(1, challenge), plain(ping)],
        ...[{ kind: 'storage', works: true } as const, sealed(1, whole(5)), { kind: 'storage', works: false } as const],
        ...[sealed(2, commit(5)), sealed(2n * AHEAD, ping), sealed(3, status)],
      ),
      ['silence', 'silence', 'not-authenticated 0', 'ack', 'committed', 'silence', 'status'],
    );
    expect(answers.at(-1)?.limit).toBe(1n + AHEAD);
  });

  it('uses the last counters there are, and then falls silent', () => {
    const last = 2n ** 64n - 1n;
    return expectStory(
      story(sealed(last - 2n, ping), sealed(last - 1n, ping), sealed(last, ping), sealed(last, challenge)),
      ['pong', 'pong', 'pong', 'silence'],
      last - 3n,
    );
  });

  it('knows a request again under another counter, carries it out once, and seals the answer anew', async () => {
    const retry = (step: Step, counter: bigint): Step => (step.kind === 'sealed' ? { ...step, counter } : step);
    const first = sealed(1, chunk(5, 0, 16));
    const question = sealed(4, ping);
    const answers = await expectStory(
      story(
        ...[
          first,
          sealed(2, { ...chunk(6, 0, 16), slot: 1 } as Request),
          retry(first, 3n),
          question,
          at(10),
          retry(question, 5n),
        ],
        ...[sealed(6, hello), at(20), retry(question, 7n)],
      ),
      ['ack', 'ack', 'ack', 'pong', 'pong', 'capabilities', 'pong'],
    );
    expect([3, 5, 8].map((i) => answers[i].message)).toMatchObject([0n, 0n, 20_000n].map((timeUs) => ({ timeUs })));
    expect(answers[5].counter).toBe(5n);
  });

  it('answers with its seal what is authentic and wrong', () => {
    const wrong = (hex: string, counter: bigint): Step => {
      const body = Buffer.from(hex, 'hex');
      const frame = Buffer.concat([body, Buffer.alloc(4)]);
      return { kind: 'bytes', bytes: sealFrame(frame, KEY, counter) };
    };
    return expectStory(
      story(
        wrong('1002090001', 1n), // a ping that is too short
        wrong('200209000500000000', 2n), // of another major version
        wrong('1202090005000000', 3n), // with another flag
        wrong('10180900', 4n), // of no type
        wrong('10840900', 5n), // a reply
        wrong('20010900010100', 6n), // a hello of another major version
        sealed(7, { ...chunk(5, 0, WORDS), words: new Uint16Array(2000) } as Request),
        sealed(8, status),
      ),
      [
        ...['malformed 2', 'unsupported-version 1', 'unsupported-message 2', 'unsupported-message 24', 'silence'],
        ...['capabilities', 'malformed 16', 'status'],
      ],
    );
  });

  it('answers authenticated frames as any others with a flag when it has no key', () =>
    expectStoryOfBoth(program, story(sealed(1, ping), ping), ['unsupported-message 2', 'pong']));

  it('takes nothing at all before it has been given its key', () => {
    const { capabilities, streams } = birthLike({ authentication: { panelKey: KEY, counterLimit: 0n } });
    const [answers] = tellStories(program, { capabilities, streams }, [
      story(hello, sealed(1, hello), sealed(1, challenge), whole(5)),
    ]);
    expect(answers.map(({ said }) => said)).toEqual(new Array(4).fill('not-authenticated 0'));
  });

  it.each([0, 15, 65])('takes no key of %i bytes', (length) => {
    const birth = { ...birthLike({ authentication: { panelKey: KEY, counterLimit: 0n } }) };
    const authentication = { panelKey: new Uint8Array(length), counterLimit: 0n };
    expect(() => tellStories(program, { ...birth, authentication }, [[]])).toThrow(/the panel refuses its key/);
  });

  it('takes no key without saying so in its capabilities', () => {
    const birth = { ...birthLike({}), authentication: { panelKey: KEY, counterLimit: 0n } };
    expect(() => tellStories(program, birth, [[]])).toThrow(/the panel refuses its key/);
  });

  it('is not moved by its own replies sent back to it', async () => {
    const pong = sealFrame(encodeFrame({ seq: 1, message: { type: 'pong', nonce: 7, timeUs: 0n } }), KEY, 500_000n);
    expect(openFrame(pong, KEY).ok).toBe(true);
    const answers = await expectStory(
      story(sealed(1, ping), { kind: 'bytes', bytes: pong }, sealed(2, ping), sealed(0, challenge), sealed(3, status)),
      ['pong', 'silence', 'pong', 'challenged', 'status'],
    );
    expect(answers.map(({ limit }) => limit)).toEqual(new Array(5).fill(1n + AHEAD));
    expect(answers[3].message).toMatchObject({ lastCounter: 2n });
    expect(answers[4].message).toMatchObject({ badFrames: 0 });
  });

  it('tells any story with a key as the virtual panel does', async () => {
    const random = createRandom(11).stream('sealed stories');
    const below = (limit: number): number => Math.floor(random.uniform() * limit);
    const drawn = { below, key: KEY, words: WORDS, users: USERS };
    const stories = Array.from({ length: 150 }, () =>
      anySealedStory({ ...drawn, chunk: (...part) => chunk(...part) as Request & { type: 'set-phases' }, steps: 20 + below(60) }),
    );
    const received = await expectSameOfAny(program, stories, { authentication: { panelKey: KEY, counterLimit: 0n } });
    expect(received).toEqual(
      expect.arrayContaining([
        'ack',
        'challenged',
        'committed',
        'not-authenticated',
        'phases',
        'replayed',
        'silence',
        'stale-beam',
      ]),
    );
  }, 120_000);
});

/** A request without authentication in a story where the others have it. */
const plain = (request: Request): Step => ({ kind: 'request', request, seq: 1 });
