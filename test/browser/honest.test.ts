/** What the page says of what is real and what radiates, before a stand-in rig with a board. */
import { beforeEach, describe, expect, it } from 'vitest';
import { hasPart } from '../parts.ts';
import { SOON, pageOfBlock } from './page-of.ts';
import { StandInRig } from './stand-in-rig.ts';

const AMBER = 'rgb(255, 176, 0)';
const CODEWORD = { state: 'codeword', azimuthDeg: -20.5 } as const;

describe.skipIf(!hasPart('chromium'))('the page of a rig that is not all real [needs chromium]', () => {
  const rig = new StandInRig();
  const opened = pageOfBlock(rig, () => {
    rig.safe = CODEWORD; // its beam is asked for at the start
  });
  const { text, style } = opened;

  beforeEach(async () => {
    rig.hasBoard = true;
    rig.isPlayed = false;
    rig.lost = undefined;
    rig.channelSource = 'simulation';
    rig.safe = { state: 'mute', azimuthDeg: null };
    rig.safeConfirmed = true;
    await rig.run();
  });

  const bar = (): Promise<string> => style('header', 'backgroundColor');
  const picture = (selector: string): Promise<string> =>
    opened.page.evaluate(`document.querySelector('${selector} canvas').toDataURL()`);

  it('is amber and says so while channels are simulated, and green only when they are not', async () => {
    await expect.poll(() => text('#badge'), SOON).toBe('HARDWARE, channels simulated');
    expect(await bar()).toBe(AMBER);
    await expect.poll(() => text('#hint'), SOON).toContain('measured channels are given when the rig is started');
    rig.channelSource = 'file';
    await expect.poll(() => text('#badge'), SOON).toBe('HARDWARE');
    expect(await bar()).not.toBe(AMBER);
  });

  it('says that channels are sounded, and how old they are', async () => {
    rig.channelSource = 'sounding';
    await expect.poll(() => text('#badge'), SOON).toBe('HARDWARE, channels sounded');
    expect(await bar()).not.toBe(AMBER);
    await expect.poll(() => text('#hint'), SOON).toContain('Channels are sounded through the panels, 3 slots ago.');
  });

  it('goes on saying so in amber when the beam is void', async () => {
    await expect.poll(() => text('#badge'), SOON).toBe('HARDWARE, channels simulated');
    rig.fallsBack = false;
    rig.lost = 'the cable was pulled';
    await expect.poll(() => text('#state'), SOON).toBe('beam void');
    expect(await text('#badge')).toBe('HARDWARE, channels simulated');
    expect(await style('#badge', 'color')).toBe(AMBER);
    expect(await text('#radiation')).toBe('UNKNOWN');
    rig.fallsBack = true;
  });

  it('calls a program that plays a panel by its name, in amber, and never hardware', async () => {
    rig.isPlayed = true;
    await expect.poll(() => text('#badge'), SOON).toBe('PLAYED PANEL');
    expect(await bar()).toBe(AMBER);
    await expect.poll(() => text('#hint'), SOON).toContain('the panel is a program');
    rig.channelSource = 'file';
    await new Promise((resolve) => setTimeout(resolve, 700));
    expect(await text('#badge')).toBe('PLAYED PANEL');
    expect(await bar()).toBe(AMBER);
    expect(await opened.page.title()).toContain('PLAYED');
  });

  it('shows the codeword and its angle once the rig is stopped, not the beam of before', async () => {
    await expect.poll(() => text('#radiation'), SOON).toBe('RADIATING beams');
    rig.safe = CODEWORD;
    await rig.pause();
    await expect.poll(() => text('#radiation'), SOON).toBe('RADIATING codeword, −20.5°');
    for (const readout of ['#words-body .readout', '#beampattern-body .readout']) {
      await expect.poll(() => text(readout), SOON).toBe('Codeword at −20.5°: the safe state radiates now');
    }
    expect(await style('#words-body .plot', 'opacity'), 'it is of now').toBe('1');
    await opened.page.focus('#words-body canvas');
    await opened.page.keyboard.press('ArrowRight');
    const word = rig.safeBeam()!.words[4];
    await expect.poll(() => text('#words-body .readout'), SOON).toContain(`Element 1, chain 0: word ${word} of 64`);
    await opened.page.keyboard.press('Escape');
  }, 60_000);

  it('shows nothing of a beam when the array is dark, and doubts it when no panel has confirmed it', async () => {
    await expect.poll(() => text('#radiation'), SOON).toBe('RADIATING beams');
    await expect.poll(() => text('#words-body .readout'), SOON).toContain('words changed');
    rig.safeConfirmed = false;
    await rig.pause();
    await expect.poll(() => text('#radiation'), SOON).toBe('DARK, not confirmed');
    await expect.poll(() => text('#hint'), SOON).toContain('has not confirmed');
    rig.safeConfirmed = true;
    await expect.poll(() => text('#radiation'), SOON).toBe('DARK');
    for (const panel of ['#words-body', '#beampattern-body']) {
      await expect.poll(() => text(`${panel} .readout`), SOON).toBe('Dark: nothing is radiated');
      const blank = `(() => { const c = document.createElement('canvas'), o = document.querySelector('${panel} canvas'); c.width = o.width; c.height = o.height; return c.toDataURL(); })()`;
      expect(await picture(panel)).toBe(await opened.page.evaluate<string>(blank));
    }
  });

  it('shows the held beam when that is the safe state', async () => {
    rig.safe = { state: 'hold', azimuthDeg: null };
    await expect.poll(() => text('#words-body .readout'), SOON).toContain('words changed');
    await rig.pause();
    await expect.poll(() => text('#radiation'), SOON).toBe('RADIATING the held beam');
    await expect.poll(() => text('#words-body .readout'), SOON).toBe('Held beam: the safe state radiates it now');
  });

  const simulator = (): void => void (rig.hasBoard = false);
  const played = (): void => void (rig.isPlayed = true);

  it.each<[string, () => void, string]>([
    ['the simulated array', simulator, 'SIMULATED'],
    ['the played panel', played, 'PLAYED'],
  ])(
    'never says of %s that it radiates',
    async (array, become, how) => {
      become();
      await expect.poll(() => text('#hint'), SOON).toContain('Nothing here is radiated');
      await expect.poll(() => text('#radiation'), SOON).toBe(`${how} beams`);
      await opened.page.focus('#run');
      await expect.poll(() => text('#hint'), SOON).toContain(`; ${array} goes to its safe state`);
      for (const [safe, shows, below] of [
        [CODEWORD, `${how} codeword, −20.5°`, `Codeword at −20.5°: the safe state, ${how.toLowerCase()}`],
        [{ state: 'hold', azimuthDeg: null }, `${how} held beam`, `Held beam: the safe state, ${how.toLowerCase()}`],
        [{ state: 'mute', azimuthDeg: null }, 'DARK', 'Dark: nothing is radiated'],
      ] as const) {
        rig.safe = safe;
        await rig.pause();
        await expect.poll(() => text('#radiation'), SOON).toBe(shows);
        await expect.poll(() => text('#words-body .readout'), SOON).toBe(below);
        await expect.poll(() => text('#hint'), SOON).toContain(`Start: ${array} leaves its safe state and shows beams`);
        await opened.page.press('#run', 'Enter');
        await expect.poll(() => text('#hint'), SOON).toMatch(/leaves its safe state and shows a new beam .*Start\?$/);
        await opened.page.keyboard.press('Escape');
        await rig.run();
      }
      await opened.page.evaluate('document.activeElement.blur()');
    },
    60_000,
  );

  it('says of a stopped rig that another model or Q is for when it is started, and of none that it goes on', async () => {
    await expect.poll(() => text('#badge'), SOON).toBe('HARDWARE, channels simulated');
    await rig.pause();
    await expect.poll(() => text('#radiation'), SOON).toBe('DARK');
    await opened.page.selectOption('#model', 'aligned');
    const stays = "Until then the array stays in its safe state 'mute'.";
    await expect
      .poll(() => text('#hint'), SOON)
      .toBe(`Load aligned, to steer the array with it once the rig is started? ${stays}`);
    await opened.page.click('#apply');
    await expect.poll(() => text('#hint'), SOON).toBe('aligned is loaded, and steers the array once the rig is started.');
    await opened.page.selectOption('#phase-bits', '1');
    await expect
      .poll(() => text('#hint'), SOON)
      .toMatch(/ once the rig is started, instead of 6\? Until then the array stays in/);
    await opened.page.click('#apply');
    await expect.poll(() => text('#hint'), SOON).toBe('Phase words have 1 bit once the rig is started.');
    await opened.page.selectOption('#model', 'unfolded-pga-n64');
    await opened.page.click('#apply');
    await rig.setPhaseBits(6);
  });

  it('says that the array is safe only once it has confirmed that', async () => {
    rig.safeConfirmed = false;
    await expect.poll(() => text('#radiation'), SOON).toBe('RADIATING beams');
    const unconfirmed = "the array was told to go to its safe state 'mute' and has not confirmed it";
    await opened.page.click('#run');
    await opened.page.mouse.move(0, 0);
    await opened.page.evaluate('document.activeElement.blur()');
    await expect.poll(() => text('#hint'), SOON).toContain(`Paused: ${unconfirmed}.`);
    rig.state = 'faulted';
    await expect.poll(() => text('#hint'), SOON).toContain(`the rig has faulted, and ${unconfirmed}.`);
    rig.safeConfirmed = true;
    await expect.poll(() => text('#hint'), SOON).toContain("the rig has faulted, and the array is in its safe state 'mute'.");
  });

  it('calls the beampattern calculated', async () => {
    expect(await text('#beampattern-title')).toMatch(/calculated/);
  });
});
