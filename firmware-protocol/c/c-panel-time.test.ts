/** Commits that wait for their time, beams as patches, clocks that are read and faults that end: the panel in C tells them as the virtual panel does. */
import { beforeAll, describe, expect, it } from 'vitest';
import { PHASE_BITS, WORDS, beamWords, chunk } from '../../test/doubles/panel-host.ts';
import { hasPart } from '../../test/parts.ts';
import { SESSION_OVER } from '../limits.ts';
import type { Request } from '../messages.ts';
import { BUILD_MS, buildProgram } from './test/c-programs.ts';
import { type Outcome, type Step, tellStories } from './test/panel-process.ts';
import { cancel, commit, hello, patch, safe, select, snr, status, store, weights, whole } from './test/requests.ts';
import { DARK, at, birthLike, expectStory as expectStoryOfBoth, story } from './test/two-panels.ts';

describe.skipIf(!hasPart('gcc'))('the panel in C and time [needs gcc]', () => {
  let program: string;

  beforeAll(async () => {
    program = await buildProgram('panel', 'panel_process');
  }, BUILD_MS);

  const expectStory = (steps: readonly Step[], said: readonly string[]): Promise<Outcome[]> =>
    expectStoryOfBoth(program, steps, said);

  const breaks: Step = { kind: 'fault', code: 9 };
  const recovers: Step = { kind: 'recover' };

  it('lets a beam wait for its time, latches it then, and says when it did', async () => {
    const answers = await expectStory(
      story(whole(5), commit(5, 10), status, at(9.999), status, at(10), status, at(30), commit(5, 10)),
      [...['ack', 'ack', 'status', 'status', 'status', 'committed']],
    );
    expect(answers[4].radiated).toBe(DARK);
    expect(answers[5].radiated).toBe(beamWords(5).join());
    expect(answers[8].message).toMatchObject({ beamId: 5, timeUs: 10_000n });
  });

  it('goes on radiating the beam before until then, and answers the same commit again while it waits', () =>
    expectStory(
      story(whole(5), commit(5), snr(5), whole(6, 1), commit(6, 10, 1), commit(6, 10, 1), snr(5), at(11), snr(5), snr(6)),
      ['ack', 'committed', 'snr-report', 'ack', 'ack', 'ack', 'snr-report', 'beam-mismatch 6', 'snr-report'],
    ));

  it('refuses what is too late, too old or not there, in this order', () =>
    expectStory(
      story(
        at(20),
        ...[commit(5, 10), commit(5, 20), commit(5, 21), whole(5), commit(5, 10), commit(5, 21, 7), commit(5, 22)],
        at(23),
        ...[commit(4, 30), commit(4, 23), commit(5, 22), commit(5, 99), whole(6), commit(6), commit(5, 22), commit(5, 99)],
      ),
      [
        ...['too-late 0', 'too-late 0', 'not-staged 0', 'ack', 'too-late 0', 'no-such-slot 2', 'ack'],
        ...['stale-beam 5', 'too-late 0', 'committed', 'committed', 'ack', 'committed', 'too-late 0', 'stale-beam 6'],
      ],
    ));

  it('forgets a commit that is cancelled, and says when that is too late', async () => {
    const answers = await expectStory(
      story(
        ...[cancel(5, 0), whole(5), commit(5, 10), cancel(4, 99), cancel(5, 10), cancel(5, 10), at(11), commit(5, 10)],
        ...[commit(5, 20), at(21), cancel(5, 20), hello, cancel(5, 20)],
      ),
      ['ack', 'ack', 'ack', 'ack', 'ack', 'ack', 'too-late 0', 'ack', 'too-late 0', 'capabilities', 'ack'],
    );
    expect(answers[6].radiated).toBe(DARK);
    expect(answers[9].radiated).toBe(beamWords(5).join());
  });

  it('stays by a cancellation, whatever copies the link has kept back', async () => {
    const answers = await expectStory(
      story(
        ...[
          whole(5),
          whole(6, 1),
          commit(5, 20),
          cancel(5, 20),
          commit(5, 20),
          commit(5, 10),
          { kind: 'again', back: 2 } as const,
        ],
        ...[commit(5, 21), cancel(5, 20), commit(5, 20), cancel(6, 0), commit(5, 99), commit(6, 30, 1), cancel(5, 99), at(31)],
        ...[cancel(7, 50), cancel(7, 40), whole(7), commit(7, 50), commit(7, 51), hello, whole(7), commit(7, 50), at(50)],
      ),
      [
        ...['ack', 'ack', 'ack', 'ack', 'too-late 0', 'too-late 0', 'too-late 0'],
        ...['ack', 'ack', 'too-late 0', 'ack', 'too-late 0', 'ack', 'ack'],
        ...['ack', 'ack', 'ack', 'too-late 0', 'ack', 'capabilities', 'ack', 'ack'],
      ],
    );
    expect(answers[14].radiated).toBe(beamWords(6).join());
    expect(answers[23].radiated).toBe(beamWords(7).join());
  });

  it('takes a commit that comes after its cancellation for cancelled', async () => {
    const answers = await expectStory(
      story(
        whole(5),
        cancel(5, 20),
        commit(5, 20),
        at(30),
        commit(5),
        cancel(5, 20),
        { kind: 'reset', bootCount: 2 },
        whole(5),
        commit(5, 10),
      ),
      ['ack', 'ack', 'too-late 0', 'committed', 'too-late 0', 'ack', 'ack'],
    );
    expect(answers[3].radiated).toBe(DARK);
  });

  it('lets one commit wait at most: the next that is carried out takes its place, one that is refused does not', async () => {
    const answers = await expectStory(
      story(
        ...[whole(5), commit(5, 10), whole(6, 1), commit(6, 30, 1), at(11), commit(5, 10), commit(5, 20), commit(7), at(21)],
        ...[commit(6, 40, 1), commit(6, 0, 1), at(41), status, whole(7), commit(7, 50), commit(6, 0, 1), at(51)],
      ),
      [
        ...['ack', 'ack', 'ack', 'ack', 'too-late 0', 'ack', 'not-staged 0'],
        ...['ack', 'committed', 'status', 'ack', 'ack', 'committed'],
      ],
    );
    expect(answers[8].radiated).toBe(beamWords(5).join());
    // Committed at once, it was not latched once more at its time.
    expect(answers[12].message).toMatchObject({ beamId: 6 });
    expect(answers[16].radiated).toBe(beamWords(7).join());
  });

  it('keeps the slot of a beam that waits from other beams, and the beam as it was acknowledged', async () => {
    const answers = await expectStory(
      story(
        ...[whole(4), commit(4), whole(5), commit(5, 10), whole(6), weights(6), patch(6, 4, [[0, 1]]), whole(6, 1), weights(4)],
        ...[patch(5, 4, [[0, 63]]), weights(5, 0, 1), whole(5), at(11), whole(6), commit(5)],
      ),
      [
        ...['ack', 'committed', 'ack', 'ack', 'busy 0', 'busy 0', 'busy 0', 'ack', 'stale-beam 4'],
        ...['ack', 'ack', 'ack', 'ack', 'committed'],
      ],
    );
    expect(answers[12].radiated).toBe(beamWords(5).join());
  });

  it('drops a beam that waits when a session begins, the host falls silent, it goes to the safe state, breaks, or starts anew', async () => {
    const drops: [string, (Request | Step)[]][] = [
      ['hello', [hello]],
      ['silence', [safe({ silenceMs: 3 }), at(4)]],
      ['silence that holds the beam', [safe({ silenceMs: 3, state: 'hold' }), at(4)]],
      ['command', [safe({ enter: true })]],
      ['fault', [{ kind: 'fault', code: 2 }, { kind: 'recover' }]],
      ['reset', [{ kind: 'reset', bootCount: 2 }]],
    ];
    for (const [name, steps] of drops) {
      const drop = story(whole(5), commit(5, 10), ...steps, at(11), status, commit(5, 10));
      const said = drop.slice(2, -3).flatMap((step) => {
        if (step.kind !== 'request') return [];
        return [step.request.type === 'hello' ? 'capabilities' : 'ack'];
      });
      // After a reset the time counts from there, and its 10 ms are over too.
      const answers = await expectStory(drop, ['ack', 'ack', ...said, 'status', 'too-late 0']);
      expect(answers.at(-1)?.radiated, name).toBe(DARK);
    }
  });

  it('radiates what was acknowledged, whatever comes to the slot until its time', async () => {
    const otherWords = { ...whole(6), beamId: 5 } as Request;
    const answers = await expectStory(story(whole(5), commit(5, 10), otherWords, at(11)), ['ack', 'ack', 'ack']);
    expect(answers.at(-1)?.radiated).toBe(beamWords(5).join());
  });

  it('does what comes first, first: the beam at its time and the silence at its own', async () => {
    const steps = (atMs: number): Step[] =>
      story(safe({ silenceMs: 10 }), whole(5), commit(5, atMs), at(30), status, commit(5, atMs));
    const latched = await expectStory(steps(9), ['ack', 'ack', 'ack', 'status', 'too-late 0']);
    expect(latched[4].message).toMatchObject({ state: 'safe', beamId: 0 });
    const dropped = await expectStory(steps(11), ['ack', 'ack', 'ack', 'status', 'too-late 0']);
    expect(dropped[4].message).toMatchObject({ state: 'safe', beamId: 0 });
  });

  it.each([true, false])(
    'latches first and then heeds the silence when both are due at one moment (it is polled then: %s)',
    async (polled) => {
      const meanwhile = polled ? [at(10)] : [];
      const answers = await expectStory(
        story(safe({ silenceMs: 10, state: 'hold' }), whole(5), commit(5, 10), ...meanwhile, at(30), status, commit(5, 10)),
        ['ack', 'ack', 'ack', 'status', 'committed'],
      );
      expect(answers.at(-2)?.message).toMatchObject({ state: 'safe', beamId: 5 });
      expect(answers.at(-1)?.message).toMatchObject({ timeUs: 10_000n });
      expect(answers.at(-1)?.radiated).toBe(beamWords(5).join());
    },
  );

  it('refuses chunks of beams that are over, but for the slot that holds one', () =>
    expectStory(
      story(
        ...[whole(5), commit(5), whole(5), whole(5, 1), weights(4), patch(5, 5, [[0, 1]], { slot: 1 }), whole(6, 1)],
        ...[commit(6, 0, 1), whole(5), patch(5, 5, [[0, 1]]), patch(5, 6, [[0, 1]]), hello, whole(5, 1)],
      ),
      [
        ...['ack', 'committed', 'ack', 'stale-beam 5', 'stale-beam 5', 'stale-beam 5', 'ack'],
        ...['committed', 'ack', 'beam-mismatch 6', 'ack', 'capabilities', 'ack'],
      ],
    ));

  it('takes a beam as what differs from the one it radiates, in one patch or several', async () => {
    const answers = await expectStory(
      story(
        ...[patch(5, 4, [[0, 1]]), whole(4), commit(4)],
        ...[patch(5, 4, [[WORDS - 1, 63]]), patch(5, 4, [[WORDS - 1, 63]]), at(2), commit(5)],
        ...[
          patch(6, 5, [
            [3, 9],
            [0, 8],
            [3, 7],
          ]),
          patch(6, 5, [[1, 1]], { slot: 1 }),
          patch(6, 5, [[2, 0]]),
          commit(6),
        ],
        ...[patch(7, 5, [[0, 0]]), patch(7, 6, [[WORDS, 0]]), patch(7, 6, [[0, 0]], { slot: 2 })],
        ...[patch(7, 6, [[0, 0]], { phaseBits: 7 }), chunk(7, 0, 8), patch(7, 6, [[8, 1]]), commit(7)],
      ),
      [
        ...['beam-mismatch 0', 'ack', 'committed', 'ack', 'ack', 'committed', 'ack', 'ack', 'ack', 'committed'],
        ...['beam-mismatch 6', `wrong-dimensions ${WORDS}`, 'no-such-slot 2', `wrong-bits ${PHASE_BITS}`],
        // A slot that a chunk has begun is not filled.
        ...['ack', 'ack', 'not-staged 9'],
      ],
    );
    const five = beamWords(4).with(WORDS - 1, 63);
    expect(answers[6].radiated).toBe(five.join());
    expect(answers[10].radiated).toBe(five.with(0, 8).with(3, 7).with(2, 0).join());
  });

  it('patches a beam with the weights that came with it, from a slot or from memory', () =>
    expectStory(
      story(
        ...[whole(4), weights(4), commit(4), store(4)],
        ...[patch(5, 4, [[0, 1]], { slot: 1 }), weights(5, 0, 1, 1), commit(5, 0, 1)],
        ...[whole(6), commit(6), patch(7, 6, [[0, 1]]), weights(7, 0, 1), commit(7)],
        ...[select(0, 8), patch(9, 8, [[0, 1]]), weights(9, 0, 1), commit(9)],
      ),
      [
        ...[
          'ack',
          'ack',
          'committed',
          'ack',
          'ack',
          'ack',
          'committed',
          'ack',
          'committed',
          'ack',
          'ack',
          `not-staged ${WORDS + 1}`,
        ],
        ...['committed', 'ack', 'ack', 'committed'],
      ],
    ));

  it('says when a question about its clock came and when it was answered, anew each time', async () => {
    const ask: Request = { type: 'sync-time', hostSendUs: 77n };
    const answers = await expectStory(
      story(at(3), ask, at(5), { kind: 'again', back: 2 }, { kind: 'reset', bootCount: 2 }, at(6), ask),
      [...['synced', 'synced', 'synced']],
    );
    expect([answers[1], answers[3], answers[6]].map(({ message }) => message)).toEqual(
      [3000n, 5000n, 1000n].map((us) => ({ type: 'synced', hostSendUs: 77n, panelReceiveUs: us, panelSendUs: us })),
    );
  });

  it('says when a question had come in, however long it waited for the main loop', () => {
    const steps: Step[] = [at(3), { kind: 'late', request: { type: 'sync-time', hostSendUs: 5n }, seq: 1, receivedUs: 2_900n }];
    const [answers] = tellStories(program, birthLike({}), [steps]);
    expect(answers[1].message).toEqual({ type: 'synced', hostSendUs: 5n, panelReceiveUs: 2_900n, panelSendUs: 3_000n });
  });

  it('is never too late for a commit that it has acknowledged, on a clock that goes on while it thinks', () => {
    for (let atUs = 40n; atUs < 60n; atUs++) {
      const timed: Request = { type: 'commit', slot: 0, beamId: 5, atUs };
      const steps = story(whole(5), ...new Array<Request>(40).fill(timed));
      const [answers] = tellStories(program, { ...birthLike({}), tickUs: 1n }, [steps]);
      expect(answers.map(({ said }) => said).join(' ')).toMatch(/^ack( ack)+( committed)+$/);
    }
  });

  it('answers a timed commit that comes again byte for byte with what has become of it', () =>
    expectStory(
      story(whole(5), commit(5, 10), { kind: 'again', back: 1 }, at(11), { kind: 'again', back: 3 }, whole(6), commit(6), {
        kind: 'again',
        back: 6,
      }),
      ['ack', 'ack', 'ack', 'committed', 'ack', 'committed', 'too-late 0'],
    ));

  it('refuses every change of beam while it is broken, and is idle and muted once that is over', async () => {
    const answers = await expectStory(
      story(
        ...[whole(5), commit(5), safe({ silenceMs: 20 }), breaks],
        ...[whole(6), weights(6), patch(6, 5, [[0, 1]]), commit(5), commit(6, 50), select(0, 7)],
        ...[safe({ enter: true, silenceMs: 20 }), safe({ silenceMs: 20 }), cancel(5, 99), status, at(30), status],
        ...[recovers, status, at(60), whole(6), hello, whole(6), commit(6), recovers, status],
      ),
      [
        ...['ack', 'committed', 'ack', 'fault 9', 'fault 9', 'fault 9', 'fault 9', 'fault 9', 'fault 9', 'fault 9'],
        ...['ack', 'too-late 0', 'status', 'status', 'status', `stale-beam ${SESSION_OVER}`, 'capabilities'],
        ...['ack', 'committed', 'status'],
      ],
    );
    expect(answers[3].radiated).toBe(DARK);
    expect([13, 15, 17, 24].map((i) => answers[i].message)).toMatchObject(
      ['fault', 'fault', 'idle', 'radiating'].map((state) => ({ state })),
    );
  });
});
