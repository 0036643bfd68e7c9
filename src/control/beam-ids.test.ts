import { describe, expect, it } from 'vitest';
import { FIRST_SETTING_ID, createBeamIds } from './beam-ids.ts';

const LAST = FIRST_SETTING_ID - 1;

function panelThatAnswers(answers: boolean[]) {
  let handshakes = 0;
  return { handshakes: () => handshakes, connect: async () => answers[handshakes++] ?? false };
}

describe('beam ids', () => {
  it('are those of their cycles, whichever cycles are left out', async () => {
    const { connect, handshakes } = panelThatAnswers([]);
    const ids = createBeamIds(connect);
    expect([await ids.take(0), await ids.take(1), await ids.take(7)]).toEqual([1, 2, 8]);
    expect(handshakes()).toBe(0);
  });

  it('go on above what the panel has seen, and are those of their cycles again once these have caught up', async () => {
    const { connect } = panelThatAnswers([]);
    const ids = createBeamIds(connect);
    ids.passed(5);
    ids.passed(2);
    expect([await ids.take(0), await ids.take(1), await ids.take(6), await ids.take(8)]).toEqual([6, 7, 8, 9]);
  });

  it('are those of their cycles at once where a new session has begun', async () => {
    const ids = createBeamIds(panelThatAnswers([]).connect);
    ids.passed(500);
    ids.sessionBegan();
    expect(await ids.take(4)).toBe(5);
  });

  it('begin again in a new session after the last one, never within one, and never are that of a stored beam', async () => {
    const { connect, handshakes } = panelThatAnswers([true]);
    const ids = createBeamIds(connect);
    expect(await ids.take(LAST - 1)).toBe(LAST);
    expect(handshakes()).toBe(0);
    expect([await ids.take(LAST), await ids.take(LAST + 1)]).toEqual([1, 2]);
    expect(handshakes()).toBe(1);
  });

  it('stay within 32 bits while no new session can be had', async () => {
    const { connect, handshakes } = panelThatAnswers([false, false, true]);
    const ids = createBeamIds(connect);
    ids.passed(LAST);
    expect([await ids.take(0), await ids.take(1), await ids.take(2)]).toEqual([LAST, LAST, 3]);
    expect(handshakes()).toBe(3);
  });
});
