/** Scenarios on what is attached: `beamrig panel` in a process of its own, on a serial line. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { startPanelProcess } from '../../scripts/panel-process.ts';
import { hasPart } from '../../test/parts.ts';
import { openPtyPair } from '../../test/pty.ts';
import { checkStory } from './checks/check-story.ts';
import { playOnce } from './play.ts';
import { parseScenario } from './scenario-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'beamrig-hardware-bench-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const rig = (more: string, bits = 4): string => `
name: attached
array: { geometry: { kind: ula, elements: 8 }, rfChains: 2, phaseBits: ${bits} }
users: { count: 2 }
beamformer: { model: aligned }
loop: { rateHz: 10 }
${more}`;

const scenario = (expected: string, bits = 4, more = '') => {
  writeFileSync(join(folder, 'rig.yaml'), rig('', bits));
  return parseScenario(
    `
name: attached
about: What can be played on hardware.
rig: rig.yaml
seconds: 2
timeline:
  - { atS: 1, do: unplug, forS: 0.5 }
expect: ${expected}
${more}`,
    join(folder, 'attached.yaml'),
  );
};

const bench = join(folder, 'bench.yaml');
const play = (read: ReturnType<typeof scenario>) =>
  playOnce({ scenario: read, one: read.cases[0], seed: 1, realTime: true, hardware: bench, runFolder: folder }, 1);

it.skipIf(!hasPart('socat'))(
  'plays what can be played there, and skips by name what cannot [needs socat]',
  async () => {
    const pty = await openPtyPair();
    writeFileSync(bench, rig(`links: [{ panel: BOARD-7, serial: { path: ${pty.a} } }]`));
    const panel = startPanelProcess([bench, '--serial', pty.b]);
    try {
      await panel.line(({ type }) => type === 'opened');
      const read = scenario('[{ check: void-cycles, atMost: 0, toS: 1 }, { check: recovery, after: unplug, withinS: 1 }]');
      const story = await play(read);
      const [sound, voids, recovery] = checkStory(read.text.expect, story, {});
      expect(story.end).toMatchObject({ as: 'stopped' });
      expect(story.cycles.some(({ ok }) => ok)).toBe(true);
      expect(story.actions).toMatchObject([{ label: 'unplug', skipped: true }]);
      expect([sound.verdict, voids.verdict, recovery.verdict]).toEqual(['passed', 'passed', 'skipped']);
      expect(recovery.says).toBe('unplug cannot be played on this bench');
      expect(story.facts).toMatchObject({ panels: 'hardware', bench: 'attached' });
    } finally {
      await panel.stop();
      await pty.close();
    }
  },
  120_000,
);

it('does not begin where nothing would be put to the test, or the bench has another array', async () => {
  writeFileSync(bench, rig('links: [{ panel: BOARD-7, serial: { path: /dev/no-port } }]'));
  const onlyUnplug = play(scenario('[{ check: recovery, after: unplug, withinS: 1 }]'));
  await expect(onlyUnplug).rejects.toMatchObject({
    code: 'bench-part',
    message: expect.stringContaining('rests on unplug') as unknown,
  });
  const lost = play(scenario('[{ check: void-cycles, atMost: 0, toS: 1 }]', 4, 'behaviours: [{ do: drop, probability: 0.1 }]\n'));
  await expect(lost).rejects.toMatchObject({
    code: 'bench-part',
    message: expect.stringContaining('behaviours: drop from the start on cannot be played') as unknown,
  });
  const otherBits = play(scenario('[{ check: void-cycles, atMost: 0, toS: 1 }]', 5));
  await expect(otherBits).rejects.toMatchObject({
    code: 'bench-part',
    message: expect.stringContaining('array.phaseBits: 5') as unknown,
  });
});
