/**
 * One array measured over loopback, through the C firmware and its ADAR1000 chips on a serial line, and over a broker that is killed
 * in the middle: the same table within its noise.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { CalibrationMethod } from '../../calibration/method.ts';
import { CALIBRATION_METHODS } from '../../calibration/methods.ts';
import { stateDifference } from '../../calibration/state-difference.ts';
import { createRealClock } from '../../core/clock/real-clock.ts';
import { createRandom } from '../../core/signal/random.ts';
import { builtFirmware } from '../../firmware-protocol/reference/test/built-firmware.ts';
import { startFirmware } from '../../firmware-protocol/reference/run-firmware.ts';
import { attachBench } from '../../firmware-protocol/reference/scenario.ts';
import { Mosquitto } from '../../scripts/mosquitto.ts';
import { ELEMENTS, RF_CHAINS, scenarioText, USERS } from '../../scripts/same-scenario.ts';
import { parseRigFile, type RigFile } from '../../src/config/rig-file.ts';
import { startEmbeddedBroker } from '../../src/link/mqtt/embedded-broker.ts';
import { calibrateRig, type CalibrationResult, type HowToCalibrate } from '../../src/measuring/calibrate-rig.ts';
import { openArray } from '../../src/measuring/open-array.ts';
import { createRigArray } from '../../src/rig/simulator.ts';
import { forOneTest } from '../for-one-test.ts';
import { hasPart } from '../parts.ts';
import { startPanels } from '../built-program.ts';

const own = forOneTest('calibration-links');
const { later } = own;
const PILOTS = 16;

const methodNamed = (name: string): CalibrationMethod => {
  const method = CALIBRATION_METHODS.find((each) => each.name === name);
  if (method === undefined) throw new Error(`no method ${name}`);
  return method;
};

async function measure(
  text: string,
  method: string,
  { readings, onProgress = () => undefined }: { readings?: number; onProgress?: HowToCalibrate['onProgress'] } = {},
): Promise<CalibrationResult & { rig: RigFile }> {
  const rig = parseRigFile(text, join(own.folder, 'rig.yaml'));
  const clock = createRealClock();
  const array = await openArray({ rig, clock, tell: () => undefined });
  try {
    const request = { rig, method: methodNamed(method), readings, pilots: PILOTS, resume: false };
    const result = await calibrateRig(request, array, { clock, stop: new AbortController().signal, onProgress });
    return { ...result, rig };
  } finally {
    expect(await array.close()).toBe(undefined);
  }
}

/** RMS over all states that both have of chain m, degrees. */
const apart = (a: CalibrationResult, b: CalibrationResult, m: number, offsetsAlone = false): number => {
  const { states } = a.chains[m];
  return stateDifference(states, b.chains[m].states, (at) => !offsetsAlone || at % states.cols === 0).phaseDeg;
};

/** Two tables of as good readings are as far apart as twice the variance of either says. */
const expectSame = (a: CalibrationResult, b: CalibrationResult, offsetsAlone = false): void => {
  const expected = offsetsAlone ? expectedOffsetDeg(a) : a.tables[0].accuracy.phaseDeg;
  a.chains.forEach((_, m) => expect(apart(a, b, m, offsetsAlone)).toBeLessThan(1.35 * Math.SQRT2 * expected));
};
/** Of on-off codes gone through twice with their complements: each offset is heard in half of the readings, beside others. */
const expectedOffsetDeg = ({ readings, readingSnrDb }: CalibrationResult): number =>
  (180 / Math.PI) * Math.sqrt(10 ** (-readingSnrDb / 10) / 2 / ((readings - 32) / 4));

/** An array of two panels, at these links; of the simulator where there are none. */
const halves = (...links: string[]): string => `
name: measured
seed: 7
array: { geometry: { kind: ula, elements: 16 }, rfChains: 2, phaseBits: 4 }
users: { count: 2 }
beamformer: { model: aligned }
simulator: { impairments: { gainErrorDb: 0.8, phaseErrorDeg: 100, phaseStateErrorDeg: 3, gainStateErrorDb: 0.3, stateErrors: independent, stuckElements: [5] } }
fallback: ${links.length === 0 ? 'at-start' : 'never'}
links: [${links.join(', ')}]
`;

