/**
 * A method that hears complex values, carried out with a receiver that hears power alone: every setting is read twice, against a field r that stays the same
 * and is turned by a quarter in between.
 *
 *   P_k = |y + j^k·r|²,  k = 0, 1        y = X·c, what the complex method would hear
 *
 * Two circles, which meet twice: where r is stronger than y it is clear which point y is. From there by Gauss-Newton steps on the amplitudes, in which each of
 * the two tells of y what lies along the field that was heard:
 *
 *   y ← ŷ + Σ_k u_k·(√P_k − |ŷ + j^k·r|),  u_k = (ŷ + j^k·r)/|ŷ + j^k·r|,  ŷ = X·ĉ
 *
 * Its fixed point is the most probable state given both amplitudes, whatever the angle between u_0 and u_1. So two readings of power are worth one complex
 * reading. |r| comes from readings of it alone.
 *
 * Source: phase-shifting interferometry, D. Malacara (ed.), Optical Shop Testing, 3rd ed., ch. 14, and the Gerchberg-Saxton step of phase retrieval,
 * R. W. Gerchberg and W. O. Saxton, Optik 35 (1972) 237-246.
 */
import { BeamrigError } from '../core/errors/beamrig-error.ts';
import type { CMatrix } from '../core/signal/complex-matrix.ts';
import { subtract, zeros } from '../core/signal/complex-matrix.ts';
import type { CalibrationMethod, MethodRun, MethodSetup, Readings } from './method.ts';
import { planOf, type ReadingPlan, shownIn } from './reading-plan.ts';

/** Of the reference alone. */
export const REFERENCE_READINGS = 16;
const TURNS = 2;
const STEPS = 5;
/**
 * σ² as the first states take it, in |r|²: where the reference is not much stronger than the array the wrong point is taken now and then, and states that
 * believed such readings would explain them. Taken for so noisy they say of each element its offset alone, which is good enough to tell the points apart.
 */
const ROUGH_NOISE = 1 / 256;

/** @param method that hears complex values, all of whose settings are planned at once */
export function againstReference(method: CalibrationMethod): CalibrationMethod {
  return {
    ...method,
    hears: 'power',
    needsReference: true,
    draws: true,
    about: `${method.about}; by power alone against a reference`,
    readings: (setup) => REFERENCE_READINGS + TURNS * method.readings(halved(setup)),
    *run(setup): MethodRun {
      const [plan] = begun(method, setup);
      const powers = yield withReference(plan);
      const reference = amplitudeAlone(powers);
      let fields = firstFields(powers, plan.readings, reference);
      for (let step = 0; ; step++) {
        const rough = ROUGH_NOISE * reference ** 2;
        const [, run] = begun(method, step === 0 ? { ...setup, noise: Math.max(rough, setup.noise ?? 0) } : setup);
        const { done, value } = run.next(fields);
        if (done !== true) throw new BeamrigError('internal', `${method.name} plans again what it has heard`);
        if (step === STEPS) return value;
        fields = nextFields(powers, subtract(fields, value.residual), reference);
      }
    },
  };
}

const halved = (setup: MethodSetup): MethodSetup => ({
  ...setup,
  readings: setup.readings && Math.max(1, Math.floor((setup.readings - REFERENCE_READINGS) / TURNS)),
});

/** The same setup gives the same plan, so that readings can be given to as many runs of a method as there are steps. */
function begun(method: CalibrationMethod, setup: MethodSetup): [ReadingPlan, MethodRun] {
  const run = method.run(halved(setup));
  const { done, value } = run.next();
  if (done === true) throw new BeamrigError('internal', `${method.name} plans nothing`);
  return [value, run];
}

/** The reference alone; then each setting of the plan twice. */
function withReference(plan: ReadingPlan): ReadingPlan {
  const readings = REFERENCE_READINGS + TURNS * plan.readings;
  const both = planOf({ ...plan, readings }, (i, n) =>
    i < REFERENCE_READINGS ? undefined : shownIn(plan, Math.floor((i - REFERENCE_READINGS) / TURNS), n),
  );
  return { ...both, reference: Uint8Array.from({ length: readings }, (_, i) => (i < REFERENCE_READINGS ? 0 : i % TURNS)) };
}

/** |r|. @throws {BeamrigError} 'calibration' where none of its readings is in range */
function amplitudeAlone({ re: powers }: Readings): number {
  const heard = powers.subarray(0, REFERENCE_READINGS).filter((power) => !Number.isNaN(power));
  if (heard.length === 0) {
    throw new BeamrigError('calibration', 'the reference alone is out of what a receiver can report', {
      wayOut: 'Lower the gain of the receiver.',
    });
  }
  const mean = heard.reduce((sum, power) => sum + power, 0) / heard.length;
  return Math.sqrt(Math.max(mean, Number.MIN_VALUE));
}

/** y where the two circles meet nearer to the origin. */
function firstFields({ re: powers }: Readings, count: number, reference: number): CMatrix {
  const out = zeros(count, 1);
  for (let i = 0; i < count; i++) {
    const [inPhase, ahead] = powersOf(powers, i);
    const half = (inPhase - ahead) / (4 * reference); // of Re y − Im y
    const root = Math.max(inPhase + ahead - reference ** 2 - 4 * half ** 2, 0);
    const middle = (Math.sqrt(root) - reference) / 2; // of Re y and Im y
    out.re[i] = middle + half;
    out.im[i] = middle - half;
  }
  return out;
}

function nextFields({ re: powers }: Readings, heard: CMatrix, reference: number): CMatrix {
  const out = zeros(heard.rows, 1);
  for (let i = 0; i < heard.rows; i++) {
    const [re, im] = [heard.re[i], heard.im[i]];
    [out.re[i], out.im[i]] = [re, im];
    powersOf(powers, i).forEach((power, turn) => {
      const [withRe, withIm] = turn === 0 ? [re + reference, im] : [re, im + reference];
      const size = Math.hypot(withRe, withIm) || Number.MIN_VALUE;
      const more = (Math.sqrt(Math.max(power, 0)) - size) / size;
      out.re[i] += more * withRe;
      out.im[i] += more * withIm;
    });
  }
  return out;
}

/** Of setting i, with the reference as it is and a quarter of a turn ahead. */
function powersOf(powers: Float64Array, i: number): [number, number] {
  const at = REFERENCE_READINGS + TURNS * i;
  return [powers[at], powers[at + 1]];
}
