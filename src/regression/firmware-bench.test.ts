/** One scenario over every carrier, and what only a firmware of its own can be put through. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { hasPart } from '../../test/parts.ts';
import { checkStory } from './checks/check-story.ts';
import { playOnce } from './play.ts';
import { parseScenario } from './scenario-file.ts';
import type { Carrier } from './scenario-schema.ts';
import type { Story } from './story.ts';

/** Good cycles whose words are held to one another. */
const WORDS = 3;
const folder = mkdtempSync(join(tmpdir(), 'beamrig-firmware-bench-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const scenario = (more: string) =>
  parseScenario(
    `
name: one-story
about: The same over every carrier.
rig:
  name: one-story
  array: { geometry: { kind: ula, elements: 64 }, rfChains: 4, phaseBits: 7 }
  users: { count: 4 }
  snrDb: 10
  beamformer: { model: aligned, deadlineMs: 5000 }
  simulator: { phaseShifter: adar1000, userSpeedMps: 1.4 }
  loop: { rateHz: 5, pilots: 64 }
${more}`,
    join(folder, 'one-story.yaml'),
  );

const story = (read: ReturnType<typeof scenario>, carrier: Carrier): Promise<Story> => {
  const one = read.cases.find((each) => each.carrier === carrier);
  if (one === undefined) throw new Error(`no case on ${carrier}`);
  return playOnce({ scenario: read, one, seed: 3, realTime: false, runFolder: folder }, WORDS);
};

const failed = (read: ReturnType<typeof scenario>, played: Story) =>
  checkStory(read.text.expect, played, {}).filter(({ verdict }) => verdict !== 'passed');

describe.skipIf(!hasPart('gcc') || !hasPart('arm-none-eabi-gcc') || !hasPart('qemu-system-arm'))(
  'one scenario over every carrier [needs gcc, arm-none-eabi-gcc, qemu-system-arm]',
  () => {
    it('radiates the same words, and all that must hold of a run does', async () => {
      const read = scenario(`
seconds: 2
matrix: { carrier: [loopback, mqtt, pty, qemu] }
expect:
  - { check: sum-rate, of: 'true', atLeast: 1 }
`);
      // One after the other: virtual time leaves no moment to others in this process.
      const stories: Story[] = [];
      for (const carrier of ['loopback', 'mqtt', 'pty', 'qemu'] as const) stories.push(await story(read, carrier));
      for (const each of stories) expect(failed(read, each), JSON.stringify(each.end)).toEqual([]);
      const [first, ...others] = stories;
      expect(first.words).toHaveLength(WORDS);
      for (const other of others) expect(other.words).toEqual(first.words);
      const [, , pty, qemu] = stories.map(({ facts }) => facts);
      expect(pty.firmware).toMatch(/^[0-9a-f]{64}$/);
      expect(qemu.firmware).not.toBe(pty.firmware);
    }, 120_000);
  },
);
