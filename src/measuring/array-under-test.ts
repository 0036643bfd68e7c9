/** An array whose states are measured, and what is found of its chains. */
import type { StateEstimate } from '../../calibration/estimate-states.ts';

export interface ArrayUnderTest {
  /** N, M, Q */
  readonly elements: number;
  readonly rfChains: number;
  readonly phaseBits: number;
  /** N·M of 0/1; absent: every chain reaches every element. */
  readonly connection?: Uint8Array | undefined;
  /** Whether its elements can be switched off. */
  readonly elementEnable: boolean;
}

export interface MeasuredChain {
  readonly elements: readonly number[];
  readonly estimate: StateEstimate;
  /** σ² of a reading. */
  readonly noise: number;
  /** Readings at the receiver's full scale, which were left out. */
  readonly saturated: number;
}

/** The elements of each chain. */
export function chainsOf({ elements, rfChains, connection }: ArrayUnderTest): number[][] {
  return Array.from({ length: rfChains }, (_, m) =>
    Array.from({ length: elements }, (_, n) => n).filter((n) => connection === undefined || connection[n * rfChains + m] !== 0),
  );
}
