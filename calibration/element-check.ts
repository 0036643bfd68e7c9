/**
 * What a few readings say of one element, while all the others go on showing what they show: as told, turned by half a turn, and switched off.
 *
 *   r − r' = p_n·(c[w] − c[w + half])     nothing where it is dead, and where it is stuck
 *   r − r" = p_n·c[w]                     nothing where it is dead
 *
 * Powers are beside what is expected by its states, and that beside the median of the elements read so far: receiver and path have gains of their own.
 */
import type { CMatrix } from '../core/signal/complex-matrix.ts';
import { DEAD_SHARE, STUCK_SHARE, WEAK_SHARE, type ElementFlaw } from './element-health.ts';

/** M×1 each: what the receiver hears of every chain. */
export interface ElementReadings {
  asTold: CMatrix;
  turned: CMatrix;
  /** Absent where elements cannot be switched off. */
  off?: CMatrix | undefined;
}

/** M×1 each: of the element alone, by its states and the path from it. */
export interface ExpectedOfElement {
  asTold: CMatrix;
  turned: CMatrix;
}

export interface ElementCheck {
  /** Σ|r − r'|² and Σ|r − r"|² beside what is expected. */
  turnPower: number;
  offPower: number | undefined;
  /** Σ (r − r')·conj(what is expected): its phase is by what the element is off, beside the receiver's own. */
  turnRe: number;
  turnIm: number;
}

export function checkElement(readings: ElementReadings, expected: ExpectedOfElement): ElementCheck {
  const { asTold, turned, off } = readings;
  let power = 0;
  let offPower = 0;
  let expectedPower = 0;
  let expectedOffPower = 0;
  let turnRe = 0;
  let turnIm = 0;
  for (let m = 0; m < asTold.rows; m++) {
    const [re, im] = [asTold.re[m] - turned.re[m], asTold.im[m] - turned.im[m]];
    const expectedRe = expected.asTold.re[m] - expected.turned.re[m];
    const expectedIm = expected.asTold.im[m] - expected.turned.im[m];
    power += re * re + im * im;
    expectedPower += expectedRe * expectedRe + expectedIm * expectedIm;
    expectedOffPower += expected.asTold.re[m] ** 2 + expected.asTold.im[m] ** 2;
    turnRe += re * expectedRe + im * expectedIm;
    turnIm += im * expectedRe - re * expectedIm;
    if (off !== undefined) offPower += (asTold.re[m] - off.re[m]) ** 2 + (asTold.im[m] - off.im[m]) ** 2;
  }
  return {
    turnPower: power / expectedPower,
    offPower: off === undefined ? undefined : offPower / expectedOffPower,
    ...{ turnRe, turnIm },
  };
}

/** @param usual median of turnPower over the elements that were read */
export function flawOf({ turnPower, offPower }: ElementCheck, usual: number): ElementFlaw | undefined {
  if (offPower === undefined) {
    if (turnPower < DEAD_SHARE * usual) return 'dead-or-stuck';
  } else {
    if (offPower < DEAD_SHARE * usual) return 'dead';
    if (turnPower < STUCK_SHARE * offPower) return 'stuck';
  }
  return turnPower < WEAK_SHARE * usual ? 'weak' : undefined;
}
