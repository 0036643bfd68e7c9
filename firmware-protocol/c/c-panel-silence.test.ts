/** What keeps a panel from its safe state: a session that works. Told to the panel in C and to the virtual panel, which must tell it alike. */
import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { beamWords } from '../../test/doubles/panel-host.ts';
import { hasPart } from '../../test/parts.ts';
import type { Request } from '../messages.ts';
import { BUILD_MS, buildProgram } from './test/c-programs.ts';
import type { Step } from './test/panel-process.ts';
import { challenge, commit, hello, ping, read, safe, select, snr, status, store, whole } from './test/requests.ts';
import { DARK, at, bytes, expectStory, story } from './test/two-panels.ts';

const SHOWN = beamWords(5).join();
const KEY = new Uint8Array(32).fill(7);
const again = (back: number): Step => ({ kind: 'again', back });
/** The panel is told to go dark after 200 ms and radiates beam 5, which request 3 has switched on. */
const lit = [safe(), whole(5), commit(5)];
const sealed = (request: Request, seq: number, counter: number): Step => ({
  kind: 'sealed',
  request,
  seq,
  counter: BigInt(counter),
  key: KEY,
});

interface SilenceVector {
  name: string;
  steps: { atMs: number; frame: string; said: string }[];
  darkAtMs: number;
}
const vectorsFile = new URL('../vectors/vectors.json', import.meta.url);
const SILENCES = (JSON.parse(readFileSync(vectorsFile, 'utf8')) as { silences: SilenceVector[] }).silences;

