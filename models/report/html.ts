/** A report as one HTML file. */
import { counted } from '../../core/errors/counted.ts';
import { escaped } from './escape.ts';
import { htmlPage } from './html-page.ts';
import type { Claim, Report, ReportSection, ReportTable } from './report.ts';
import { heatMapSvg } from './svg-heat-map.ts';
import { looksOf, plotSvg } from './svg-plot.ts';

export function reportHtml({ title, about, claims, sections }: Report): string {
  const looks = looksOf(sections.flatMap(({ plots = [] }) => plots));
  const body = [
    `<h1>${escaped(title)}</h1>`,
    paragraphs(about),
    claims.length === 0 ? '' : claimsHtml(claims),
    ...sections.map((section, i) => sectionHtml(section, i, looks)),
  ];
  return htmlPage(title, body.join('\n'));
}

function claimsHtml(claims: readonly Claim[]): string {
  const hold = claims.filter(({ holds }) => holds).length;
  const rows = claims.map(
    ({ claim, theirs, ours, rule, holds }) =>
      `<tr><th scope="row">${marked(claim)}</th><td class="words" data-label="theirs: ">${marked(theirs)}</td><td class="words" data-label="ours: ">${marked(ours)}</td><td class="words" data-label="holds if: ">${marked(rule)}</td><td class="verdict ${holds ? 'holds' : 'fails'}">${holds ? '✓ holds' : '✗ does not hold'}</td></tr>`,
  );
  return `<section>
<h2>The claims</h2>
<p>${counted(claims.length, 'claim')}: ${hold} ${hold === 1 ? 'holds' : 'hold'}, ${claims.length - hold} ${claims.length - hold === 1 ? 'does' : 'do'} not.</p>
<div class="table" tabindex="0" role="region" aria-label="The claims"><table class="claims">
<thead><tr><th scope="col">claim</th><th scope="col">theirs</th><th scope="col">ours</th><th scope="col">holds if</th><th scope="col">verdict</th></tr></thead>
<tbody>
${rows.join('\n')}
</tbody>
</table></div>
</section>`;
}

function sectionHtml(
  { title, text = [], plots = [], heatMaps = [], tables = [] }: ReportSection,
  index: number,
  looks: ReadonlyMap<string, number>,
): string {
  const figures = plots.map(
    (plot, i) => `<figure>${plotSvg(plot, `plot-${index}-${i}`, looks)}<figcaption>${marked(plot.title)}</figcaption></figure>`,
  );
  const maps = heatMaps.map(
    (map, i) => `<figure>${heatMapSvg(map, `map-${index}-${i}`)}<figcaption>${marked(map.title)}</figcaption></figure>`,
  );
  return `<section>
<h2>${escaped(title)}</h2>
${paragraphs(text)}
${maps.join('\n')}
${figures.join('\n')}
${tables.map((table) => tableHtml(table, title)).join('\n')}
</section>`;
}

function tableHtml({ caption, head, rows }: ReportTable, section: string): string {
  const cell = (text: string, i: number): string =>
    i === 0 ? `<th scope="row">${marked(text)}</th>` : `<td>${marked(text)}</td>`;
  const words = rows.some((row) => row.slice(1).some(({ length }) => length > LONGEST_FIGURE));
  return `<div class="table" tabindex="0" role="region" aria-label="${plain(caption === undefined ? section : `${section}: ${caption}`)}"><table${words ? ' class="prose"' : ''}>
${caption === undefined ? '' : `<caption>${marked(caption)}</caption>`}
<thead><tr>${head.map((text) => (text === '' ? '<td></td>' : `<th scope="col">${marked(text)}</th>`)).join('')}</tr></thead>
<tbody>
${rows.map((row) => `<tr>${row.map(cell).join('')}</tr>`).join('\n')}
</tbody>
</table></div>`;
}

/** What is longer is words, which begin at the left and take several lines. */
const LONGEST_FIGURE = 30;

const paragraphs = (texts: readonly string[]): string => texts.map((text) => `<p>${marked(text)}</p>`).join('\n');

/** Escaped, without backticks. */
const plain = (text: string): string => escaped(text.replaceAll('`', ''));

/** Escaped; what stands between two backticks is code. */
const marked = (text: string): string => escaped(text).replace(/`([^`]+)`/g, '<code>$1</code>');
