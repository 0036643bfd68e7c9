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

/** All that is expected holds. */
async function played(carrier: Carrier, more: string): Promise<Story> {
  const read = scenario(`carrier: ${carrier}\n${more}`);
  const told = await story(read, carrier);
  expect(failed(read, told)).toEqual([]);
  return told;
}
const HAS_BOARD = hasPart('arm-none-eabi-gcc') && hasPart('qemu-system-arm');

const RESTARTS = `
seconds: 9
timeline: [{ atS: 1, do: restart-panel, bootMs: 100 }]
expect:
  - { check: safe-state, state: dark, after: restart-panel, withinS: 5 }
  - { check: recovery, after: restart-panel, withinS: 8 }
  - { check: event, code: panel-lost, atMost: 1 }
  - { check: event, code: panel-back, atMost: 1 }
`;

describe.skipIf(!HAS_BOARD)('the emulated board [needs arm-none-eabi-gcc, qemu-system-arm]', () => {
  it('is dark without power, and has whole beams again when it has started anew', async () => {
    const { shown } = await played('qemu', RESTARTS);
    expect(shown.map(({ what }) => what)).toEqual(['dark', 'beam', 'dark', 'beam', 'dark']);
  }, 120_000);
});

describe.skipIf(!hasPart('gcc'))('a firmware as a process [needs gcc]', () => {
  it('is dark without power, and has whole beams again when it has started anew', async () => {
    const { shown } = await played('pty', RESTARTS);
    expect(shown.map(({ what }) => what)).toEqual(['dark', 'beam', 'dark', 'beam', 'dark']);
  }, 120_000);

  it('makes itself dark while its cable is out, and is found again', async () => {
    const { shown } = await played(
      'pty',
      `
seconds: 12
timeline: [{ atS: 1, do: unplug, forS: 8 }]
expect:
  - { check: safe-state, state: dark, after: unplug, withinS: 7.9 }
  - { check: recovery, after: unplug, withinS: 5 }
  - { check: event, code: panel-lost, atMost: 1 }
  - { check: event, code: panel-back, atMost: 1 }
`,
    );
    expect(shown.map(({ what }) => what)).toEqual(['dark', 'beam', 'dark', 'beam', 'dark']);
  }, 120_000);

  it('carries out nothing late of what came in while it hung', async () => {
    const { cycles, actions } = await played(
      'pty',
      `
seconds: 9
timeline: [{ atS: 1, do: hang-panel, forS: 5 }]
expect:
  - { check: event, code: panel-lost, atMost: 1 }
  - { check: event, code: panel-back, atMost: 1 }
  - { check: recovery, after: hang-panel, withinS: 5 }
`,
    );
    const [{ beganS, endedS = 0 }] = actions;
    // The beam of the moment may still have been read.
    expect(cycles.filter(({ ok, atS }) => ok && atS > beganS + 1 && atS < endedS)).toEqual([]);
  }, 120_000);

  it('shows nothing of beams whose command to switch is lost, among other mishaps that begin and end meanwhile', async () => {
    const { cycles, actions } = await played(
      'pty',
      `
seconds: 8
behaviours: [{ do: drop, probability: 0.02 }]
timeline:
  - { atS: 1, do: frames, forS: 4, behaviours: [{ do: drop, messages: [commit] }], label: deaf }
  - { atS: 2, do: frames, forS: 0.5, behaviours: [{ do: duplicate }], label: twice }
expect:
  - { check: void-cycles, atLeast: 1, fromS: 1 }
  - { check: recovery, after: deaf, withinS: 6 }
`,
    );
    const [deaf, twice] = actions;
    const meanwhile = cycles.filter(({ atS }) => atS > (twice.endedS ?? 0) && atS < (deaf.endedS ?? 0));
    expect(meanwhile.filter(({ ok }) => ok)).toEqual([]);
  }, 120_000);

  it('measures less while the noise at the users is higher', async () => {
    const { cycles, actions } = await played(
      'pty',
      `
seconds: 4
timeline: [{ atS: 1, do: noise, db: 10, forS: 1.5 }]
`,
    );
    const [{ beganS, endedS = 0 }] = actions;
    const less = (fromS: number, toS: number): number => {
      const those = cycles.filter(({ ok, atS }) => ok && atS > fromS && atS < toS);
      return those.reduce((sum, { sumRate }) => sum + sumRate.predicted - sumRate.measured, 0) / those.length;
    };
    expect(less(beganS + 0.4, endedS)).toBeGreaterThan(3);
    expect(Math.abs(less(0, beganS))).toBeLessThan(0.5);
    expect(Math.abs(less(endedS + 0.4, 4))).toBeLessThan(0.5);
  }, 120_000);

  it('refuses under its key what was heard before, and no cycle of the rig is lost for it', async () => {
    const { facts } = await played(
      'pty',
      `
sealed: true
seconds: 3
timeline: [{ atS: 1, do: replay, frames: 100 }]
expect: [{ check: void-cycles, atMost: 0, toS: 3 }, { check: no-other-events, but: [too-slow] }]
`,
    );
    expect(facts.panels).toBe('firmware, a process');
  }, 120_000);

  it('is not asked for what only panels of our own play, and what rests on that is skipped by name', async () => {
    const read = scenario(`
carrier: pty
seconds: 2
timeline: [{ atS: 1, do: panel-fault, forS: 0.5 }]
expect: [{ check: void-cycles, atMost: 0, toS: 1 }, { check: recovery, after: panel-fault, withinS: 1 }]
`);
    const [, voids, recovery] = checkStory(read.text.expect, await story(read, 'pty'), {});
    expect(voids.verdict).toBe('passed');
    expect(recovery).toMatchObject({ verdict: 'skipped', says: 'panel-fault cannot be played on this bench' });
  }, 120_000);
});
