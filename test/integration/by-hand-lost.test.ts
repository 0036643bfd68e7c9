/** Steering and scanning while the link of a panel, or the panel, goes away: over a serial line, and over a broker with an array of two panels. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { startEmbeddedBroker } from '../../src/link/mqtt/embedded-broker.ts';
import { forOneTest } from '../for-one-test.ts';
import { hasPart } from '../parts.ts';
import { openPtyPair } from '../pty.ts';
import type { TypedCommand } from '../typed-command.ts';
import { byHandBench } from './by-hand-bench.ts';

const own = forOneTest('by-hand-lost');
const { later } = own;

interface Point {
  type: string;
  measuredDb: number | null;
}
const linesOf = (said: string): Point[] =>
  said.split('\n').flatMap((line) => (line.startsWith('{') ? [JSON.parse(line) as Point] : []));

const LOST = /was lost/;
const TEN_POINTS = /(?:"type":"point"[^\n]*\n[^]*?){10}/;

describe('an array of two panels behind a broker', { timeout: 120_000 }, () => {
  it('is scanned to the end when the link of one of them was away in the middle, and no beam is given up for it', async () => {
    const broker = later(await startEmbeddedBroker({ port: 0 }), (it) => it.close());
    const on = (name: string, elements: string): string =>
      `{ name: ${name}, panel: B-${name}, elements: '${elements}', mqtt: { url: '${broker.url}' } }`;
    const { panel, beamrig } = await byHandBench(own, `${on('left', '0-7')}, ${on('right', '8-15')}`, { rateHz: 20 });
    const csv = join(own.folder, 'scan.csv');
    const scan = beamrig('scan', '--azimuth=-40:40:2', '--csv', csv, '--json');
    await scan.saying(TEN_POINTS);
    panel.type('right unplug');
    await scan.saying(LOST);
    panel.type('right plug');
    const code = await scan.ended();
    const lines = linesOf(scan.said);
    expect(lines.filter(({ type, measuredDb }) => type === 'point' && measuredDb !== null)).toHaveLength(41);
    expect(lines.at(-1)).toMatchObject({ type: 'end', complete: true });
    expect(readFileSync(csv, 'utf8')).not.toContain('#');
    expect(code).toBe(0);
    for (const name of ['left', 'right']) {
      const shown = panel.lines.filter((line) => line.panel === name && (line.type === 'radiates' || line.type === 'dark'));
      expect(shown.at(-1), name).toMatchObject({ type: 'dark' });
    }
  });
});

describe.skipIf(!hasPart('socat'))('a panel on a serial line that is gone for good [needs socat]', { timeout: 120_000 }, () => {
  const lost = async (word: string, ...words: string[]): Promise<TypedCommand> => {
    const pty = later(await openPtyPair(), (it) => it.close());
    const { panel, beamrig } = await byHandBench(own, `{ serial: { path: ${pty.a} } }`, {
      flags: ['--serial', pty.b],
      rateHz: 20,
    });
    const command = beamrig(word, ...words);
    await command.saying(word === 'scan' ? TEN_POINTS : /"type":"status"/);
    panel.signal('SIGKILL');
    await command.saying(LOST);
    command.signal('SIGINT');
    return command;
  };

  it('leaves of a scan what was measured, marked as not complete, and says that the array may not be safe', async () => {
    const [csv, svg] = [join(own.folder, 'scan.csv'), join(own.folder, 'scan.svg')];
    const scan = await lost('scan', '--azimuth=-60:60:1', '--csv', csv, '--svg', svg, '--json');
    expect(await scan.ended()).toBe(1);
    const end = linesOf(scan.said).at(-1);
    expect(end).toMatchObject({ type: 'end', complete: false, unsafe: expect.any(String) as string, written: [csv, svg] });
    const rows = readFileSync(csv, 'utf8').trim().split('\n');
    const points = rows.slice(1, -1);
    expect(points.length).toBeGreaterThanOrEqual(10);
    expect(points.length).toBeLessThan(121);
    expect(rows.at(-1)).toBe(`# not complete: ${points.length} of 121 points were measured`);
    expect(readFileSync(svg, 'utf8')).toContain('not complete: ');
  });

  it('makes a steered beam end with 1, and says so', async () => {
    const steer = await lost('steer', '--azimuth', '20', '--json');
    expect(await steer.ended()).toBe(1);
    expect(linesOf(steer.said).at(-1)).toMatchObject({ type: 'end', unsafe: expect.any(String) as string });
  });
});
