/**
 * A model of the zoo, or anyone's own ONNX file with a card, as a beamformer. Everything that could make it choose a wrong beam is checked
 * before the rig starts: checksum, card against file, card against rig; and every answer is checked to be finite before it is used.
 */
import { basename } from 'node:path';
import { BeamrigError } from '../../core/errors/beamrig-error.ts';
import { counted } from '../../core/errors/counted.ts';
import type { ModelCard, SizedCard } from '../../models/card.ts';
import { atFullPower } from '../../core/signal/full-power.ts';
import { BASELINE_NAMES } from '../../models/baselines/baselines.ts';
import { fitModel } from '../../models/fitted-model.ts';
import { modelIdOf } from '../../models/model-path.ts';
import { beamOf, flatInputs, problemTensors } from '../../models/model-tensors.ts';
import { findModel, verifyModel } from '../../models/zoo.ts';
import { requireProblem } from '../../core/signal/require-problem.ts';
import { connectionMask } from '../../core/signal/geometry.ts';
import type { Beam, Problem } from '../../core/signal/beam-contract.ts';
import type { Engine, EngineChoice } from '../../models/engine/engines.ts';
import { beamWorth } from './beam-worth.ts';
import type { Beamformer } from './beamformer.ts';
import { openOnEngine } from './engine-choice.ts';
import type { TensorPlan } from './onnx-process.ts';
import { sampleProblems } from './sample-problems.ts';

/** What a rig asks of whatever chooses its beams. */
export interface BeamformerNeeds {
  elements: number;
  rfChains: number;
  users: number;
  /** 'sub': each RF chain has its own block of elements. Default 'full'. */
  connection?: 'full' | 'sub';
  /** R, columns of the factor of what is to be sensed, where the objective weighs that; absent: the rates alone count. */
  sensingColumns?: number | undefined;
  /** Q, bits of the array's phases; absent: any phase can be shown. */
  phaseBits?: number | undefined;
}

export interface ModelOptions {
  /** Longest for one beam (Infinity: without end); a model may take as long to open, and half a minute in any case. */
  deadlineMs: number;
  /** What a person can do about a model that takes longer; default: what helps on a rig. */
  slowWayOut?: string;
  /** Default: auto. */
  engine?: EngineChoice;
  /** Budget of steps, of a model that serves every array; default: its own. */
  steps?: number | undefined;
  /** A compiled model runs in this thread, whatever the deadline: for virtual time. Default: in one of its own. */
  here?: boolean;
}

export interface ModelBeamformer extends Beamformer {
  /** With the sizes of the rig. */
  readonly card: SizedCard;
  readonly engine: Engine;
  /** Of the model's file and of its card, lower-case hex. */
  readonly sha256: string;
  readonly cardSha256: string;
}

/** Low, middle and high SNR. */
const SAMPLES = { snrsDb: [-5, 0, 5, 10, 15, 20], each: 2, stream: 'engines' };

/**
 * Opens a model, in a thread of its own where it is compiled, in a process of its own where onnxruntime runs it. One that serves every array is
 * built for the rig first.
 * @param idOrPath an id of the zoo, or the path of a model's file with its card beside it
 * @throws {BeamrigError} 'model-missing', 'model-damaged' (checksum, or not an ONNX file that runs), 'model-mismatch' (card and file, or card
 *   and rig, disagree), 'model-slow' when it does not open
 */
