/** Whether readings are what an array that stands still in front of a probe that stands still would give. */
import type { CalibrationMethod } from '../../calibration/method.ts';
import { misfitOf, type Misfit } from '../../calibration/misfit.ts';
import { BeamrigError } from '../../core/errors/beamrig-error.ts';
import type { MeasuredChain } from './array-under-test.ts';

/** What states and drift leave over of the readings, beside what noise would leave: about 1 where all is explained, a little above where drift is not all of a line. */
const MOST_UNEXPLAINED = 3;
/** τ² of states that no phase shifter misses its grid by, 30° RMS: as few readings as there are states fit anything, a step of the receiver's phase as well. */
const LARGEST_SPREAD = (30 * (Math.PI / 180)) ** 2;
/** States whose power is not so many times what the readings leave of their variance are not known: to 20° RMS, about. */
const LEAST_CERTAINTY = 4;

/**
 * @throws {BeamrigError} 'calibration' where nothing was heard, or more changed than noise and drift explain
 */
export function requireExplained(
  chains: readonly Pick<MeasuredChain, 'elements' | 'estimate'>[],
  { hears, needsReference = false }: Pick<CalibrationMethod, 'hears' | 'needsReference'>,
): void {
  chains.forEach(({ elements, estimate }, m) => {
    const { states, variance, plan } = estimate;
    if (!(meanSquare(states) > LEAST_CERTAINTY * variance)) {
      throw new BeamrigError('calibration', `RF chain ${m} is not heard: the readings leave its states unknown`, {
        wayOut:
          'See that the probe listens (calibration.probe.receiver) and that the chain radiates; where it is only weak, take more readings, or more pilots for each.',
      });
    }
    if (hears !== 'complex' && !needsReference) return;
    const left = estimate.excess;
    if (left <= MOST_UNEXPLAINED && estimate.spread > LARGEST_SPREAD) throw offGrid(m, estimate.spread);
    if (left <= MOST_UNEXPLAINED) return;
    const times = Number(left.toPrecision(2));
    throw new BeamrigError(
      'calibration',
      `the readings of RF chain ${m} do not fit one another: ${times} times their noise is not explained by any states of its elements; ${causeText(misfitOf(plan, estimate), elements)}`,
      { wayOut: 'Mend what is named, and measure again.' },
    );
  });
}

const offGrid = (chain: number, spread: number): BeamrigError =>
  new BeamrigError(
    'calibration',
    `the readings of RF chain ${chain} do not fit one another: they would have phase states miss their grid by ${Math.round((180 / Math.PI) * Math.sqrt(spread))}° RMS`,
    {
      wayOut:
        'See that probe and receiver stand still, and take more readings: of so few nothing is left over to tell what moved.',
    },
  );

function causeText(misfit: Misfit, elements: readonly number[]): string {
  switch (misfit.kind) {
    case 'element':
      return `element ${elements[misfit.element]} answers differently at times`;
    case 'moved':
      return `what is heard of most elements changed at about reading ${misfit.reading} of its settings: the probe moved, or what reflects`;
    case 'unknown':
      return 'something moved or changed all the time: the probe, what reflects, several elements, or a receiver at its limit';
  }
}

function meanSquare({ re, im }: { re: Float64Array; im: Float64Array }): number {
  let sum = 0;
  for (let i = 0; i < re.length; i++) sum += re[i] ** 2 + im[i] ** 2;
  return sum / re.length;
}
