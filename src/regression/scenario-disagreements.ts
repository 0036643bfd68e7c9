/** What each key of a scenario allows and all of them together do not. */
import { nearest } from '../../core/errors/nearest.ts';
import type { Problem } from '../../core/errors/schema-problems.ts';
import type { Check } from './check-schema.ts';
import { checkName } from './checks/check-name.ts';
import { boundsOf } from './checks/found.ts';
import { notOnTheWay } from './mishaps.ts';
import type { Scenario } from './scenario.ts';
import type { ScenarioText } from './scenario-schema.ts';
import { labelOf } from './timeline-schema.ts';
import { SOUND } from './verdicts/across.ts';
import { percent } from './verdicts/figures.ts';
import { canShow, seedsNeeded } from './verdicts/looks.ts';

export function scenarioProblems({ text }: Scenario): Problem[] {
  const problems: Problem[] = [];
  const { timeline, expect, seconds, seeds } = text;
  timeline.forEach((entry, i) => {
    const { atS } = entry;
    const endS = atS + ('forS' in entry ? (entry.forS ?? 0) : 0);
    if (atS >= seconds) {
      problems.push({ path: ['timeline', i, 'atS'], text: `timeline[${i}].atS: ${atS}, and the scenario ends at ${seconds} s` });
    } else if (endS > seconds) {
      problems.push({
        path: ['timeline', i, 'forS'],
        text: `timeline[${i}]: it lasts until ${endS} s, and the scenario ends at ${seconds} s; leave forS out for "to the end"`,
      });
    }
  });
  timeline.forEach((entry, i) => {
    const other = entry.do === 'frames' ? notOnTheWay(entry.behaviours) : undefined;
    if (other === undefined) return;
    const text = `timeline[${i}].behaviours: ${other} is nothing that happens on the way; panels play it from the start, by behaviours of the scenario`;
    problems.push({ path: ['timeline', i, 'behaviours'], text });
  });
  const labels = timeline.map(labelOf);
  expect.forEach((check, i) => problems.push(...checkProblems(check, i, labels, seconds)));
  labels.forEach((label, i) => {
    if (timeline[i].label !== undefined && labels.indexOf(label) !== i) {
      problems.push({ path: ['timeline', i, 'label'], text: `timeline[${i}].label: ${label} is the name of an earlier entry` });
    }
  });
  const first = expect.findIndex(({ check }) => check === 'words');
  expect.forEach(({ check }, i) => {
    if (check !== 'words' || i === first) return;
    const text = `expect[${i}]: words are compared with one golden, and expect[${first}] has it; take one of them out`;
    problems.push({ path: ['expect', i], text });
  });
  const count = typeof seeds === 'number' ? seeds : seeds.length;
  if (Array.isArray(seeds) && new Set(seeds).size < seeds.length) {
    problems.push({ path: ['seeds'], text: 'seeds: one stands there twice, which would count one story as two' });
  }
  return [...problems, ...nameProblems(expect), ...expect.flatMap((check, i) => acrossProblems(check, i, count, text))];
}

/** Checks that are nothing without a bound. */
const BOUNDED = new Set<Check['check']>([
  ...(['sinr', 'sum-rate', 'share-of-zf', 'prediction-error', 'void-cycles', 'calibration-error'] as const),
]);

/** Reports and baselines know checks by their names. */
function nameProblems(expect: readonly Check[]): Problem[] {
  const names = expect.map(checkName);
  return names.flatMap((name, i): Problem[] => {
    const first = names.indexOf(name);
    const other = name === SOUND ? 'the check of every run' : first < i ? `expect[${first}]` : undefined;
    if (other === undefined) return [];
    const text = `expect[${i}]: is called '${name}', and so is ${other}; give it a \`name\` of its own`;
    return [{ path: ['expect', i], text }];
  });
}

/** What can never be shown with so many seeds is said before they are played. */
function acrossProblems(check: Check, index: number, count: number, { confidence, stopEarly }: ScenarioText): Problem[] {
  if (!('across' in check) || check.across === 'every') return [];
  const problem = (key: string, text: string): Problem[] => [
    { path: ['expect', index, key], text: `expect[${index}].${key}: ${text}` },
  ];
  const { across, quantile, mostFailures } = check;
  if (count < 2) return problem('across', `says something of many seeds, and there is ${count}; give \`seeds: 20\`, say`);
  if (across !== 'failure-rate' && (check.check === 'ends' || check.check === 'answered')) {
    return problem('across', `${across} is of numbers, and \`${check.check}\` finds none; take every or failure-rate`);
  }
  if (across === 'mean') return [];
  const share = across === 'quantile' ? quantile : 1 - mostFailures;
  if (canShow(count, share, confidence, stopEarly)) return [];
  const needed = seedsNeeded(share, confidence, stopEarly);
  const wayOut = needed === undefined ? 'no number of seeds that a scenario may have can' : `it takes ${needed}`;
  const what = `that ${percent(share)} of all seeds are well`;
  return problem(
    across === 'quantile' ? 'quantile' : 'mostFailures',
    `${count} seeds can never show ${what} at a confidence of ${percent(confidence)}; ${wayOut}`,
  );
}

function checkProblems(check: Check, index: number, labels: readonly string[], seconds: number): Problem[] {
  const problems: Problem[] = [];
  const say = (key: string, text: string): void =>
    void problems.push({ path: ['expect', index, key], text: `expect[${index}].${key}: ${text}` });
  if ('after' in check) {
    if (!labels.includes(check.after)) {
      const near = nearest(check.after, labels);
      const known = labels.length === 0 ? 'the timeline is empty' : `entries are ${[...new Set(labels)].join(', ')}`;
      say('after', `nothing in the timeline is called ${check.after}; ${near === undefined ? known : `did you mean ${near}?`}`);
    } else if (labels.filter((label) => label === check.after).length > 1) {
      say('after', `several entries are called ${check.after}; give the one that is meant a label`);
    }
  }
  if ('fromS' in check) {
    if (check.fromS >= seconds) say('fromS', `${check.fromS}, and the scenario ends at ${seconds} s`);
    if (check.toS !== undefined && check.toS <= check.fromS) say('toS', `${check.toS} is not after fromS, ${check.fromS}`);
    if (check.toS !== undefined && check.toS > seconds) say('toS', `${check.toS}, and the scenario ends at ${seconds} s`);
  }
  const { atLeast, atMost } = boundsOf(check);
  if (BOUNDED.has(check.check) && atLeast === undefined && atMost === undefined) {
    say('check', 'has no bound; give atLeast, atMost or both');
  }
  if (atLeast !== undefined && atMost !== undefined && atLeast > atMost) {
    say('atMost', `${atMost} is below atLeast, ${atLeast}: nothing can be both`);
  }
  return problems;
}
