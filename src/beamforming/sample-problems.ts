/** Problems that a model is tried on before a rig runs it: always the same, of any kind that the model takes. */
import type { Problem } from '../../core/signal/beam-contract.ts';
import { salehValenzuela } from '../../core/signal/channel.ts';
import { scale, zeros } from '../../core/signal/complex-matrix.ts';
import { steeringVector, type ArrayGeometry } from '../../core/signal/geometry.ts';
import { createRandom } from '../../core/signal/random.ts';
import { fromDb } from '../../core/signal/rate.ts';
import type { Sensing } from '../../core/signal/sensing.ts';
import { sensingColumns, type SizedCard } from '../../models/card.ts';

/**
 * @param each channels at each SNR; of a model that senses, every other one has something to sense
 * @param stream of the seed
 */
export function sampleProblems(
  card: Pick<SizedCard, 'dimensions' | 'sensing' | 'inputs'>,
  { snrsDb, each, stream }: { snrsDb: readonly number[]; each: number; stream: string },
): Problem[] {
  const { elements, rfChains, users } = card.dimensions;
  const random = createRandom(1).stream(stream);
  const geometry = { kind: 'ula', elements, spacingWavelengths: 0.5 } as const;
  const columns = sensingColumns(card);
  const sensed = columns === undefined ? {} : { sensing: directions(geometry, columns) };
  return snrsDb.flatMap((snrDb) =>
    Array.from({ length: each }, (_, index) => ({
      channel: salehValenzuela({ random, geometry, users, paths: 10, scale: 'unit-element' }),
      rfChains,
      power: fromDb(snrDb),
      noise: 1,
      ...(index % 2 === 1 ? sensed : {}),
    })),
  );
}

/** Beams towards −60°, 0° and 60°, or as many of them as a model takes, the weight of paper 000. */
function directions(geometry: ArrayGeometry & { kind: 'ula' }, most: number): Sensing {
  const { elements } = geometry;
  const columns = [-Math.PI / 3, 0, Math.PI / 3].slice(0, most).map((azimuth) => steeringVector(geometry, azimuth));
  const factor = zeros(elements, columns.length);
  columns.forEach(({ re, im }, r) => {
    for (let n = 0; n < elements; n++) {
      factor.re[n * columns.length + r] = re[n];
      factor.im[n * columns.length + r] = im[n];
    }
  });
  return { factor: scale(factor, 1 / Math.sqrt(elements * columns.length)), weight: 0.3 };
}
