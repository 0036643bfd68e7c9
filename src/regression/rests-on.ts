/** Whether what is expected rests on something that happens. */
import type { Check } from './check-schema.ts';
import { labelOf, type Action } from './timeline-schema.ts';

/**
 * The first of these entries that may decide what a check finds: the one that it is counted from, or one that begins before its window is over. Where
 * that was not played nothing was put to the test.
 */
export function restsOn(check: Check, actions: readonly Action[]): Action | undefined {
  if ('after' in check) return actions.find((action) => labelOf(action) === check.after);
  const toS = 'toS' in check ? (check.toS ?? Infinity) : Infinity;
  return actions.find(({ atS }) => atS < toS);
}
