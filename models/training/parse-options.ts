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
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new BeamrigError('argument', `training: ${issue.path.join('.')}: ${issue.message}`, { wayOut: 'correct this option' });
}
