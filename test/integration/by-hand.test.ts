/** Beams by hand on arrays at the far ends of real links, whose panels tell what they radiate. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, expect, it } from 'vitest';
import { endWithUs } from '../../scripts/end-with-us.ts';
import { type PanelLine } from '../../scripts/panel-process.ts';
import { quantisePhases } from '../../core/signal/quantise.ts';
import { steeringPhases } from '../../core/signal/steering.ts';
import { startEmbeddedBroker } from '../../src/link/mqtt/embedded-broker.ts';
import { forOneTest } from '../for-one-test.ts';
import { hasPart } from '../parts.ts';
import { openPtyPair } from '../pty.ts';
import { BEAMRIG, startPanels } from '../built-program.ts';

const own = forOneTest('by-hand');
const { later } = own;
const GEOMETRY = { kind: 'ula', elements: 16, spacingWavelengths: 0.5 } as const;

/** A rig on one link, its panel played by a process of its own, and the commands that are typed for it. */
async function bench(link: string, flags: string[], more = '') {
  const rig = join(own.folder, 'rig.yaml');
  writeFileSync(
    rig,
    `name: bench
array: { geometry: { kind: ula, elements: 16 }, rfChains: 2, phaseBits: 6 }
users: { count: 2 }
beamformer: { model: aligned }
loop: { rateHz: 50 }
fallback: never
links: [ ${link} ]
${more}`,
  );
  const panel = later(startPanels([rig, ...flags]), (it) => it.stop());
  await panel.line(({ type }) => type === 'ready');
  return {
    panel,
    beamrig: (...words: string[]): ChildProcess => {
      const child = spawn(process.execPath, [...BEAMRIG, words[0], rig, ...words.slice(1)], { cwd: own.folder });
      endWithUs(child);
      return child;
    },
  };
}

/** Kills it as told once it has said this. @returns all that it has said, and its exit code */
async function endedAt(
  child: ChildProcess,
  match: string,
  signal: NodeJS.Signals,
): Promise<{ said: string; code: number | null }> {
  let said = '';
  child.stderr?.on('data', (text: Buffer) => (said += text.toString()));
  if (child.stdout === null) throw new Error('it says nothing');
  for await (const line of createInterface({ input: child.stdout })) {
    said += `${line}\n`;
    if (line.includes(match)) child.kill(signal);
  }
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  return { said, code: child.exitCode };
}

const hexOf = (words: Uint16Array): string => Array.from(words, (word) => word.toString(16).padStart(4, '0')).join('');
/** The last that it has told of what it shows. */
const newest = ({ lines }: { lines: readonly PanelLine[] }): string | undefined =>
  lines.findLast(({ type }) => type === 'radiates' || type === 'dark')?.type;
/** Dark after a beam, and so it stays. */
async function expectDark(panel: {
  lines: readonly PanelLine[];
  line: (match: (line: PanelLine) => boolean) => Promise<unknown>;
}) {
  let lit = false;
  await panel.line(({ type }) => {
    lit ||= type === 'radiates';
    return lit && type === 'dark';
  });
  expect(newest(panel)).toBe('dark');
}
const wordsTowards = (azimuthDeg: number): string =>
  hexOf(quantisePhases(steeringPhases(GEOMETRY, { azimuthRad: (azimuthDeg * Math.PI) / 180, elevationRad: 0 }, 2), 6));

describe.skipIf(!hasPart('socat'))('by hand over a serial line [needs socat]', () => {
  it('steers, radiates just that beam, and leaves the array dark after Ctrl-C', async () => {
    const pty = later(await openPtyPair(), (it) => it.close());
    const { panel, beamrig } = await bench(`{ serial: { path: ${pty.a} } }`, ['--serial', pty.b]);
    const { said, code } = await endedAt(beamrig('steer', '--azimuth', '17', '--json'), '"type":"status"', 'SIGINT');
    expect(said).toContain('"source":"played-panel"');
    expect(code).toBe(0);
    await expectDark(panel);
    const beams = panel.lines.filter(({ type }) => type === 'radiates');
    expect(beams.length).toBeGreaterThan(0);
    expect(new Set(beams.map(({ words }) => words))).toEqual(new Set([wordsTowards(17)]));
  });

  it('leaves it dark when the program is killed, as the panel was told before the first beam', async () => {
    const pty = later(await openPtyPair(), (it) => it.close());
    const { panel, beamrig } = await bench(`{ serial: { path: ${pty.a} } }`, ['--serial', pty.b], 'safeState: mute');
    const { said } = await endedAt(beamrig('steer', '--azimuth', '0', '--json'), '"type":"status"', 'SIGKILL');
    expect(said).not.toContain('"type":"end"');
    await expectDark(panel);
  });

  it('mutes what another program has left radiating', async () => {
    const pty = later(await openPtyPair(), (it) => it.close());
    const { panel, beamrig } = await bench(`{ serial: { path: ${pty.a} } }`, ['--serial', pty.b], 'safeState: hold');
    const held = await endedAt(beamrig('steer', '--azimuth', '-40', '--for', '1', '--json'), 'never', 'SIGINT');
    expect(held.code).toBe(0);
    expect(panel.lines.filter(({ type }) => type === 'radiates').at(-1)).toMatchObject({ words: wordsTowards(-40) });
    const muted = await endedAt(beamrig('mute', '--json'), 'never', 'SIGINT');
    expect(muted.said).toContain('"muted":true');
    await expectDark(panel);
  });
});

describe('by hand over a broker', () => {
  it('steers, and leaves the array in its safe state after Ctrl-C', async () => {
    const broker = later(await startEmbeddedBroker({ port: 0 }), (it) => it.close());
    const { panel, beamrig } = await bench(`{ name: far, panel: P-1, mqtt: { url: '${broker.url}' } }`, []);
    const { code } = await endedAt(beamrig('steer', '--azimuth', '33', '--json'), '"type":"status"', 'SIGINT');
    expect(code).toBe(0);
    await expectDark(panel);
    expect(panel.lines.find(({ type }) => type === 'radiates')).toMatchObject({ words: wordsTowards(33) });
  });
});
