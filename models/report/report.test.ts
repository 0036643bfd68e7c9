import { describe, expect, it } from 'vitest';
import { reportHtml } from './html.ts';
import { reportMarkdown } from './markdown.ts';
import type { Plot, Report } from './report.ts';
import { plotSvg } from './svg-plot.ts';
import { tickTexts, ticksOf } from './ticks.ts';

const NASTY = `<script>alert("1 & 2")</script>'`;
const plot: Plot = {
  title: NASTY,
  x: { label: NASTY },
  y: { label: NASTY },
  lines: [
    { label: NASTY, x: [0, 1, 2], y: [1, 2, 3], error: [0.1, 0.2, 0.3] },
    { label: 'printed', x: [0, 2], y: [2, 2], theirs: true },
  ],
};
const report: Report = {
  title: NASTY,
  about: [NASTY, 'in `code & more`'],
  claims: [
    { claim: NASTY, theirs: NASTY, ours: NASTY, rule: NASTY, holds: true },
    { claim: 'faster | better', theirs: '30', ours: '31', rule: 'below 30', holds: false },
  ],
  sections: [
    { title: NASTY, text: [NASTY], tables: [{ caption: NASTY, head: ['', NASTY], rows: [[NASTY, NASTY]] }], plots: [plot] },
  ],
};

