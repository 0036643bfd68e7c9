/**
 * A way to measure an array: settings to show and read, and what follows from the readings. It is a generator, so that one whose later settings depend on
 * earlier readings looks like any other, and one that was interrupted is brought to where it stood by the readings that were kept.
 *
 *   plan ─► shown and read ─► readings ─► next plan … ─► the states
 *
 * One runs for each RF chain, in step: a panel reports of all chains at once. The same setup gives the same plans whatever is read, in number and length.
 */
import type { CMatrix } from '../core/signal/complex-matrix.ts';
import type { Random } from '../core/signal/random.ts';
import type { StateEstimate } from './estimate-states.ts';
import type { ReadingPlan } from './reading-plan.ts';

export interface MethodSetup {
  /** N, elements of the chain. */
  readonly elements: number;
  /** Q */
  readonly phaseBits: number;
  /** Whether elements can be switched off; a method that does not need it may use it. */
  readonly elementEnable: boolean;
  /** Of what is drawn: orders, who is off. */
  readonly random: Random;
  /** About how many readings may be taken; absent: as many as the method likes best. It takes the nearest number that it can, at least what it needs. */
  readonly readings?: number | undefined;
  /** σ² of a complex reading where it is known. */
  readonly noise?: number | undefined;
  /** Whether what drifts is looked for. */
  readonly drift?: boolean | undefined;
}

/** Of a reading: what is heard of the chain, or only how strongly. */
export type Hears = 'complex' | 'power';

/** R×1; of powers the real part. NaN: left out, which methods bear that hear complex values. */
export type Readings = CMatrix;

export type MethodRun = Generator<ReadingPlan, StateEstimate, Readings>;

export interface CalibrationMethod {
  readonly name: string;
  /** In one line, for lists. */
  readonly about: string;
  readonly source: string;
  readonly hears: Hears;
  /** Whether elements must be switched off. */
  readonly needsElementEnable: boolean;
  /** Whether a field must be added at the receiver that plans turn by quarters; default: no. */
  readonly needsReference?: boolean;
  /** Whether it hears what an element shows in all of its states alike: else one that is stuck looks as one that is dead. */
  hearsConstants(setup: Pick<MethodSetup, 'elementEnable'>): boolean;
  /** Whether anything of it is drawn; default: all of it follows from the array. */
  readonly draws?: boolean;
  /** Fewer elements, or bits of their states, it cannot tell apart; absent: it takes any. */
  readonly least?: { readonly elements: number; readonly phaseBits: number };
  /** What is known in the end: of each element its offset, or all of its states. */
  readonly finds: 'offsets' | 'states';
  /** How many readings it takes of a setup. */
  readings(setup: MethodSetup): number;
  run(setup: MethodSetup): MethodRun;
}
