/** Where a rig file has paths, and what they are relative to. */
import { pathFrom } from '../../core/files/home-path.ts';
import { isModelPath } from '../../models/model-path.ts';
import { CODEBOOK_NAMES } from './rig-fields.ts';

interface PathKey {
  at: readonly string[];
  /** Where it may be a name instead: which of its values are paths. */
  isPath?: (value: string) => boolean;
}

const PATH_KEYS: readonly PathKey[] = [
  { at: ['sensing', 'covariance'] },
  // An id of the zoo or the name of a baseline is no path.
  { at: ['beamformer', 'model'], isPath: isModelPath },
  { at: ['beamformer', 'codebook'], isPath: (value) => !CODEBOOK_NAMES.some((name) => name === value) },
  { at: ['calibration', 'folder'] },
  { at: ['beamFolder'] },
  { at: ['authentication', 'keyFile'] },
];

/**
 * Keys of a rig, or some of them, with every path in them made absolute.
 * @param folder that paths are relative to
 */
export const pathsFrom = <Keys extends object>(folder: string, keys: Keys): Keys =>
  PATH_KEYS.reduce((placed, { at, isPath = () => true }) => {
    const place = (block: object, [key, ...further]: readonly string[]): object => {
      const value: unknown = (block as Record<string, unknown>)[key];
      if (further.length > 0)
        return typeof value === 'object' && value !== null ? { ...block, [key]: place(value, further) } : block;
      return typeof value === 'string' && isPath(value) ? { ...block, [key]: pathFrom(folder, value) } : block;
    };
    return place(placed, at) as Keys;
  }, keys);
