/** A run with a database and pages of its own, each of which fails for a while. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { hasPart } from '../../test/parts.ts';
import { checkStory } from './checks/check-story.ts';
import { playOnce } from './play.ts';
import { parseScenario } from './scenario-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'beamrig-parts-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it.skipIf(!hasPart('influxd'))(
  'loses no record to a database that is killed, and no cycle to pages that hang [needs influxd]',
  async () => {
    const scenario = parseScenario(
      `
name: parts
about: A database that is killed, and pages that stop reading.
rig:
  name: parts
  array: { geometry: { kind: ula, elements: 8 }, rfChains: 2, phaseBits: 4 }
  users: { count: 2 }
  beamformer: { model: aligned }
  loop: { rateHz: 20 }
parts: { database: true, pages: 2 }
seconds: 4
timeline:
  - { atS: 1, do: database-down, forS: 1 }
  - { atS: 1, do: pages-hang, forS: 1 }
expect:
  - { check: records }
  - { check: event, code: influx-unreachable }
  - { check: ends }
`,
      join(folder, 'parts.yaml'),
    );
    const story = await playOnce({ scenario, one: scenario.cases[0], seed: 1, realTime: false, runFolder: folder }, 0);
    expect(checkStory(scenario.text.expect, story, {}).filter(({ verdict }) => verdict !== 'passed')).toEqual([]);
    expect(story.cycles.length).toBeGreaterThan(0);
    expect(story.facts.pages).toBe('2, all saw frames');
  },
  120_000,
);
