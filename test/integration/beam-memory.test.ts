/** Beams in the memory of panels at the far ends of real links: loaded by one command, switched to by others, and found out to be lost. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { builtFirmware } from '../../firmware-protocol/reference/test/built-firmware.ts';
import { startFirmware, type RunningFirmware } from '../../firmware-protocol/reference/run-firmware.ts';
import { attachBench } from '../../firmware-protocol/reference/scenario.ts';
import { ELEMENTS, RF_CHAINS, USERS } from '../../scripts/same-scenario.ts';
import { startEmbeddedBroker } from '../../src/link/mqtt/embedded-broker.ts';
import { beamrigHere, expectRefusal } from '../cli.ts';
import { forOneTest } from '../for-one-test.ts';
import { hasPart } from '../parts.ts';
import { startPanels } from '../built-program.ts';

const own = forOneTest('beam-memory');
const { later } = own;

function rigFile(link: string, { elements = 16, rfChains = 2, users = 2, phaseBits = 6, more = '' } = {}): string {
  const path = join(own.folder, 'rig.yaml');
  writeFileSync(
    path,
    `name: bench
array: { geometry: { kind: ula, elements: ${elements} }, rfChains: ${rfChains}, phaseBits: ${phaseBits} }
users: { count: ${users} }
beamformer: { model: aligned }
loop: { rateHz: 50 }
fallback: never
links: [ ${link} ]
${more}`,
  );
  return path;
}

interface Line {
  type: string;
  cycles: number;
  selected?: number;
  void: number;
}
const endOf = (text: string): Line => JSON.parse(text.trim().split('\n').at(-1) ?? '') as Line;

async function save(rig: string, ...azimuths: number[]): Promise<void> {
  for (const azimuth of azimuths)
    expect((await beamrigHere('beams', 'save', rig, `at${azimuth}`, `--azimuth=${azimuth}`)).code).toBe(0);
}

/** Loads three beams, sends one and scans them all, each switched to in the panel. */
async function expectSwitched(rig: string): Promise<void> {
  await save(rig, -30, 0, 25);
  expectRefusal(
    await beamrigHere('beams', 'send', rig, 'at0', '--from-memory', '--cycles', '2'),
    'nothing is known to be loaded into',
  );
  const loaded = await beamrigHere('beams', 'load', rig, '--json');
  expect(JSON.parse(loaded.stdout)).toMatchObject({
    loaded: [-30, 0, 25].map((azimuth, i) => ({ position: i + 1, name: `at${azimuth}` })),
    left: [],
  });
  expect(loaded.code).toBe(0);
  const sent = await beamrigHere('beams', 'send', rig, 'at25', '--from-memory', '--cycles', '10', '--json');
  expect(endOf(sent.stdout), sent.stderr).toMatchObject({ type: 'end', cycles: 10, selected: 10, void: 0 });
  const scanned = await beamrigHere('scan', rig, '--codebook', 'beams', '--from-memory', '--json');
  expect(scanned.stderr).toContain("In the panel's memory: 3 of 3 beams");
  expect(endOf(scanned.stdout)).toMatchObject({ type: 'end', complete: true });
  expect(endOf(scanned.stdout).selected).toBeGreaterThanOrEqual(3);
}

describe.skipIf(!hasPart('gcc'))(
  'beams in the memory of the C firmware, over a serial line [needs gcc]',
  { timeout: 120_000 },
  () => {
    it('are switched to, and not believed in once it was restarted', async () => {
      const program = await builtFirmware({ target: 'host' });
      const size = ['--elements', ELEMENTS, '--chains', RF_CHAINS, '--users', USERS].map(String);
      const start = async (): Promise<RunningFirmware> => {
        const firmware = later(await startFirmware({ target: 'host', program, args: size }), (it) => it.stop());
        const bench = await attachBench(firmware);
        await bench.link.close();
        later(bench.end, (end) => end.close());
        return firmware;
      };
      const array = { elements: ELEMENTS, rfChains: RF_CHAINS, users: USERS, phaseBits: 7 };
      await expectSwitched(rigFile(`{ serial: { path: ${(await start()).hostPort} } }`, array));
      const rig = rigFile(`{ serial: { path: ${(await start()).hostPort} } }`, array);
      expectRefusal(
        await beamrigHere('beams', 'send', rig, 'at0', '--from-memory', '--cycles', '2'),
        'was restarted since it was loaded',
      );
      const sent = await beamrigHere('beams', 'send', rig, 'at0', '--cycles', '5', '--json');
      expect(endOf(sent.stdout)).toMatchObject({ cycles: 5, void: 0 });
    });
  },
);