describe.skipIf(!hasPart('gcc'))('a panel whose host is heard 150 ms after it was told to go dark after 200 [needs gcc]', () => {
  let program: string;

  beforeAll(async () => {
    program = await buildProgram('panel', 'panel_process');
  }, BUILD_MS);

  /** What is radiated 260 ms after the beam was switched on, when this came at 150 ms. */
  const shownAfter = async (steps: (Request | Step)[], said: string, kind = {}): Promise<string | undefined> => {
    const answers = await expectStory(
      program,
      story(...lit, at(150), ...steps, at(199), at(260)),
      ['ack', 'ack', 'committed', said],
      kind,
    );
    expect(answers.at(-2)?.radiated).toBe(SHOWN);
    return answers.at(-1)?.radiated;
  };

  it.each<[string, Request, string]>([
    ['a ping', ping, 'pong'],
    ['a look at its status', status, 'status'],
    ['a measurement', snr(5), 'snr-report'],
    ['a chunk of the next beam', whole(6), 'ack'],
    ['a read-back', read('radiated'), 'phases'],
    ['the same commit under a number of its own', commit(5), 'committed'],
    ['its safe state, said anew', safe(), 'ack'],
  ])('goes on radiating for %s', async (_what, request, said) => {
    expect(await shownAfter([request], said)).toBe(SHOWN);
  });

  it.each<[string, Request | Step, string]>([
    ['a hello', hello, 'capabilities'],
    ['a hello that offers no version of its own', { ...hello, minMajor: 2, maxMajor: 2 } as Request, 'unsupported-version 1'],
    ['a challenge', challenge, 'unsupported-message 96'],
    ['a commit of a beam that has not come', commit(6), 'not-staged 0'],
    ['a beam of the past', whole(4), 'stale-beam 5'],
    ['a place in beam memory that there is not', store(5, 99), 'wrong-dimensions 16'],
    ['a measurement of another beam', snr(4), 'beam-mismatch 5'],
    ['a type that nobody knows', bytes('1070090072a73679'), 'unsupported-message 112'],
    ['the commit once more, byte for byte', again(2), 'committed'],
    ['a chunk once more, byte for byte', again(3), 'ack'],
  ])('goes dark in time, whatever it answers, for %s', async (_what, step, said) => {
    expect(await shownAfter([step], said)).toBe(DARK);
  });

  it.each(SILENCES)('is dark when the vectors say so: $name', async ({ steps, darkAtMs }) => {
    const answers = await expectStory(
      program,
      [...steps.flatMap(({ atMs, frame }) => [at(atMs), bytes(frame)]), at(darkAtMs - 0.001), at(darkAtMs)],
      steps.map(({ said }) => expect.stringMatching(new RegExp(`^${said}\\b`)) as string),
    );
    expect(answers.at(-2)?.radiated).not.toBe(DARK);
    expect(answers.at(-1)?.radiated).toBe(DARK);
  });

  it('is not kept alive by a request over and over, which a host says that hears no answer', async () => {
    const answers = await expectStory(
      program,
      story(...lit, at(100), status, at(200), again(2), at(250), again(4), at(299), at(301), at(350), again(8), status),
      ['ack', 'ack', 'committed', 'status', 'status', 'status', 'status', 'status'],
    );
    expect(answers.map(({ radiated }) => radiated).slice(9, 11)).toEqual([SHOWN, DARK]);
    expect(answers.at(-1)?.message).toMatchObject({ state: 'safe' });
  });

  it('is not kept alive by several requests in turn, as a host says them again that has them all under way', async () => {
    const sync: Request = { type: 'sync-time', hostSendUs: 5n };
    const answers = await expectStory(
      program,
      story(...lit, at(100), sync, at(180), again(4), at(250), again(4), at(299), at(301)),
      ['ack', 'ack', 'committed', 'synced', 'committed', 'synced'],
    );
    expect(answers.map(({ radiated }) => radiated).slice(9, 11)).toEqual([SHOWN, DARK]);
  });

  it('counts a silence from the request that sets it, be it said when the one before is nearly over', async () => {
    const answers = await expectStory(program, story(...lit, at(199), safe({ silenceMs: 50 }), at(248), at(250)), [
      'ack',
      'ack',
      'committed',
      'ack',
    ]);
    expect(answers.slice(-2).map(({ radiated }) => radiated)).toEqual([SHOWN, DARK]);
  });

  it('goes dark at once when nothing was heard for longer than it is told, and watches again for what comes next', async () => {
    const answers = await expectStory(
      program,
      // The very request that switched a stored beam on switches it on again in a new session: it must be watched as it was then.
      story(
        ...[safe(), whole(5), store(5), select(0, 6), at(250), hello],
        ...[again(3), at(420), status, at(619), at(621), status],
      ),
      ['ack', 'ack', 'ack', 'committed', 'capabilities', 'committed', 'status', 'status'],
    );
    expect(answers[6].radiated).toBe(SHOWN);
    expect(answers.slice(-3).map(({ radiated }) => radiated)).toEqual([SHOWN, DARK, DARK]);
  });

  it('is held as it was by a late copy of the commit, and stays safe', async () => {
    const answers = await expectStory(
      program,
      story(safe({ state: 'hold' }), whole(5), commit(5), at(250), status, commit(5), status, again(2), status),
      ['ack', 'ack', 'committed', 'status', 'committed', 'status', 'committed', 'status'],
    );
    expect(answers.at(-1)).toMatchObject({ message: { state: 'safe', beamId: 5 }, radiated: SHOWN });
  });

  it('makes an idle panel safe too, with the codeword where that was chosen, and ends its session', async () => {
    const answers = await expectStory(
      program,
      story(safe(), whole(5), store(5), safe({ state: 'codeword' }), at(201), status, whole(6), hello, whole(6), commit(6)),
      ['ack', 'ack', 'ack', 'ack', 'status', 'stale-beam 4294967295', 'capabilities', 'ack', 'committed'],
    );
    expect(answers[5]).toMatchObject({ message: { state: 'safe', beamId: 0 }, radiated: SHOWN });
  });

  it('counts no authenticated request twice, whose counter alone is another', async () => {
    const kind = { authentication: { panelKey: KEY, counterLimit: 0n } };
    const answers = await expectStory(
      program,
      [
        ...[sealed(safe(), 1, 1), sealed(whole(5), 2, 2), sealed(commit(5), 3, 3), at(150)],
        ...[sealed(commit(5), 3, 4), sealed(whole(5), 2, 5), sealed(challenge, 5, 6), sealed(hello, 4, 7), at(199), at(201)],
      ],
      ['ack', 'ack', 'committed', 'committed', 'ack', 'challenged', 'capabilities'],
      kind,
    );
    expect(answers.slice(-2).map(({ radiated }) => radiated)).toEqual([SHOWN, DARK]);
  });
});
