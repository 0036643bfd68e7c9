/** What is made of the words of several panels when they do not agree. The stories with panels are in panel-group-faults.test.ts. */
import { describe, expect, it } from 'vitest';
import { createVirtualClock } from '../../core/clock/virtual-clock.ts';
import { createClockEstimate } from './clock-estimate.ts';
import type { AppliedBeam, ArrayMember, PanelFailure, PanelStatus, Result, StagedBeam } from './panel.ts';
import type { Part } from './switch-together.ts';
import { createSwitch } from './switch-together.ts';

const BEAM = 5;
const BEFORE = 4;
const applied: Result<AppliedBeam> = { ok: true, value: { beamId: BEAM, panelTimeUs: 0n, pushMs: 0, commitMs: 0 } };
const done: Result<void> = { ok: true, value: undefined };
const no = (failure: PanelFailure): { ok: false; failure: PanelFailure } => ({ ok: false, failure });
const rejected = (code: 'fault' | 'busy' | 'too-late') => no({ reason: 'rejected', request: 'commit', code, detail: 0 });
const silent = no({ reason: 'no-answer', request: 'commit', attempts: 4, waitedMs: 300 });
const staged: StagedBeam = { beamId: BEAM, pushMs: 0 };

interface Words {
  commit?: Result<AppliedBeam>;
  arm?: Result<void>;
  confirm?: Result<AppliedBeam>;
  cancel?: Result<void>;
  /** The beam that its status names. */
  shows?: number;
  /** How long it takes to say that it is armed, ms. */
  armMs?: number;
}

/** Panels that say these words, with clocks that are known. */
function panels(...all: Words[]) {
  const clock = createVirtualClock();
  const parts = all.map((words, i): Part => {
    const { commit, confirm, cancel, shows = BEFORE } = words;
    const estimate = createClockEstimate();
    for (let us = 0; us < 8000; us += 1000) {
      estimate.add({ hostSendUs: us, panelReceiveUs: BigInt(us + 200), panelSendUs: BigInt(us + 200), hostReceiveUs: us + 400 });
    }
    const status: Result<PanelStatus> = {
      ok: true,
      value: { state: 'radiating', beamId: shows, temperatureC: 20, uptimeMs: 1, bootCount: 1, badFrames: 0 },
    };
    const panel = {
      name: `panel ${i}`,
      commit: async () => commit ?? applied,
      arm: async () => {
        await clock.sleep(words.armMs ?? 0);
        return words.arm ?? done;
      },
      confirm: async () => confirm ?? applied,
      cancel: async () => cancel ?? done,
      status: async () => status,
    } as unknown as ArrayMember;
    return {
      panel,
      clock: { estimate, refresh: async () => done, jumpedMs: 0, doubt: () => undefined, verify: async () => undefined },
      staged,
      stageAgain: async () => ({ ok: true, value: staged }),
    };
  });
  const switching = createSwitch(clock);
  /** @returns how long it took, ms: all answers but those to `arm` come at once */
  const timed = async (): Promise<number> => {
    const startMs = clock.nowMs();
    expect(await switching.together(parts)).toMatchObject({ outcome: 'whole' });
    return clock.nowMs() - startMs;
  };
  return { together: () => switching.together(parts), now: () => switching.now(parts), timed };
}

describe('a beam that some panels may show and others not', () => {
  it.each<[string, Words, unknown]>([
    ['says nothing', { commit: silent }, { outcome: 'split' }],
    ['says that it still waits', { commit: rejected('busy') }, { outcome: 'split' }],
    [
      'latched other words',
      { commit: no({ reason: 'read-back-differs', beamId: BEAM, expectedCrc32c: 1, actualCrc32c: 2 }) },
      { outcome: 'split' },
    ],
  ])('is split when all were told to switch now, one refused and one %s', async (_what, words, outcome) => {
    expect(await panels({ commit: rejected('fault') }, words).now()).toMatchObject(outcome as object);
  });

  it('is unchanged when all refused, and whole when all switched', async () => {
    expect(await panels({ commit: rejected('fault') }, { commit: rejected('fault') }).now()).toMatchObject({
      outcome: 'unchanged',
    });
    expect(await panels({}, {}).now()).toMatchObject({ outcome: 'whole' });
  });

  it('is split when a panel shows it after its time although it said that it would not', async () => {
    const refuses: Words = { arm: rejected('fault') };
    expect(await panels(refuses, {}).together()).toMatchObject({
      outcome: 'unchanged',
      failure: { panel: 'panel 0', code: 'fault' },
    });
    expect(await panels(refuses, { shows: BEAM }).together()).toMatchObject({
      outcome: 'split',
      failure: { reason: 'array-split', switched: ['panel 1'], missed: [{ panel: 'panel 0' }] },
    });
  });

  it('is split when one does not say that it forgot it, or forgot it too late', async () => {
    const refuses: Words = { arm: rejected('fault') };
    expect(await panels(refuses, { cancel: silent }).together()).toMatchObject({ outcome: 'split' });
    expect(await panels(refuses, { cancel: rejected('too-late') }).together()).toMatchObject({
      outcome: 'split',
      failure: { reason: 'array-split', switched: ['panel 1'] },
    });
  });

  it('is split when all wait for its time and one cannot confirm it', async () => {
    expect(await panels({ confirm: silent }, {}).together()).toMatchObject({ outcome: 'split' });
    expect(await panels({}, {}).together()).toMatchObject({ outcome: 'whole' });
  });
});

describe('the time that a beam waits until all are surely told', () => {
  it('falls from a patient start to little more than the round trips while all answers are on time', async () => {
    const { timed } = panels({}, {});
    const first = await timed();
    let last = first;
    for (let beam = 0; beam < 150; beam++) last = await timed();
    // Round trips of 0.4 ms: two to be told, one to be called off, and the least margin once and twice.
    expect(first).toBeGreaterThan(60);
    expect(last).toBeGreaterThan(4);
    expect(last).toBeLessThan(5.5);
  });

  it('grows at once with an answer that was late, and falls slowly again', async () => {
    const late: Words = {};
    const { timed } = panels(late, {});
    for (let beam = 0; beam < 150; beam++) await timed();
    late.armMs = 3;
    const before = await timed();
    late.armMs = 0;
    const after = await timed();
    for (let beam = 0; beam < 10; beam++) await timed();
    const later = await timed();
    expect(before).toBeLessThan(5.5);
    expect(after).toBeGreaterThan(15);
    expect(later).toBeGreaterThan(10);
    expect(later).toBeLessThan(after);
  });
});
