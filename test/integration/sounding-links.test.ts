/**
 * A rig that hears its channel through its panels radiates what one radiates that is given the channel, within a few per cent of the rate: over
 * loopback, through the C firmware and its ADAR1000 chips on a serial line, and over a broker. Elements are off by any phase, and calibrated first,
 * over the very link.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CALIBRATION_METHODS } from '../../calibration/methods.ts';
import { tableFileName, tableText } from '../../calibration/tables/state-table.ts';
import { createRealClock } from '../../core/clock/real-clock.ts';
import { createRandom } from '../../core/signal/random.ts';
import { createBenchBus } from '../../firmware-protocol/reference/bench-bus.ts';
import { builtFirmware } from '../../firmware-protocol/reference/test/built-firmware.ts';
import { startFirmware } from '../../firmware-protocol/reference/run-firmware.ts';
import { createAir } from '../../hil-sim/air.ts';
import { CHIPS } from '../../hil-sim/chips/chips.ts';
import { parseRigFile } from '../../src/config/rig-file.ts';
import { startEmbeddedBroker } from '../../src/link/mqtt/embedded-broker.ts';
import { createSerialPanelEnd } from '../../src/link/serial/serial-panel-end.ts';
import { calibrateRig } from '../../src/measuring/calibrate-rig.ts';
import { openArray } from '../../src/measuring/open-array.ts';
import { assembleRig } from '../../src/rig/assemble.ts';
import { createRigArray } from '../../src/rig/simulator.ts';
import { createWorld } from '../../src/rig/world.ts';
import type { CycleRecord } from '../../src/telemetry/cycle-record.ts';
import { forOneTest } from '../for-one-test.ts';
import { hasPart } from '../parts.ts';
import { startPanels } from '../built-program.ts';

const own = forOneTest('sounding-links');
const { later } = own;
const CHIP = CHIPS.adar1000;
/** A second sounding of the whole channel is among them. */
const CYCLES = 80;

const rigText = (links: string, source = 'simulation'): string => `
name: heard
seed: 9
array: { geometry: { kind: ula, elements: 64 }, rfChains: 4, phaseBits: ${CHIP.phaseBits} }
users: { count: 4 }
beamformer: { model: phase-extraction }
channel: { source: ${source} }
loop: { rateHz: 200, pilots: 100 }
simulator: { userSpeedMps: 0, phaseShifter: ${CHIP.name}, probeSnrDb: 30, impairments: { gainErrorDb: 0.8, phaseErrorDeg: 100 } }
${links}
`;

async function calibrate(text: string): Promise<void> {
  const folder = join(own.folder, 'calibration');
  mkdirSync(folder, { recursive: true });
  const rig = parseRigFile(text, join(own.folder, 'rig.yaml'));
  const method = CALIBRATION_METHODS.find(({ name }) => name === 'hadamard');
  if (method === undefined) throw new Error('no method hadamard');
  const clock = createRealClock();
  const array = await openArray({ rig, clock, tell: () => undefined });
  try {
    const request = { rig, method, readings: 256, pilots: 16, resume: false };
    const options = { clock, stop: new AbortController().signal, onProgress: () => undefined };
    const { tables } = await calibrateRig(request, array, options);
    for (const table of tables) writeFileSync(join(folder, tableFileName(table)), tableText(table));
  } finally {
    expect(await array.close()).toBe(undefined);
  }
}

async function run(text: string): Promise<CycleRecord[]> {
  const records: CycleRecord[] = [];
  const { controller, run: toEnd } = await assembleRig({
    rig: parseRigFile(text, join(own.folder, 'rig.yaml')),
    clock: createRealClock(),
    cycles: CYCLES,
    rateHz: 'max',
    recorder: { cycle: (record) => records.push(record), event: () => undefined },
  });
  try {
    expect(await toEnd()).toMatchObject({ reason: 'done', voidCycles: 0 });
    expect(controller.unsafe).toBeUndefined();
  } finally {
    await controller.stop();
  }
  return records;
}

const meanRate = (records: readonly CycleRecord[]): number =>
  records.reduce((sum, { measuredSumRate }) => sum + measuredSumRate, 0) / records.length;

/** @param textOf the rig file by the source of its channels @param least of the rate of a rig that is given them */
async function expectHeard(textOf: (source?: string) => string, least = 0.95): Promise<void> {
  await calibrate(textOf());
  const given = await run(textOf());
  const heard = await run(textOf('sounding'));
  expect(new Set(heard.map(({ channelSource }) => channelSource))).toEqual(new Set(['sounding']));
  for (const record of [...given, ...heard]) expect(record.calibration).not.toBe('none');
  expect(heard[0].sounding).toMatchObject({ beams: 24, slots: 7 });
  expect(meanRate(heard) / meanRate(given)).toBeGreaterThan(least);
  expect(meanRate(heard) / meanRate(given)).toBeLessThan(1.03);
}

describe('a rig hears its channel and radiates as if it were given it', { timeout: 240_000 }, () => {
  it('over loopback', async () => {
    await expectHeard((source) => rigText('fallback: at-start', source));
  });

  it('over loopback, by pilots that hear a random beam at 20 dB', async () => {
    // 10 pilots × 64 elements × 10 paths of 1/64 each; P makes up for the weaker paths.
    const textOf = (source?: string): string =>
      rigText('fallback: at-start\nsnrDb: 18', source)
        .replace('pilots: 100', 'pilots: 10')
        .replace('userSpeedMps: 0,', 'userSpeedMps: 0, channel: { paths: 10, scale: paper-001 },');
    await expectHeard(textOf, 0.9);
  });

  it.skipIf(!hasPart('gcc'))('through the C firmware and its ADAR1000 chips on a serial line [needs gcc]', async () => {
    const program = await builtFirmware({ target: 'host', chip: CHIP.name });
    const args = ['--elements', '64', '--chains', '4', '--users', '4'];
    const firmware = later(await startFirmware({ target: 'host', program, args }), (it) => it.stop());
    const textOf = (source?: string): string =>
      rigText(`fallback: never\nlinks: [{ serial: { path: ${firmware.hostPort}, baudRate: 921600 } }]`, source);
    const rig = parseRigFile(textOf(), join(own.folder, 'rig.yaml'));
    const random = createRandom(rig.seed).stream('simulator');
    const { scene } = createWorld({ rig, random, repeat: true });
    const air = createAir({
      ...{ array: createRigArray(rig, random), scene, noise: 1, random: random.stream('panel') },
      clock: createRealClock(),
    });
    const end = later(createSerialPanelEnd({ path: firmware.benchPort, baudRate: 921_600 }), (it) => it.close());
    await end.open(createBenchBus({ part: air.part(), chip: CHIP }));
    await expectHeard(textOf);
  });

  it('over a broker', async () => {
    const broker = later(await startEmbeddedBroker({ port: 0 }), (open) => open.close());
    const links = `fallback: never\nlinks: [{ name: board, panel: B-1, mqtt: { url: '${broker.url}' } }]`;
    const path = join(own.folder, 'rig.yaml');
    writeFileSync(path, rigText(links));
    const played = later(startPanels([path]), (it) => it.stop());
    await played.line(({ type }) => type === 'ready');
    await expectHeard((source) => rigText(links, source));
  });
});
