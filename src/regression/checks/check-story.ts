/** Every check of a scenario, held against a story. */
import type { Check } from '../check-schema.ts';
import type { CheckResult } from '../results.ts';
import { restsOn } from '../rests-on.ts';
import type { Story } from '../story.ts';
import { labelOf } from '../timeline-schema.ts';
import { checkName } from './check-name.ts';
import { eventChecks } from './event-checks.ts';
import { boundsOf, within, type Found } from './found.ts';
import { rateChecks } from './rate-checks.ts';
import { safetyChecks } from './safety-checks.ts';

/** What a check needs beside the story. */
export interface CheckSetting {
  /** Words of the golden, and where they are from; a text says why there are none. Goldens are of one seed: others are not compared. */
  golden?: { words: Uint16Array[]; from: string } | { onlySeed: number } | string;
}

/** Names of `what` are unique: two checks of one kind and one setting would be one. */
export function checkStory(checks: readonly Check[], story: Story, setting: CheckSetting): CheckResult[] {
  return [sound(story, checks), ...checks.map((check) => resultOf(check, story, setting))];
}

function resultOf(check: Check, story: Story, setting: CheckSetting): CheckResult {
  const undone = restsOn(
    check,
    story.actions.flatMap(({ action, skipped }) => (skipped === true ? [action] : [])),
  );
  const found = undone === undefined ? find(check, story, setting) : notTested(labelOf(undone));
  const { atLeast, atMost } = { ...boundsOf(check), ...found };
  return {
    name: checkName(check),
    verdict: found.holds === undefined ? 'skipped' : found.holds ? 'passed' : 'failed',
    value: found.value !== null && Number.isFinite(found.value) ? found.value : null,
    unit: found.unit,
    atLeast: atLeast ?? null,
    atMost: atMost ?? null,
    says: found.says,
  };
}

const notTested = (label: string): Found => ({
  ...{ value: null, unit: '', holds: undefined },
  says: `${label} cannot be played on this bench`,
});

function find(check: Check, story: Story, setting: CheckSetting): Found {
  switch (check.check) {
    case 'sinr':
    case 'sum-rate':
    case 'share-of-zf':
    case 'prediction-error':
    case 'void-cycles':
      return rateChecks(check, story);
    case 'recovery':
    case 'safe-state':
    case 'ends':
    case 'answered':
      return safetyChecks(check, story);
    case 'event':
    case 'no-other-events':
      return eventChecks(check, story);
    case 'words':
      return sameWords(check.cycles, story, setting);
    case 'calibration-error': {
      const { calibrationErrorDeg: value } = story;
      if (value === undefined)
        return { value: null, unit: '°', holds: undefined, says: 'nobody knows what the array really shows' };
      return { value, unit: '°', holds: within(value, check), says: `${value.toFixed(3)}° RMS` };
    }
    case 'records': {
      const { recordsMissing: value } = story;
      if (value === undefined) return { value: null, unit: '', holds: undefined, says: 'no database took part' };
      return { value, unit: '', holds: value === 0, atMost: 0, says: `${value} records did not reach the database` };
    }
  }
}

/** A rig that did not start, or gave up, showed nothing: it is well only where a check is about the end. */
function sound({ unsound: broken, seen, end, actions }: Story, checks: readonly Check[]): CheckResult {
  const expected = end.as === 'stopped' || checks.some((each) => each.check === 'ends');
  const what = end.as === 'refused' ? 'was refused' : 'gave up';
  const unsound = [
    ...broken,
    ...(expected ? [] : [`the rig ${what}, and no check of \`ends\` expects it: ${end.reason ?? 'no reason'}`]),
    ...unexpectedRefusals(actions, checks),
  ];
  return {
    ...{ name: 'sound', unit: '', atLeast: null, atMost: 0, value: unsound.length },
    verdict: unsound.length === 0 ? 'passed' : 'failed',
    says:
      unsound.length > 0
        ? unsound.join('; ')
        : seen.shown
          ? 'a record for each cycle, each beam whole and the one commanded, nothing radiated at the end'
          : 'a record for each cycle, the safe state confirmed at the end',
  };
}

/** What the operator was refused was not played: a scenario that goes on as if it had been says nothing. */
const unexpectedRefusals = (actions: Story['actions'], checks: readonly Check[]): string[] =>
  actions.flatMap(({ label, answer }) =>
    answer === undefined || answer.ok || checks.some((each) => each.check === 'answered' && each.after === label)
      ? []
      : [`${label} was refused, and no check of \`answered\` expects it: ${answer.reason}`],
  );

/** The first words that are others say which element and chain. */
function sameWords(cycles: number, story: Story, { golden = 'no golden was read' }: CheckSetting): Found {
  const found = { value: null, unit: 'words' };
  if (typeof golden === 'string') return { ...found, holds: false, says: golden };
  if ('onlySeed' in golden) return { ...found, holds: undefined, says: `words are compared for seed ${golden.onlySeed} alone` };
  const { words, from } = golden;
  const known = Math.min(cycles, words.length);
  if (story.words.length < known) {
    return { ...found, holds: false, says: `${story.words.length} good cycles, and ${from} has ${words.length}` };
  }
  let differ = 0;
  let first: string | undefined;
  for (let cycle = 0; cycle < known; cycle++) {
    const [now, then] = [story.words[cycle], words[cycle]];
    if (now.length !== then.length) {
      return { ...found, holds: false, says: `a beam has ${now.length} words, and ${then.length} in ${from}` };
    }
    now.forEach((word, i) => {
      if (word === then[i]) return;
      differ++;
      first ??= `; the first is word ${i} of good cycle ${cycle}: ${word}, and ${then[i]} in ${from}`;
    });
  }
  return {
    ...{ value: differ, unit: 'words', atMost: 0, holds: differ === 0 },
    says: `${differ} words differ over ${known} cycles${first ?? ''}`,
  };
}
