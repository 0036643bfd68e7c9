/**
 * A method's runs, a step at a time, wherever they take place. Working out states takes seconds, so that a measurement has it done in a thread: whoever wants
 * to stop it is heard meanwhile, and ends the thread whatever it does.
 *
 *   chain, setup ─► method-thread.ts: the method's generator ─► plan ─► what was heard ─► next plan … ─► states
 */
import type { StateEstimate } from '../../calibration/estimate-states.ts';
import type { CalibrationMethod, MethodSetup, Readings } from '../../calibration/method.ts';
import type { ReadingPlan } from '../../calibration/reading-plan.ts';
import type { Clock } from '../../core/clock/clock.ts';
import { BeamrigError, type ErrorCode } from '../../core/errors/beamrig-error.ts';
import { createRandom, type Random } from '../../core/signal/random.ts';
import { startComputing } from '../../models/engine/parallel-threads.ts';

/** Of one chain; what is drawn for it follows from the seed of the measurement. */
export type ChainSetup = Omit<MethodSetup, 'random'>;

export type MethodStep = IteratorResult<ReadingPlan, StateEstimate>;

export interface SteppedRun {
  /** @param heard of the plan before; absent: to begin */
  next(heard?: Readings): Promise<MethodStep>;
}

export type BeginRun = (chain: number, setup: ChainSetup) => SteppedRun;

/** What is drawn for a measurement, and for one chain of it. */
export const drawnFor = (seed: number): Random => createRandom(seed).stream('calibration');
export const drawnForChain = (random: Random, chain: number): Random => random.stream(`chain ${chain}`);

export const runsHere =
  (method: CalibrationMethod, random: Random): BeginRun =>
  (chain, setup) => {
    const run = method.run({ ...setup, random: drawnForChain(random, chain) });
    // What it throws is a rejection.
    return {
      next: (heard) => new Promise((resolve) => void resolve(heard === undefined ? run.next() : run.next(heard))),
    };
  };

/** What the thread finds as it begins. */
export interface MethodThreadData {
  readonly method: string;
  /** Carried out by power, against a reference. */
  readonly againstReference: boolean;
  readonly seed: number;
}

export type ToMethodThread = { readonly chain: number } & ({ readonly setup: ChainSetup } | { readonly heard: Readings });

export type FromMethodThread =
  { readonly step: MethodStep } | { readonly refusal: { code: ErrorCode; message: string; wayOut: string | undefined } };

export interface MethodThread {
  readonly begin: BeginRun;
  end(): Promise<void>;
}

export function startMethodThread(
  { method, seed }: { method: CalibrationMethod; seed: number },
  { clock, stop, beforeSolving }: { clock: Clock; stop: AbortSignal; beforeSolving: () => Promise<void> },
): MethodThread {
  const data: MethodThreadData = { method: method.name, againstReference: method.needsReference === true, seed };
  const thread = startComputing(import.meta.url, 'method-thread', data);
  const end = (): void => void thread.end();
  stop.addEventListener('abort', end, { once: true });
  const ask = async (question: ToMethodThread): Promise<MethodStep> => {
    requireWanted(stop);
    const answer = (await clock.during(thread.ask(question)).catch((error: unknown) => {
      requireWanted(stop); // ended because of that, and not by itself
      throw error;
    })) as FromMethodThread;
    requireWanted(stop);
    if ('step' in answer) return answer.step;
    const { code, message, wayOut } = answer.refusal;
    throw new BeamrigError(code, message, wayOut === undefined ? {} : { wayOut });
  };
  return {
    begin: (chain, setup) => ({
      async next(heard) {
        if (heard === undefined) return ask({ chain, setup });
        await beforeSolving();
        return ask({ chain, heard });
      },
    }),
    async end() {
      stop.removeEventListener('abort', end);
      await clock.during(thread.end());
    },
  };
}

/** @throws {BeamrigError} 'stopped' */
export function requireWanted(stop: AbortSignal): void {
  if (stop.aborted) throw new BeamrigError('stopped', 'the measurement was stopped');
}