/** The same, its panels played by a process of its own behind this broker. */
async function playedHalves(url: string): Promise<string> {
  const on = (name: string, elements: string): string =>
    `{ name: ${name}, panel: B-${name}, elements: '${elements}', mqtt: { url: '${url}' } }`;
  const text = halves(on('left', '0-7'), on('right', '8-15'));
  const path = join(own.folder, 'rig.yaml');
  writeFileSync(path, text);
  const played = later(startPanels([path]), (it) => it.stop());
  await played.line(({ type }) => type === 'ready');
  return text;
}

describe('one array has the same table', { timeout: 240_000 }, () => {
  it.skipIf(!hasPart('gcc'))('through the C firmware and its ADAR1000 chips as over loopback [needs gcc]', async () => {
    const program = await builtFirmware({ target: 'host' });
    const size = ['--elements', ELEMENTS, '--chains', RF_CHAINS, '--users', USERS].map(String);
    const firmware = later(await startFirmware({ target: 'host', program, args: size }), (it) => it.stop());
    const bench = await attachBench(firmware);
    await bench.link.close();
    later(bench.end, (end) => end.close());
    const links = `fallback: never\nlinks: [{ serial: { path: ${firmware.hostPort}, baudRate: 921600 } }]`;
    const over = await measure(scenarioText(links), 'hadamard', { readings: 256 });
    expect(over.tables).toHaveLength(1);
    expect(over.tables[0]).toMatchObject({ elements: ELEMENTS, rfChains: RF_CHAINS, phaseBits: 7, simulatedArray: null });
    const loopback = await measure(scenarioText('fallback: at-start'), 'hadamard', { readings: 256 });
    expect(over.readings).toBe(loopback.readings);
    expectSame(over, loopback, true);
  });

  it('over a broker as over loopback, and it is what the array shows', async () => {
    const broker = later(await startEmbeddedBroker({ port: 0 }), (open) => open.close());
    const over = await measure(await playedHalves(broker.url), 'coded');
    expect(
      over.tables.map(({ panel, elements, flaws }) => ({
        panel,
        elements,
        flaws: flaws.map(({ element, flaw }) => [element, flaw]),
      })),
    ).toEqual([
      {
        panel: 'B-left',
        elements: 8,
        flaws: [
          [5, 'stuck'],
          [5, 'stuck'],
        ],
      },
      { panel: 'B-right', elements: 8, flaws: [] },
    ]);
    expect(new Set(over.tables.map(({ measurement }) => measurement)).size).toBe(1);
    expectSame(over, await measure(halves(), 'coded'));
    const array = createRigArray(over.rig, createRandom(7).stream('simulator'));
    over.chains.forEach(({ states, flaws }, m) => {
      const truth = { ...states, re: states.re.slice(), im: states.im.slice() };
      for (let word = 0; word < 16; word++) {
        const shown = array.radiatedAnalog(new Uint16Array(32).fill(word), 0);
        for (let n = 0; n < 16; n++) {
          truth.re[n * 16 + word] = shown.re[n * 2 + m];
          truth.im[n * 16 + word] = shown.im[n * 2 + m];
        }
      }
      const { phaseDeg } = stateDifference(states, truth, (at) => !flaws.has(Math.floor(at / 16)));
      expect(phaseDeg).toBeLessThan(1.25 * over.tables[0].accuracy.phaseDeg);
    });
  });

  it.skipIf(!hasPart('mosquitto'))(
    'over a mosquitto that is killed in the middle as over loopback [needs mosquitto]',
    async () => {
      const broker = later(await Mosquitto.place(), (it) => it.remove());
      await broker.start();
      let back: Promise<void> | undefined;
      const over = await measure(await playedHalves(broker.url), 'hadamard', {
        readings: 64,
        onProgress(done, of) {
          if (done > of / 2) back ??= broker.kill().then(() => broker.start());
        },
      });
      await back;
      // The one that it was killed in was shown again.
      expect(over.commits).toBeGreaterThan(over.readings);
      expect(over.tables.map(({ panel }) => panel)).toEqual(['B-left', 'B-right']);
      expectSame(over, await measure(halves(), 'hadamard', { readings: 64 }), true);
    },
  );
});
