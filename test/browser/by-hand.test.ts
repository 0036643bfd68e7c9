/** Steering, scanning, sending and muting from the page, on a real controller with its simulator; and the same verbs over the bare socket. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { io } from 'socket.io-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRealClock } from '../../core/clock/real-clock.ts';
import { quantisePhases } from '../../core/signal/quantise.ts';
import { oneStream, steeringPhases } from '../../core/signal/steering.ts';
import { beamArrayOf, beamFileOf, writeBeamFile } from '../../src/config/beam-file.ts';
import { parseRigFile } from '../../src/config/rig-file.ts';
import type { ControlResult } from '../../src/control/controller.ts';
import { assembleRig, type Rig } from '../../src/rig/assemble.ts';
import type { CycleRecord } from '../../src/telemetry/cycle-record.ts';
import { hasPart } from '../parts.ts';
import { openPageOf, SOON, type OpenPage } from './page-of.ts';

const folder = mkdtempSync(join(tmpdir(), 'beamrig-by-hand-'));
const TEXT = `name: by-hand
array: { geometry: { kind: ula, elements: 32 }, rfChains: 2, phaseBits: 6 }
users: { count: 2 }
beamformer: { model: aligned }
loop: { rateHz: 50, pilots: 4096 }
safeState: hold
simulator: { userSpeedMps: 0, channel: { model: saleh-valenzuela, paths: 1, directShare: 1 } }
`;

describe.skipIf(!hasPart('chromium'))('the page of a rig that is steered by hand [needs chromium]', () => {
  let rig: Rig;
  let opened: OpenPage;
  let newest: CycleRecord | undefined;
  const wordsTo = (azimuthDeg: number): Uint16Array =>
    quantisePhases(
      steeringPhases(
        { kind: 'ula', elements: 32, spacingWavelengths: 0.5 },
        { azimuthRad: (azimuthDeg * Math.PI) / 180, elevationRad: 0 },
        2,
      ),
      6,
    );
  const shown = (): Uint16Array | undefined => rig.simulator?.panel.radiated().words;
  const text = async (selector: string): Promise<string> => (await opened.page.textContent(selector)) ?? '';

  beforeAll(async () => {
    const file = parseRigFile(TEXT, join(folder, 'rig.yaml'));
    for (const [name, azimuthDeg] of [['west', -33] as const, ['north', 5] as const]) {
      const beam = beamFileOf(
        beamArrayOf(file),
        { words: wordsTo(azimuthDeg), digital: oneStream(2, 2, 1) },
        { name, from: 'a test', calibration: 'SIM-0001/28GHz/25C/0a1b2c3d' },
      );
      writeBeamFile(file.beamFolder, beam, false);
    }
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

  it('asks first, then points where it was told and says what the beam is like', async () => {
    await expect.poll(() => opened.page.isEnabled('#hand-steer'), SOON).toBe(true);
    await opened.page.fill('#hand-azimuth', '20');
    await opened.page.selectOption('#hand-user', '1');
    await opened.page.click('#hand-steer');
    await expect.poll(() => text('#hint'), SOON).toBe('Point the array to 20.0°, with the stream of user 1 and no other?');
    expect(newest?.modelId).toBe('aligned');
    await opened.page.click('#apply');
    await expect.poll(() => text('#hand-key'), SOON).toBe('steered to azimuth 20°, with the stream of user 1');
    await expect
      .poll(() => text('#hand-body .readout'), SOON)
      .toMatch(/^Calculated: to 20\.0°, 3\.4° wide, sidelobes −1\d\.\d dB, EIRP 30\.1 dB over one element$/);
    expect(shown()).toEqual(wordsTo(20));
    expect(await opened.page.inputValue('#model')).toBe('steered');
  });

  it('scans, draws it as it comes, and stays at the strongest beam', async () => {
    expect(await opened.page.isVisible('#hand canvas')).toBe(false);
    await opened.page.fill('#hand-scan-from', '-60');
    await opened.page.fill('#hand-scan-to', '60');
    await opened.page.fill('#hand-scan-step', '3');
    await opened.page.click('#hand-scan');
    await opened.page.click('#apply');
    await expect
      .poll(() => text('#hand-body .readout'), SOON)
      .toMatch(/^Scan: 41 of 41 beams, measured where user 1 stands · strongest \d+\.\d dB at −?\d+\.0° · Calculated: to /);
    expect(await opened.page.isVisible('#hand canvas')).toBe(true);
    const inked = `[...document.querySelector('#hand canvas').getContext('2d').getImageData(40, 4, 200, 40).data].some((value) => value > 0)`;
    await expect.poll(() => opened.page.evaluate<boolean>(inked), SOON).toBe(true);
    const scan = rig.controller.scan();
    const best = scan?.points.reduce((most, point) => (point.measuredDb > most.measuredDb ? point : most));
    await expect.poll(() => shown(), SOON).toEqual(wordsTo(best?.azimuthDeg ?? NaN));
    for (const { measuredDb, calculatedDb } of scan?.points ?? []) {
      if (calculatedDb > (best?.calculatedDb ?? 0) - 20) expect(Math.abs(measuredDb - calculatedDb)).toBeLessThan(0.4);
    }
  });

  it('sends a beam that is kept, mutes with one press where the safe state holds, and gives the array back to the model', async () => {
    expect(await opened.page.isVisible('#hand-body .doubt')).toBe(false);
    await opened.page.selectOption('#hand-beam', 'west');
    await opened.page.click('#hand-send');
    await opened.page.click('#apply');
    await expect.poll(() => shown(), SOON).toEqual(wordsTo(-33));
    await expect
      .poll(() => text('#hand-body .doubt'), SOON)
      .toContain('chosen by the table SIM-0001/28GHz/25C/0a1b2c3d, and the array goes by other states now');
    expect(await opened.page.isVisible('#hand-body .doubt')).toBe(true);
    await opened.page.click('#hand-mute');
    await expect.poll(() => rig.simulator?.panel.radiated().beamId, SOON).toBe(0);
    await expect.poll(() => opened.page.getAttribute('body', 'data-shows'), SOON).toBe('dark');
    expect(rig.controller.state).toBe('paused');
    await opened.page.click('#hand-back');
    await expect.poll(() => text('#hint'), SOON).toBe('Let aligned choose the beams again?');
    await opened.page.click('#apply');
    await expect.poll(() => text('#hand-key'), SOON).toBe('a model chooses the beams');
    expect(rig.simulator?.panel.radiated().beamId).toBe(0);
    await rig.controller.run();
    await expect.poll(() => newest?.modelId, SOON).toBe('aligned');
    await expect.poll(() => rig.simulator?.panel.radiated().beamId, SOON).toBeGreaterThan(0);
    expect(rig.controller.describe().safe.state).toBe('hold');
  });

  it('refuses over the socket what makes no sense', async () => {
    const socket = io(opened.server.url, { transports: ['websocket'] });
    const ask = (wish: unknown): Promise<ControlResult> => new Promise((resolve) => socket.emit('byHand', wish, resolve));
    for (const wish of [
      { do: 'steer', azimuthDeg: 120, elevationDeg: 0, user: 0 },
      { do: 'steer', azimuthDeg: NaN, elevationDeg: 0, user: 0 },
      { do: 'fly' },
      null,
    ]) {
      expect(await ask(wish)).toMatchObject({ ok: false, reason: expect.stringContaining('angles from −90 to 90') as string });
    }
    expect(await ask({ do: 'steer', azimuthDeg: 0, elevationDeg: 9, user: 0 })).toMatchObject({
      ok: false,
      reason: expect.stringContaining('cannot tell elevations apart') as string,
    });
    await new Promise((resolve) => setTimeout(resolve, 1100)); // so many controls a second, and no more
    expect(await ask({ do: 'steer', azimuthDeg: 0, elevationDeg: 0, user: 5 })).toMatchObject({
      ok: false,
      reason: expect.stringContaining('allowed: 0 to 1') as string,
    });
    expect(await ask({ do: 'beam', name: '../rig' })).toMatchObject({
      ok: false,
      reason: expect.stringContaining('none of the beams') as string,
    });
    expect(newest?.modelId).toBe('aligned');
    socket.close();
  });

  it('sends the second of two beams that are asked for before the array shows the first', async () => {
    const send = `for (const name of ['west', 'north']) {
      document.getElementById('hand-beam').value = name;
      for (const id of ['hand-send', 'apply']) document.getElementById(id).click();
    }`;
    await opened.page.evaluate(send);
    await expect.poll(() => text('#hand-key'), SOON).toBe("beam 'north' (a test)");
    await expect.poll(() => shown(), SOON).toEqual(wordsTo(5));
    await expect.poll(() => text('#hint'), SOON).toMatch(/^Nothing here is radiated/);
  });
});
