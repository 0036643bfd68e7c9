/** Every fault of a bench over a serial line: what holds is in witness.ts, what happens in scenarios.ts and serial-scenarios.ts. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { holdPacedLine } from '../paced-line.ts';
import { hasPart } from '../parts.ts';
import { named, playRefusal, playScenario } from './play.ts';
import { REFUSALS, SCENARIOS } from './scenarios.ts';
import { SERIAL_REFUSALS, SERIAL_SCENARIOS } from './serial-scenarios.ts';

describe.skipIf(!hasPart('gcc'))('a rig on a serial line [needs gcc]', () => {
  let release: () => void;
  beforeAll(async () => {
    ({ release } = await holdPacedLine());
  });
  afterAll(() => release());

  it.each(named([...SCENARIOS, ...SERIAL_SCENARIOS]))(
    'holds through: %s',
    async (_name, scenario) => {
      const { broken } = await playScenario(scenario, { carrier: 'serial' });
      expect(broken).toEqual([]);
    },
    120_000,
  );

  it.each(named([...REFUSALS, ...SERIAL_REFUSALS]))(
    'is refused for %s, before anything radiates',
    async (_name, refusal) => {
      const { code, message } = await playRefusal(refusal, 'serial');
      expect(message).toMatch(refusal.message);
      expect(code).toBe(refusal.code);
    },
    120_000,
  );
});
