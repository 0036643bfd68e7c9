/** Whether readings are what an array that stands still in front of a probe that stands still would give. */
import type { StateEstimate } from '../../calibration/estimate-states.ts';
import type { CalibrationMethod } from '../../calibration/method.ts';
import { BeamrigError } from '../../core/errors/beamrig-error.ts';

/** What states and drift leave over of the readings, in powers of their noise: about 1 where all is explained, a little above where drift is not all of a line. */
const MOST_UNEXPLAINED = 3;
/** States whose power is not so many times what the readings leave of their variance are not known: to 20° RMS, about. */
const LEAST_CERTAINTY = 4;

/**
 * @param chains σ² of a reading from one setting that was read repeatedly
 * @throws {BeamrigError} 'calibration' where nothing was heard, or more changed than noise and drift explain
 */
export function requireExplained(
  chains: readonly { estimate: StateEstimate; noise: number }[],
  { hears, needsReference = false }: Pick<CalibrationMethod, 'hears' | 'needsReference'>,
): void {
  chains.forEach(({ estimate: { states, residual, variance }, noise }, m) => {
    if (!(meanSquare(states) > LEAST_CERTAINTY * variance)) {
      throw new BeamrigError('calibration', `RF chain ${m} is not heard: the readings leave its states unknown`, {
        wayOut:
          'See that the probe listens (calibration.probe.receiver) and that the chain radiates; where it is only weak, take more --readings or --pilots.',
      });
    }
    if (hears !== 'complex' && !needsReference) return;
    const left = meanSquare(residual) / noise;
    if (left <= MOST_UNEXPLAINED) return;
    throw new BeamrigError(
      'calibration',
      `the readings of RF chain ${m} do not fit one another: ${Number(left.toPrecision(2))} times their noise is not explained by any states of its elements`,
      {
        wayOut:
          'Something moved or changed: the probe, what reflects, an element that answers differently twice, or a receiver at its limit. Mend it and measure again.',
      },
    );
  });
}

function meanSquare({ re, im }: { re: Float64Array; im: Float64Array }): number {
  let sum = 0;
  for (let i = 0; i < re.length; i++) sum += re[i] ** 2 + im[i] ** 2;
  return sum / re.length;
}
