/** By pilots: a set of words is one slot, and gives what each user hears of every chain. The panel's unit is learned where nobody tells it. */
import { BeamrigError } from '../../../core/errors/beamrig-error.ts';
import { scale, type CMatrix } from '../../../core/signal/complex-matrix.ts';
import { glitchLimit } from '../../../core/signal/mean-without-glitches.ts';
import type { Listening, ListeningOptions, Readings } from './listening.ts';
import { createPilotNoise } from './pilot-noise.ts';
import { readSlot, type SlotReading } from './slot-reader.ts';
import { sideBySide } from './sounding-plans.ts';

/** @param given σ² of one pilot in the unit of the panel's readings; absent: learned */
export function createPilotListening({ noise, ...request }: ListeningOptions, given: number | undefined): Listening {
  const known = createPilotNoise(given);
  const inUnits = (values: CMatrix, pilots: number): Readings => {
    if (known.variance === undefined) throw new BeamrigError('internal', 'the noise of pilots is not known yet');
    return { values: scale(values, Math.sqrt(noise / known.variance)), noise: noise / pilots };
  };
  const together = (sets: readonly (readonly SlotReading[])[]): Readings => {
    const pilots = Math.min(...sets.flat().map((reading) => reading.pilots));
    const [first, second] = [0, 1].map((time) => sets.flatMap((readings) => readings.slice(time, time + 1)));
    const values = sideBySide(first.map((reading) => reading.values));
    if (second.length < first.length) return inUnits(values, pilots);
    const again = sideBySide(second.map((reading) => reading.values));
    known.learn(values, again, pilots);
    for (let i = 0; i < values.re.length; i++) {
      values.re[i] = (values.re[i] + again.re[i]) / 2;
      values.im[i] = (values.im[i] + again.im[i]) / 2;
    }
    return inUnits(values, 2 * pilots);
  };
  return {
    slotsASet: { whole: 1, through: 1 },
    readWhole: (bench, toShow) => readSlot(bench, toShow, { ...request, times: known.times }),
    readThrough: (bench, toShow) => readSlot(bench, toShow, { ...request, times: 1 }),
    glitched(sets) {
      const { users } = request;
      const limits = Array.from({ length: users }, (_, user) =>
        glitchLimit(sets.flatMap((readings) => readings.flatMap(({ values }) => powersOf(values, user)))),
      );
      return sets.map((readings) =>
        readings.some(({ values }) => limits.some((limit, user) => powersOf(values, user).some((power) => power > limit))),
      );
    },
    whole(sets) {
      const readings = together(sets);
      const { re, im } = readings.values;
      const power = re.reduce((sum, each, i) => sum + each * each + im[i] * im[i], 0) / re.length;
      return { ...readings, pilotSnr: power / readings.noise - 1 };
    },
    through: (set) => together([set]),
    doubt: () => known.doubt(),
    forget: () => known.forget(),
  };
}

/** What this user hears of each chain. Of random beams it is as powers of complex noise are, whatever the channel. */
function powersOf({ cols, re, im }: CMatrix, user: number): number[] {
  return Array.from({ length: cols }, (_, m) => re[user * cols + m] ** 2 + im[user * cols + m] ** 2);
}
