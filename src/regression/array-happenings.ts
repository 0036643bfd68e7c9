/** What a timeline does to the array, as the rig file's own faults of the simulated array. */
import { merged } from './merged.ts';
import type { Action } from './timeline-schema.ts';

export function withArrayFaults(rig: Record<string, unknown>, timeline: readonly Action[]): Record<string, unknown> {
  const faults = timeline.flatMap((action): object[] => {
    const { atS } = action;
    switch (action.do) {
      case 'elements-die':
        return [{ do: 'die', atS, elements: action.elements }];
      case 'elements-turn':
        return [{ do: 'turn', atS, elements: action.elements, deg: action.deg }];
      case 'elements-drift': {
        const { elements, degPerMinute, together } = action;
        return [{ do: 'drift', atS, degPerMinute, together, ...(elements === undefined ? {} : { elements }) }];
      }
      default:
        return [];
    }
  });
  const before = (rig.simulator as { faults?: object[] } | undefined)?.faults ?? [];
  return faults.length === 0 ? rig : merged(rig, { simulator: { faults: [...before, ...faults] } });
}
