/**
 * Which panel drives which elements of the array. Words are row-major N×M, so each element takes its M words along, in the panel's own order:
 *
 *   word of element e, chain m: e·M + m in the array's beam, i·M + m in the panel's, where e is the panel's i-th element
 */
import { BeamrigError } from '../../core/errors/beamrig-error.ts';

export interface ElementMap {
  /** What is of one panel's elements, of the words, gains or enables of the whole array. */
  split<W extends Uint16Array | Uint8Array>(words: W, panel: number): W;
  /** The array's words from those of all panels. */
  join(parts: readonly Uint16Array[]): Uint16Array;
}

/**
 * @param panels 0-based elements of the array, for each panel in its own order
 * @throws {BeamrigError} 'argument' when an element is missing, has two panels, or is none of the array's
 */
export function createElementMap(panels: readonly (readonly number[])[], elements: number, rfChains: number): ElementMap {
  const owner = new Int32Array(elements).fill(-1);
  panels.forEach((own, panel) => {
    for (const element of own) {
      if (!Number.isInteger(element) || element < 0 || element >= elements) {
        refuse(`panel ${panel} drives element ${element}; the array has 0 … ${elements - 1}`);
      }
      if (owner[element] >= 0) refuse(`element ${element} is driven by panel ${owner[element]} and panel ${panel}`);
      owner[element] = panel;
    }
  });
  const hole = owner.indexOf(-1);
  if (hole >= 0) refuse(`element ${hole} is driven by no panel`);

  return {
    split: <W extends Uint16Array | Uint8Array>(words: W, panel: number): W => {
      const own = panels[panel];
      const part = words.slice(0, own.length * rfChains) as W;
      for (let i = 0; i < own.length; i++) {
        for (let m = 0; m < rfChains; m++) part[i * rfChains + m] = words[own[i] * rfChains + m];
      }
      return part;
    },
    join: (parts) => {
      const words = new Uint16Array(elements * rfChains);
      panels.forEach((own, panel) => {
        for (let i = 0; i < own.length; i++) {
          words.set(parts[panel].subarray(i * rfChains, (i + 1) * rfChains), own[i] * rfChains);
        }
      });
      return words;
    },
  };
}

function refuse(problem: string): never {
  throw new BeamrigError('argument', `${problem}.`, { wayOut: 'Give every element of the array to exactly one panel.' });
}
