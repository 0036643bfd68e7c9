/**
 * A panel that is killed outright (-9) and started again while something is measured through it: nothing is half applied, and the rig goes on by
 * itself. Over a broker both panels of an array go at once; the C firmware loses its pseudo terminal with its life.
 */
import { readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createRealClock } from '../../core/clock/real-clock.ts';
import { attachBench } from '../../firmware-protocol/reference/scenario.ts';
import { startFirmware } from '../../firmware-protocol/reference/run-firmware.ts';
import { builtFirmware } from '../../firmware-protocol/reference/test/built-firmware.ts';
import { Mosquitto } from '../../scripts/mosquitto.ts';
import { ELEMENTS, RF_CHAINS, scenarioText, USERS } from '../../scripts/same-scenario.ts';
import type { PanelLine, PanelProcess } from '../../scripts/panel-process.ts';
import { parseRigFile } from '../../src/config/rig-file.ts';
import { startEmbeddedBroker } from '../../src/link/mqtt/embedded-broker.ts';
import { assembleRig } from '../../src/rig/assemble.ts';
import type { CycleRecord, RigEvent } from '../../src/telemetry/cycle-record.ts';
import { startPanels } from '../built-program.ts';
import { forOneTest } from '../for-one-test.ts';
import { hasPart } from '../parts.ts';
import { byHandBench } from './by-hand-bench.ts';

const own = forOneTest('killed-panels');
const { later } = own;

/** What goes on between cycles, as the rig file has it. */
const MEASURING = {
  'a sounding': 'channel: { source: sounding, beams: 16, wholePeriod: 40, effectivePeriod: 20 }',
  'elements measured again': 'calibration: { watch: { everyCycles: 2, elements: 4 } }',
};
/** The first sounding has 8 slots of two chains, and elements are measured from the third beam on: one in the middle of either. */
const IN_THE_MIDDLE = 5;

const smallRig = (more: string): string => `
name: killed
seed: 7
array: { geometry: { kind: ula, elements: 16 }, rfChains: 2, phaseBits: 4 }
users: { count: 2 }
beamformer: { model: phase-extraction }
loop: { rateHz: 50, pilots: 100 }
simulator: { userSpeedMps: 0 }
fallback: never
${more}
`;

interface Life {
  /** Resolves when so many beams have been radiated in it. */
  radiated(beams: number): Promise<void>;
  /** Resolves when the array is as its death leaves it. */
  kill(): Promise<void>;
}

/** Runs the rig through two deaths of its panels, until so many cycles were good in each life. */
async function throughDeaths(text: string, begin: () => Promise<Life>): Promise<{ records: CycleRecord[]; events: RigEvent[] }> {
  const records: CycleRecord[] = [];
  const events: RigEvent[] = [];
  const heard = new Set<() => void>();
  const isGood = ({ outcome }: CycleRecord): boolean => outcome === 'ok';
  const good = async (cycles: number): Promise<void> => {
    const until = records.filter(isGood).length + cycles;
    while (records.filter(isGood).length < until) await new Promise<void>((resolve) => heard.add(resolve));
  };
  let life = await begin();
  const rig = await assembleRig({
    rig: parseRigFile(text, join(own.folder, 'rig.yaml')),
    clock: createRealClock(),
    recorder: {
      cycle(record) {
        records.push(record);
        for (const wake of heard) wake();
        heard.clear();
      },
      event: (event) => events.push(event),
    },
  });
  later(rig.controller, (controller) => controller.stop());
  void rig.run();
  for (let death = 0; death < 2; death++) {
    await life.radiated(IN_THE_MIDDLE);
    await life.kill();
    life = await begin();
    await good(5);
  }
  expect(rig.controller.state).toBe('running');
  await rig.controller.stop();
  expect(rig.controller.unsafe).toBeUndefined();
  return { records, events };
}

