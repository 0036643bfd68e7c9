/** All cases at a glance: a row for each scenario; where it has a matrix, its last axis goes across and the others go down. */
import type { CaseResult } from '../results.ts';
import { clean, MARKS } from './html-words.ts';
import { casesByScenario, outcomeOf, titleOf } from './outcome.ts';

export function matrixHtml(cases: readonly CaseResult[]): string {
  if (cases.length === 0) return '';
  const index = new Map(cases.map((one, i) => [one, i]));
  const cell = (one: CaseResult): string => {
    const outcome = outcomeOf(one);
    const { sign, word } = MARKS[outcome];
    return `<a class="cell ${outcome}" href="#case-${index.get(one)}" title="${clean(titleOf(one))}: ${word}"><span class="sign" aria-hidden="true">${sign}</span><span class="hidden">${clean(titleOf(one))}: ${word}</span></a>`;
  };
  const rows = Array.from(casesByScenario(cases), ([scenario, own]) => {
    const axes = Object.keys(own[0].coordinates);
    const content = axes.length === 0 ? own.map(cell).join('') : gridHtml(scenario, own, axes, cell);
    return `<li><span class="name">${clean(scenario)}</span>${content}</li>`;
  });
  const legend = Object.values(MARKS).map(({ sign, word }) => `${sign} ${word}`);
  return `<h2>All cases</h2>\n<p class="dim">${legend.join(', ')}</p>\n<ul class="matrix">\n${rows.join('\n')}\n</ul>`;
}

function gridHtml(
  scenario: string,
  cases: readonly CaseResult[],
  axes: readonly string[],
  cell: (one: CaseResult) => string,
): string {
  const across = axes[axes.length - 1];
  const down = axes.slice(0, -1);
  const valueOf = (one: CaseResult): string => String(one.coordinates[across]);
  const rowOf = (one: CaseResult): string => down.map((axis) => `${axis} ${one.coordinates[axis]}`).join(', ');
  const columns = [...new Set(cases.map(valueOf))];
  const rows = [...new Set(cases.map(rowOf))].map((row) => {
    const cells = columns.map((column) => {
      const one = cases.find((each) => rowOf(each) === row && valueOf(each) === column);
      return `<td>${one === undefined ? '' : cell(one)}</td>`;
    });
    return `<tr><th scope="row">${row === '' ? clean(across) : clean(row)}</th>${cells.join('')}</tr>`;
  });
  const head = columns.map((column) => `<th scope="col">${clean(column)}</th>`).join('');
  const corner = down.length === 0 ? '<td></td>' : `<th scope="col">${clean(across)} →</th>`;
  return `<div class="table" tabindex="0" role="region" aria-label="Cases of ${clean(scenario)}"><table class="grid"><thead><tr>${corner}${head}</tr></thead><tbody>${rows.join('')}</tbody></table></div>`;
}
