/** The array of a running rig measured from its page, on the real controller and the simulated array: planned, watched, cancelled, used, and stopped in the middle. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { io } from 'socket.io-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRealClock } from '../../core/clock/real-clock.ts';
import { oneStream } from '../../core/signal/steering.ts';
import { beamArrayOf, beamFileOf, writeBeamFile } from '../../src/config/beam-file.ts';
import { parseRigFile, type RigFile } from '../../src/config/rig-file.ts';
import { assembleRig, type Rig } from '../../src/rig/assemble.ts';
import type { CycleRecord } from '../../src/telemetry/cycle-record.ts';
import { hasPart } from '../parts.ts';
import { openPageOf, SOON, type OpenPage } from './page-of.ts';

/** A measurement takes so long that there is time to look at it on a busy machine. */
const MEASURED = { timeout: 60_000, interval: 50 };

const folder = mkdtempSync(join(tmpdir(), 'beamrig-measured-page-'));
const TEXT = `name: measured
array: { geometry: { kind: ula, elements: 16 }, rfChains: 2, phaseBits: 4 }
users: { count: 2 }
beamformer: { model: aligned }
loop: { rateHz: 10 }
simulator:
  panel: { answerMs: 12, elementEnable: false }
  impairments: { phaseErrorDeg: 60, gainErrorDb: 1, deadElements: [3] }
`;

