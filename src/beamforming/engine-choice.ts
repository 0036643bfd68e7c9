/**
 * Which engine runs a model: the compiled one wherever all ops are known and it computes what onnxruntime computes, which is tried on a few
 * channels when a file is first opened. What came of it is kept by checksum and version of the compiler.
 */
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { readBoundedFile } from '../../core/files/bounded-file.ts';
import { cacheFolder } from '../../core/files/cache-folder.ts';
import { makeFolders } from '../../core/files/make-folders.ts';
import { writeWholeFile } from '../../core/files/whole-file.ts';
import { isBeamrigError } from '../../core/errors/beamrig-error.ts';
import { COMPILER_VERSION, compileModel } from '../../models/engine/compile.ts';
import type { Engine, EngineChoice } from '../../models/engine/engines.ts';
import { startModelSession, type ModelSession } from './model-session.ts';
import type { TensorPlan } from './onnx-process.ts';

export interface ChosenEngine {
  readonly session: ModelSession;
  readonly engine: Engine;
  /** Why onnxruntime runs it where the compiled engine would have been taken. */
  readonly engineReason?: string;
  /** It was compiled, and did not compute the same. */
  readonly enginesDiffer?: true;
}

export interface ToChoose {
  /** What to call it in messages. */
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly sha256: string;
  readonly plan: TensorPlan;
  /** Flat inputs to compare the engines on. */
  readonly samples: readonly Float32Array[];
  /** What the beam of an answer to a sample is worth, bit/s/Hz. @throws {BeamrigError} where the answer is no beam */
  readonly worth: (sample: number, answer: Float32Array) => number;
  readonly choice: EngineChoice;
  readonly deadlineMs: number;
  /** What a person can do about a model that is too slow; default: that of a rig. */
  readonly slowWayOut?: string | undefined;
  /** beamrig has built the graph itself: the engines are not compared, for many steps in float32 end apart by roundings alone. Default: false. */
  readonly ownGraph?: boolean;
  /** A compiled model runs in this thread. Default: false. */
  readonly here?: boolean;
}

/**
 * Opens a model on the engine that is asked for.
 * @throws {BeamrigError} 'model-engine' where it is to be compiled and cannot be; as `startModelSession` does
 */
export async function openOnEngine(request: ToChoose): Promise<ChosenEngine> {
  const { choice, sha256 } = request;
  if (choice !== 'auto') return { session: await open(request, choice), engine: choice };
  if (request.ownGraph === true) return openOwnGraph(request);
  const known = readVerdicts()[verdictKey(sha256)];
  if (known !== undefined) {
    try {
      return { ...known, session: await open(request, known.engine) };
    } catch (error) {
      // What was kept is wrong of this file: they are compared again.
      if (!isBeamrigError(error) || error.code !== 'model-engine') throw error;
    }
  }
  const { chosen, holds } = await compare(request);
  if (holds) keepVerdict(sha256, chosen);
  chosen.session.setDeadline(request.deadlineMs);
  return chosen;
}

/** What would run a model, as far as can be said without running it: one that was never opened is not compared yet. */
export function engineOf({ bytes, sha256 }: Pick<ToChoose, 'bytes' | 'sha256'>): Verdict & { compared: boolean } {
  const known = readVerdicts()[verdictKey(sha256)];
  if (known !== undefined) return { ...known, compared: true };
  try {
    compileModel(bytes);
    return { engine: 'compiled', compared: false };
  } catch (error) {
    const engineReason = `it has ${error instanceof Error ? error.message : String(error)}`;
    return { engine: 'onnxruntime', engineReason, compared: false };
  }
}

async function openOwnGraph(request: ToChoose): Promise<ChosenEngine> {
  try {
    return { session: await open(request, 'compiled'), engine: 'compiled' };
  } catch (error) {
    if (!isBeamrigError(error) || error.code !== 'model-engine') throw error;
    return { session: await open(request, 'onnxruntime'), engine: 'onnxruntime', engineReason: reasonOf(error) };
  }
}

async function open(
  { name, bytes, plan, deadlineMs, slowWayOut, here = false }: ToChoose,
  engine: Engine,
  withinMs: number = deadlineMs,
): Promise<ModelSession> {
  const session = await startModelSession(name, bytes, { engine, deadlineMs: withinMs, slowWayOut, here });
  session.plan(plan);
  return session;
}

/** Longest for a beam while they are compared: no loop waits for it, and a deadline that only one of them meets says nothing of the other. */
const COMPARING_MS = 10_000;

/**
 * Opens both, and closes the one that is not taken.
 * @returns holds: it is so of this file always, and not only of this hour, in which a busy machine may have been too slow
 */
async function compare(request: ToChoose): Promise<{ chosen: ChosenEngine; holds: boolean }> {
  const [compiled, judge] = await Promise.allSettled([
    open(request, 'compiled', COMPARING_MS),
    open(request, 'onnxruntime', COMPARING_MS),
  ]);
  if (judge.status === 'rejected') {
    if (compiled.status === 'fulfilled') await compiled.value.close();
    throw judge.reason;
  }
  const { value: session } = judge;
  if (compiled.status === 'rejected') {
    const reason: unknown = compiled.reason;
    const holds = isBeamrigError(reason) && reason.code === 'model-engine';
    return { chosen: { session, engine: 'onnxruntime', engineReason: reasonOf(reason) }, holds };
  }
  let difference: string | undefined;
  try {
    difference = await differenceBetween(compiled.value, session, request);
  } catch (error) {
    await compiled.value.close();
    const engineReason = `it could not be compared with what is compiled: ${error instanceof Error ? error.message : String(error)}`;
    return { chosen: { session, engine: 'onnxruntime', engineReason }, holds: false };
  }
  if (difference === undefined) {
    await session.close();
    return { chosen: { session: compiled.value, engine: 'compiled' }, holds: true };
  }
  await compiled.value.close();
  return { chosen: { session, engine: 'onnxruntime', engineReason: difference, enginesDiffer: true }, holds: true };
}

