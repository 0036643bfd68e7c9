/** Enables and gains of elements: the panel in C and the virtual panel alike, and what the board is given of them. */
import { beforeAll, describe, expect, it } from 'vitest';
import { CHAINS, USERS, WORDS, beamWords } from '../../test/doubles/panel-host.ts';
import { hasPart } from '../../test/parts.ts';
import type { Request } from '../messages.ts';
import { BUILD_MS, buildProgram } from './test/c-programs.ts';
import { type Step, tellDriven } from './test/panel-process.ts';
import { commit, enables, gains, patch, safe, select, store, weights, whole } from './test/requests.ts';
import { at, birthLike, expectStory, story } from './test/two-panels.ts';

const FAULT: Step = { kind: 'fault', code: 9 };
const with_ = (request: Request, over: object): Request => ({ ...request, ...over });
/** M·K, behind which enables are counted. */
const WEIGHTS = CHAINS * USERS;
const FULL = new Array<number>(WORDS).fill(31);
const ON = new Array<number>(WORDS).fill(1);
const gainsOf = (request: Request): number[] => (request.type === 'set-gains' ? [...request.gains] : []);

describe.skipIf(!hasPart('gcc'))('enables and gains of a panel in C [needs gcc]', () => {
  let program: string;

  beforeAll(async () => {
    program = await buildProgram('panel', 'panel_process');
  }, BUILD_MS);

  it('come in chunks, in any order and again, and are in the checksum of the commit', () =>
    expectStory(
      program,
      story(gains(5, 9, WORDS - 9), enables(5, [3]), whole(5), gains(5, 0, 9), enables(5, [3, 4], 0, 9), weights(5), commit(5)),
      [...new Array<string>(6).fill('ack'), 'committed'],
    ));

  it.each<[string, Request[], number]>([
    ['words', [enables(5), gains(5)], 0],
    ['weights', [whole(5), enables(5, [], 0, 9), weights(5, 0, 1)], WORDS + 1],
    ['enables', [whole(5), enables(5, [], 0, 9), gains(5, 0, 5)], WORDS + WEIGHTS + 9],
    ['gains', [whole(5), enables(5), gains(5, 2, 5)], 2 * WORDS + WEIGHTS],
  ])('are missed in the order of the parts, %s first', async (_what, staged, missing) => {
    const refusal = `not-staged ${missing}`;
    await expectStory(program, story(...staged, commit(5), store(5)), [...staged.map(() => 'ack'), refusal, refusal]);
  });

  it.each(['element-enable', 'element-gain'] as const)('are refused where the panel has only %s of the two', async (feature) => {
    const kind = { capabilities: { features: [feature], beamMemory: 0 } };
    const [own, other, code] = feature === 'element-enable' ? [enables, gains, 0x14] : [gains, enables, 0x15];
    const missing = feature === 'element-enable' ? WORDS + 5 : 2 * WORDS + 5;
    const part = feature === 'element-enable' ? enables(5, [], 0, 5) : gains(5, 0, 5);
    await expectStory(
      program,
      story(own(4), whole(4), commit(4), other(5), whole(5), part, commit(5)),
      ['ack', 'ack', 'committed', `unsupported-message ${code}`, 'ack', 'ack', `not-staged ${missing}`],
      kind,
    );
  });

  it('are unknown to a panel without both, which goes on as ever', () =>
    expectStory(
      program,
      story(enables(5), gains(5), whole(5), commit(5)),
      ['unsupported-message 21', 'unsupported-message 20', 'ack', 'committed'],
      {
        capabilities: { protocolMinor: 3, gainBits: 0, elementEnable: false },
      },
    ));

  it('are refused in the order of the page', () =>
    expectStory(
      program,
      story(
        with_(gains(5), { slot: 9, gainBits: 6, offset: 1 }),
        with_(gains(5), { gainBits: 6, offset: 1 }),
        with_(gains(5), { offset: 1 }),
        with_(enables(5), { slot: 9 }),
        with_(enables(5), { offset: 0xffffffff }),
        whole(5),
        commit(5, 20),
        enables(6),
        gains(4),
        FAULT,
        enables(6),
        gains(6),
      ),
      [
        'no-such-slot 2',
        'wrong-bits 5',
        `wrong-dimensions ${WORDS}`,
        'no-such-slot 2',
        `wrong-dimensions ${WORDS}`,
        'ack',
        'ack',
        'busy 0',
        'stale-beam 5',
        'fault 9',
        'fault 9',
      ],
    ));

  it('wait with their beam for its time, as they were when it was armed', () =>
    expectStory(program, story(whole(5), enables(5, [3]), commit(5, 20), enables(5, [9]), at(25), commit(5, 20)), [
      'ack',
      'ack',
      'ack',
      'ack',
      'committed',
    ]));

  it('stay as they are under hold, entered by command or by silence', () => {
    const off3 = { words: [...beamWords(5)], enabled: ON.map((on, place) => (place === 3 ? 0 : on)), gains: gainsOf(gains(5)) };
    const driven = tellDriven(program, birthLike({}), [
      ...[whole(5), enables(5, [3]), gains(5), commit(5)],
      safe({ state: 'hold', enter: true }),
      safe({ enter: true }),
      ...[whole(6), commit(6)],
    ]);
    expect(driven.slice(3)).toEqual([off3, off3, undefined, undefined, { words: [...beamWords(6)], enabled: ON, gains: FULL }]);
  });

  it('are forgotten by a panel that restarts, in its slots and its memory', () =>
    expectStory(
      program,
      story(
        ...[whole(5), enables(5, [3]), store(5), commit(5), enables(6, [7])],
        { kind: 'reset', bootCount: 2 },
        ...[select(0, 7), commit(6), whole(6), commit(6)],
      ),
      ['ack', 'ack', 'ack', 'committed', 'ack', 'not-staged 0', 'not-staged 0', 'ack', 'committed'],
    ));

  it('are driven with their beam and with no other: all on at full gain where none were sent', () => {
    const driven = tellDriven(program, birthLike({}), [
      ...[whole(5), enables(5, [3, 4]), gains(5), commit(5)],
      ...[whole(6), commit(6)],
      // A patch takes words and weights along, and neither enables nor gains.
      ...[whole(7), enables(7, [8]), commit(7), patch(8, 7, [[0, 1]]), commit(8)],
      ...[patch(9, 8, [[0, 2]]), gains(9), commit(9)],
      ...[whole(10), enables(10, [1]), store(10), whole(11), commit(11), select(0, 12)],
      ...[whole(13), commit(13), safe({ state: 'codeword', enter: true })],
      safe({ enter: true }),
    ]);
    const off = (...places: number[]): number[] => ON.map((on, place) => (places.includes(place) ? 0 : on));
    const words = (beamId: number, first = beamWords(beamId)[0]): number[] => [first, ...beamWords(beamId).slice(1)];
    expect(driven[3]).toEqual({ words: words(5), enabled: off(3, 4), gains: gainsOf(gains(5)) });
    expect(driven[5]).toEqual({ words: words(6), enabled: ON, gains: FULL });
    expect(driven[8]).toEqual({ words: words(7), enabled: off(8), gains: FULL });
    expect(driven[10]).toEqual({ words: words(7, 1), enabled: ON, gains: FULL });
    expect(driven[13]).toEqual({ words: words(7, 2), enabled: ON, gains: gainsOf(gains(9)) });
    expect(driven[18]).toEqual({ words: words(11), enabled: ON, gains: FULL });
    expect(driven[19]).toEqual({ words: words(10), enabled: off(1), gains: FULL });
    expect(driven[21]).toEqual({ words: words(13), enabled: ON, gains: FULL });
    expect(driven[22]).toEqual({ words: words(10), enabled: off(1), gains: FULL });
    expect(driven[23]).toBeUndefined();
  });
});