describe.skipIf(!hasPart('chromium'))('the page of a rig whose array is measured [needs chromium]', () => {
  let rig: Rig;
  let file: RigFile;
  let opened: OpenPage;
  let newest: CycleRecord | undefined;
  /** What the server answered of the states while there was no table. */
  let ideal = '';
  const text = async (selector: string): Promise<string> => (await opened.page.textContent(selector)) ?? '';
  const tables = (): string[] => {
    try {
      return readdirSync(file.calibration.folder).filter((name) => name.endsWith('.json'));
    } catch {
      return [];
    }
  };
  const measure = async (): Promise<void> => {
    await expect.poll(() => opened.page.isEnabled('#cal-measure'), SOON).toBe(true);
    await opened.page.click('#cal-measure');
    await opened.page.click('#apply');
    await expect.poll(() => text('#state'), SOON).toBe('measuring');
    await expect.poll(() => text('#cal-progress'), SOON).toMatch(/^Measuring by coded: [1-9]\d* of 288 readings, .+ left\.$/);
  };

  beforeAll(async () => {
    file = parseRigFile(TEXT, join(folder, 'rig.yaml'));
    rig = await assembleRig({
      rig: file,
      clock: createRealClock(),
      recorder: { cycle: (record) => (newest = record), event: () => undefined },
    });
    void rig.run();
    opened = await openPageOf(rig.controller);
  }, 120_000);
  afterAll(async () => {
    await opened.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it('says loudly that nothing is calibrated, and which channel the beams are for', async () => {
    await expect.poll(() => text('#calibration-glance'), SOON).toBe('NOT CALIBRATED: ideal states');
    expect(await opened.page.getAttribute('#calibration-glance', 'title')).toBe('SIM-0001: there are no tables');
    expect(await text('#channel-origin')).toBe('Channels: simulated scene');
    expect(await opened.page.isVisible('#calibration')).toBe(false);
    await opened.page.click('#calibration-glance');
    await expect.poll(() => text('#cal-boards'), SOON).toContain('none: ideal states (there are no tables)');
    await expect.poll(() => text('#calibration-body .readout'), SOON).toContain('states are taken as ideal');
    await expect.poll(() => text('#cal-tables'), SOON).toBe('There are no tables in the folder.');
    ideal = await (await fetch(new URL('api/calibration?chain=0', opened.server.url))).text();
  });

  it('says beforehand what it will take, and why what is not possible is not', async () => {
    await expect.poll(() => text('#cal-plan'), SOON).toMatch(/^Dry run: 288 readings, about .+; states to .+°, .+ dB where/);
    expect(await opened.page.isDisabled('#cal-method option[value=hadamard]')).toBe(true);
    expect(await opened.page.getAttribute('#cal-method', 'title')).toMatch(/hadamard: the method hadamard switches elements off/);
    await opened.page.click('#cal-measure');
    await expect
      .poll(() => text('#hint'), SOON)
      .toMatch(
        /^The simulated array shows 288 calibration settings, heard by receiver 2 at azimuth 0°, for about .+; the rig pauses meanwhile, and then runs again by the new tables\. Measure\?$/,
      );
    expect(newest?.calibration).toBe('none');
    await opened.page.click('#cancel');
    expect(rig.controller.state).toBe('running');
  });

  it('measures and shows how far it is on every page; cancelled, all is as it was', async () => {
    await measure();
    expect(await text('#radiation')).toBe('SIMULATED calibration');
    expect(await opened.page.isDisabled('#model')).toBe(true);
    const other = (await opened.page.context().browser()?.newPage()) ?? opened.page;
    expect(other).not.toBe(opened.page);
    await other.goto(opened.server.url);
    await expect.poll(() => other.textContent('#calibration-glance'), SOON).toBe('MEASURING the array');
    await other.click('#calibration-glance');
    await expect.poll(() => other.textContent('#cal-progress'), SOON).toMatch(/^Measuring by coded: [1-9]/);
    await other.click('#cal-cancel');
    await expect
      .poll(() => text('#cal-progress'), SOON)
      .toMatch(/^The measurement by coded was cancelled after \d+ of 288 readings/);
    await expect.poll(() => rig.controller.state, SOON).toBe('running');
    await other.close();
    expect(tables()).toEqual([]);
    expect(newest?.calibration).toBe('none');
    await expect.poll(() => text('#calibration-body label.wide'), SOON).toMatch(/go on with the \d+ readings that were kept/);
  });

  it('goes by what it has measured at once, and draws what each state misses', async () => {
    await measure();
    await expect.poll(() => text('#cal-progress'), MEASURED).toMatch(/^Measured by coded: .+element 3 dead/);
    const id = rig.controller.calibrating.now?.result?.tables[0] ?? '';
    await expect.poll(() => newest?.calibration, SOON).toBe(id);
    expect(tables()).toHaveLength(1);
    await expect.poll(() => text('#cal-boards'), SOON).toContain(id);
    expect(await text('#cal-boards')).toContain('element 3 dead or stuck (chains 0, 1)');
    await expect.poll(() => text('#calibration-glance'), SOON).toMatch(/^Calibrated 0 min ago to [\d.]+°, [\d.]+ dB$/);
    await expect.poll(() => text('#cal-tables'), SOON).toContain('● ');
    // The map is drawn, and read by the keyboard.
    const inked = `[...document.querySelector('#calibration-body canvas').getContext('2d').getImageData(80, 10, 200, 200).data].some((value) => value > 0)`;
    await expect.poll(() => opened.page.evaluate<boolean>(inked), SOON).toBe(true);
    await opened.page.focus('#calibration-body canvas');
    for (const key of ['ArrowDown', 'ArrowDown', 'ArrowRight']) await opened.page.keyboard.press(key);
    await expect
      .poll(() => text('#calibration-body .readout'), SOON)
      .toMatch(/^Element 2, word 1: −?\d+\.\d° off the grid, −?\d+\.\d° beside its element, gain −?\d+\.\d\d dB$/);
    await opened.page.keyboard.press('ArrowDown');
    await expect.poll(() => text('#calibration-body .readout'), SOON).toMatch(/^Element 3 \(dead or stuck\), word 1: /);
    const report = await fetch(new URL('calibration/report', opened.server.url));
    expect(report.headers.get('content-security-policy')).toContain('sandbox');
    expect(await report.text()).toContain('Calibration of measured');
  }, 120_000);

  it('asks again where the answer was of a moment without tables, as while a panel is lost, and shows no such map beside a table in use', async () => {
    let answers = 0;
    await opened.page.route('**/api/calibration?chain=0', async (route) => {
      if (answers++ === 0) await route.fulfill({ contentType: 'application/json', body: ideal });
      else await route.continue();
    });
    await opened.page.click('#calibration-close');
    await opened.page.click('#calibration-glance');
    await expect.poll(() => answers, SOON).toBe(2);
    expect(await opened.page.isVisible('#calibration-body .empty')).toBe(false);
    expect(await text('#calibration-body .readout')).not.toContain('states are taken as ideal');
    await opened.page.unroute('**/api/calibration?chain=0');
  });

  it('stopped in the middle, is dark and paused, and the table of before stays in use', async () => {
    const before = newest?.calibration;
    await measure();
    await opened.page.click('#run');
    await expect.poll(() => text('#state'), SOON).toBe('paused');
    await expect.poll(() => opened.page.getAttribute('body', 'data-shows'), SOON).toBe('dark');
    expect(rig.simulator?.panel.radiated().beamId).toBe(0);
    expect(tables()).toHaveLength(1);
    await expect.poll(() => opened.page.isEnabled('#run'), SOON).toBe(true);
    await rig.controller.run();
    await expect.poll(() => rig.controller.state, SOON).toBe('running');
    await expect.poll(() => newest?.outcome, SOON).toBe('ok');
    expect(newest?.calibration).toBe(before);
    await opened.page.click('#calibration-close');
    expect(await opened.page.isVisible('#beampattern')).toBe(true);
  });

  it('finds beams that were kept meanwhile, and refuses over the socket what makes no sense', async () => {
    const beam = { words: new Uint16Array(32), digital: oneStream(2, 2, 0) };
    writeBeamFile(file.beamFolder, beamFileOf(beamArrayOf(file), beam, { name: 'late', from: 'a test' }), false);
    expect(await text('#hand-beam')).toBe('');
    await opened.page.click('#hand-look');
    await expect.poll(() => text('#hand-beam'), SOON).toBe('late');
    const socket = io(opened.server.url, { transports: ['websocket'] });
    const ask = (what: string, wish: unknown): Promise<unknown> => new Promise((resolve) => socket.emit(what, wish, resolve));
    for (const wish of [null, { method: 'coded' }, { method: 'coded', readings: 0, pilots: 1, resume: false }]) {
      expect(await ask('calibrate', wish)).toMatchObject({ ok: false, reason: expect.stringContaining('its method') as string });
      expect(await ask('planCalibration', wish)).toMatchObject({ ok: false });
    }
    const guessed = { method: '../guess', readings: null, pilots: 1, resume: false };
    expect(await ask('calibrate', guessed)).toEqual({ ok: false, reason: "there is no method '../guess'" });
    const refused = await fetch(new URL('api/calibration?chain=2', opened.server.url));
    expect([refused.status, await refused.text()]).toEqual([400, 'chain: 2 is none; allowed: 0 to 1.']);
    expect(rig.controller.state).toBe('running');
    socket.close();
  });
});