export async function openModel(
  idOrPath: string,
  needs: BeamformerNeeds,
  { deadlineMs, slowWayOut, engine: choice = 'auto', steps, here = false }: ModelOptions,
): Promise<ModelBeamformer> {
  const verified = verifyModel(findModel(idOrPath, BASELINE_NAMES));
  requireFitting(idOrPath, verified.card, needs);
  const {
    card,
    onnx: bytes,
    onnxSha256,
    steps: budget,
    phaseBits,
    mostPhaseBits,
  } = await fitModel(verified, { ...needs, steps });
  const connection = connectionOf(needs);
  const { elements, rfChains, users } = card.dimensions;
  const plan: TensorPlan = {
    varying: problemTensors(card),
    constant: card.connection === 'input' ? [connectionInput(needs)] : [],
    outputs: [
      { name: 'analog_phase', shape: [1, elements, rfChains] },
      { name: 'digital', shape: [1, rfChains, users, 2] },
    ],
  };
  const problems = sampleProblems(card, SAMPLES);
  const samples = problems.map((problem) => flatInputs(card, problem));
  const toBeam = (problem: Problem, answer: Float32Array): Beam => {
    const { analogPhase, digital } = beamOf(card, answer);
    const power = atFullPower(analogPhase, digital, problem.power, connection);
    if (power.powerRatio > 0 && Number.isFinite(power.powerRatio)) return { analogPhase, ...power };
    throw new BeamrigError(
      'model-damaged',
      `the model ${card.id} gave digital weights of power ${power.powerRatio}: no beam can be made of that`,
    );
  };
  const wired = connection === undefined ? {} : { connection };
  const worth = (sample: number, answer: Float32Array): number =>
    beamWorth({ ...problems[sample], ...wired }, toBeam(problems[sample], answer));
  const asked = { name: card.id, bytes, sha256: onnxSha256, ownGraph: verified.card.dimensions === 'any' };
  const { session, ...engine } = await openOnEngine({ ...asked, plan, samples, worth, choice, deadlineMs, slowWayOut, here });
  const beamformer: ModelBeamformer = {
    id: card.id,
    kind: 'model',
    title: titleFor(verified.card, needs),
    dimensions: { elements, rfChains, users },
    card,
    ...(card.sensing === undefined ? {} : { sensing: true }),
    ...(budget === undefined ? {} : { steps: budget }),
    ...(phaseBits === undefined ? {} : { phaseBits }),
    ...(mostPhaseBits === undefined ? {} : { mostPhaseBits }),
    ...engine,
    sha256: card.sha256,
    cardSha256: verified.cardSha256,
    compute: async (problem) => {
      requireProblem(problem);
      return toBeam(problem, await session.run(flatInputs(card, problem)));
    },
    close: () => session.close(),
  };
  if (engine.engine === 'compiled' && !here) {
    session.setDeadline(Math.max(RUN_IN.deadlineMs, deadlineMs));
    await runIn(beamformer, problems);
    session.setDeadline(deadlineMs);
  }
  return beamformer;
}

/** For so long at the most: a model of seconds a beam gains nothing by it. */
const RUN_IN = { turns: 4, withinMs: 2000, deadlineMs: 10_000 };

/** Its thread has run the model often enough: this is for the code on the way there and back, which has not run yet. */
async function runIn(beamformer: Beamformer, problems: readonly Problem[]): Promise<void> {
  const endMs = performance.now() + RUN_IN.withinMs;
  for (let turn = 0; turn < RUN_IN.turns; turn++) {
    for (const problem of problems) {
      if (performance.now() > endMs) return;
      // One that gives no beam says so to whoever wants one.
      await beamformer.compute(problem).catch(() => undefined);
    }
  }
}

/** Its title, and where the rig's objective weighs sensing whether the model does, or whether it chooses among the rig's words. */
export function titleFor(
  { title, sensing, mostPhaseBits = 0 }: ModelCard,
  { sensingColumns, phaseBits }: BeamformerNeeds,
): string {
  if (sensing !== undefined && sensingColumns !== undefined) return `${title}; weighs sensing`;
  if (phaseBits === undefined || phaseBits > mostPhaseBits) return title;
  return `${title}; for phases of ${counted(phaseBits, 'bit')}`;
}

/** Whether a model's card says that it fits a rig; the reason when it does not. */
export function misfit(card: ModelCard, needs: BeamformerNeeds): string | undefined {
  if (card.dimensions === 'any') {
    return needs.users > needs.rfChains
      ? `needs an RF chain for each user, and there ${needs.rfChains === 1 ? 'is' : 'are'} ${needs.rfChains} for ${needs.users}`
      : undefined;
  }
  for (const [field, name] of [
    ['elements', 'elements'],
    ['rfChains', 'RF chains'],
    ['users', 'users'],
  ] as const) {
    if (card.dimensions[field] !== needs[field]) return `is for ${card.dimensions[field]} ${name}, not ${needs[field]}`;
  }
  if (needs.connection === 'sub' && card.connection === 'full') return 'is for fully connected arrays, the rig is sub-connected';
  return undefined;
}

function requireFitting(idOrPath: string, card: ModelCard, needs: BeamformerNeeds): void {
  const reason = misfit(card, needs);
  if (reason === undefined) return;
  throw new BeamrigError('model-mismatch', `The model ${named(idOrPath, card.id)} ${reason}.`, {
    wayOut: 'Choose a model made for this rig (`beamrig models` lists their dimensions), a baseline, or train one.',
  });
}

/** Its id, and its file where that is called otherwise: nothing is named twice. */
const named = (idOrPath: string, id: string): string => (modelIdOf(idOrPath) === id ? id : `${id} (${basename(idOrPath)})`);

/** Which elements hang on which chains; undefined where each hangs on all. */
const connectionOf = ({ elements, rfChains, connection = 'full' }: BeamformerNeeds): Uint8Array | undefined =>
  connection === 'full' ? undefined : connectionMask(connection, elements, rfChains);

function connectionInput({ elements, rfChains, connection = 'full' }: BeamformerNeeds) {
  const values = Float32Array.from(connectionMask(connection, elements, rfChains));
  return { name: 'connection', shape: [elements, rfChains], values };
}
