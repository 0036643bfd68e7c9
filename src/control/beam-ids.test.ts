import { describe, expect, it } from 'vitest';
import { createBeamIds } from './beam-ids.ts';

const LAST = 0xffffffff;

function panelThatAnswers(answers: boolean[]) {
  let handshakes = 0;
  return {
    handshakes: () => handshakes,
    connect: async () =>
      answers[handshakes++]
        ? { ok: true as const, value: {} as never }
        : { ok: false as const, failure: { reason: 'link-closed' as const, detail: 'lost' } },
  };
}

describe('beam ids', () => {
  it('count up from 1, and from above what the panel has seen', async () => {
    const panel = panelThatAnswers([]);
    const ids = createBeamIds(panel);
    expect([await ids.take(), await ids.take()]).toEqual([1, 2]);
    ids.passed(500);
    ids.passed(7);
    expect(await ids.take()).toBe(501);
    expect(panel.handshakes()).toBe(0);
  });

  it('begin again in a new session after the last one, never within one', async () => {
    const panel = panelThatAnswers([true]);
    const ids = createBeamIds(panel);
    ids.passed(LAST - 1);
    expect(await ids.take()).toBe(LAST);
    expect(panel.handshakes()).toBe(0);
    expect([await ids.take(), await ids.take()]).toEqual([1, 2]);
    expect(panel.handshakes()).toBe(1);
  });

  it('stay within 32 bits while no new session can be had', async () => {
    const panel = panelThatAnswers([false, false, true]);
    const ids = createBeamIds(panel);
    ids.passed(LAST);
    expect([await ids.take(), await ids.take(), await ids.take()]).toEqual([LAST, LAST, 1]);
    expect(panel.handshakes()).toBe(3);
  });
});
