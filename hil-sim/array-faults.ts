/** What happens to an array while it runs, as plain data: elements that die or stick, parts that turn, phases that drift away. */
import { BeamrigError } from '../core/errors/beamrig-error.ts';
import type { Random } from '../core/signal/random.ts';

export type ArrayFault = {
  /** Seconds after the array was switched on. */
  readonly atS: number;
  /** 0-based; absent: all. */
  readonly elements?: readonly number[] | undefined;
} & (
  | { readonly do: 'die' }
  /** At this word on all their chains, whatever they are told; what is switched off stays dark. Absent: one drawn for each. */
  | { readonly do: 'stick'; readonly word?: number | undefined }
  /** All by one phase, degrees. */
  | { readonly do: 'turn'; readonly deg: number }
  /** From then on, degrees a minute: each element at a rate of its own with this standard deviation, or all together at this rate. */
  | { readonly do: 'drift'; readonly degPerMinute: number; readonly together: boolean }
);

const DEG = Math.PI / 180;

/**
 * @returns does to E (diagonal) what has happened by then
 * @throws {BeamrigError} 'argument' for an element that the array has not
 */
export function laterFaults(
  elements: number,
  faults: readonly ArrayFault[],
  random: Random,
): (timeS: number, driven: { re: Float64Array; im: Float64Array }) => void {
  const played = faults.map((fault, i) => {
    const whose = fault.elements ?? Array.from({ length: elements }, (_, n) => n);
    requireElements(whose, elements, i);
    const rates = random.stream(`fault ${i}`);
    const each = fault.do === 'drift' ? whose.map(() => fault.degPerMinute * (fault.together ? 1 : rates.normal())) : [];
    return { fault, whose, each };
  });
  return (timeS, { re, im }) => {
    for (const { fault, whose, each } of played) {
      if (timeS < fault.atS || fault.do === 'stick') continue;
      whose.forEach((n, i) => {
        if (fault.do === 'die') {
          re[n] = 0;
          im[n] = 0;
          return;
        }
        const rad = DEG * (fault.do === 'turn' ? fault.deg : (each[i] * (timeS - fault.atS)) / 60);
        const [before, cos, sin] = [re[n], Math.cos(rad), Math.sin(rad)];
        re[n] = before * cos - im[n] * sin;
        im[n] = before * sin + im[n] * cos;
      });
    }
  };
}

/**
 * @returns the word at which an element sticks by then; undefined: it shows what it is told
 * @throws {BeamrigError} 'argument' for an element or a word that the array has not
 */
export function laterStuck(
  elements: number,
  phaseBits: number,
  faults: readonly ArrayFault[],
  random: Random,
): { readonly elements: readonly number[]; wordAt(element: number, timeS: number): number | undefined } {
  const stuck = new Map<number, { atS: number; word: number }>();
  faults.forEach((fault, i) => {
    if (fault.do !== 'stick') return;
    const { word, atS } = fault;
    if (word !== undefined && word >= 2 ** phaseBits) {
      throw new BeamrigError('argument', `faults[${i}].word is ${word}, beyond ${phaseBits} bits`, {
        wayOut: `Give a word below ${2 ** phaseBits}.`,
      });
    }
    const whose = fault.elements ?? Array.from({ length: elements }, (_, n) => n);
    requireElements(whose, elements, i);
    const drawn = random.stream(`fault ${i}`);
    for (const n of whose) {
      const at = word ?? Math.floor(drawn.uniform() * 2 ** phaseBits);
      if (atS < (stuck.get(n)?.atS ?? Infinity)) stuck.set(n, { atS, word: at });
    }
  });
  return {
    elements: [...stuck.keys()],
    wordAt(element, timeS) {
      const found = stuck.get(element);
      return found !== undefined && timeS >= found.atS ? found.word : undefined;
    },
  };
}

function requireElements(whose: readonly number[], elements: number, fault: number): void {
  const other = whose.find((n) => n >= elements);
  if (other === undefined) return;
  throw new BeamrigError('argument', `faults[${fault}].elements: element ${other} is not one of 0 … ${elements - 1}`, {
    wayOut: 'Name elements that the array has.',
  });
}