/** Void where the panel was away, and good without a break once it was back. */
function expectRecovered({ records, events }: Awaited<ReturnType<typeof throughDeaths>>): void {
  const codes = events.map(({ code }) => code);
  expect(codes.filter((code) => code === 'panel-lost')).toHaveLength(2);
  expect(codes.filter((code) => code === 'panel-back')).toHaveLength(2);
  expect(codes).not.toContain('fault');
  expect(records.slice(-4).map(({ outcome }) => outcome)).toEqual(['ok', 'ok', 'ok', 'ok']);
}

const beamsOf = ({ lines }: PanelProcess, name: string): PanelLine[] =>
  lines.filter(({ type, panel, beamId = 0 }) => type === 'radiates' && panel === name && beamId > 0);

describe('panels that are killed in the middle of', { timeout: 120_000 }, () => {
  it.each(Object.entries(MEASURING))('%s, over a broker, show whole beams alone and are used again', async (_, measuring) => {
    const broker = later(await startEmbeddedBroker({ port: 0 }), (open) => open.close());
    const on = (name: string, elements: string): string =>
      `{ name: ${name}, panel: B-${name}, elements: '${elements}', mqtt: { url: '${broker.url}' } }`;
    const text = smallRig(`links: [${on('left', '0-7')}, ${on('right', '8-15')}]\n${measuring}`);
    const path = join(own.folder, 'rig.yaml');
    writeFileSync(path, text);
    const lives: PanelProcess[] = [];
    const outcome = await throughDeaths(text, async () => {
      const panels = later(startPanels([path]), (it) => it.stop());
      lives.push(panels);
      await panels.line(({ type }) => type === 'ready');
      return {
        radiated: async (beams) => void (await panels.line(() => beamsOf(panels, 'left').length >= beams)),
        async kill() {
          panels.signal('SIGKILL');
          await panels.ended();
        },
      };
    });
    expectRecovered(outcome);
    for (const life of lives) {
      const shown = ['left', 'right'].map((name) => beamsOf(life, name).map(({ beamId }) => beamId));
      const beams = Math.min(...shown.map(({ length }) => length));
      // The last one was cut short by the kill.
      expect(Math.max(...shown.map(({ length }) => length)) - beams).toBeLessThanOrEqual(1);
      expect(shown[0].slice(0, beams)).toEqual(shown[1].slice(0, beams));
    }
  });

  it.each(Object.entries(MEASURING))('%s, receivers alone: the array is dark until they are back', async (_, measuring) => {
    const broker = later(await startEmbeddedBroker({ port: 0 }), (open) => open.close());
    const mqtt = `mqtt: { url: '${broker.url}' }`;
    const text = smallRig(
      `links: [{ name: front, panel: A, ${mqtt} }, { name: probe, panel: B, role: user, ${mqtt} }]\n${measuring}`,
    );
    const path = join(own.folder, 'rig.yaml');
    writeFileSync(path, text);
    const panels = later(startPanels([path]), (it) => it.stop());
    await panels.line(({ type }) => type === 'ready');
    /** From now on, of the array. */
    const front = (): (() => PanelLine[]) => {
      const from = panels.lines.length;
      return () => panels.lines.slice(from).filter(({ panel }) => panel === 'front');
    };
    const outcome = await throughDeaths(text, async () => {
      panels.type('probe plug');
      const since = front();
      return {
        radiated: async (beams) =>
          void (await panels.line(() => since().filter(({ type }) => type === 'radiates').length >= beams)),
        async kill() {
          // What it knew is gone with it, and nobody hears a word of it.
          panels.type('probe unplug');
          panels.type('probe reset');
          await panels.line(() => since().at(-1)?.type === 'dark');
        },
      };
    });
    expectRecovered(outcome);
    for (const { code, message } of outcome.events) if (code === 'panel-lost') expect(message).toMatch(/\bB\b|probe/);
  });

  it.skipIf(!hasPart('mosquitto'))('a sounding, with the mosquitto between, is gone on with [needs mosquitto]', async () => {
    const broker = later(await Mosquitto.place(), (it) => it.remove());
    const text = smallRig(`links: [{ name: far, panel: B-1, mqtt: { url: '${broker.url}' } }]\n${MEASURING['a sounding']}`);
    const path = join(own.folder, 'rig.yaml');
    writeFileSync(path, text);
    await broker.start();
    const panels = later(startPanels([path]), (it) => it.stop());
    await panels.line(({ type }) => type === 'ready');
    let before = 0;
    const outcome = await throughDeaths(text, async () => {
      if (before > 0) await broker.start();
      return {
        radiated: async (beams) => void (await panels.line(() => beamsOf(panels, 'far').length >= before + beams)),
        async kill() {
          await broker.kill();
          before = beamsOf(panels, 'far').length;
        },
      };
    });
    expectRecovered(outcome);
  });

  it.skipIf(!hasPart('gcc')).each(Object.entries(MEASURING))(
    '%s, C firmware on a serial line, are dark when they come back, and are used again [needs gcc]',
    async (_, measuring) => {
      const program = await builtFirmware({ target: 'host' });
      const args = ['--elements', ELEMENTS, '--chains', RF_CHAINS, '--users', USERS].map(String);
      // The name that a board's port has whenever it is plugged in.
      const port = join(own.folder, 'board');
      const text = scenarioText(`fallback: never\nlinks: [{ serial: { path: ${port}, baudRate: 921600 } }]\n${measuring}`)
        .replace('unfolded-pga-n64', 'phase-extraction')
        .replace('beams: 16', 'beams: 32');
      const outcome = await throughDeaths(text, async () => {
        const firmware = later(await startFirmware({ target: 'host', program, args }), (it) => it.stop());
        const bench = await attachBench(firmware);
        await bench.link.close();
        later(bench.end, (end) => end.close());
        expect(bench.bus.words()).toBeUndefined();
        let [beams, before] = [0, ''];
        let wake = (): void => undefined;
        bench.bus.onRadiated(() => {
          const shown = bench.bus.words()?.join() ?? '';
          if (shown !== '' && shown !== before) beams++;
          before = shown;
          wake();
        });
        rmSync(port, { force: true });
        symlinkSync(firmware.hostPort, port);
        return {
          async radiated(wanted) {
            while (beams < wanted) await new Promise<void>((resolve) => (wake = resolve));
          },
          async kill() {
            process.kill(firmware.pid, 'SIGKILL');
            await firmware.stop();
            await bench.end.close();
          },
        };
      });
      expectRecovered(outcome);
    },
  );
});

