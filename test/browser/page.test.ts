/**
 * The page in a real browser before the real thing: the demo rig in a process of its own, steered by the zoo's model, on the simulator. The
 * tests are one story and run in this order.
 */
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { build } from 'vite';
import { packageRoot } from '../../core/files/package-root.ts';
import { hasPart } from '../parts.ts';
import { launchChromium } from './chromium.ts';
import { DemoRig } from './demo-rig.ts';

const SOON = { timeout: 15_000, interval: 50 };
/** 64 elements × 4 chains, two bytes each; nothing else of this length is sent to the page. */
const WORDS_BYTES = 512;

describe.skipIf(!hasPart('chromium'))('the page in a browser [needs chromium]', () => {
  let rig: DemoRig;
  let browser: Browser;
  let page: Page;
  const complaints: string[] = [];
  const foreignRequests: string[] = [];
  let controllerIsUp = true;
  let wordsReceived = 0;

  beforeAll(async () => {
    await build({ configFile: `${packageRoot()}/vite.config.ts`, root: `${packageRoot()}/dashboard`, logLevel: 'error' });
    rig = await DemoRig.create();
    const started = rig.start();
    browser = await launchChromium();
    await started;
    page = await browser.newPage({ viewport: { width: 1280, height: 800 }, colorScheme: 'dark' });
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('console', (message) => {
      // The browser itself reports each attempt to reach a controller that is not there.
      if (!controllerIsUp && message.text().includes('WebSocket connection')) return;
      if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
    });
    page.on('request', (request) => {
      if (!request.url().startsWith(rig.url) && !request.url().startsWith('data:')) foreignRequests.push(request.url());
    });
    page.on('websocket', (socket) =>
      socket.on('framereceived', ({ payload }) => {
        if (typeof payload !== 'string' && payload.length === WORDS_BYTES) wordsReceived++;
      }),
    );
    await page.goto(rig.url);
  }, 120_000);

  afterAll(async () => {
    await browser?.close();
    await rig?.dispose();
  });

  const text = async (selector: string): Promise<string> => (await page.textContent(selector)) ?? '';
  const measuredOf = (user: number): Promise<string> => text(`[data-user="${user}"] .value span`);
  /** Evaluates in the page, whose DOM this side has no types of. */
  const inPage = <T>(expression: string): Promise<T> => page.evaluate<T>(expression);
  const picture = (selector: string): Promise<string> => inPage(`document.querySelector('${selector}').toDataURL()`);

  it('says in the largest letters that this is the simulator, and why', async () => {
    await expect.poll(() => text('#badge'), SOON).toBe('SIMULATOR');
    expect(await page.getAttribute('body', 'data-source')).toBe('simulator');
    await expect.poll(() => text('#hint'), SOON).toContain('Nothing here is radiated');
    const sizeOf = (one: string): string => `parseFloat(getComputedStyle(${one}).fontSize)`;
    const largest = await inPage<number>(
      `Math.max(...[...document.querySelectorAll('header *')].map((one) => ${sizeOf('one')}))`,
    );
    expect(await inPage(sizeOf("document.querySelector('#badge')"))).toBe(largest);
    expect(await page.title()).toContain('SIM');
  });

  it('shows values that move: SNR of each user, beampattern and phase words', async () => {
    await expect.poll(() => text('#state'), SOON).toBe('running');
    await expect.poll(() => page.getAttribute('body', 'data-fresh'), SOON).toBe('yes');
    for (let user = 0; user < 4; user++) {
      await expect.poll(() => measuredOf(user), SOON).toMatch(/^−?\d+\.\d$/);
      const before = await measuredOf(user);
      await expect.poll(() => measuredOf(user), SOON).not.toBe(before);
    }
    for (const canvas of ['#beampattern-body canvas', '#words-body canvas', '#stages-body canvas']) {
      const before = await picture(canvas);
      await expect.poll(() => picture(canvas), SOON).not.toBe(before);
    }
    expect(await text('#words-body .readout')).toContain('of 256 words changed');
    expect(await page.$$eval('#panels-body tbody', (rows) => rows.length)).toBe(1);
    expect(await text('#event-list')).toContain('simulator');
  });

  it('says who chooses the phases and the words, on which budgets, what for, and what words gained', async () => {
    expect(await text('label:has(#model) > span')).toBe('Model, compiled, 30 steps');
    expect(await text('#words-by')).toBe('by array, 1 sweep, for sum-rate');
    expect(await page.getAttribute('#words-by', 'title')).toContain('each element, again and again, to the state that is best');
    await expect.poll(() => text('[data-figure="gained by words"] dd'), SOON).toMatch(/^predicted \d+\.\d\dbit\/s\/Hz$/);
  });

  it('asks before it switches the model, and then the rig is steered by the other one', async () => {
    const { rig: before } = await rig.state();
    await page.selectOption('#model', 'aligned');
    await expect.poll(() => text('#hint'), SOON).toContain('steer the array with it');
    expect((await rig.state()).rig.modelId).toBe(before.modelId);
    await page.click('#apply');
    await expect.poll(async () => (await rig.state()).latest?.modelId, SOON).toBe('aligned');
    await expect.poll(() => text('#hint'), SOON).toContain('steered by aligned');
    await expect.poll(() => text('label:has(#model) > span'), SOON).toBe('Model');
  });

  it('leaves everything as it is when the question is answered with no', async () => {
    await page.selectOption('#phase-bits', '2');
    await expect.poll(() => page.isVisible('#cancel'), SOON).toBe(true);
    await page.click('#cancel');
    await expect.poll(() => page.inputValue('#phase-bits'), SOON).toBe('6');
    expect((await rig.state()).rig.phaseBits).toBe(6);
  });

  it('changes Q, and the words on the page have that many bits', async () => {
    await page.selectOption('#phase-bits', '3');
    await page.click('#apply');
    await expect.poll(async () => (await rig.state()).latest?.phaseBits, SOON).toBe(3);
    await page.hover('#words-body canvas');
    await expect.poll(() => text('#words-body .readout'), SOON).toMatch(/word [0-7] of 8/);
    await page.mouse.move(0, 0);
  });

  it('stops by keyboard with one press, greys what is no longer true, and starts again after a question', async () => {
    await page.focus('#run');
    await page.keyboard.press('Enter');
    await expect.poll(async () => (await rig.state()).state, SOON).toBe('paused');
    await expect.poll(() => page.getAttribute('body', 'data-fresh'), SOON).toBe('no');
    await expect.poll(() => text('#age'), SOON).toContain('ago');
    const { latest } = await rig.state();
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect((await rig.state()).latest?.cycle).toBe(latest?.cycle);
    await expect.poll(() => text('#run'), SOON).toContain('Start');
    await page.focus('#run');
    await page.keyboard.press('Enter');
    await expect.poll(() => text('#hint'), SOON).toContain('leaves its safe state');
    expect((await rig.state()).state).toBe('paused');
    await page.focus('#apply');
    await page.keyboard.press('Enter');
    await expect.poll(async () => (await rig.state()).state, SOON).toBe('running');
    await expect.poll(() => page.getAttribute('body', 'data-fresh'), SOON).toBe('yes');
  });

  it('is sent phase words only while somebody looks at them', async () => {
    await expect.poll(() => wordsReceived, SOON).toBeGreaterThan(0);
    await page.click('#words .fold');
    let whenFolded = 0;
    const fiveCyclesWithoutWords = async (): Promise<boolean> => {
      whenFolded = wordsReceived;
      const { cycle } = (await rig.state()).latest!;
      await expect.poll(async () => (await rig.state()).latest!.cycle, SOON).toBeGreaterThan(cycle + 5);
      return wordsReceived === whenFolded;
    };
    await expect.poll(fiveCyclesWithoutWords, SOON).toBe(true); // what was on its way may still come
    await page.click('#words .fold');
    await expect.poll(() => wordsReceived, SOON).toBeGreaterThan(whenFolded);
  });

  it('fits its screen without scrolling, dark and light', async () => {
    for (const [width, height] of [
      [1920, 1080],
      [1280, 800],
      [1024, 768],
    ] as const) {
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.setViewportSize({ width, height });
        await page.emulateMedia({ colorScheme });
        await page.waitForTimeout(300);
        const room = await inPage(`(() => {
          const { scrollWidth, scrollHeight } = document.documentElement;
          const mustBeWhole = 'header dd, header button, h2, .value, .counters dd, .stage-list dt, .figure dd';
          const cut = [...document.querySelectorAll(mustBeWhole)]
            .filter((one) => one.scrollWidth > one.clientWidth + 1)
            .map((one) => one.textContent);
          return { wide: scrollWidth - innerWidth, high: scrollHeight - innerHeight, cut };
        })()`);
        expect(room).toEqual({ wide: 0, high: 0, cut: [] });
      }
    }
  });

  it('says that the controller is gone when it was killed, and comes back by itself', async () => {
    await inPage(`document.body.setAttribute('data-not-reloaded', 'yes')`);
    controllerIsUp = false;
    await rig.end('SIGKILL');
    await expect.poll(() => page.isVisible('#banner'), SOON).toBe(true);
    expect(await text('#banner')).toMatch(/^Controller gone since \d\d:\d\d:\d\d, reconnecting…$/);
    await expect.poll(() => page.getAttribute('body', 'data-fresh'), SOON).toBe('no');
    expect(await page.isDisabled('#run')).toBe(true);
    expect(await page.getAttribute('#run', 'title')).toContain('no connection to the controller');
    await rig.start();
    await expect.poll(() => page.isVisible('#banner'), SOON).toBe(false);
    await expect.poll(() => page.getAttribute('body', 'data-fresh'), SOON).toBe('yes');
    controllerIsUp = true;
    expect(await page.isDisabled('#run')).toBe(false);
    expect(await page.getAttribute('body', 'data-not-reloaded')).toBe('yes');
    const before = await measuredOf(0);
    await expect.poll(() => measuredOf(0), SOON).not.toBe(before);
  }, 90_000);

  it('had nothing to complain about, and asked nobody else for anything', () => {
    expect(complaints).toEqual([]);
    expect(foreignRequests).toEqual([]);
  });
});
