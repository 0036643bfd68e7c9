/** A model taken at its word: opened and run on channels of a seed, as a rig would, within a time that it has to keep. */
import type { Dimensions } from '../../models/card.ts';
import { readCard } from '../../models/zoo.ts';
import { salehValenzuela } from '../../core/signal/channel.ts';
import { createRandom } from '../../core/signal/random.ts';
import { fromDb } from '../../core/signal/rate.ts';
import type { Engine } from '../../models/engine/engines.ts';
import { openModel } from './onnx-beamformer.ts';

/** Longest for one beam. No loop waits for it here; a model that takes longer will not come back. */
export const PATIENT_DEADLINE_MS = 10_000;

/** An array for models that serve every one. */
export const TRIED: Dimensions = { elements: 32, rfChains: 4, users: 4 };

const CHANNELS = 4;
const SNRS_DB = [-10, 10, 30];

export interface Tried {
  engine: Engine;
  /** Why it is not the compiled one. */
  engineReason?: string;
  /** It could be compiled, and did not compute the same. */
  enginesDiffer?: true;
  /** The longest that it took for a beam, and ‖A·D‖²_F / P as it gave it, from the least to the most. */
  mostMs: number;
  leastRatio: number;
  mostRatio: number;
}

/** @throws {BeamrigError} as openModel and the model's `compute` do */
export async function tryModel(path: string): Promise<Tried> {
  const { dimensions } = readCard(path);
  const { elements, rfChains, users } = dimensions === 'any' ? TRIED : dimensions;
  const model = await openModel(path, { elements, rfChains, users }, { deadlineMs: PATIENT_DEADLINE_MS });
  try {
    const random = createRandom(1).stream('try');
    const geometry = { kind: 'ula', elements, spacingWavelengths: 0.5 } as const;
    const { engine, engineReason, enginesDiffer } = model;
    const why = { ...(engineReason && { engineReason }), ...(enginesDiffer && { enginesDiffer }) };
    const tried: Tried = { engine, ...why, mostMs: 0, leastRatio: Infinity, mostRatio: 0 };
    for (let index = 0; index < CHANNELS; index++) {
      const channel = salehValenzuela({ random, geometry, users, paths: 10, scale: 'unit-element' });
      for (const snrDb of SNRS_DB) {
        const beginMs = performance.now();
        const { powerRatio = 1 } = await model.compute({ channel, rfChains, power: fromDb(snrDb), noise: 1 });
        tried.mostMs = Math.max(tried.mostMs, performance.now() - beginMs);
        tried.leastRatio = Math.min(tried.leastRatio, powerRatio);
        tried.mostRatio = Math.max(tried.mostRatio, powerRatio);
      }
    }
    return tried;
  } finally {
    await model.close();
  }
}