describe('beams in the memory of a played panel, over a broker', { timeout: 120_000 }, () => {
  const played = async (more = '') => {
    const broker = later(await startEmbeddedBroker({ port: 0 }), (it) => it.close());
    const rig = rigFile(`{ name: far, panel: P-1, mqtt: { url: '${broker.url}' } }`, { more });
    const panel = later(startPanels([rig]), (it) => it.stop());
    await panel.line(({ type }) => type === 'ready');
    return { rig, panel };
  };

  it('are switched to', async () => {
    await expectSwitched((await played()).rig);
  });

  it('are as many as there is room for, and one that was saved anew is not taken for the one of before', async () => {
    const { rig } = await played(
      'simulator: { panel: { beamMemory: 3 } }\nsafeState: codeword\nsafeCodeword: { azimuthDeg: 5 }\n',
    );
    await save(rig, -30, 0, 25);
    const loaded = await beamrigHere('beams', 'load', rig);
    expect(loaded.stdout).toContain('2 beams: 1 at-30, 2 at0.');
    expect(loaded.stdout).toContain('No room for 1 beam: at25.');
    expect(loaded.code).toBe(1);
    expect((await beamrigHere('beams', 'save', rig, 'at0', '--azimuth', '3', '--force')).code).toBe(0);
    expectRefusal(
      await beamrigHere('beams', 'send', rig, 'at0', '--from-memory', '--cycles', '2'),
      'what was loaded is other beams',
    );
    const mixed = await beamrigHere('scan', rig, '--codebook', 'beams', '--from-memory', '--json');
    expect(mixed.stderr).toContain("In the panel's memory: 1 of 3 beams; others are sent.");
    expect(endOf(mixed.stdout)).toMatchObject({ complete: true });
  });

  it('are sent as words when the panel has restarted in the middle', async () => {
    const { rig, panel } = await played();
    await save(rig, 10);
    await beamrigHere('beams', 'load', rig);
    const sending = beamrigHere('beams', 'send', rig, 'at10', '--from-memory', '--cycles', '150', '--json');
    await panel.line(({ type }) => type === 'radiates');
    panel.type('reset');
    const end = endOf((await sending).stdout);
    expect(end.selected).toBeGreaterThan(0);
    expect(end.selected).toBeLessThan(150 - end.void);
    const shown = panel.lines.filter(({ type }) => type === 'radiates').map(({ words }) => words);
    expect(new Set(shown).size).toBe(1);
  });

  it('are refused by a panel without one, by the simulator, and by an array of two panels', async () => {
    const { rig } = await played('simulator: { panel: { beamMemory: 0 } }\n');
    await save(rig, 10);
    expectRefusal(await beamrigHere('beams', 'load', rig), 'P-1 on far has no beam-memory');
    expectRefusal(await beamrigHere('beams', 'send', rig, 'at10', '--from-memory'), 'P-1 on far has no beam-memory');
    const alone = join(own.folder, 'alone.yaml');
    writeFileSync(
      alone,
      'name: alone\narray: { geometry: { kind: ula, elements: 16 }, rfChains: 2, phaseBits: 6 }\nusers: { count: 2 }\nbeamformer: { model: aligned }\n',
    );
    expectRefusal(await beamrigHere('beams', 'load', alone), 'the simulator forgets with this program');
  });

  it('are refused by an array over two panels', async () => {
    const broker = later(await startEmbeddedBroker({ port: 0 }), (it) => it.close());
    const on = (name: string, elements: string): string =>
      `{ name: ${name}, panel: B-${name}, elements: '${elements}', mqtt: { url: '${broker.url}' } }`;
    const rig = rigFile(`${on('left', '0-7')}, ${on('right', '8-15')}`);
    const panel = later(startPanels([rig]), (it) => it.stop());
    await panel.line(({ type }) => type === 'ready');
    await save(rig, 10);
    expectRefusal(await beamrigHere('beams', 'load', rig), 'the array is spread over 2 boards, which are switched at one time');
  });
});
