/** The page of the smallest rig there is: one element, one chain, one user, a cycle a second. */
import { describe, expect, it } from 'vitest';
import { QUANTISER_MEANINGS } from '../../core/signal/quantiser-names.ts';
import { hasPart } from '../parts.ts';
import { SOON, pageOfBlock } from './page-of.ts';
import { StandInRig } from './stand-in-rig.ts';

describe.skipIf(!hasPart('chromium'))('the page of a rig with one of each [needs chromium]', () => {
  const rig = new StandInRig({ elements: 1, users: 1, rateHz: 1 });
  const opened = pageOfBlock(rig);
  const { text } = opened;

  it('counts in the singular', async () => {
    await expect.poll(() => text('#rig-size'), SOON).toBe('1 element (ULA), 1 chain, 1 user, SNR 10 dB');
    await expect.poll(() => text('#words-body .readout'), SOON).toMatch(/ [01] of 1 word changed/);
    const words = opened.page.locator('#words-body canvas');
    await expect.poll(() => words.getAttribute('aria-label'), SOON).toContain('Phase words of 1 element and 1 RF chain.');
    await expect.poll(() => text('.about'), SOON).toMatch(/ · element 0$/);
    rig.steps = 1;
    rig.quantiser = { name: 'array', meaning: QUANTISER_MEANINGS.array, sweeps: 1 };
    await expect.poll(() => text('#engine'), SOON).toBe(', compiled, 1 step');
    await expect.poll(() => text('#words-by'), SOON).toBe('by array, 1 sweep, for sum-rate');

    await opened.page.selectOption('#phase-bits', '1');
    await expect.poll(() => text('#hint'), SOON).toContain('Send words of 1 bit (2 phases, 180° a step)');
    await opened.page.click('#apply');
    await expect.poll(() => text('#hint'), SOON).toBe('Phase words have 1 bit.');

    await rig.pause();
    await expect.poll(() => text('#run'), SOON).toContain('Start');
    await opened.page.click('#run');
    await expect.poll(() => text('#hint'), SOON).toContain('a new beam 1 time a second.');
  });
});
