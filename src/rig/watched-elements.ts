/** The elements of a rig that are measured again between its cycles, where its file asks for that. */
import { connectionMask } from '../../core/signal/geometry.ts';
import { userIndex } from '../../core/signal/indices.ts';
import { elementsOf, type RigFile } from '../config/rig-file.ts';
import type { ArrayHealth } from '../control/array-health.ts';
import type { BetweenCycles } from '../control/between-cycles.ts';
import { createElementRounds } from '../measuring/element-rounds.ts';
import type { Calibrations } from './calibration.ts';
import { probePath } from './probe.ts';

export function watchedElements(rig: RigFile, calibrations: Calibrations, health: ArrayHealth): BetweenCycles[] {
  const { probe, watch } = rig.calibration;
  if (watch.everyCycles === 0) return [];
  const { rfChains, phaseBits, connection } = rig.array;
  const elements = elementsOf(rig);
  return [
    createElementRounds({
      ...{ elements, rfChains, phaseBits, health },
      connection: connection === 'full' ? undefined : connectionMask(connection, elements, rfChains),
      everyCycles: watch.everyCycles,
      elementsATurn: Math.min(watch.elements, elements),
      receiver: userIndex(probe.receiver ?? rig.users.count),
      pilots: rig.loop.pilots,
      path: probePath(rig),
      calibration: (on) => calibrations.for(on),
    }),
  ];
}
