/** What `evaluate` prints is what `run` radiates. */
import { expect, it } from 'vitest';
import { compareEvaluationWithRun } from '../../scripts/evaluate-as-run.ts';
import { salehValenzuela } from '../../core/signal/channel.ts';
import { OBJECTIVE_NAMES } from '../../core/signal/objectives/objective-names.ts';
import { QUANTISER_NAMES } from '../../core/signal/quantiser-names.ts';
import { createRandom } from '../../core/signal/random.ts';

const random = createRandom(1).stream('test');
const geometry = { kind: 'ula', elements: 32, spacingWavelengths: 0.5 } as const;
const channels = Array.from({ length: 6 }, () =>
  salehValenzuela({ random, geometry, users: 4, paths: 10, scale: 'unit-element' }),
);

const cases = OBJECTIVE_NAMES.flatMap((objective) =>
  QUANTISER_NAMES.flatMap((quantiser) =>
    ['unfolded-pga-n32', 'aligned'].map((beamformer) => ({ objective, quantiser, beamformer })),
  ),
);

it.each(cases)(
  'gives the same words and the same rate to the last digit: $beamformer for $objective, words by $quantiser',
  async ({ objective, quantiser, beamformer }) => {
    for (const bits of [1, 3, 7, 16]) {
      const { cycles, words, ...differences } = await compareEvaluationWithRun(channels, {
        beamformer,
        bits,
        objective,
        quantiser,
        snrDb: 20,
      });
      expect(differences).toMatchObject({ voidCycles: 0, differentWords: 0, differentRates: 0, differentMetrics: 0 });
      expect({ cycles, words }).toEqual({ cycles: 6, words: 6 * 32 * 4 });
    }
  },
  120_000,
);
