/** Beams by hand on arrays at the far ends of real links, whose panels tell what they radiate. */
import { describe, expect, it } from 'vitest';
import { type PanelLine } from '../../scripts/panel-process.ts';
import { quantisePhases } from '../../core/signal/quantise.ts';
import { steeringPhases } from '../../core/signal/steering.ts';
import { startEmbeddedBroker } from '../../src/link/mqtt/embedded-broker.ts';
import { forOneTest } from '../for-one-test.ts';
import { hasPart } from '../parts.ts';
import { openPtyPair } from '../pty.ts';
import type { TypedCommand } from '../typed-command.ts';
import { byHandBench } from './by-hand-bench.ts';

const own = forOneTest('by-hand');
const { later } = own;
const GEOMETRY = { kind: 'ula', elements: 16, spacingWavelengths: 0.5 } as const;

/** Ends it as told once it has said this, or lets it end. @returns all that it has said, and its exit code */
async function endedAt(
  command: TypedCommand,
  match?: RegExp,
  signal: NodeJS.Signals = 'SIGINT',
): Promise<{ said: string; code: number | null }> {
  if (match !== undefined) {
    await command.saying(match);
    command.signal(signal);
  }
  const code = await command.ended();
  return { said: command.said, code };
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
    const { panel, beamrig } = await byHandBench(own, `{ serial: { path: ${pty.a} } }`, { flags: ['--serial', pty.b] });
    const { said, code } = await endedAt(beamrig('steer', '--azimuth', '17', '--json'), /"type":"status"/);
    expect(said).toContain('"source":"played-panel"');
    expect(code).toBe(0);
    await expectDark(panel);
    const beams = panel.lines.filter(({ type }) => type === 'radiates');
    expect(beams.length).toBeGreaterThan(0);
    expect(new Set(beams.map(({ words }) => words))).toEqual(new Set([wordsTowards(17)]));
  });

  it('leaves it dark when the program is killed, as the panel was told before the first beam', async () => {
    const pty = later(await openPtyPair(), (it) => it.close());
    const { panel, beamrig } = await byHandBench(own, `{ serial: { path: ${pty.a} } }`, {
      flags: ['--serial', pty.b],
      more: 'safeState: mute',
    });
    const { said } = await endedAt(beamrig('steer', '--azimuth', '0', '--json'), /"type":"status"/, 'SIGKILL');
    expect(said).not.toContain('"type":"end"');
    await expectDark(panel);
  });

  it('mutes what another program has left radiating', async () => {
    const pty = later(await openPtyPair(), (it) => it.close());
    const { panel, beamrig } = await byHandBench(own, `{ serial: { path: ${pty.a} } }`, {
      flags: ['--serial', pty.b],
      more: 'safeState: hold',
    });
    const held = await endedAt(beamrig('steer', '--azimuth', '-40', '--for', '1', '--json'));
    expect(held.code).toBe(0);
    expect(panel.lines.filter(({ type }) => type === 'radiates').at(-1)).toMatchObject({ words: wordsTowards(-40) });
    const muted = await endedAt(beamrig('mute', '--json'));
    expect(muted.said).toContain('"muted":true');
    await expectDark(panel);
  });
});

describe('by hand over a broker', () => {
  it('steers, and leaves the array in its safe state after Ctrl-C', async () => {
    const broker = later(await startEmbeddedBroker({ port: 0 }), (it) => it.close());
    const { panel, beamrig } = await byHandBench(own, `{ name: far, panel: P-1, mqtt: { url: '${broker.url}' } }`);
    const { code } = await endedAt(beamrig('steer', '--azimuth', '33', '--json'), /"type":"status"/);
    expect(code).toBe(0);
    await expectDark(panel);
    expect(panel.lines.find(({ type }) => type === 'radiates')).toMatchObject({ words: wordsTowards(33) });
  });
});
