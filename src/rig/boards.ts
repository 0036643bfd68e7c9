/** Which elements of a rig hang together, and so may be off together. */
import { elementsOf, type RigFile } from '../config/rig-file.ts';
import type { BoardElements } from '../control/watch/prediction-watch.ts';

/** Boards of so many elements as the rig file says, or the panels at its links where each drives a part; none where one panel drives all. */
export function boardsOf(rig: Pick<RigFile, 'array' | 'calibration' | 'links'>): BoardElements[] {
  const elements = elementsOf(rig);
  const { boardElements } = rig.calibration.watch;
  if (boardElements !== undefined) {
    return Array.from({ length: Math.ceil(elements / boardElements) }, (_, board) => ({
      name: String(board),
      elements: Array.from(
        { length: Math.min(boardElements, elements - board * boardElements) },
        (_, i) => board * boardElements + i,
      ),
    }));
  }
  const parts = rig.links.flatMap(({ name, elements: own }) => (own.length === 0 ? [] : [{ name, elements: own }]));
  return parts.length > 1 ? parts : [];
}
