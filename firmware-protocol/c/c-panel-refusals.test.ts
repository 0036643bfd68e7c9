/** Which refusal is given where several fit, and what a panel makes of what PROTOCOL.md once left open: the panel in C and the virtual panel alike. */
import { beforeAll, describe, expect, it } from 'vitest';
import { createRecordedScene } from '../../hil-sim/scene.ts';
import { createSimulatedArray } from '../../hil-sim/simulated-array.ts';
import { CHAINS, PHASE_BITS, USERS, beamWords, hostWith } from '../../test/doubles/panel-host.ts';
import type { PanelSettings } from '../../hil-sim/virtual-panel.ts';
import { zeros } from '../../core/signal/complex-matrix.ts';
import { createRandom } from '../../core/signal/random.ts';
import { hasPart } from '../../test/parts.ts';
import type { Request } from '../messages.ts';
import { BUILD_MS, buildProgram } from './test/c-programs.ts';
import { type Outcome, type Step, tellStories } from './test/panel-process.ts';
import {
  cancel,
  commit,
  hello,
  patch,
  ping,
  pilots,
  read,
  safe,
  select,
  snr,
  status,
  store,
  weights,
  whole,
} from './test/requests.ts';
import { at, birthLike, expectStory, story } from './test/two-panels.ts';

const FAULT: Step = { kind: 'fault', code: 9 };
const RECOVERED: Step = { kind: 'recover' };
const with_ = (request: Request, over: object): Request => ({ ...request, ...over });

