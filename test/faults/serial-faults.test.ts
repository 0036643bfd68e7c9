/** Every fault of a bench over a serial line: what is asserted is in witness.ts, what happens in scenarios.ts. */
import { describe, expect, it } from 'vitest';
import { hasPart } from '../parts.ts';
import { SCENARIOS, playScenario } from './scenarios.ts';

describe.skipIf(!hasPart('gcc'))('a rig on a serial line [needs gcc]', () => {
  it.each(SCENARIOS.filter(({ carriers }) => carriers.includes('serial')))('holds through: $name', async (scenario) => {
    const { broken } = await playScenario(scenario, 'serial');
    expect(broken).toEqual([]);
  });
});
