/**
 * The one language in which beams are asked for and given: models, baselines, the quantiser, evaluation, the control loop and the reports all
 * speak it, so that a figure printed by one of them is what another radiates.
 *
 *   Problem ─► beamformer ─► Beam ─► realiseBeam (realise-beam.ts): words by a Quantiser, D by an Objective ─► RealisedBeam
 *
 * The signal: y = H·A·D·s + n, with H of K×N (rows h_kᴴ), A of N×M (unit modulus, or as the hardware shows it), D of M×K, E[s·sᴴ] = I, and
 * n of variance σ² at every user. ‖A·D‖²_F = P.
 */
import type { CMatrix } from './complex-matrix.ts';
import type { MetricValues } from './metrics.ts';
import type { ElementStates } from './quantise.ts';
import type { Sensing } from './sensing.ts';
import type { SpanSurrogate } from './span-surrogate.ts';

/** What a beam is asked for. */
export interface Problem {
  /** H, K×N, rows h_kᴴ: what the controller believes the users hear. Users of several antennas have their rows one after another. */
  readonly channel: CMatrix;
  /** M */
  readonly rfChains: number;
  /** P, linear, > 0. */
  readonly power: number;
  /** σ² at a user, linear, > 0. */
  readonly noise: number;
  /** N·M of 0/1, entry (n, m) at n·M + m; absent: every RF chain reaches every element. */
  readonly connection?: Uint8Array;
  /** The covariance of the radiated signal that sensing wishes for, and what missing it costs (paper 000). */
  readonly sensing?: Sensing;
  /** Antennas of a user; default 1 (papers 002, 004). */
  readonly userAntennas?: number;
}

/** What a beamformer gives: phases as it wishes them, and digital weights for an array that shows just these. */
export interface Beam {
  /** φ, radians, N·M row-major, any number of turns; 0 where nothing is connected. A = exp(jφ). */
  readonly analogPhase: Float64Array;
  /** D, M×K. */
  readonly digital: CMatrix;
  /** Phases and weights of the users' own combiners, where they have some (paper 002). */
  readonly userPhase?: Float64Array;
  readonly userDigital?: CMatrix;
  /** ‖A·D‖²_F / P as the beamformer gave it, where it was measured; D is scaled to full power since. */
  readonly powerRatio?: number;
  /**
   * A beam that somebody chose, which nobody is to make better. 'phases': each element shows the state nearest in phase, and D is scaled to full power
   * and nothing else. Words: these very states, and D at the power that it has.
   */
  readonly asGiven?: 'phases' | GivenWords;
}

/** Words of a beam that was chosen before, at their own Q. */
export interface GivenWords {
  readonly bits: number;
  /** N·M, word (n, m) at n·M + m. */
  readonly words: Uint16Array;
  /** N·M of 0/1: places that are off radiate nothing. Absent: all are on. */
  readonly enabled?: Uint8Array;
  /** N·M, linear, 0 < a ≤ 1: what a place radiates of its full gain. Absent: all of it. */
  readonly amplitude?: Float64Array;
}

/** What is left to choose when the phases stand. */
export type Digital = Pick<Beam, 'digital' | 'userDigital'>;

export interface Score {
  /** Larger is better; the unit is the objective's own. */
  readonly value: number;
  /** By the names that metrics.ts declares: what does not follow from the SINR of the users. Others are shown by nobody. */
  readonly metrics: MetricValues;
}

/** The array as its phase words set it, for one problem. */
export interface SetArray {
  /** A, N×M, as the hardware shows it. */
  readonly analog: CMatrix;
  /** H' and A' that no D can tell from H and A, smaller where that can be had: gains and power are the same (equivalent-array.ts). */
  readonly equivalent: { readonly channel: CMatrix; readonly analog: CMatrix };
  readonly userPhase?: Float64Array;
}

/** What beams are good for. */
export interface Objective {
  readonly name: string;
  /** The objective for one setting of the phases: what D does not change is worked out once. */
  at(problem: Problem, array: SetArray): ObjectiveAt;
  /** What the array quantiser sweeps by; absent: it has none for this objective yet, and says so. */
  readonly surrogate?: (problem: Problem) => SpanSurrogate;
}

export interface ObjectiveAt {
  /**
   * The best digital part that the objective knows, ‖A·D‖²_F = P.
   * @param near a digital part at full power that may be a good start, as the beamformer's own
   */
  resolve(near?: Digital): Digital;
  score(digital: Digital): Score;
}

/** What each element can show: the ideal 2^Q phases, or measured states. */
export interface ArrayStates {
  /** Q, 1 … 16 */
  readonly bits: number;
  /** Measured states of the place n·M + m; absent: evenly spaced ones. */
  readonly of?: (place: number) => ElementStates;
}

export type Quantiser = (problem: Problem, beam: Beam, states: ArrayStates, objective: Objective) => ChosenWords;

export interface ChosenWords {
  /** N·M, word (n, m) at n·M + m; those of missing connections are 0. */
  readonly words: Uint16Array;
  /** What they have more than the nearest words, by the objective with D solved again for both; absent where nobody compared them. */
  readonly gain?: number;
  /** Of these words, where it was made to compare them, so that it is not made again. */
  readonly choice?: DigitalChoice;
}

/** The D that is taken for an array as set. */
export interface DigitalChoice {
  readonly analog: CMatrix;
  readonly equivalent: SetArray['equivalent'];
  readonly digital: Digital;
  readonly digitalFrom: RealisedBeam['digitalFrom'];
  readonly score: Score;
}

/** The same as matrices, X = A·D. */
export interface HybridPrecoder {
  /** A, N×M, unit modulus where connected, or as the hardware shows it. */
  readonly analog: CMatrix;
  /** D, M×K, ‖A·D‖²_F = P. */
  readonly digital: CMatrix;
}

/** A beam as the hardware can show it, with what is expected of it. */
export interface RealisedBeam extends HybridPrecoder, Digital {
  readonly words: Uint16Array;
  /** Whose D it is: the beamformer's own, scaled to the power of the array as set, or the objective's. */
  readonly digitalFrom: 'beamformer' | 'objective';
  readonly score: Score;
  /** Of the objective's score, and of the SINR. */
  readonly metrics: MetricValues;
  /** Linear, one a user. */
  readonly sinr: Float64Array;
  /** bit/s/Hz */
  readonly sumRate: number;
}

/** A beamformer computes in its own time, in this process or another; one with several timescales keeps what it has learned to itself. */
export type ComputeBeam = (problem: Problem) => Beam | Promise<Beam>;
