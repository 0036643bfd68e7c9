/**
 * Which engine runs a model: the compiled one wherever all ops are known and it computes what onnxruntime computes, which is tried on a few
 * channels when a file is first opened. What came of it is kept by checksum and version of the compiler.
 */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { isBeamrigError } from '../../core/errors/beamrig-error.ts';
import { COMPILER_VERSION } from '../../models/engine/compile.ts';
import { startModelSession, type Engine, type ModelSession } from './model-session.ts';
import type { TensorPlan } from './onnx-process.ts';

export const ENGINE_CHOICES = ['auto', 'compiled', 'onnxruntime'] as const;
export type EngineChoice = (typeof ENGINE_CHOICES)[number];

export interface ChosenEngine {
  readonly session: ModelSession;
  readonly engine: Engine;
  /** Why it is not the compiled one, where that was asked for first: the end of 'onnxruntime runs it: …'. */
  readonly why?: string;
}

export interface ToChoose {
  /** What to call it in messages. */
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly sha256: string;
  readonly plan: TensorPlan;
  /** Flat inputs to compare the engines on. */
  readonly samples: readonly Float32Array[];
  readonly choice: EngineChoice;
  readonly deadlineMs: number;
}

/**
 * Opens a model on the engine that is asked for.
 * @throws {BeamrigError} 'model-engine' where it is to be compiled and cannot be; as `startModelSession` does
 */
export async function openOnEngine(request: ToChoose): Promise<ChosenEngine> {
  const { choice, sha256 } = request;
  if (choice !== 'auto') return { session: await open(request, choice), engine: choice };
  const known = readVerdicts()[verdictKey(sha256)];
  if (known?.engine === 'onnxruntime') return { session: await open(request, 'onnxruntime'), ...known };
  if (known?.engine === 'compiled') return { session: await open(request, 'compiled'), engine: 'compiled' };
  const chosen = await compare(request);
  keepVerdict(sha256, chosen);
  return chosen;
}

async function open({ name, bytes, plan, deadlineMs }: ToChoose, engine: Engine): Promise<ModelSession> {
  const session = await startModelSession(name, bytes, { engine, deadlineMs });
  session.plan(plan);
  return session;
}

/** Opens both, and closes the one that is not taken. */
async function compare(request: ToChoose): Promise<ChosenEngine> {
  const [compiled, judge] = await Promise.allSettled([open(request, 'compiled'), open(request, 'onnxruntime')]);
  if (judge.status === 'rejected') {
    if (compiled.status === 'fulfilled') await compiled.value.close();
    throw judge.reason;
  }
  const onnxruntime = (why: string): ChosenEngine => ({ session: judge.value, engine: 'onnxruntime', why });
  if (compiled.status === 'rejected') {
    const reason: unknown = compiled.reason;
    return onnxruntime(isBeamrigError(reason) ? reason.message : String(reason));
  }
  const why = await whyNot(compiled.value, judge.value, request);
  if (why === undefined) {
    await judge.value.close();
    return { session: compiled.value, engine: 'compiled' };
  }
  await compiled.value.close();
  return onnxruntime(why);
}

/**
 * Largest difference of a channel, in the median of the channels: of phases in radians, of digital weights in parts of the largest. A few
 * channels in a hundred are chaotic, so that two engines in float32 agree on them no better than two runs of one would after a rounding.
 */
const TOLERANCE = 1e-3;

async function whyNot(compiled: ModelSession, judge: ModelSession, { samples, plan }: ToChoose): Promise<string | undefined> {
  const differences: { phase: number; digital: number }[] = [];
  try {
    for (const sample of samples) {
      const [own, expected] = await Promise.all([compiled.run(sample), judge.run(sample)]);
      differences.push(differenceOf(own, expected, plan));
    }
  } catch (error) {
    return `the two could not be compared (${error instanceof Error ? error.message : String(error)})`;
  }
  const median = (of: (each: (typeof differences)[number]) => number): number =>
    differences.map(of).sort((a, b) => a - b)[differences.length >> 1];
  const [phase, digital] = [median((each) => each.phase), median((each) => each.digital)];
  if (phase <= TOLERANCE && digital <= TOLERANCE) return undefined;
  return `compiled, its phases differ by ${phase.toPrecision(2)} rad and its digital weights by ${digital.toPrecision(2)} of the largest, in the median of ${samples.length} channels`;
}

function differenceOf(own: Float32Array, expected: Float32Array, { outputs }: TensorPlan): { phase: number; digital: number } {
  const phases = outputs[0].shape.reduce((product, length) => product * length, 1);
  let phase = 0;
  let digital = 0;
  let largest = 0;
  for (let i = 0; i < expected.length; i++) {
    const difference = own[i] - expected[i];
    // Math.max keeps what is no number, and nothing is within a tolerance then.
    if (i < phases) phase = Math.max(phase, Math.abs(Math.atan2(Math.sin(difference), Math.cos(difference))));
    else {
      digital = Math.max(digital, Math.abs(difference));
      largest = Math.max(largest, Math.abs(expected[i]));
    }
  }
  return { phase, digital: digital / largest };
}

type Verdict = Pick<ChosenEngine, 'engine' | 'why'>;

const verdictKey = (sha256: string): string => `${COMPILER_VERSION} ${sha256}`;
const verdictsPath = (): string => join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'beamrig', 'engines.json');
/** The oldest go first. */
const MOST_VERDICTS = 1000;

function readVerdicts(): Record<string, Verdict> {
  try {
    const found: unknown = JSON.parse(readFileSync(verdictsPath(), 'utf8'));
    return typeof found === 'object' && found !== null ? (found as Record<string, Verdict>) : {};
  } catch {
    return {}; // none yet, or damaged: the engines are compared again
  }
}

function keepVerdict(sha256: string, { engine, why }: ChosenEngine): void {
  const verdicts = Object.entries(readVerdicts()).slice(-MOST_VERDICTS);
  const all = { ...Object.fromEntries(verdicts), [verdictKey(sha256)]: { engine, ...(why === undefined ? {} : { why }) } };
  const path = verdictsPath();
  try {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(`${path}.${process.pid}`, JSON.stringify(all));
    renameSync(`${path}.${process.pid}`, path);
  } catch {
    // A home that cannot be written: they are compared again the next time.
  }
}
