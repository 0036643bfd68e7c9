/** Users whose pace changes and who are shadowed, as a timeline says: what it makes of the world of a simulator. */
import type { CMatrix } from '../../core/signal/complex-matrix.ts';
import type { WorldOptions } from '../rig/world.ts';
import type { Action } from './timeline-schema.ts';

/** @param speedMps at the start @param rateHz of the loop: a cycle is so long in the world */
export function changesOf(
  timeline: readonly Action[],
  speedMps: number,
  rateHz: number,
): Pick<WorldOptions, 'walkedS' | 'obstruct'> {
  const paces = timeline
    .flatMap((action) => (action.do === 'users-walk' ? [{ atS: action.atS, speedMps: action.speedMps }] : []))
    .sort((a, b) => a.atS - b.atS);
  const shadows = timeline.flatMap((action) => (action.do === 'shadow-user' ? [action] : []));
  return {
    ...(paces.length === 0 ? {} : { walkedS: (cycle: number) => walked(cycle / rateHz, paces, speedMps) }),
    ...(shadows.length === 0
      ? {}
      : {
          obstruct: (channel: CMatrix, cycle: number) => {
            for (const { atS, forS = Infinity, user, lossDb } of shadows) {
              const timeS = cycle / rateHz;
              if (timeS >= atS && timeS < atS + forS) weaken(channel, user, 10 ** (-lossDb / 20));
            }
          },
        }),
  };
}

/** The scene moves its users at the speed of the rig file: seconds that they have walked at that speed. */
function walked(timeS: number, paces: readonly { atS: number; speedMps: number }[], speedMps: number): number {
  let sum = 0;
  let [fromS, now] = [0, speedMps];
  for (const { atS, speedMps: next } of [...paces, { atS: Infinity, speedMps: 0 }]) {
    sum += (Math.min(atS, timeS) - fromS) * (now / speedMps);
    if (timeS <= atS) break;
    [fromS, now] = [atS, next];
  }
  return sum;
}

function weaken({ re, im, cols }: CMatrix, user: number, factor: number): void {
  for (let i = user * cols; i < (user + 1) * cols; i++) {
    re[i] *= factor;
    im[i] *= factor;
  }
}
