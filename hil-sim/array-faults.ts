/** What happens to an array while it runs, as plain data: elements that die, parts that turn, phases that drift away. */
import { BeamrigError } from '../core/errors/beamrig-error.ts';
import type { Random } from '../core/signal/random.ts';

export type ArrayFault = {
  /** Seconds after the array was switched on. */
  readonly atS: number;
  /** 0-based; absent: all. */
  readonly elements?: readonly number[] | undefined;
} & (
  | { readonly do: 'die' }
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
      if (timeS < fault.atS) continue;
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

function requireElements(whose: readonly number[], elements: number, fault: number): void {
  const other = whose.find((n) => n >= elements);
  if (other === undefined) return;
  throw new BeamrigError('argument', `faults[${fault}].elements: element ${other} is not one of 0 … ${elements - 1}`, {
    wayOut: 'Name elements that the array has.',
  });
}
