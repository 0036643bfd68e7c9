/** The page of the smallest rig there is: one element, one chain, one user, a cycle a second. */
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasPart } from '../parts.ts';
import { openPageOf, type OpenPage } from './page-of.ts';
import { StandInRig } from './stand-in-rig.ts';

const SOON = { timeout: 15_000, interval: 50 };

describe.skipIf(!hasPart('chromium'))('the page of a rig with one of each [needs chromium]', () => {
  const rig = new StandInRig({ elements: 1, users: 1, rateHz: 1 });
  let opened: OpenPage | undefined;
  let page: Page;

  beforeAll(async () => {
    rig.startTimer();
    opened = await openPageOf(rig);
    ({ page } = opened);
  }, 120_000);

  afterAll(() => opened?.close());

  const text = async (selector: string): Promise<string> => (await page.textContent(selector)) ?? '';

  it('counts in the singular', async () => {
    await expect.poll(() => text('#rig-size'), SOON).toBe('1 element (ULA), 1 chain, 1 user, SNR 10 dB');
    await expect.poll(() => text('#words-body .readout'), SOON).toMatch(/ [01] of 1 word changed/);
    const words = page.locator('#words-body canvas');
    await expect.poll(() => words.getAttribute('aria-label'), SOON).toContain('Phase words of 1 element and 1 RF chain.');
    await expect.poll(() => text('.about'), SOON).toMatch(/ · element 0$/);

    await page.selectOption('#phase-bits', '1');
    await expect.poll(() => text('#hint'), SOON).toContain('Send words of 1 bit (2 phases, 180° a step)');
    await page.click('#apply');
    await expect.poll(() => text('#hint'), SOON).toBe('Phase words have 1 bit.');

    await rig.pause();
    await expect.poll(() => text('#run'), SOON).toContain('Start');
    await page.click('#run');
    await expect.poll(() => text('#hint'), SOON).toContain('a new beam 1 time a second.');
  });
});
