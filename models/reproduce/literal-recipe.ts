/** The network trained by paper 001's recipe taken literally: trained once, and kept in the cache. */
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { isBeamrigError, BeamrigError } from '../../core/errors/beamrig-error.ts';
import { checkpointPathOf, train } from '../training/train.ts';
import { family } from '../unfolded-pga/family.ts';
import { verifyModel } from '../zoo.ts';
import type { ResultCache } from './result-cache.ts';
import { listSizedModels, type SizedModelFile } from './sized-models.ts';
import { checksumOfModules } from './source-checksum.ts';

export const LITERAL = 'unfolded-pga-n32-literal';

/** Epochs shorter than the paper's are for tests. */
export interface LiteralOptions {
  seed: number;
  epochs?: number;
}

export interface LiteralWork {
  cache: ResultCache;
  signal: AbortSignal;
  onEpoch?: (epoch: number, epochs: number) => void;
}

/** @throws {BeamrigError} 'stopped' where that is asked for: a checkpoint is left to go on from */
export async function literalNetwork(options: LiteralOptions, work: LiteralWork): Promise<SizedModelFile> {
  const { cache, signal, onEpoch } = work;
  const program = checksumOfModules('literal-recipe');
  const folder = cache.folderFor({ kind: 'literal-recipe', program, ...options });
  const output = join(folder, `${LITERAL}.onnx`);
  const known = whole(folder, output);
  if (known !== undefined) return known;
  const checkpoint = checkpointPathOf(output);
  const begin = (resume: { resume?: string }) =>
    train(
      family,
      { recipe: 'paper', ...options, output, ...resume },
      { signal, onProgress: ({ epoch, epochs, step, steps }) => (step === steps ? onEpoch?.(epoch, epochs) : undefined) },
    );
  const outcome = await begin(existsSync(checkpoint) ? { resume: checkpoint } : {}).catch((error: unknown) => {
    // A checkpoint that was cut off is of no use to anybody.
    if (!isBeamrigError(error) || error.code !== 'argument') throw error;
    rmSync(checkpoint, { force: true });
    return begin({});
  });
  if (outcome.status === 'stopped')
    throw new BeamrigError('stopped', 'asked to stop', { wayOut: 'The same command goes on from here.' });
  const trained = whole(folder, output);
  if (trained === undefined) throw new BeamrigError('internal', `the network ${output} that was just trained is not there`);
  return trained;
}

/** File and card, where both are there and belong together; else what there is of them is removed. */
function whole(folder: string, output: string): SizedModelFile | undefined {
  if (!existsSync(output)) return undefined;
  try {
    verifyModel(output);
    return listSizedModels(folder)[0];
  } catch {
    for (const name of readdirSync(folder)) rmSync(join(folder, name), { recursive: true, force: true });
    return undefined;
  }
}
