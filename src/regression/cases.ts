/** From a scenario to its cases: every combination of its matrix, each with a rig of its own that was found to be right. */
import { counted } from '../../core/errors/counted.ts';
import type { Problem } from '../../core/errors/schema-problems.ts';
import { checkRig, elementsOf, type RigFile } from '../config/rig-file.ts';
import { pathsFrom } from '../config/rig-paths.ts';
import { beyondFirmware, isFirmware } from './firmware-limits.ts';
import { merged } from './merged.ts';
import { notOnTheWay } from './mishaps.ts';
import type { Case, Coordinates, Scenario } from './scenario.ts';
import type { Carrier, MatrixAxis } from './scenario-schema.ts';

/** Where in a rig file an axis is. */
const PLACES: Partial<Record<MatrixAxis, readonly [string, string?]>> = {
  phaseBits: ['array', 'phaseBits'],
  snrDb: ['snrDb'],
  model: ['beamformer', 'model'],
  quantiser: ['beamformer', 'quantiser'],
  userSpeedMps: ['simulator', 'userSpeedMps'],
};

/** Of a scenario: more would be looked at for minutes before the first is played. */
const MOST_CASES = 4096;
/** Cases times seeds. */
const MOST_PLAYED = 100_000;

export function casesOf(scenario: Scenario): { cases: Case[]; problems: Problem[] } {
  const { text } = scenario;
  const tooMany = moreThanAnyoneWaitsFor(text);
  if (tooMany !== undefined) return { cases: [], problems: [tooMany] };
  const problems: Problem[] = valuesTwice(text.matrix);
  const cases = combinations(text.matrix).map((coordinates): Case => {
    const id = Object.entries(coordinates)
      .map(([name, value]) => `${name}=${value}`)
      .join(' ');
    let rig = bare(scenario.rig);
    for (const [axis, value] of Object.entries(coordinates)) {
      const place = PLACES[axis as MatrixAxis];
      if (place === undefined) continue;
      const [first, second] = place;
      const otherwise = second === undefined ? { [first]: value } : { [first]: { [second]: value } };
      rig = merged(rig, pathsFrom(scenario.folder, otherwise));
    }
    const one: Case = {
      id,
      coordinates,
      carrier: (coordinates.carrier as Carrier | undefined) ?? text.carrier,
      panels: (coordinates.panels as number | undefined) ?? text.panels,
      rig,
    };
    problems.push(...problemsOfCase(scenario, one));
    return one;
  });
  return { cases, problems: unique(problems) };
}

function moreThanAnyoneWaitsFor({ matrix, seeds }: Scenario['text']): Problem | undefined {
  const cases = Object.values(matrix).reduce((product, values) => product * (values?.length ?? 1), 1);
  if (cases > MOST_CASES) {
    const text = `matrix: ${counted(cases, 'case')}; allowed: up to ${MOST_CASES} in a scenario: give shorter lists, or several scenarios`;
    return { path: ['matrix'], text };
  }
  const each = typeof seeds === 'number' ? seeds : seeds.length;
  if (cases * each <= MOST_PLAYED) return undefined;
  const text = `seeds: ${each} of ${counted(cases, 'case')} are played ${cases * each} times; allowed: up to ${MOST_PLAYED} in a scenario`;
  return { path: ['seeds'], text };
}

/** Without what a bench sees to. */
const bare = (rig: Record<string, unknown>): Record<string, unknown> =>
  merged(rig, { links: null, authentication: null, dashboard: null });

function combinations(matrix: Scenario['text']['matrix']): Coordinates[] {
  let all: Coordinates[] = [{}];
  for (const [axis, values] of Object.entries(matrix)) {
    if (values === undefined) continue;
    all = all.flatMap((before) => values.map((value) => ({ ...before, [axis]: value })));
  }
  return all;
}

