/** Scans of an array that is driven by C firmware: its simulated chips radiate what the words of their bus say, into a scene that is known. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { builtFirmware } from '../../firmware-protocol/reference/test/built-firmware.ts';
import { startFirmware } from '../../firmware-protocol/reference/run-firmware.ts';
import { createBenchBus } from '../../firmware-protocol/reference/bench-bus.ts';
import { createRealClock } from '../../core/clock/real-clock.ts';
import { powerTowards } from '../../core/signal/beampattern.ts';
import { matmul, zeros, type CMatrix } from '../../core/signal/complex-matrix.ts';
import { steeringVector } from '../../core/signal/geometry.ts';
import { createRandom } from '../../core/signal/random.ts';
import { toDb } from '../../core/signal/rate.ts';
import { nearestInPhase, oneStream, steeringPhases } from '../../core/signal/steering.ts';
import { createAir } from '../../hil-sim/air.ts';
import { CHIPS } from '../../hil-sim/chips/chips.ts';
import { createRecordedScene } from '../../hil-sim/scene.ts';
import { scanning } from '../../src/beamforming/scan-beams.ts';
import { beamArrayOf, beamFileOf } from '../../src/config/beam-file.ts';
import { parseRigFile, type RigFile } from '../../src/config/rig-file.ts';
import { createSerialPanelEnd } from '../../src/link/serial/serial-panel-end.ts';
import { assembleRig } from '../../src/rig/assemble.ts';
import { beamfileBeam } from '../../src/rig/hand-beam-files.ts';
import { createRigArray } from '../../src/rig/simulator.ts';
import { beamrigHere } from '../cli.ts';
import { forOneTest } from '../for-one-test.ts';
import { hasPart } from '../parts.ts';

const own = forOneTest('scan-firmware');
const { later } = own;
const folder = mkdtempSync(join(tmpdir(), 'beamrig-scan-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const [N, M, K] = [32, 2, 2];
const GEOMETRY = { kind: 'ula', elements: N, spacingWavelengths: 0.5 } as const;
const RAD = Math.PI / 180;
const AT_DEG = 7;

const rigText = (chip: keyof typeof CHIPS, link: string): string => `name: bench
array: { geometry: { kind: ula, elements: ${N} }, rfChains: ${M}, phaseBits: ${CHIPS[chip].phaseBits} }
users: { count: ${K} }
beamformer: { model: aligned }
snrDb: 10
loop: { rateHz: 100, pilots: 16384 }
fallback: never
simulator: { phaseShifter: ${chip} }
links: [ { serial: { path: ${link} } } ]
`;

/** Firmware of this chip on its bench, both users in free space at one azimuth. @returns its rig file */
async function firmwareOn(chip: keyof typeof CHIPS): Promise<{ path: string; rig: RigFile }> {
  const program = await builtFirmware({ target: 'host', chip });
  const args = ['--elements', N, '--chains', M, '--users', K].map(String);
  const firmware = later(await startFirmware({ target: 'host', program, args }), (it) => it.stop());
  const text = rigText(chip, firmware.hostPort);
  const path = join(own.folder, 'rig.yaml');
  writeFileSync(path, text);
  const rig = parseRigFile(text, path);
  const steering = steeringVector(GEOMETRY, AT_DEG * RAD);
  const channel: CMatrix = zeros(K, N);
  for (let i = 0; i < K * N; i++) {
    channel.re[i] = steering.re[i % N];
    channel.im[i] = -steering.im[i % N];
  }
  const random = createRandom(3);
  const air = createAir({
    array: createRigArray(rig, random),
    scene: createRecordedScene([channel]),
    noise: 1,
    random: random.stream('air'),
    clock: createRealClock(),
  });
  const end = later(createSerialPanelEnd({ path: firmware.benchPort, baudRate: 921_600 }), (it) => it.close());
  await end.open(createBenchBus({ part: air.part(), chip: CHIPS[chip] }));
  return { path, rig };
}

interface Line {
  type: string;
  azimuthDeg: number;
  measuredDb: number;
  calculatedDb: number;
  agreement: { points: number; mostDb: number; rmsDb: number };
  complete: boolean;
  unsafe?: string;
}