it('gives a method one colour in all plots of a report, and two of one plot different looks, however many there are', () => {
  const names = Array.from({ length: 14 }, (_, i) => `method ${i}`);
  const plotOf = (labels: readonly string[]): Plot => ({
    ...plot,
    lines: labels.map((label) => ({ label, x: [0, 1, 2], y: [1, 2, 3] })),
  });
  const plots = [plotOf(names.slice(0, 3)), plotOf([names[9], names[2], names[0]]), plotOf(names.toReversed())];
  const [first, second, all] = [
    { ...report, sections: [{ title: 'one', plots }] },
    { ...report, sections: plots.map((each) => ({ title: 'each', plots: [each] })) },
  ]
    .map(reportHtml)
    .flatMap((html) => html.match(/<svg[^]*?<\/svg>/g) ?? [])
    .map((svg) =>
      Object.fromEntries(
        Array.from(
          svg.matchAll(/<g class="([^"]*)"><path class="line" d="[^"]*"\/>(<path class="mark[^>]*>)<\/g><text[^>]*>([^<]*)</g),
          ([, look, mark, name]) => [
            name,
            `${look} ${mark.match(/class="[^"]*"/)?.[0] ?? ''} ${mark.replace(/-?\d+\.?\d* -?\d+\.?\d*/, '')}`,
          ],
        ),
      ),
    );
  expect(Object.keys(all)).toHaveLength(14);
  expect(new Set(Object.values(all)).size).toBe(14);
  for (const some of [first, second]) expect(Object.values(some)).toHaveLength(3);
  for (const some of [first, second]) expect(all).toMatchObject(some);
});

describe('a report as HTML', () => {
  const html = reportHtml(report);

  it('shows every text as it is, and has none of it for markup', () => {
    expect(html).not.toContain('<script');
    expect(html).not.toContain('alert("');
    expect(html.split('&lt;script&gt;alert(&quot;1 &amp; 2&quot;)&lt;/script&gt;&#39;').length).toBeGreaterThan(14);
    expect(html).toContain('<code>code &amp; more</code>');
  });

  it('takes nothing from elsewhere, and runs nothing', () => {
    expect(html).toContain(`content="default-src 'none'; style-src 'unsafe-inline'"`);
    expect(html).not.toMatch(/\b(src|href|on\w+)=|url\(|@import|https?:/);
  });

  it('counts the claims, and has a verdict with both numbers and its rule for each', () => {
    expect(html).toContain('2 claims: 1 holds, 1 does not.');
    expect(html).toMatch(/faster \| better.*>30<.*>31<.*>below 30<.*✗ does not hold/);
  });
});

it('a report as Markdown has claims and tables, and no cell breaks its row', () => {
  const markdown = reportMarkdown(report);
  expect(markdown).toContain('| faster \\| better | 30 | 31 | below 30 | **does not hold** |');
  expect(markdown).toContain(`${NASTY}:\n\n|  | ${NASTY} |\n| --- | ---: |\n| ${NASTY} | ${NASTY} |`);
});

describe('ticks', () => {
  it.each([
    [0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1]],
    [-0.3, 0.31, [-0.3, -0.2, -0.1, 0, 0.1, 0.2, 0.3]],
    [14.9, 17.6, [15, 15.5, 16, 16.5, 17, 17.5]],
    [0, 30, [0, 5, 10, 15, 20, 25, 30]],
    [1e-9, 7e-9, [1e-9, 2e-9, 3e-9, 4e-9, 5e-9, 6e-9, 7e-9]],
  ])('from %s to %s are round numbers', (from, to, expected) => {
    expect(ticksOf(from, to)).toEqual(expected);
  });

  it('of a logarithmic axis are powers of ten, with 2 and 5 where there are few', () => {
    expect(ticksOf(1, 500, true)).toEqual([1, 2, 5, 10, 20, 50, 100, 200, 500]);
    expect(ticksOf(1e-3, 1e3, true)).toEqual([1e-3, 1e-2, 0.1, 1, 10, 100, 1000]);
  });

  it('say as many decimals as tell them apart', () => {
    expect(tickTexts([-0.5, 0, 0.5])).toEqual(['−0.5', '0.0', '0.5']);
    expect(tickTexts([0, 10])).toEqual(['0', '10']);
  });
});

describe('a plot', () => {
  const box = (svg: string, of: string): number[][] =>
    Array.from(svg.matchAll(new RegExp(`class="${of}" d="([^"]*)"`, 'g')), ([, d]) =>
      Array.from(d.matchAll(/-?\d+(\.\d+)?/g), ([text]) => Number(text)),
    );

  it('puts points where its ticks say: equal steps right and up are equal ways', () => {
    const [way] = box(plotSvg(plot, 'p'), 'line');
    const [x0, y0, x1, y1, x2, y2] = way;
    expect(x1 - x0).toBeCloseTo(x2 - x1, 1);
    expect(y1 - y0).toBeCloseTo(y2 - y1, 1);
    expect(x1).toBeGreaterThan(x0);
    expect(y1).toBeLessThan(y0);
  });

  it('has equal ways for equal factors on a logarithmic axis', () => {
    const log = { ...plot, x: { label: 'n', log: true }, lines: [{ label: 'a', x: [1, 10, 100], y: [1, 2, 3] }] };
    const [[x0, , x1, , x2]] = box(plotSvg(log, 'p'), 'line');
    expect(x1 - x0).toBeCloseTo(x2 - x1, 1);
  });

  it('has a bar as long as the error on both sides of its point', () => {
    const [bar] = box(plotSvg(plot, 'p'), 'bar');
    const [way] = box(plotSvg(plot, 'p'), 'line');
    const [, low, high] = bar;
    const perUnit = way[1] - way[3];
    expect(low - way[1]).toBeCloseTo(0.1 * perUnit, 1);
    expect(way[1] - high).toBeCloseTo(0.1 * perUnit, 1);
  });

  it('is interrupted where there is no number, and shows nothing that is none', () => {
    const broken = { ...plot, lines: [{ label: 'a', x: [0, 1, 2, 3], y: [1, NaN, 2, Infinity] }] };
    const svg = plotSvg(broken, 'p');
    expect(svg).not.toMatch(/NaN|Infinity/);
    expect(svg.match(/class="line" d="(M[^ML]*)(M[^ML]*)"/)).not.toBeNull();
  });

  it('leaves no room for bars that are too many to be drawn', () => {
    const x = Array.from({ length: 40 }, (_, i) => i);
    const wide = (error: number) => plotSvg({ ...plot, lines: [{ label: 'a', x, y: x, error: x.map(() => error) }] }, 'p');
    expect(wide(1000)).toBe(wide(0));
  });

  it('without any point has axes all the same, and one value a range around it', () => {
    for (const y of [[], [5]]) {
      const svg = plotSvg({ ...plot, lines: [{ label: 'a', x: y.map(() => 1), y }] }, 'p');
      expect(svg).not.toMatch(/NaN|Infinity/);
      expect(svg.match(/class="grid"/g)?.length).toBeGreaterThan(4);
    }
  });

  it('says in words what it shows, and which line is theirs', () => {
    const svg = plotSvg({ ...plot, x: { label: 'SNR' }, y: { label: 'rate' } }, 'p');
    expect(svg).toContain('aria-labelledby="p-title p-desc"');
    expect(svg).toMatch(/rate over SNR\..*: 1 at 0 to 3 at 2\. printed \(theirs\): 2 at 0 to 2 at 2\./);
    expect(svg).toMatch(/class="colour-1 dashed theirs"/);
  });
});