/** Reports, goldens and run folders know cases by their values. */
const valuesTwice = (matrix: Scenario['text']['matrix']): Problem[] =>
  Object.entries(matrix).flatMap(([axis, values = []]): Problem[] => {
    const i = values.findIndex((value, place) => values.indexOf(value as never) !== place);
    return i < 0 ? [] : [{ path: ['matrix', axis, i], text: `matrix.${axis}[${i}]: ${values[i]} stands there twice` }];
  });

/** Paths of the rig are those of the scenario where it says them itself. */
function problemsOfCase(scenario: Scenario, one: Case): Problem[] {
  const here = one.id === '' ? '' : ` (case ${one.id})`;
  const place = (path: readonly PropertyKey[]): PropertyKey[] => {
    const axis = Object.entries(PLACES).find(([, keys]) => keys.every((key, i) => key === path[i]))?.[0];
    if (axis !== undefined && axis in one.coordinates) return ['matrix', axis];
    const [first] = path;
    return [first !== undefined && first in scenario.text.with ? 'with' : 'rig', ...path];
  };
  const checked = checkRig(one.rig, scenario.rigFolder);
  if ('problems' in checked) {
    return checked.problems.map(({ path, text }) => ({ path: place(path), text: `of the rig${here}: ${text}` }));
  }
  const elements = elementsOf(checked.rig);
  const problems: Problem[] = [];
  if (elements % one.panels !== 0) {
    const text = `panels: ${one.panels} cannot share ${elements} elements evenly${here}; allowed: a divisor of ${elements}`;
    problems.push({ path: 'panels' in one.coordinates ? ['matrix', 'panels'] : ['panels'], text });
  }
  if (isFirmware(one.carrier)) {
    for (const { path, text } of beyondFirmware(checked.rig, one.carrier))
      problems.push({ path: place(path), text: `of the rig${here}: ${text}` });
  }
  const other = isFirmware(one.carrier)
    ? notOnTheWay([...checked.rig.simulator.behaviours, ...scenario.text.behaviours])
    : undefined;
  if (other !== undefined) {
    const text = `behaviours: ${other}${here} is played by panels of our own, and the firmware of carrier ${one.carrier} is none; allowed: drop, corrupt, duplicate, delay, reorder`;
    problems.push({ path: ['behaviours'], text });
  }
  if (one.panels > 1 && isFirmware(one.carrier)) {
    const text = `panels: ${one.panels}${here}, and the firmware of carrier ${one.carrier} is one panel; allowed: 1`;
    problems.push({ path: 'panels' in one.coordinates ? ['matrix', 'panels'] : ['panels'], text });
  }
  problems.push(...beyondRig(scenario, checked.rig, one.panels, here));
  return problems;
}

/** Users, elements and panels that the rig has not. */
function beyondRig({ text }: Scenario, rig: RigFile, panels: number, here: string): Problem[] {
  const counts = { user: rig.users.count, panel: panels } as const;
  const problems: Problem[] = [];
  const look = (list: 'timeline' | 'expect', entries: readonly object[]): void =>
    entries.forEach((entry, i) => {
      for (const key of ['user', 'panel'] as const) {
        const value = (entry as Record<string, unknown>)[key];
        if (typeof value !== 'number' || value < counts[key]) continue;
        const last = counts[key] - 1;
        problems.push({
          path: [list, i, key],
          text: `${list}[${i}].${key}: ${value}, and there ${last === 0 ? `is ${key} 0 alone` : `are ${key}s 0 to ${last}`}${here}`,
        });
      }
      const { elements } = entry as { elements?: number[] };
      const other = elements?.find((element) => element >= elementsOf(rig));
      if (other === undefined) return;
      const text = `${list}[${i}].elements: ${other}, and the array has elements 0 to ${elementsOf(rig) - 1}${here}`;
      problems.push({ path: [list, i, 'elements'], text });
    });
  look('timeline', text.timeline);
  look('expect', text.expect);
  return problems;
}

const unique = (problems: readonly Problem[]): Problem[] => {
  const known = new Set<string>();
  return problems.filter(({ text }) => !known.has(text) && known.add(text));
};
