/** What the parts of the HTML report have in common: text that is safe to show, the signs of outcomes, and tables. */
import { escaped } from '../../../models/report/escape.ts';
import { printable } from '../../../core/errors/printable.ts';
import type { Outcome } from './outcome.ts';

/** Text of scenarios, devices and errors, as HTML. */
export const clean = (text: string): string => escaped(text.split('\n').map(printable).join('\n'));

/** Each outcome has a sign of its own shape, and a word. */
export const MARKS: Readonly<Record<Outcome, { sign: string; word: string }>> = {
  failed: { sign: '✗', word: 'failed' },
  error: { sign: '!', word: 'broken' },
  flaky: { sign: '≈', word: 'flaky' },
  quarantined: { sign: '‖', word: 'quarantined' },
  skipped: { sign: '–', word: 'skipped' },
  passed: { sign: '✓', word: 'passed' },
};

export const outcomeHtml = (outcome: Outcome): string =>
  `<span class="outcome ${outcome}"><span class="sign" aria-hidden="true">${MARKS[outcome].sign}</span> ${MARKS[outcome].word}</span>`;

/** @param head as text @param rows as HTML */
export function table(label: string, head: readonly string[], rows: readonly (readonly string[])[]): string {
  const titles = head.every((title) => title === '')
    ? ''
    : `<thead><tr>${head.map((title) => (title === '' ? '<td></td>' : `<th scope="col">${clean(title)}</th>`)).join('')}</tr></thead>`;
  const body = rows.map(
    ([first, ...rest]) => `<tr><th scope="row">${first}</th>${rest.map((cell) => `<td>${cell}</td>`).join('')}</tr>`,
  );
  return `<div class="table" tabindex="0" role="region" aria-label="${clean(label)}"><table class="prose">${titles}<tbody>\n${body.join('\n')}\n</tbody></table></div>`;
}

export const details = (summary: string, body: string, open = false): string =>
  `<details${open ? ' open' : ''}><summary>${summary}</summary>\n${body}\n</details>`;

/** Of a picture: two decimals are less than anybody sees. */
export const short = (value: number): string => String(Number(value.toFixed(1)));
