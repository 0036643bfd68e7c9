/** What each key of a scenario allows and all of them together do not. */
import { nearest } from '../../core/errors/nearest.ts';
import type { Problem } from '../../core/errors/schema-problems.ts';
import type { Check } from './check-schema.ts';
import { notOnTheWay } from './mishaps.ts';
import type { Scenario } from './scenario.ts';
import { labelOf } from './timeline-schema.ts';

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
  const count = typeof seeds === 'number' ? seeds : seeds.length;
  if (Array.isArray(seeds) && new Set(seeds).size < seeds.length) {
    problems.push({ path: ['seeds'], text: 'seeds: one stands there twice, which would count one story as two' });
  }
  const across = expect.findIndex((check) => 'across' in check && check.across !== 'every');
  if (across >= 0 && count < 2) {
    problems.push({
      path: ['expect', across, 'across'],
      text: `expect[${across}].across: says something of many seeds, and there is ${count}; give \`seeds: 20\`, say`,
    });
  }
  return problems;
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
  if ('atLeast' in check && 'atMost' in check) {
    const { atLeast, atMost } = check;
    if (check.check !== 'event' && atLeast === undefined && atMost === undefined) {
      say('check', 'has no bound; give atLeast, atMost or both');
    }
    const least = check.check === 'event' && atMost === 0 ? 0 : atLeast;
    if (least !== undefined && atMost !== undefined && least > atMost) {
      say('atMost', `${atMost} is below atLeast, ${least}: nothing can be both`);
    }
  }
  return problems;
}