describe.skipIf(!hasPart('gcc'))('a panel that has several reasons to refuse [needs gcc]', () => {
  let program: string;

  beforeAll(async () => {
    program = await buildProgram('panel', 'panel_process');
  }, BUILD_MS);

  const expectBoth = (
    steps: (Request | Step)[],
    said: string[],
    capabilities?: PanelSettings['capabilities'],
  ): Promise<Outcome[]> => expectStory(program, story(...steps), said, capabilities ? { capabilities } : {});

  it('gives the first of a commit: feature, fault, slot, too late, stale, not staged', () =>
    expectBoth(
      [
        ...[whole(5), commit(5), at(50), FAULT],
        ...[commit(5, 10, 9), RECOVERED, commit(5, 10, 9), commit(4, 10), commit(4, 60), commit(6), hello, commit(6)],
      ],
      [
        ...['ack', 'committed', 'fault 9', 'no-such-slot 2', 'too-late 0', 'stale-beam 5', 'not-staged 0', 'capabilities'],
        'not-staged 0',
      ],
    ));

  it('goes on with its session after a fault, also when a silence is over meanwhile', () =>
    expectBoth(
      [
        ...[whole(5), whole(6, 1), commit(5), at(50), commit(5), safe(), FAULT, with_(safe({ silenceMs: 100 }), { enter: true })],
        ...[commit(7), at(400), status, hello, whole(5), RECOVERED, status],
        ...[whole(6, 1), commit(6, 0, 1), at(900), status],
      ],
      [
        ...['ack', 'ack', 'committed', 'committed', 'ack', 'fault 9', 'fault 9', 'status', 'capabilities', 'fault 9', 'status'],
        ...['ack', 'committed', 'status'],
      ],
    ));

  it('knows the beam of before a fault no more, and takes a newer one', () =>
    expectBoth(
      [
        ...[whole(5), whole(6, 1), commit(5), safe(), FAULT, at(400), RECOVERED],
        ...[commit(5), patch(7, 5, [[0, 1]]), commit(6, 0, 1), at(500), status, at(800), status],
      ],
      ['ack', 'ack', 'committed', 'ack', 'stale-beam 5', 'beam-mismatch 0', 'committed', 'status', 'status'],
    ));

  it('does not switch to a beam that it refused in a fault when a copy of its request comes after that', () =>
    expectBoth(
      [
        ...[whole(5), store(5), whole(6, 1), FAULT, commit(6, 0, 1), commit(7, 90), select(0, 8), RECOVERED],
        ...[commit(6, 0, 1), whole(7), commit(7, 90), select(0, 8), whole(9), commit(9), hello, whole(6), commit(6)],
      ],
      [
        ...['ack', 'ack', 'ack', 'fault 9', 'fault 9', 'fault 9'],
        ...[
          'stale-beam 8',
          'stale-beam 8',
          'stale-beam 8',
          'stale-beam 8',
          'ack',
          'committed',
          'capabilities',
          'ack',
          'committed',
        ],
      ],
    ));

  it('reports of nobody where it has no users, and has a D all the same', () =>
    expectBoth(
      [whole(5), weights(5), commit(5), snr(5), pilots(5, 0)],
      ['ack', 'ack', 'committed', 'unsupported-message 32', 'unsupported-message 33'],
      { features: ['digital-weights'] },
    ));

  it('says again when a beam was latched, and not when it was asked for again', async () => {
    const answers = await expectBoth([whole(5), commit(5), at(50), commit(5)], ['ack', 'committed', 'committed']);
    expect(answers[3].message).toEqual(answers[1].message);
  });

  it('misses the feature before it says that it is faulty', () =>
    expectBoth(
      [FAULT, commit(5, 10, 9), select(0, 5), store(5), snr(5), patch(5, 4, [[0, 1]]), commit(5)],
      [
        ...['unsupported-message 18', 'unsupported-message 49', 'unsupported-message 48', 'unsupported-message 32'],
        ...['unsupported-message 23', 'fault 9'],
      ],
      { features: ['read-back'] },
    ));

  it('finds a payload longer than it takes before everything else', () =>
    expectBoth([FAULT, with_(whole(5), { slot: 9, words: new Uint16Array(100) })], ['malformed 16'], {
      features: ['read-back'],
      maxPayloadBytes: 64,
    }));

  it('gives the first of a select-beam: fault, position, stale, not staged', () =>
    expectBoth(
      [whole(5), commit(5), FAULT, select(99, 5), RECOVERED, select(99, 5), select(3, 5), select(3, 6)],
      ['ack', 'committed', 'fault 9', 'wrong-dimensions 16', 'stale-beam 5', 'not-staged 0'],
    ));

  it('gives the first of a store-beam: slot, position, not staged; and stores while it is faulty, which switches nothing', async () => {
    const answers = await expectBoth(
      [...[whole(5), FAULT, with_(store(6, 99), { slot: 9 }), store(6, 99), store(6), store(5)], ...[RECOVERED, select(0, 6)]],
      ['ack', 'no-such-slot 2', 'wrong-dimensions 16', 'not-staged 0', 'ack', 'committed'],
    );
    expect(answers.at(-1)?.radiated).toBe(beamWords(5).join());
  });

  it('gives the first of a safe state: fault where it is to be entered now, position, empty position', () =>
    expectBoth(
      [
        ...[FAULT, safe({ state: 'codeword', position: 99, enter: true }), safe({ state: 'codeword', position: 99 })],
        ...[safe({ state: 'codeword', position: 1 }), safe({ state: 'codeword', position: 1, enter: true }), safe()],
      ],
      ['fault 9', 'wrong-dimensions 16', 'not-staged 0', 'fault 9', 'ack'],
    ));

  it('gives the first of what it reads and measures: slot, size; beam, user', () =>
    expectBoth(
      [
        ...[whole(5), commit(5), with_(read('staged', 0, 99), { slot: 9 }), read('staged', 0, 99)],
        ...[pilots(4, 9), pilots(5, 9), snr(4), cancel(5, 9), FAULT, snr(5), read('radiated'), status, ping],
      ],
      [
        ...[
          'ack',
          'committed',
          'no-such-slot 2',
          'wrong-dimensions 32',
          'beam-mismatch 5',
          'wrong-dimensions 2',
          'beam-mismatch 5',
        ],
        ...['too-late 0', 'beam-mismatch 0', 'phases', 'status', 'pong'],
      ],
    ));

  it('reads no more words than one reply carries, says how many those are, and gives the rest when asked', () => {
    const asked = [read('radiated', 0, 65), read('radiated', 0, 64), read('radiated', 64, 64), read('radiated', 65, 64)];
    const small = birthLike({ capabilities: { maxPayloadBytes: 64, features: ['read-back'] } });
    const birth = { ...small, capabilities: { ...small.capabilities, elements: 64 } };
    const [answers] = tellStories(program, birth, [story(...asked)]);
    const said = ['wrong-dimensions 64', 'phases', 'phases', 'wrong-dimensions 64'];
    expect(answers.map((step) => step.said)).toEqual(said);
    const random = createRandom(1);
    const array = createSimulatedArray({ elements: 64, rfChains: CHAINS, phaseBits: PHASE_BITS, random });
    const scene = createRecordedScene([zeros(USERS, 64)]);
    const { ask } = hostWith({ array, scene, capabilities: { maxPayloadBytes: 64 } });
    expect(asked.map((request) => ask(request)?.type)).toEqual(['nack', 'phases', 'phases', 'nack']);
    expect(ask(asked[0])).toMatchObject({ code: 'wrong-dimensions', detail: 64 });
  });

  it('takes one K for a beam and for all of its chunks', () =>
    expectBoth(
      [
        ...[whole(5), weights(5), with_(weights(5, 0, 1), { users: 1 }), with_(weights(5, 0, 1), { users: 3 })],
        ...[commit(5), with_(weights(6, 0, 1), { users: 1 }), whole(6), commit(6)],
      ],
      ['ack', 'ack', 'wrong-dimensions 4', 'wrong-dimensions 4', 'committed', 'wrong-dimensions 4', 'ack', 'committed'],
    ));

  it('shows the codeword that its position holds when the safe state is entered', async () => {
    const answers = await expectBoth(
      [
        ...[whole(5), store(5), safe({ state: 'codeword' }), whole(6), store(6), commit(6), at(201), status],
        ...[hello, whole(7), store(7), status],
      ],
      ['ack', 'ack', 'ack', 'ack', 'ack', 'committed', 'status', 'capabilities', 'ack', 'ack', 'status'],
    );
    expect(answers[7]).toMatchObject({ message: { state: 'safe', beamId: 0 }, radiated: beamWords(6).join() });
    // What is stored while it is shown is for the next time.
    expect(answers.at(-1)?.radiated).toBe(beamWords(6).join());
  });

  it('counts as bad what it could not understand, and not what it refused or what was none of its business', async () => {
    const crcWrong: Step = { kind: 'bytes', bytes: Uint8Array.of(16, 2, 1, 0, 1, 2, 3, 4, 0, 0, 0, 0) };
    const tooShort: Step = { kind: 'bytes', bytes: Uint8Array.of(1, 2, 3) };
    const reply: Step = { kind: 'bytes', bytes: new Uint8Array(Buffer.from('108409006c724c3a', 'hex')) };
    const answers = await expectBoth(
      [crcWrong, tooShort, commit(5), snr(5), reply, status],
      ['silence', 'silence', 'not-staged 0', 'beam-mismatch 0', 'silence', 'status'],
    );
    expect(answers.at(-1)?.message).toMatchObject({ badFrames: 2 });
  });
});
