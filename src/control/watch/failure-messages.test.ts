import { describe, expect, it } from 'vitest';
import type { PanelFailure } from '../../panel/panel.ts';
import { panelFailureInWords } from './failure-messages.ts';

describe('a failure in words', () => {
  it.each<[PanelFailure, RegExp]>([
    [{ reason: 'link-closed', detail: 'cable pulled' }, /link is closed \(cable pulled\); nothing was sent/],
    [{ reason: 'not-staged', firstMissingWord: 96 }, /from word 96 on; nothing was switched/],
    [{ reason: 'rejected', request: 'commit', code: 'stale-beam', detail: 7 }, /refused commit: stale-beam \(detail 7\)/],
    [{ reason: 'session-over', request: 'commit' }, /refused commit: it has heard nothing for longer than it was told/],
    [{ reason: 'no-answer', request: 'commit', attempts: 6, waitedMs: 1999.6 }, /after 6 attempts in 2000 ms; .* is unknown/],
    [
      { reason: 'no-answer', request: 'hello', attempts: 12, waitedMs: 3000 },
      /^no answer to hello after 12 attempts in 3000 ms$/,
    ],
    [
      { reason: 'no-answer', request: 'hello', attempts: 12, waitedMs: 2000, discarded: 'phaseBits 17 in capabilities' },
      /^no answer to hello after 12 attempts in 2000 ms \(answered, discarded: phaseBits 17 in capabilities\)$/,
    ],
    [
      { reason: 'not-sent', request: 'apply', detail: 'beam 4 is still under way' },
      /^apply was not sent: beam 4 is still under way$/,
    ],
    [
      { reason: 'other-beam', request: 'measure-snr', asked: 8, told: 7 },
      /^measure-snr was asked of beam 8, and the answer is of beam 7$/,
    ],
    [{ reason: 'other-beam', request: 'measure-snr', asked: 8, told: 0 }, /the answer is of no beam$/],
    [{ panel: 'B-2', reason: 'clock-jumped', byMs: 465.2 }, /^panel B-2: the panel's clock jumped by 465 ms: parts of the beam/],
    [{ reason: 'still-waiting', beamId: 8, lateMs: 100.4 }, /says 100 ms after the time of beam 8 that it is still to come/],
    [
      { reason: 'unusable-report', request: 'measure-snr', detail: 'no reading of user 3' },
      /^the panel's answer to measure-snr cannot be used: no reading of user 3$/,
    ],
    [
      { reason: 'read-back-differs', beamId: 9, expectedCrc32c: 0xab, actualCrc32c: 0xcd },
      /beam 9 .* 0x000000cd instead of 0x000000ab/,
    ],
    [{ reason: 'panel-restarted', detail: 'boot 3' }, /restarted \(boot 3\); its beam is gone/],
    [{ reason: 'protocol-version', panelMajor: 9, ours: 1 }, /protocol version 9, this program 1/],
    [{ reason: 'wrong-panel', field: 'elements', expected: '64', actual: '16' }, /elements is 16, the rig wants 64/],
    [{ reason: 'not-authenticated', detail: 'another key' }, /could not be authenticated \(another key\)/],
    [{ panel: 'B-2', reason: 'link-closed', detail: 'lost' }, /^panel B-2: the link is closed/],
    [
      {
        reason: 'array-split',
        switched: ['A-1', 'C-3'],
        missed: [{ panel: 'B-2', failure: { panel: 'B-2', reason: 'link-closed', detail: 'lost' } }],
      },
      /^the array is split: A-1, C-3 switched, B-2 did not \(the link is closed \(lost\); nothing was sent\); .* no beam$/,
    ],
  ])('names what gave up and what is known: %o', (failure, words) => {
    expect(panelFailureInWords(failure)).toMatch(words);
  });
});
