/** A board with receivers only, in C and as a virtual panel alike: it measures, and is asked for nothing else. */
import { beforeAll, describe, expect, it } from 'vitest';
import { userIndex } from '../../core/signal/indices.ts';
import { CHAINS, USERS } from '../../test/doubles/panel-host.ts';
import { hasPart } from '../../test/parts.ts';
import type { Capabilities } from '../messages.ts';
import { BUILD_MS, buildProgram } from './test/c-programs.ts';
import { tellStories, type Step } from './test/panel-process.ts';
import {
  cancel,
  commit,
  enables,
  gains,
  hello,
  patch,
  pilots,
  ping,
  read,
  safe,
  select,
  snr,
  status,
  store,
  weights,
  whole,
} from './test/requests.ts';
import { type Kind, at, birthLike, expectStory, story } from './test/two-panels.ts';

const hearing = (firstUser: number, count: number) => ({ firstUser: userIndex(firstUser), count });
const ALL: Kind = { hears: hearing(0, USERS) };
const SECOND: Kind = { hears: hearing(1, 1) };
const UNKNOWN = (code: number): string => `unsupported-message ${code}`;
const FAULT: Step = { kind: 'fault', code: 9 };

describe.skipIf(!hasPart('gcc'))('a board with receivers only, in C [needs gcc]', () => {
  let program: string;

  beforeAll(async () => {
    program = await buildProgram('panel', 'panel_process');
  }, BUILD_MS);

  it('says what it is, and measures under the beam id that it is asked with', async () => {
    const answers = await expectStory(
      program,
      story(hello, snr(7), pilots(7, 1), snr(5), status),
      ['capabilities', 'snr-report', 'pilot-report', 'snr-report', 'status without a temperature'],
      ALL,
    );
    expect(answers[0].message).toMatchObject({
      ...{ role: 'user', elements: 1, phaseBits: 1, stagingSlots: 1, beamMemory: 0, gainBits: 0, rfChains: CHAINS, users: USERS },
      features: ['snr-report', 'pilot-report', 'time-sync', 'simulated'],
    });
    expect(answers[1].message).toMatchObject({ beamId: 7, firstUser: 0, snrCentiDb: new Int16Array(USERS) });
    expect(answers[2].message).toMatchObject({ beamId: 7, user: 1, values: new Float32Array(2 * CHAINS) });
    expect(answers[3].message).toMatchObject({ beamId: 5 });
    expect(answers[4].message).toMatchObject({ state: 'idle', beamId: 0 });
  });

  it('names the users that it has receivers for, and has nothing to say of others', async () => {
    const answers = await expectStory(
      program,
      story(snr(7), pilots(7, 1), pilots(7, 0), pilots(7, USERS)),
      ['snr-report', 'pilot-report', `wrong-dimensions ${USERS}`, `wrong-dimensions ${USERS}`],
      SECOND,
    );
    expect(answers[0].message).toMatchObject({ firstUser: 1, snrCentiDb: new Int16Array(1) });
    expect(answers[1].message).toMatchObject({ user: 1 });
  });

  it('knows no request that is about beams, and goes on measuring', () =>
    expectStory(
      program,
      story(
        ...[whole(5), weights(5), gains(5), enables(5), patch(6, 5, [[0, 1]])],
        ...[
          commit(5),
          commit(5, 20),
          cancel(5, 20),
          read('radiated', 0, 1),
          store(5),
          select(0, 6),
          safe(),
          safe({ enter: true }),
        ],
        { type: 'sync-time', hostSendUs: 5n },
        at(60_000),
        ...[ping, snr(7)],
      ),
      [
        ...[0x10, 0x11, 0x14, 0x15, 0x17, 0x12, 0x12, 0x16, 0x13, 0x30, 0x31, 0x40, 0x40].map(UNKNOWN),
        ...['synced', 'pong', 'snr-report'],
      ],
      ALL,
    ));

  it('says its fault instead of a report, and reports again when it is over', () =>
    expectStory(
      program,
      story(FAULT, snr(7), pilots(7, 0), status, { kind: 'recover' }, snr(7)),
      ['fault 9', 'fault 9', 'status without a temperature', 'snr-report'],
      ALL,
    ));

  it('has only the reports that it names', () =>
    expectStory(program, story(snr(7), pilots(7, 0)), [UNKNOWN(0x20), 'pilot-report'], {
      ...ALL,
      capabilities: { features: ['pilot-report'] },
    }));

  it('needs no memory but for its replies', () => {
    const [answers] = tellStories(program, { ...birthLike(ALL), replyBytes: 0 }, [story(snr(7))]);
    expect(answers.map(({ said }) => said)).toEqual(['snr-report']);
  });

  it.each<[string, Partial<Capabilities>]>([
    ['has elements', { elements: 4 }],
    ['has phases', { phaseBits: 6 }],
    ['has gains', { gainBits: 5 }],
    ['keeps beams', { features: ['snr-report', 'beam-memory'], beamMemory: 2 }],
    ['takes weights', { features: ['snr-report', 'digital-weights'] }],
    ['reports of nobody', { users: 0, features: ['time-sync'] }],
  ])('does not start when it %s', (_name, wrong) => {
    const birth = birthLike(ALL);
    const capabilities = { ...birth.capabilities, ...wrong };
    expect(() => tellStories(program, { ...birth, capabilities }, [[]])).toThrow(/the panel refuses to start/);
  });

  it.each([hearing(0, 0), hearing(USERS, 1), hearing(1, USERS)])('refuses receivers of users that there are not: %o', (hears) => {
    expect(() => tellStories(program, { ...birthLike(ALL), hears }, [[]])).toThrow(/the panel refuses its users/);
  });
});
