/** The short form of `npm run bench:kills`. */
import { describe, expect, it } from 'vitest';
import { createRandom } from '../../core/signal/random.ts';
import { hasPart } from '../parts.ts';
import { playKills } from './kills.ts';

describe.skipIf(!hasPart('influxd'))('controllers killed while InfluxDB is away [needs influxd]', () => {
  it('lose no record: the next run sends each once, and at most one radiated beam of a kill is unrecorded', async () => {
    const runs = await playKills(3, createRandom(5));
    for (const { radiated, unrecorded, records, points } of runs) {
      expect(radiated).toBeGreaterThanOrEqual(3);
      expect(unrecorded).toBeLessThanOrEqual(1);
      expect(points).toBe(records);
    }
  }, 300_000);
});
