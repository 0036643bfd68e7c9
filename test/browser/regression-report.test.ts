/** The HTML report of a regression in a browser: what it says, to whom, and that it needs nothing else. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import axe from 'axe-core';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { regressionHtml } from '../../src/regression/reports/html.ts';
import { caseOf, madeUpCases, madeUpReport, madeUpStory } from '../doubles/regression-report.ts';
import { hasPart } from '../parts.ts';
import { launchChromium } from './chromium.ts';

describe.skipIf(!hasPart('chromium'))('the report of a regression in a browser [needs chromium]', () => {
  const folder = mkdtempSync(join(tmpdir(), 'beamrig-report-'));
  const said: string[] = [];
  let browser: Browser;
  let page: Page;
  const inPage = <T>(expression: string): Promise<T> => page.evaluate<T>(expression);
  const textsOf = (selector: string): Promise<string[]> =>
    inPage(`[...document.querySelectorAll(${JSON.stringify(selector)})].map((each) => each.textContent.trim())`);
  beforeAll(async () => {
    const wild = caseOf('wild', {
      about: '<script>document.title = "taken"</script>\u001b[31m',
      verdict: 'failed',
      why: '"><img src=x onerror=1>',
    });
    const path = join(folder, 'report.html');
    writeFileSync(path, regressionHtml(madeUpReport([...madeUpCases(), wild]), '/lab/regress'));
    browser = await launchChromium();
    page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
    page.on('console', (message) => said.push(message.text()));
    page.on('pageerror', (error) => said.push(error.message));
    page.on('request', (request) => said.push(...(request.url().startsWith('file:') ? [] : [request.url()])));
    await page.goto(pathToFileURL(path).href);
  }, 120_000);
  afterAll(async () => {
    await browser?.close();
    rmSync(folder, { recursive: true });
  });

  it('opens without a complaint, asks for nothing, and shows what others wrote as text', async () => {
    expect(said).toEqual([]);
    expect(await inPage('document.scripts.length + document.images.length')).toBe(0);
    expect(await page.title()).toBe('Regression: 3 failed, 1 broken, 1 flaky, 1 quarantined, 1 skipped, 6 passed');
    expect(await page.textContent('#case-12')).toBe('<script>document.title = "taken"</script>\\x1b[31m');
  });

  it('begins with the totals, and with what somebody has to look at', async () => {
    expect(await textsOf('.tile')).toEqual([
      '✗ 3 failed',
      '! 1 broken',
      '≈ 1 flaky',
      '‖ 1 quarantined',
      '– 1 skipped',
      '✓ 6 passed',
    ]);
    expect(await textsOf('.attention a')).toEqual([
      'cable-pulled',
      'quantisers, quantiser=rounded snrDb=0',
      'wild',
      'panel-hangs',
      'users-walk',
      'late-commit',
      'real-firmware',
    ]);
  });

  it('has a cell for each case, with a sign of its own for each outcome', async () => {
    const cells = await textsOf('.matrix .cell .sign');
    expect(cells).toHaveLength(13);
    expect(new Set(cells)).toEqual(new Set(['✗', '!', '≈', '‖', '–', '✓']));
    expect(await textsOf('.grid thead th')).toEqual(['snrDb →', '0', '10', '20']);
    expect(await textsOf('.grid tbody th')).toEqual(['quantiser array', 'quantiser rounded']);
  });

  it('draws each seed beside the bound, and those that failed otherwise', async () => {
    const title = '.check .axis title';
    const [rate] = (await textsOf(title)).filter((text) => text.startsWith('sum-rate measured mean from 7 s: bound'));
    expect(rate).toBe(
      'sum-rate measured mean from 7 s: bound ≥ 10 bit/s/Hz; seed 1: 14.1 bit/s/Hz, seed 2: 9.2 bit/s/Hz, seed 3: 9.9999999 bit/s/Hz',
    );
    const found = await inPage<{ good: number[]; bad: number[]; bound: number }>(`(() => {
      const svg = [...document.querySelectorAll('.axis')].find((each) => each.textContent.startsWith(${JSON.stringify(rate)}));
      const middle = (each) => { const { left, right } = each.getBoundingClientRect(); return (left + right) / 2; };
      return {
        good: [...svg.querySelectorAll('.good')].map(middle), bad: [...svg.querySelectorAll('.bad')].map(middle),
        bound: middle(svg.querySelector('.bound')),
      };
    })()`);
    expect(found.good).toHaveLength(1);
    expect(found.bad).toHaveLength(2);
    expect(found.good[0]).toBeGreaterThan(found.bound);
    expect(found.bad[0]).toBeLessThan(found.bound);
  });

  it('draws the share of seeds that fail on an axis of its own, and limits without an estimate', async () => {
    const titles = await textsOf('.case:nth-of-type(6) .axis title');
    const of = (name: string): string[] => titles.filter((title) => title.startsWith(name));
    expect(of('sum-rate measured mean from 7 s:')).toEqual([
      'sum-rate measured mean from 7 s: bound ≥ 10 bit/s/Hz; seed 1: 14 bit/s/Hz, seed 2: 9.9 bit/s/Hz, seed 3: 14 bit/s/Hz',
      'sum-rate measured mean from 7 s: share of seeds that fail: bound ≤ 0.45; all seeds: 0.33, at least 0.02, at most 0.4',
    ]);
    expect(of('recovery')[0]).toContain('all seeds: at least 0.1, at most 0.4');
  });

  it('opens what failed, leaves the rest closed, and opens it by keyboard or by its link', async () => {
    expect(await inPage("[...document.querySelectorAll('.case')].map((each) => each.open)")).toEqual([
      ...[true, true, true, false, false, false],
      ...[false, false, false, true, false, false],
      true,
    ]);
    const isOpen = (index: number): Promise<boolean> => inPage(`document.querySelectorAll('.case')[${index}].open`);
    await page.focus('.case:nth-of-type(6) > summary');
    await page.keyboard.press('Enter');
    expect(await isOpen(5)).toBe(true);
    await page.focus('.matrix a[href="#case-4"]');
    await page.keyboard.press('Enter');
    await expect.poll(() => isOpen(4)).toBe(true);
  });

  it('leads from a seed to its kept run folder, wherever both are moved together', async () => {
    expect(await page.getAttribute('.case .dim a', 'href')).toBe('runs/seed-1');
  });

  it('marks what happened on the line of time', async () => {
    const story = await inPage<unknown>(`(() => {
      const svg = document.querySelector('.case .rate');
      return {
        labels: [...svg.querySelectorAll('.label')].map((each) => each.textContent),
        dark: svg.querySelectorAll('rect.dark').length,
        codeword: svg.querySelectorAll('rect.codeword').length,
        events: [...svg.querySelectorAll('.event')].map(
          (each) => each.getAttribute('class') + ': ' + each.getAttribute('d').match(/M/g).length,
        ),
      };
    })()`);
    expect(story).toEqual({
      labels: ['unplug', 'set-phase-bits', 'database-down: not played'],
      dark: 2,
      codeword: 1,
      events: ['event error: 1', 'event warning: 1', 'event info: 2'],
    });
  });

  it('has every label and line of a picture within it', async () => {
    await inPage("document.querySelectorAll('details').forEach((each) => { each.open = true; })");
    const outside = await inPage<string[]>(`
      [...document.querySelectorAll('svg.plot')].flatMap((svg) => {
        const frame = svg.getBoundingClientRect();
        return [...svg.querySelectorAll('text, path, rect, circle')]
          .filter((each) => {
            const { left, right, top, bottom } = each.getBoundingClientRect();
            return left < frame.left - 1 || right > frame.right + 1 || top < frame.top - 1 || bottom > frame.bottom + 1;
          })
          .map((each) => each.textContent || each.outerHTML);
      })`);
    expect(outside).toEqual([]);
    expect(await inPage("document.querySelectorAll('svg.rate').length")).toBe(33);
  });

  it.each(['light', 'dark'] as const)('is accessible in %s', async (colorScheme) => {
    await page.emulateMedia({ colorScheme });
    await inPage("document.querySelectorAll('details').forEach((each) => { each.open = true; })");
    await page.evaluate(axe.source).catch(() => undefined);
    const flaws = await inPage<string[]>(
      "axe.run().then(({ violations }) => violations.map(({ id, nodes }) => id + ': ' + nodes[0].html))",
    );
    expect(flaws).toEqual([]);
  });

  it('is no wider than a phone', async () => {
    await page.setViewportSize({ width: 390, height: 800 });
    expect(await inPage('document.documentElement.scrollWidth')).toBeLessThanOrEqual(390);
  });
});

it('stays below 2 MB with 60 cases of 3 seeds', () => {
  const [failed] = madeUpCases();
  // Many points and many events, as a long scenario has.
  const story = madeUpStory(1);
  const { sumRate } = story;
  for (const key of ['atS', 'measured', 'predicted', 'true', 'worstDb'] as const) {
    const values = sumRate[key];
    sumRate[key] = Array.from({ length: 4000 }, (_, i): number => values[i % values.length] ?? 7);
  }
  sumRate.atS = sumRate.atS.map((_, i) => i / 400);
  story.events = Array.from({ length: 200 }, () => story.events).flat();
  const seeds = failed.seeds.map((seed) => ({ ...seed, attempts: seed.attempts.map((each) => ({ ...each, story })) }));
  const cases = Array.from({ length: 60 }, (_, i) => caseOf(`scenario-${i}`, { ...failed, scenario: `scenario-${i}`, seeds }));
  expect(Buffer.byteLength(regressionHtml(madeUpReport(cases), '/lab'))).toBeLessThan(2_000_000);
});
