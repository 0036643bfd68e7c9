/** The panel in C left alone, told to be safe, broken or started anew: it tells that as the virtual panel does. */
import { beforeAll, describe, expect, it } from 'vitest';
import { beamWords } from '../../test/doubles/panel-host.ts';
import { hasPart } from '../../test/parts.ts';
import { SESSION_OVER } from '../limits.ts';
import { BUILD_MS, buildProgram } from './test/c-programs.ts';
import { MEMORY_PARTS, type Outcome, type PanelBirth, type Step, tellOfFault, tellStories } from './test/panel-process.ts';
import { commit, hello, ping, read, safe, select, snr, status, store, whole } from './test/requests.ts';
import { DARK, at, birthLike, bytes, expectStory as expectStoryOfBoth, story } from './test/two-panels.ts';

/** What it says to every beam of a session that silence has ended. */
const OVER = `stale-beam ${SESSION_OVER}`;

describe.skipIf(!hasPart('gcc'))('the panel in C on its own [needs gcc]', () => {
  let program: string;

  beforeAll(async () => {
    program = await buildProgram('panel', 'panel_process');
  }, BUILD_MS);

  const expectStory = (steps: readonly Step[], said: readonly string[]): Promise<Outcome[]> =>
    expectStoryOfBoth(program, steps, said);

  it('mutes by itself when the host falls silent, and garbage is silence', async () => {
    const answers = await expectStory(
      story(safe(), whole(5), commit(5), at(150), ping, at(300), bytes('010203'), at(349), at(351), status, commit(5)),
      ['ack', 'ack', 'committed', 'pong', 'silence', 'status', OVER],
    );
    expect(answers[7].radiated).toBe(beamWords(5).join());
    expect(answers[8].radiated).toBe(DARK);
    expect(answers[9].message).toMatchObject({ state: 'safe', beamId: 0, badFrames: 1 });
  });

  it('watches again after the safe state was left', () =>
    expectStory(
      story(
        safe({ silenceMs: 5 }),
        at(3),
        whole(5),
        commit(5),
        at(20),
        whole(6),
        commit(6),
        hello,
        whole(6),
        commit(6),
        status,
        at(24),
        status,
        at(40),
        status,
        safe({ silenceMs: 0 }),
        commit(7),
        hello,
        whole(7),
        commit(7),
        at(9000),
        status,
      ),
      [
        ...['ack', 'ack', 'committed', OVER, OVER, 'capabilities', 'ack', 'committed', 'status', 'status', 'status'],
        ...['ack', OVER, 'capabilities', 'ack', 'committed', 'status'],
      ],
    ));

  it('holds the last beam, or shows a codeword, when told so', async () => {
    const answers = await expectStory(
      story(
        ...[safe({ state: 'hold' }), whole(5), commit(5), at(300), status, commit(5)],
        ...[safe({ state: 'codeword', position: 1 }), safe({ state: 'codeword', position: 16 })],
        ...[
          hello,
          whole(5),
          store(5, 1),
          whole(6),
          commit(6),
          safe({ state: 'codeword', position: 1, enter: true }),
          status,
          snr(6),
          read('radiated'),
        ],
      ),
      [
        ...[
          'ack',
          'ack',
          'committed',
          'status',
          'committed',
          'not-staged 0',
          'wrong-dimensions 16',
          'capabilities',
          'ack',
          'ack',
          'ack',
          'committed',
          'ack',
        ],
        ...['status', 'beam-mismatch 0', 'phases'],
      ],
    );
    expect(answers[4].message).toMatchObject({ state: 'safe', beamId: 5 });
    expect(answers[14].radiated).toBe(beamWords(5).join());
  });

  it('has forgotten everything after a reset', () =>
    expectStory(
      story(
        safe(),
        whole(5),
        store(5, 0),
        commit(5),
        at(10),
        { kind: 'reset', bootCount: 2 },
        at(15),
        status,
        commit(5),
        select(0, 6),
        read('radiated'),
        at(900),
        status,
      ),
      ['ack', 'ack', 'ack', 'committed', 'status', 'not-staged 0', 'not-staged 0', 'phases', 'status'],
    ));

  it('stops radiating when its board breaks, and refuses to change the beam until it is reset', () => {
    const answers = tellOfFault(program, birthLike({}), {
      before: [whole(5), commit(5)],
      code: 9,
      after: [whole(6), commit(6), status, commit(6), safe({ enter: true }), safe({ state: 'hold' }), snr(5), ping],
    });
    expect(answers.map(({ said }) => said)).toEqual([
      'ack',
      'fault 9',
      'status',
      'fault 9',
      'fault 9',
      'ack',
      'beam-mismatch 0',
      'pong',
    ]);
    expect(answers.map(({ radiated }) => radiated)).toEqual([beamWords(5).join(), ...new Array<string>(7).fill(DARK)]);
    expect(answers[2].message).toMatchObject({ state: 'fault', beamId: 0 });
  });

  it('does not switch to a beam that its board refused when a copy of its commit comes after the fault', () => {
    const answers = tellOfFault(program, birthLike({}), {
      before: [whole(5), commit(5)],
      code: 9,
      after: [whole(6), commit(6)],
      afterwards: [commit(6), whole(6), commit(6), whole(7), commit(7)],
    });
    expect(answers.map(({ said }) => said)).toEqual([
      ...['ack', 'fault 9'],
      ...['stale-beam 6', 'ack', 'stale-beam 6', 'ack', 'committed'],
    ]);
    expect(answers.map(({ radiated }) => radiated)).toEqual([
      beamWords(5).join(),
      ...new Array<string>(5).fill(DARK),
      beamWords(7).join(),
    ]);
  });

  it.each<[string, Partial<PanelBirth['capabilities']>]>([
    ['reports SNR of nobody', { users: 0 }],
    ['has beam memory without a position', { beamMemory: 0 }],
    ['has positions without beam memory', { features: ['digital-weights', 'snr-report'] }],
    ['has gains without a bit', { gainBits: 0 }],
    ['cannot carry its reports in one payload', { rfChains: 6, maxPayloadBytes: 64 }],
    ['takes weights for no stream', { features: ['snr-report', 'beam-memory'] }],
  ])('does not start when it %s', (_name, wrong) => {
    const { capabilities, streams } = birthLike({});
    const birth = { streams, capabilities: { ...capabilities, ...wrong } };
    expect(() => tellStories(program, birth, [[]])).toThrow(/the panel refuses to start/);
  });

  it.each(MEMORY_PARTS)('does not start when its memory is one short of %s', (shortOf) => {
    expect(() => tellStories(program, { ...birthLike({}), shortOf }, [[]])).toThrow(/the panel refuses to start/);
  });

  it('heeds silences that are longer than 32 bits of µs', () =>
    expectStory(
      story(safe({ silenceMs: 5_000_000 }), whole(5), commit(5), at(4_999_000), status, at(4_999_001 + 5_000_000), status),
      ['ack', 'ack', 'committed', 'status', 'status'],
    ).then((answers) =>
      expect([answers[4], answers[6]].map(({ message }) => message)).toMatchObject([{ state: 'radiating' }, { state: 'safe' }]),
    ));
});