describe.skipIf(!hasPart('gcc'))('a scan against the C firmware [needs gcc]', () => {
  it('measures what is calculated within 0.2 dB above −20 dB, by the command', async () => {
    const { path } = await firmwareOn('pe44820');
    const scan = ['scan', path, '--azimuth=-20:30:1', '--at', String(AT_DEG), '--json'];
    const { stdout, stderr, code } = await beamrigHere(...scan);
    const lines = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Line);
    const points = lines.filter(({ type }) => type === 'point');
    expect(points, stderr).toHaveLength(51);
    const end = lines.at(-1);
    expect(end).toMatchObject({ type: 'end', source: 'played-panel', complete: true });
    expect(end?.agreement.points).toBeGreaterThanOrEqual(5);
    expect(end?.agreement.mostDb).toBeLessThan(0.2);
    expect(points.reduce((best, point) => (point.measuredDb > best.measuredDb ? point : best)).azimuthDeg).toBe(AT_DEG);
    expect(code).toBe(0);
  }, 60_000);

  it('does so of chips with ripple where their states are known, and not where they are taken as ideal', async () => {
    const { rig } = await firmwareOn('adar1000');
    const chipStates = CHIPS.adar1000.states();
    const { phaseBits } = rig.array;
    const angles = Array.from({ length: 41 }, (_, i) => AT_DEG - 10 + i / 2);
    const wordsOf = (azimuthDeg: number): Uint16Array =>
      nearestInPhase(steeringPhases(GEOMETRY, { azimuthRad: azimuthDeg * RAD, elevationRad: 0 }, M), {
        bits: phaseBits,
        of: () => chipStates,
      });
    const digital = oneStream(M, K, 0);
    const stops = angles.map((azimuthDeg) => {
      const file = beamFileOf(beamArrayOf(rig), { words: wordsOf(azimuthDeg), digital }, { name: 'any', from: 'a test' });
      return { name: String(azimuthDeg), azimuthDeg, elevationDeg: 0, beam: beamfileBeam(file, rig) };
    });
    const scan = scanning({ geometry: GEOMETRY, rfChains: M, users: K }, stops, 0);
    const assembled = await assembleRig({
      rig,
      chosen: scan,
      clock: createRealClock(),
      recorder: { cycle: () => scan.points.length === stops.length && void assembled.controller.stop(), event: () => undefined },
      rateHz: 'max',
      pipelined: false,
    });
    later(assembled, ({ controller }) => controller.stop());
    await assembled.run();
    const shown = (azimuthDeg: number, states: { re: Float64Array; im: Float64Array }): number => {
      const analog = zeros(N, M);
      wordsOf(azimuthDeg).forEach((word, place) => {
        analog.re[place] = states.re[word];
        analog.im[place] = states.im[word];
      });
      return toDb(powerTowards(GEOMETRY, matmul(analog, digital), AT_DEG * RAD));
    };
    const ideal = {
      re: chipStates.re.map((_, word) => Math.cos((2 * Math.PI * word) / 2 ** phaseBits)),
      im: chipStates.im.map((_, word) => Math.sin((2 * Math.PI * word) / 2 ** phaseBits)),
    };
    /** The greatest difference above −20 dB, the level taken out. */
    const mostApart = (states: { re: Float64Array; im: Float64Array }): number => {
      const calculated = angles.map((deg) => shown(deg, states));
      const highest = Math.max(...calculated);
      const apart = scan.points.flatMap(({ measuredDb }, i) =>
        calculated[i] > highest - 20 ? [measuredDb - calculated[i]] : [],
      );
      expect(apart.length).toBeGreaterThanOrEqual(10);
      const middle = [...apart].sort((a, b) => a - b)[Math.floor(apart.length / 2)];
      return Math.max(...apart.map((db) => Math.abs(db - middle)));
    };
    expect(scan.points).toHaveLength(angles.length);
    expect(mostApart(chipStates)).toBeLessThan(0.2);
    expect(mostApart(ideal)).toBeGreaterThan(mostApart(chipStates));
  }, 60_000);
});