describe('receivers that are killed while the array is measured by them', { timeout: 120_000 }, () => {
  it('leave it dark, are named, and are gone on with once they are back', async () => {
    const broker = later(await startEmbeddedBroker({ port: 0 }), (open) => open.close());
    const mqtt = `mqtt: { url: '${broker.url}' }`;
    const { panel, beamrig } = await byHandBench(
      own,
      `{ name: front, panel: A, ${mqtt} }, { name: probe, panel: B, role: user, ${mqtt} }`,
      { more: 'calibration: { probe: { receiver: 0 } }\n' },
    );
    const front = (): PanelLine[] => panel.lines.filter((line) => line.panel === 'front');
    const calibrate = beamrig('calibrate', '--method', 'hadamard', '--readings', '128', '--json');
    await panel.line(() => beamsOf(panel, 'front').length >= 60);
    panel.type('probe unplug');
    panel.type('probe reset');
    await calibrate.saying(/The panel probe was lost/);
    await panel.line(() => front().at(-1)?.type === 'dark');
    panel.type('probe plug');
    expect(await calibrate.ended(), calibrate.said).toBe(0);
    // Of the board that shows something, and of no other.
    const tables = readdirSync(join(own.folder, 'calibration')).filter((name) => name.endsWith('.json'));
    expect(tables).toEqual([expect.stringMatching(/^A_/)]);
    expect(front().at(-1)?.type).toBe('dark');
  });
});
