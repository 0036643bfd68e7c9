/** A report as `beamrig reproduce` writes it, in a browser. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import axe from 'axe-core';
import { CliFolder } from '../cli.ts';
import { hasPart } from '../parts.ts';
import { launchChromium } from './chromium.ts';

describe.skipIf(!hasPart('chromium'))('a report in a browser [needs chromium]', () => {
  const cli = new CliFolder();
  const said: string[] = [];
  let browser: Browser;
  let page: Page;
  beforeAll(async () => {
    const ended = await cli.beamrig('reproduce', '001', '--quick', '--count', '2');
    expect(ended).toMatchObject({ code: 0 });
    browser = await launchChromium();
    page = await browser.newPage();
    page.on('console', (message) => said.push(message.text()));
    page.on('pageerror', (error) => said.push(error.message));
    page.on('request', (request) => said.push(...(request.url().startsWith('file:') ? [] : [request.url()])));
    await page.goto(pathToFileURL(join(cli.path, 'paper-001.html')).href);
  }, 180_000);
  afterAll(async () => {
    await browser.close();
    cli.remove();
  });

  it('opens without a complaint and asks for nothing else', () => {
    expect(said).toEqual([]);
    expect(readFileSync(join(cli.path, 'paper-001.html'), 'utf8')).not.toContain('<script');
  });

  it('has every label of every plot within its picture, and lines that are seen', async () => {
    const outside = await page.evaluate<string[]>(`
      [...document.querySelectorAll('svg.plot')].flatMap((svg) => {
        const frame = svg.getBoundingClientRect();
        return [...svg.querySelectorAll('text, .line, .mark')]
          .filter((each) => {
            const { left, right, top, bottom } = each.getBoundingClientRect();
            return left < frame.left - 1 || right > frame.right + 1 || top < frame.top - 1 || bottom > frame.bottom + 1;
          })
          .map((each) => each.textContent || each.getAttribute('class'));
      })`);
    expect(outside).toEqual([]);
    expect(await page.evaluate("document.querySelectorAll('svg.plot').length")).toBeGreaterThan(6);
  });

  it.each(['light', 'dark'] as const)('is accessible in %s', async (colorScheme) => {
    await page.emulateMedia({ colorScheme });
    await page.evaluate(axe.source).catch(() => undefined);
    const flaws = await page.evaluate<string[]>(
      "axe.run().then(({ violations }) => violations.map(({ id, nodes }) => id + ': ' + nodes[0].html))",
    );
    expect(flaws).toEqual([]);
  });

  it('is no wider than a phone', async () => {
    await page.setViewportSize({ width: 390, height: 800 });
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(390);
  });
});
