import { describe, expect, it } from 'vitest';
import type { Check } from '../check-schema.ts';
import { checkSchema } from '../check-schema.ts';
import type { CycleSeen, Story } from '../story.ts';
import { checkStory, type CheckSetting } from './check-story.ts';

const cycle = (nth: number, more: Partial<CycleSeen> = {}): CycleSeen => ({
  ...{ cycle: nth, atS: nth, ok: true, beamId: nth + 2 },
  sinrDb: { measured: Float64Array.of(10, NaN), predicted: Float64Array.of(12, 8), true: Float64Array.of(NaN, NaN) },
  sumRate: { measured: 5, predicted: 6, true: NaN },
  zfSumRate: 10,
  ...more,
});
const story = (more: Partial<Story> = {}): Story => ({
  ...{
    cycles: [cycle(0), cycle(1)],
    events: [],
    actions: [],
    shown: [],
    words: [],
    panels: 1,
    unsound: [],
    facts: {},
    runFolder: '',
  },
  ...{ seen: { shown: true, truth: true }, end: { as: 'stopped', atS: 2 } },
  ...more,
});
const check = (of: object): Check => checkSchema.parse(of);
/** Verdicts of `sound` and of these. */
const verdicts = (of: Story, checks: object[] = [], setting: CheckSetting = {}): string[] =>
  checkStory(checks.map(check), of, setting).map(({ verdict }) => verdict);

describe('SINR of the worst user', () => {
  it('is that of those who were heard, and fails where nobody was', () => {
    expect(verdicts(story(), [{ check: 'sinr', atMost: 10, atLeast: 10 }])).toEqual(['passed', 'passed']);
    expect(verdicts(story(), [{ check: 'sinr', of: 'true', atLeast: 1 }])).toEqual(['passed', 'failed']);
  });

  it('is no share of nothing', () => {
    const dark = story({ cycles: [cycle(0, { zfSumRate: 0 })] });
    expect(verdicts(dark, [{ check: 'share-of-zf', atLeast: 0.5 }])).toEqual(['passed', 'failed']);
  });
});

describe('an operator who was refused', () => {
  it('is not sound where nothing expects it, for what was asked was never played', () => {
    const action = { do: 'switch-model', model: 'nonsense', atS: 1 } as Story['actions'][number]['action'];
    const answer = { ok: false, reason: 'there is no such model' } as const;
    const refused = story({ actions: [{ action, label: 'switch-model', beganS: 1, answer }] });
    const [sound] = checkStory([], refused, {});
    expect(sound).toMatchObject({
      verdict: 'failed',
      says: expect.stringMatching(/switch-model was refused.*no such model/) as string,
    });
    expect(verdicts(refused, [{ check: 'answered', after: 'switch-model', as: 'refused' }])).toEqual(['passed', 'passed']);
    expect(verdicts(story({ actions: [{ action, label: 'switch-model', beganS: 1, answer: { ok: true } }] }))).toEqual([
      'passed',
    ]);
  });
});

describe('a rig that did not start, or gave up', () => {
  it.each(['refused', 'faulted'] as const)('is not sound where nothing expects that it was %s', (as) => {
    const ended = story({ cycles: [], end: { as, reason: 'the panel is of another version', atS: 0 } });
    const [sound] = checkStory([check({ check: 'void-cycles', atMost: 0 })], ended, {});
    expect(sound).toMatchObject({ verdict: 'failed', value: 1, says: expect.stringMatching(/ends.*another version/) as string });
    expect(verdicts(ended, [{ check: 'ends', as }])).toEqual(['passed', 'passed']);
    expect(verdicts(ended, [{ check: 'ends' }])).toEqual(['passed', 'failed']);
  });
});
