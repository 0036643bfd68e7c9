/**
 * The program that is killed outright (-9) while it measures an array, and while it fills a panel's memory. The panel is a process of its own and has to
 * become safe by itself; what was half done is used by nobody.
 */
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { quantisePhases } from '../../core/signal/quantise.ts';
import { steeringPhases } from '../../core/signal/steering.ts';
import { builtFirmware } from '../../firmware-protocol/reference/test/built-firmware.ts';
import { startFirmware } from '../../firmware-protocol/reference/run-firmware.ts';
import { attachBench } from '../../firmware-protocol/reference/scenario.ts';
import { ELEMENTS, RF_CHAINS, scenarioText, USERS } from '../../scripts/same-scenario.ts';
import { startEmbeddedBroker } from '../../src/link/mqtt/embedded-broker.ts';
import { beamrigHere, expectRefusal } from '../cli.ts';
import { forOneTest } from '../for-one-test.ts';
import { openPacedLine } from '../paced-line.ts';
import { hasPart } from '../parts.ts';
import { typed, type TypedCommand } from '../typed-command.ts';
import { byHandBench } from './by-hand-bench.ts';

const own = forOneTest('killed-program');
const { later } = own;
const GEOMETRY = { kind: 'ula', elements: 16, spacingWavelengths: 0.5 } as const;

function rigFile(text: string): string {
  const path = join(own.folder, 'rig.yaml');
  writeFileSync(path, text);
  return path;
}

/** The last line of JSON of a command. */
const endOf = (said: string): Record<string, unknown> =>
  JSON.parse(/\{.*\}\n$/.exec(said)?.[0] ?? 'null') as Record<string, unknown>;

async function kill(command: TypedCommand): Promise<void> {
  command.signal('SIGKILL');
  expect(await command.ended(), command.said).toBe(null);
}

const HADAMARD = ['--method', 'hadamard', '--readings', '128', '--pilots', '16', '--json'];
/** Beyond those that tell the noise, and before the last. */
const IN_THE_MIDDLE = 80;

/** Nobody is told of a table, and another `calibrate` goes on from what the killed one has read. */
async function expectResumed(rig: string, unfinished: string): Promise<void> {
  const folder = join(own.folder, 'calibration');
  expect(readdirSync(folder)).toEqual([unfinished]);
  expectRefusal(await beamrigHere('calibrate', rig, ...HADAMARD), /a measurement was not finished/);
  const resumed = typed(own.folder, 'calibrate', rig, ...HADAMARD, '--resume');
  expect(await resumed.ended(), resumed.said).toBe(0);
  const { type, readings, commits } = endOf(resumed.said);
  expect(type).toBe('calibrated');
  // Those that were kept are not taken again, but for the first setting, as often as it was read.
  expect(commits).toBeLessThan(Number(readings) - IN_THE_MIDDLE / 2 + 33);
  expect(readdirSync(folder).map((name) => name.replace(/^.*\./, ''))).toEqual(['html', 'json']);
}

describe('`calibrate` killed in the middle', { timeout: 120_000 }, () => {
  it.skipIf(!hasPart('gcc'))(
    'leaves C firmware to become dark by itself, no table, and readings to go on with [needs gcc]',
    async () => {
      const program = await builtFirmware({ target: 'host' });
      const args = ['--elements', ELEMENTS, '--chains', RF_CHAINS, '--users', USERS].map(String);
      const firmware = later(await startFirmware({ target: 'host', program, args }), (it) => it.stop());
      const { bus, link, end } = await attachBench(firmware);
      await link.close();
      later(end, (open) => open.close());
      const shown: string[] = [];
      let wake = (): void => undefined;
      bus.onRadiated(() => {
        const now = bus.words()?.join() ?? 'dark';
        if (now !== shown.at(-1)) shown.push(now);
        wake();
      });
      const until = async (holds: () => boolean): Promise<void> => {
        while (!holds()) await new Promise<void>((resolve) => (wake = resolve));
      };
      const rig = rigFile(scenarioText(`fallback: never\nlinks: [{ serial: { path: ${firmware.hostPort}, baudRate: 921600 } }]`));
      const calibrate = typed(own.folder, 'calibrate', rig, ...HADAMARD);
      await until(() => shown.length >= IN_THE_MIDDLE);
      await kill(calibrate);
      await until(() => shown.at(-1) === 'dark');
      await expectResumed(rig, 'same-scenario.unfinished');
      expect(shown.at(-1)).toBe('dark');
    },
  );

  it('leaves a panel behind a broker to show the fixed beam of its safe state by itself, and nothing of a table', async () => {
    const broker = later(await startEmbeddedBroker({ port: 0 }), (it) => it.close());
    const { rig, panel, beamrig } = await byHandBench(own, `{ panel: P-1, mqtt: { url: '${broker.url}' } }`, {
      more: 'safeState: codeword\nsafeCodeword: { azimuthDeg: 10 }\n',
    });
    const calibrate = beamrig('calibrate', ...HADAMARD);
    await panel.line(() => panel.lines.filter(({ type }) => type === 'radiates').length >= IN_THE_MIDDLE);
    await kill(calibrate);
    const phases = steeringPhases(GEOMETRY, { azimuthRad: (10 * Math.PI) / 180, elevationRad: 0 }, 2);
    const fixed = Array.from(quantisePhases(phases, 6), (word) => word.toString(16).padStart(4, '0')).join('');
    await panel.line(() => panel.lines.findLast(({ type }) => type === 'radiates' || type === 'dark')?.words === fixed);
    await expectResumed(rig, 'bench.unfinished');
  });
});

describe.skipIf(!hasPart('gcc'))('`beams load` killed in the middle, over a slow serial line [needs gcc]', () => {
  it('radiates nothing, what it loaded is used by nobody, and it can be done again', { timeout: 120_000 }, async () => {
    const line = later(await openPacedLine({ baudRate: 57_600 }), (it) => it.close());
    const { rig, panel } = await byHandBench(own, `{ serial: { path: ${line.host}, baudRate: 57600 } }`, {
      flags: ['--serial', line.panel],
    });
    for (const azimuth of [-40, -20, 0, 20, 40])
      expect((await beamrigHere('beams', 'save', rig, `at${azimuth}`, `--azimuth=${azimuth}`)).code).toBe(0);
    const sent = (): ReturnType<typeof beamrigHere> =>
      beamrigHere('beams', 'send', rig, 'at40', '--from-memory', '--cycles', '3', '--json');
    const bytes = async (): Promise<number> => (await line.counts()).bytesToPanel;

    expect((await beamrigHere('beams', 'load', rig)).code).toBe(0);
    const whole = await bytes();
    const load = typed(own.folder, 'beams', 'load', rig);
    while ((await bytes()) < 1.5 * whole) await new Promise((resolve) => setTimeout(resolve, 1));
    await kill(load);
    // The last is still there from the time before. That is nothing to go by.
    expectRefusal(await sent(), 'nothing is known to be loaded into');
    expect(panel.lines.filter(({ type }) => type === 'radiates')).toEqual([]);
    expect((await beamrigHere('beams', 'load', rig)).code).toBe(0);
    expect(endOf((await sent()).stdout)).toMatchObject({ type: 'end', cycles: 3, selected: 3, void: 0 });
  });
});
