import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Capabilities } from '../../firmware-protocol/messages.ts';
import { born, endsSession, lifeOfArray, next, partsOf, sessionOf, type LifeInput } from './panel-life-cycle.ts';
import type { PanelFailure, PanelLife } from './panel.ts';

interface Said {
  capabilities: Capabilities;
}

const NO_ANSWER: PanelFailure = { reason: 'no-answer', request: 'commit', attempts: 4, waitedMs: 200 };
const PULLED: PanelFailure = { reason: 'link-closed', cause: 'unplugged', detail: 'cable pulled' };
const RESTARTED: PanelFailure = { reason: 'panel-restarted', detail: 'boot 2 instead of 1' };
const REFUSED: PanelFailure = { reason: 'rejected', request: 'commit', code: 'busy', detail: 0 };
const WRONG: PanelFailure = { reason: 'wrong-panel', field: 'elements', expected: '8', actual: '4' };

const aFailure: fc.Arbitrary<PanelFailure> = fc.letrec<{ one: PanelFailure; any: PanelFailure }>((tie) => ({
  one: fc.constantFrom<PanelFailure>(NO_ANSWER, PULLED, RESTARTED, REFUSED, WRONG, { reason: 'made-safe' }),
  any: fc.oneof(
    { weight: 4, arbitrary: tie('one') },
    fc.array(tie('one'), { minLength: 1, maxLength: 3 }).map((all): PanelFailure => ({
      reason: 'array-split',
      switched: [],
      missed: all.map((failure, i) => ({ panel: `P-${i}`, failure })),
    })),
  ),
})).any;

const anInput: fc.Arbitrary<LifeInput<Said>> = fc.oneof(
  fc.constant<LifeInput<Said>>({ input: 'connect' }),
  fc.constant(0).map((): LifeInput<Said> => ({ input: 'shaken', session: { capabilities: {} as Capabilities } })),
  aFailure.map((why): LifeInput<Said> => ({ input: 'not-shaken', why })),
  fc.tuple(aFailure, fc.integer({ min: 1, max: 3 })).map(([failure, patience]): LifeInput<Said> => {
    return { input: 'failed', failure, patience };
  }),
  fc.constant<LifeInput<Said>>({ input: 'worked' }),
  aFailure.map((why): LifeInput<Said> => ({ input: 'ended', why })),
  fc.constant<LifeInput<Said>>({ input: 'made-safe' }),
  fc.constant<LifeInput<Said>>({ input: 'closed' }),
);

const someInputs = fc.array(anInput, { maxLength: 40 });

const lived = (inputs: readonly LifeInput<Said>[]): PanelLife<Said>[] => {
  const lives = [born<Said>()];
  for (const input of inputs) lives.push(next(lives[lives.length - 1], input));
  return lives;
};

describe('the life of a panel', () => {
  it('is in session from a handshake that ended well to the first that ends it', () => {
    const session = { capabilities: {} as Capabilities };
    const states = lived([
      { input: 'connect' },
      { input: 'shaken', session },
      { input: 'failed', failure: NO_ANSWER, patience: 2 },
      { input: 'worked' },
      { input: 'failed', failure: NO_ANSWER, patience: 2 },
      { input: 'failed', failure: NO_ANSWER, patience: 2 },
      { input: 'connect' },
      { input: 'not-shaken', why: PULLED },
    ]).map(({ state }) => state);
    expect(states).toEqual(['closed', 'handshake', 'session', 'session', 'session', 'session', 'lost', 'handshake', 'closed']);
  });

  it('has a session after a handshake and nothing else, whatever comes in whatever order', () => {
    fc.assert(
      fc.property(someInputs, (inputs) => {
        lived(inputs).reduce((before, after, i) => {
          if (after.state === 'session' && before.state !== 'session') {
            expect(before.state).toBe('handshake');
            expect(inputs[i - 1].input).toBe('shaken');
          }
          return after;
        });
      }),
    );
  });

  it('gives what was begun before a loss, a handshake or a command to be safe no way to be taken for what came after', () => {
    fc.assert(
      fc.property(someInputs, (inputs) => {
        lived(inputs).reduce((before, after) => {
          expect(after.era).toBeGreaterThanOrEqual(before.era);
          const gone = sessionOf(before) !== undefined && sessionOf(after) !== sessionOf(before);
          if (gone) expect(after.era).toBeGreaterThan(before.era);
          // And it is refused with a reason.
          if (gone && after.state === 'lost') expect(after.why).toBeDefined();
          return after;
        });
      }),
    );
  });

  it('is not in session after a failure that ends one, of the panel or of any part of an array', () => {
    fc.assert(
      fc.property(someInputs, aFailure, (inputs, failure) => {
        const before = lived(inputs).at(-1) ?? born();
        const after = next(before, { input: 'failed', failure, patience: 99 });
        if (partsOf(failure).some(endsSession)) expect(after.state).not.toBe('session');
        else if (before.state === 'session' && !partsOf(failure).includes(WRONG) && failure.reason !== 'array-split')
          expect(after.state).toBe(failure === WRONG ? 'unusable' : 'session');
      }),
    );
  });

  it('goes on after a command to be safe, as another conversation of the same session', () => {
    const session = { capabilities: {} as Capabilities };
    const before = next(next(born<Said>(), { input: 'connect' }), { input: 'shaken', session });
    const after = next(before, { input: 'made-safe' });
    expect(after).toMatchObject({ state: 'session', why: { reason: 'made-safe' } });
    expect(sessionOf(after)).not.toBe(session);
    expect(sessionOf(after)?.capabilities).toBe(session.capabilities);
  });

  it('keeps why it fell silent while it is silent still, and takes every other reason that an attempt to find it comes upon', () => {
    const silent: PanelFailure = { reason: 'silent', quietMs: 3000, limitMs: 3000 };
    const asked = next(next(born<Said>(), { input: 'ended', why: silent }), { input: 'connect' });
    expect(next(asked, { input: 'not-shaken', why: NO_ANSWER }).why).toBe(silent);
    expect(next(asked, { input: 'not-shaken', why: PULLED }).why).toBe(PULLED);
    expect(next(asked, { input: 'not-shaken', why: WRONG })).toMatchObject({ state: 'unusable', why: WRONG });
  });
});

describe('the life of an array', () => {
  it('is a session exactly while every panel is in the one that it was put together with', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(someInputs, fc.boolean()), { minLength: 1, maxLength: 4 }), (panels) => {
        const members = panels.map(([inputs, stays], i) => {
          const life = lived(inputs).at(-1) ?? born<Said>();
          return { name: `P-${i}`, life, joined: stays ? sessionOf(life)?.capabilities : ({} as Capabilities) };
        });
        const whole = lifeOfArray(members, () => 'together');
        const all = members.every(({ life, joined }) => joined !== undefined && sessionOf(life)?.capabilities === joined);
        expect(whole.state === 'session').toBe(all);
        // The panel that is to blame is named.
        if (whole.state !== 'session' && whole.why !== undefined) expect(whole.why.panel).toMatch(/^P-\d$/);
      }),
    );
  });
});
