/** Commands that are typed for an array which another process measures, or sounds its users through: refused with the reason, and nothing of theirs is applied. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { PanelProcess } from '../../scripts/panel-process.ts';
import { FIRST_SETTING_ID } from '../../src/control/beam-ids.ts';
import { startEmbeddedBroker } from '../../src/link/mqtt/embedded-broker.ts';
import { forOneTest } from '../for-one-test.ts';
import { hasPart } from '../parts.ts';
import { openPtyPair } from '../pty.ts';
import { byHandBench, type ByHandBench } from './by-hand-bench.ts';

const own = forOneTest('by-hand-meanwhile');
const { later } = own;

const shown = ({ lines }: PanelProcess): string[] =>
  lines.flatMap(({ type, beamId }) => (type === 'radiates' ? [String(beamId)] : type === 'dark' ? ['dark'] : []));

/** One beam after the other from the first, none missing and none of anybody else, and dark at the end. */
function expectOwn(panel: PanelProcess, first: number): void {
  const beams = shown(panel);
  expect(beams.pop()).toBe('dark');
  expect(beams).toEqual(beams.map((_, i) => String(first + i)));
}

/** Nobody is let in. @param why as the link has it */
async function expectRefused({ beamrig }: ByHandBench, why: RegExp): Promise<void> {
  const commands = [['steer', '--azimuth', '20'], ['scan', '--azimuth=-10:10:5'], ['mute']] as const;
  const ends = await Promise.all(
    commands.map(async ([word, ...words]) => {
      const command = beamrig(word, ...words);
      return { word, code: await command.ended(), said: command.said };
    }),
  );
  for (const { word, code, said } of ends) {
    expect(said, word).toMatch(why);
    expect(said, word).toContain('What to do: ');
    expect(code, word).toBeGreaterThan(0);
  }
}

describe('an array that another process', { timeout: 120_000 }, () => {
  it('measures, behind a broker, goes on with its settings alone', async () => {
    const broker = later(await startEmbeddedBroker({ port: 0 }), (it) => it.close());
    const bench = await byHandBench(own, `{ name: far, panel: P-1, mqtt: { url: '${broker.url}' } }`);
    const { panel, beamrig } = bench;
    const calibrate = beamrig('calibrate', '--method', 'hadamard', '--readings', '100000', '--json');
    await panel.line(() => shown(panel).length > 20);
    await expectRefused(bench, /another controller \(\w+\) drives panel P-1/);
    const settings = shown(panel);
    await panel.line(() => shown(panel).length > settings.length + 20);
    calibrate.signal('SIGINT');
    expect(await calibrate.ended(), calibrate.said).toBe(130);
    expectOwn(panel, FIRST_SETTING_ID);
    expect(readdirSync(join(own.folder, 'calibration'))).toEqual(['bench.unfinished']);
  });

  it.skipIf(!hasPart('socat'))('sounds through, on a serial line, goes on with its own beams alone [needs socat]', async () => {
    const pty = later(await openPtyPair(), (it) => it.close());
    const bench = await byHandBench(own, `{ serial: { path: ${pty.a} } }`, {
      flags: ['--serial', pty.b],
      more: 'channel: { source: sounding, beams: 16, wholePeriod: 40, effectivePeriod: 20 }\ndashboard: { port: 0 }\n',
    });
    const { panel, beamrig } = bench;
    const run = beamrig('run', '--json');
    await panel.line(() => shown(panel).length > 20);
    await expectRefused(bench, /another program uses this port/);
    run.signal('SIGINT');
    expect(await run.ended(), run.said).toBe(0);
    expectOwn(panel, 1);
  });
});
