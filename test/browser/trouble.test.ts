/**
 * What the page says when nothing is radiated that it could vouch for: void cycles, a cycle that does not end, and a controller that is gone,
 * before a stand-in rig with a board and no simulator in its place. One story, in this order.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { hasPart } from '../parts.ts';
import { SOON, pageOfBlock } from './page-of.ts';
import { StandInRig } from './stand-in-rig.ts';

const LOST =
  'the link is closed (/dev/ttyUSB0: lost: the cable was pulled out of the board while it was radiating); nothing was sent';
const SCREENS = [
  [1024, 768],
  [1280, 800],
  [1920, 1080],
] as const;

describe.skipIf(!hasPart('chromium'))('the page of a rig in trouble [needs chromium]', () => {
  /** Set to keep pictures of each step. */
  const pictures = process.env['BEAMRIG_PICTURES'];
  let voidCycles = new Set<number>();
  const rig = new StandInRig({ isVoid: (cycle) => voidCycles.has(cycle) });
  const opened = pageOfBlock(rig, () => {
    rig.hasBoard = true;
    rig.channelSource = 'file';
    rig.fallsBack = false;
  });
  const { text, inPage, style } = opened;

  const picture = (selector: string): Promise<string> => inPage(`document.querySelector('${selector} canvas').toDataURL()`);
  const fresh = (): Promise<string | null> => opened.page.getAttribute('body', 'data-fresh');

  /** Looks at the page on every screen, light and dark: nothing outside it, no row over another, no figure cut. */
  const fitsEveryScreen = async (name: string): Promise<void> => {
    for (const [width, height] of SCREENS) {
      for (const colorScheme of ['light', 'dark'] as const) {
        await opened.page.setViewportSize({ width, height });
        await opened.page.emulateMedia({ colorScheme });
        await opened.page.waitForTimeout(400);
        const misfits = await inPage<string[]>(`(() => {
          const misfits = [];
          const { scrollWidth, scrollHeight } = document.documentElement;
          if (scrollWidth > innerWidth || scrollHeight > innerHeight) misfits.push('page ' + scrollWidth + '×' + scrollHeight);
          const box = (one) => one.getBoundingClientRect();
          const lines = [...document.querySelectorAll('.user .figures > *')].sort((a, b) => box(a).top - box(b).top);
          lines.slice(1).forEach((one, i) => {
            if (box(one).top < box(lines[i]).bottom - 1) misfits.push(lines[i].textContent + ' over ' + one.textContent);
          });
          for (const cell of document.querySelectorAll('#panels-body :is(th, td), .counters dd, header dd')) {
            const cut = cell.scrollWidth > cell.clientWidth + 1 && getComputedStyle(cell).textOverflow !== 'ellipsis';
            if (cut || box(cell).right > box(document.querySelector('#panels')).right + 1) misfits.push('cut: ' + cell.textContent);
          }
          const list = document.querySelector('#panels-body');
          const users = document.querySelector('#user-rows');
          if (users.scrollHeight > users.clientHeight) misfits.push('users scroll: ' + users.scrollHeight);
          if (list.scrollWidth > list.clientWidth) misfits.push('links wider than their box');
          return misfits;
        })()`);
        if (pictures) {
          mkdirSync(pictures, { recursive: true });
          await opened.page.screenshot({ path: join(pictures, `${name}-${width}-${colorScheme}.png`) });
        }
        expect(misfits, `${width}×${height} ${colorScheme}`).toEqual([]);
      }
    }
    await opened.page.setViewportSize({ width: 1280, height: 800 });
  };

  it('is whole on every screen while all is well', async () => {
    await expect.poll(fresh, SOON).toBe('yes');
    await expect.poll(() => text('[data-user="3"] .value span'), SOON).toMatch(/^−?\d+\.\d$/);
    await fitsEveryScreen('well');
  });

  it('stays as it is through a single void cycle between good ones', async () => {
    let [lastMs, longestGapMs] = [0, Infinity];
    rig.onCycle(() => {
      const nowMs = performance.now();
      longestGapMs = Math.max(longestGapMs, nowMs - lastMs);
      lastMs = nowMs;
    });
    // A machine that holds this process up for a second makes the page stale by right: then once more.
    while (longestGapMs > 500) {
      [lastMs, longestGapMs] = [performance.now(), 0];
      await inPage(`(() => {
        window.looks = [];
        const look = () => looks.push(document.body.dataset.fresh + document.querySelector('#banner').hidden + document.querySelector('[data-user="0"] .value span').textContent);
        window.looking = setInterval(look, 10);
      })()`);
      const next = rig.latest()!.record.cycle + 3;
      voidCycles = new Set([next]);
      await expect.poll(() => rig.latest()!.record.cycle, SOON).toBeGreaterThan(next + 15);
      const looks = await inPage<string[]>('(clearInterval(window.looking), window.looks)');
      expect(looks.length).toBeGreaterThan(20);
      if (longestGapMs <= 500) expect(looks.filter((look) => !/^yestrue−?\d+\.\d$/.test(look))).toEqual([]);
    }
  });

  it('says since when the beam is void and whose fault it is, and freezes and greys what was last known', async () => {
    rig.lost = LOST;
    await expect.poll(() => opened.page.isVisible('#banner'), SOON).toBe(true);
    expect(await text('#banner-text')).toMatch(/^Beam void since \d\d:\d\d:\d\d: push: panel \/dev\/ttyUSB0: the link is closed/);
    // By the clock of the machine that the page is seen on.
    const agoS = `(() => {
      const [h, m, s] = document.querySelector('#banner-text').textContent.match(/(\\d\\d):(\\d\\d):(\\d\\d)/).slice(1).map(Number);
      const now = new Date();
      return (86_400 + 3600 * (now.getHours() - h) + 60 * (now.getMinutes() - m) + now.getSeconds() - s) % 86_400;
    })()`;
    expect(await inPage<number>(agoS)).toBeLessThan(60);
    expect(await fresh()).toBe('no');
    expect(await text('#state')).toBe('beam void');
    for (const readout of ['#words-body .readout', '#beampattern-body .readout']) {
      await expect.poll(() => text(readout), SOON).toMatch(/^Last beam known to radiate, of \d\d:\d\d:\d\d$/);
    }
    await expect.poll(() => style('#words-body .plot', 'opacity'), SOON).toBe('0.5');
    const frozen = ['#words-body', '#beampattern-body'];
    const someCycles = async (): Promise<void> => {
      const { cycle } = rig.latest()!.record;
      await expect.poll(() => rig.latest()!.record.cycle, SOON).toBeGreaterThan(cycle + 20);
    };
    // The pattern of the last good beam may be calculated and drawn a little after that beam.
    await someCycles();
    const before = [await Promise.all(frozen.map(picture)), await text('[data-user="0"] .figures')];
    await someCycles();
    expect([await Promise.all(frozen.map(picture)), await text('[data-user="0"] .figures')]).toEqual(before);
    const row = await text('#panels-body tbody[data-state="closed"]');
    expect(row).toContain('✕ lost');
    expect(row).toContain('the cable was pulled');
    expect(await opened.page.locator('#panels-body tbody[data-state="closed"]').count()).toBe(1);
    await fitsEveryScreen('void');
  });

  it('keeps the badge larger than the words of the strip', async () => {
    const size = async (selector: string): Promise<number> => parseFloat(await style(selector, 'fontSize'));
    expect(await size('#banner')).toBeLessThan((await size('#badge')) / 1.4);
    const below = `document.querySelector('#banner').getBoundingClientRect().top >= document.querySelector('header').getBoundingClientRect().bottom - 1`;
    expect(await inPage(below)).toBe(true);
  });

  it('comes back to life with the first good cycle', async () => {
    rig.lost = undefined;
    await expect.poll(() => opened.page.isVisible('#banner'), SOON).toBe(false);
    expect(await fresh()).toBe('yes');
    await expect.poll(() => text('#words-body .readout'), SOON).toContain('words changed');
  });

  it('turns red and counts the seconds while a cycle does not end', async () => {
    const barWhenWell = await style('header', 'backgroundColor');
    rig.hangs = true;
    await expect.poll(() => text('#banner'), SOON).toMatch(/No cycle for [2-9]\.\d s\..*None has ended since \d\d:\d\d:\d\d/s);
    expect(await text('#state')).toBe('no cycle');
    expect(await style('header', 'backgroundColor')).not.toBe(barWhenWell);
    expect(await style('#badge', 'backgroundColor'), 'no green while nothing is sent').toBe('rgb(255, 255, 255)');
    expect(await fresh()).toBe('no');
    await fitsEveryScreen('hung');
    rig.hangs = false;
    await expect.poll(() => text('#state'), SOON).toBe('running');
  });

  it('keeps the amber of the simulator across the bar, whatever else is wrong', async () => {
    rig.fallsBack = true;
    rig.lostState = 'key refused';
    rig.lost = LOST;
    await expect.poll(() => text('#badge'), SOON).toBe('SIMULATOR');
    await expect.poll(() => text('#banner'), SOON).toContain('stands in for the hardware');
    const amber = await style('header', 'backgroundColor');
    rig.hangs = true;
    await expect.poll(() => text('#state'), SOON).toBe('no cycle');
    expect(await style('header', 'backgroundColor')).toBe(amber);
    rig.hangs = false;
    await expect.poll(() => text('#state'), SOON).toBe('running');
    await expect.poll(() => text('#panels-body thead'), SOON).toBe('LinkStateTrip, msRetriesTimeoutsDisc.CRC°C');
    expect(await text('#panels-body tbody tr')).toBe('/dev/ttyUSB0✕ key refused1.50000041');
    expect(await text('#panels-body tbody .about')).toContain('elements 0-63 · 1 234 unauthenticated frames ignored');
    await fitsEveryScreen('stand-in');
    rig.lost = undefined;
    await expect.poll(() => text('#badge'), SOON).toBe('HARDWARE');
  });

  it('greys the badge when the controller is gone', async () => {
    const colourful = await style('#badge', 'backgroundColor');
    await opened?.server.close();
    await expect.poll(() => text('#banner'), SOON).toContain('Controller gone since');
    expect(await style('#badge', 'backgroundColor')).not.toBe(colourful);
    expect(await style('#badge', 'backgroundColor')).toBe(await style('#strip', 'backgroundColor'));
    await fitsEveryScreen('gone');
  });
});