/** What the file has that is not compiled, or whatever else was in the way. */
function reasonOf(error: unknown): string {
  if (!isBeamrigError(error)) return String(error);
  return error.code === 'model-engine' && typeof error.cause === 'string' ? `it has ${error.cause}` : error.message;
}

/**
 * Largest difference of a channel, in the median of the channels: of phases in radians, of digital weights in parts of the largest. A few
 * channels in a hundred are chaotic, so that two engines in float32 agree on them no better than two runs of one would after a rounding.
 */
const TOLERANCE = 1e-3;

/** Networks of thousands of steps are chaotic on most channels: of these the beams must be worth the same, in parts of what they are worth. */
const WORTH_TOLERANCE = 5e-3;

/** Undefined where they compute the same. @throws {BeamrigError} where one of them gives no answer */
async function differenceBetween(
  compiled: ModelSession,
  judge: ModelSession,
  { samples, plan, worth }: ToChoose,
): Promise<string | undefined> {
  const differences: { phase: number; digital: number; worth: number }[] = [];
  for (const [index, sample] of samples.entries()) {
    const [own, expected] = await Promise.all([compiled.run(sample), judge.run(sample)]);
    differences.push({ ...differenceOf(own, expected, plan), worth: worthDifference(index, own, expected, worth) });
  }
  const median = (of: (each: (typeof differences)[number]) => number): number =>
    differences.map(of).sort((a, b) => a - b)[differences.length >> 1];
  const [phase, digital] = [median((each) => each.phase), median((each) => each.digital)];
  if ((phase <= TOLERANCE && digital <= TOLERANCE) || median((each) => each.worth) <= WORTH_TOLERANCE) return undefined;
  return `compiled, its phases differ from those of onnxruntime by ${phase.toPrecision(2)} rad and its digital weights by ${digital.toPrecision(2)} of the largest, in the median of ${samples.length} channels`;
}

/** In parts of what the beam that is expected is worth; infinite where one of them is no beam. */
function worthDifference(index: number, own: Float32Array, expected: Float32Array, worth: ToChoose['worth']): number {
  try {
    const expectedWorth = worth(index, expected);
    return Math.abs(worth(index, own) - expectedWorth) / Math.abs(expectedWorth);
  } catch (error) {
    if (isBeamrigError(error)) return Infinity;
    throw error;
  }
}

function differenceOf(own: Float32Array, expected: Float32Array, { outputs }: TensorPlan): { phase: number; digital: number } {
  const phases = outputs[0].shape.reduce((product, length) => product * length, 1);
  let phase = 0;
  let digital = 0;
  let largest = 0;
  for (let i = 0; i < expected.length; i++) {
    // Where neither gives a number they agree, and whoever wants a beam of it is told.
    const difference = Object.is(own[i], expected[i]) ? 0 : own[i] - expected[i];
    // Math.max keeps what is no number, and nothing is within a tolerance then.
    if (i < phases) phase = Math.max(phase, Math.abs(Math.atan2(Math.sin(difference), Math.cos(difference))));
    else {
      digital = Math.max(digital, Math.abs(difference));
      largest = Math.max(largest, Math.abs(expected[i]));
    }
  }
  return { phase, digital: digital / largest };
}

type Verdict = Omit<ChosenEngine, 'session'>;

const verdictsSchema = z.record(
  z.string(),
  z.strictObject({
    engine: z.enum(['compiled', 'onnxruntime']),
    engineReason: z.string().optional(),
    enginesDiffer: z.literal(true).optional(),
  }),
);

const verdictKey = (sha256: string): string => `${COMPILER_VERSION} ${sha256}`;
const verdictsPath = (): string => join(cacheFolder(), 'engines.json');
const LARGEST_CACHE = 2_000_000;
/** The oldest go first. */
const MOST_VERDICTS = 1000;

function readVerdicts(): Record<string, Verdict> {
  try {
    const read = readBoundedFile(verdictsPath(), { maxBytes: LARGEST_CACHE, pipes: 'refuse' });
    const verdicts = verdictsSchema.safeParse(read.ok ? JSON.parse(read.bytes.toString('utf8')) : undefined);
    return verdicts.success ? (verdicts.data as Record<string, Verdict>) : {};
  } catch {
    return {}; // damaged: the engines are compared again
  }
}

function keepVerdict(sha256: string, { session: _session, ...verdict }: ChosenEngine): void {
  const verdicts = Object.entries(readVerdicts()).slice(-MOST_VERDICTS);
  const all = { ...Object.fromEntries(verdicts), [verdictKey(sha256)]: verdict };
  const path = verdictsPath();
  try {
    makeFolders(dirname(path));
    writeWholeFile(path, JSON.stringify(all), `${path}.${process.pid}`);
  } catch {
    // A home that cannot be written: they are compared again the next time.
  }
}
