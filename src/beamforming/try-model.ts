/** A model taken at its word: opened and run on channels of a seed, as a rig would, within a time that it has to keep. */
import type { Dimensions } from '../../models/card.ts';
import { readCard } from '../../models/zoo.ts';
import type { Engine } from '../../models/engine/engines.ts';
import { openModel, type BeamformerNeeds } from './onnx-beamformer.ts';
import { sampleProblems } from './sample-problems.ts';

/** Longest for one beam. No loop waits for it here; a model that takes longer will not come back. */
export const PATIENT_DEADLINE_MS = 10_000;
/** Where no rig file has a deadline. */
export const SLOW_WAY_OUT = 'Choose a faster model.';

/** An array for models that serve every one. */
export const TRIED: Dimensions = { elements: 32, rfChains: 4, users: 4 };

const SAMPLES = { snrsDb: [-10, 10, 30], each: 4, stream: 'try' };

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

/** Columns of the factor of what is sensed where a graph is built for that. */
const TRIED_COLUMNS = 3;

/**
 * One that builds other graphs where sensing counts or phases have few bits is tried with them, too.
 * @throws {BeamrigError} as openModel and the model's `compute` do
 */
export async function tryModel(path: string): Promise<Tried> {
  const { dimensions, sensing, mostPhaseBits } = readCard(path);
  const needs = dimensions === 'any' ? TRIED : dimensions;
  let tried = await tryFor(path, needs);
  const others: Partial<BeamformerNeeds>[] = [
    ...(mostPhaseBits === undefined ? [] : [{ phaseBits: mostPhaseBits }]),
    ...(sensing === 'any' ? [{ sensingColumns: TRIED_COLUMNS }] : []),
  ];
  for (const other of others) {
    const found = await tryFor(path, { ...needs, ...other });
    tried = {
      ...tried,
      ...found,
      mostMs: Math.max(tried.mostMs, found.mostMs),
      leastRatio: Math.min(tried.leastRatio, found.leastRatio),
      mostRatio: Math.max(tried.mostRatio, found.mostRatio),
    };
  }
  return tried;
}

async function tryFor(path: string, needs: BeamformerNeeds): Promise<Tried> {
  const model = await openModel(path, needs, { deadlineMs: PATIENT_DEADLINE_MS, slowWayOut: SLOW_WAY_OUT });
  try {
    const { engine, engineReason, enginesDiffer } = model;
    const why = { ...(engineReason && { engineReason }), ...(enginesDiffer && { enginesDiffer }) };
    const tried: Tried = { engine, ...why, mostMs: 0, leastRatio: Infinity, mostRatio: 0 };
    for (const problem of sampleProblems(model.card, SAMPLES)) {
      const beginMs = performance.now();
      const { powerRatio = 1 } = await model.compute(problem);
      tried.mostMs = Math.max(tried.mostMs, performance.now() - beginMs);
      tried.leastRatio = Math.min(tried.leastRatio, powerRatio);
      tried.mostRatio = Math.max(tried.mostRatio, powerRatio);
    }
    return tried;
  } finally {
    await model.close();
  }
}
