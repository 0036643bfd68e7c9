/** A family's options, checked once. */
import { BeamrigError } from '../../core/errors/beamrig-error.ts';
import type { ModelFamily } from '../family.ts';
import type { TrainingOptions } from './training-options.ts';

/**
 * The options of a family, complete. `undefined` means not given.
 * @throws BeamrigError 'argument', naming the option
 */
export function parseOptions<Options extends TrainingOptions>(family: ModelFamily<Options>, request: object): Options {
  const given = Object.fromEntries(Object.entries(request).filter(([, value]) => value !== undefined));
  const parsed = family.options.safeParse({ ...family.impliedBy?.(given), ...given });
  if (parsed.success) return fittingArray(parsed.data);
  const [issue] = parsed.error.issues;
  throw new BeamrigError('argument', `training: ${issue.path.join('.')}: ${issue.message}`, { wayOut: 'correct this option' });
}

/** As of a rig: K ≤ M ≤ N. @throws BeamrigError 'argument', naming field, value and range */
function fittingArray<Options extends TrainingOptions>(options: Options): Options {
  const { elements, rfChains, users } = options;
  const refuse = (flag: string, value: number, most: number, of: string, wayOut: string): never => {
    throw new BeamrigError('argument', `${flag} ${value}: not allowed; allowed: a whole number from 1 to ${most}, ${of}`, {
      wayOut,
    });
  };
  if (rfChains > elements)
    refuse('--rf-chains', rfChains, elements, 'the number of elements', 'Give more --elements, or fewer --rf-chains.');
  if (users > rfChains) refuse('--users', users, rfChains, 'the number of RF chains', 'Give more --rf-chains, or fewer --users.');
  return options;
}
