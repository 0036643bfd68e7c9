/** `beamrig models`: what can choose beams here, whether each file is what its card says, and a card to fill in for a file of one's own. */
import { BASELINE_NAMES, BASELINES, isBaselineName } from '../../models/baselines/baselines.ts';
import { fitModel } from '../../models/fitted-model.ts';
import { ONNX_ENDING, modelIdOf } from '../../models/model-path.ts';
import { BeamrigError, isBeamrigError } from '../../core/errors/beamrig-error.ts';
import { counted } from '../../core/errors/counted.ts';
import { isOffPower } from '../../core/signal/full-power.ts';
import { isModelId, MODEL_ID_RULE, type ModelCard } from '../../models/card.ts';
import { cardTemplate } from '../../models/card-template.ts';
import { findModel, listModels, lookAtModel, readCard, readModelFile } from '../../models/zoo.ts';
import { engineOf } from '../beamforming/engine-choice.ts';
import { TRIED, tryModel, type Tried } from '../beamforming/try-model.ts';
import { commandName } from './command-name.ts';
import { failWith } from './failure.ts';
import { print, printError } from './output.ts';
import { writeOutput } from './output-file.ts';
import { table } from './table.ts';

export function listAll(options: { json?: boolean }): void {
  const models = listModels();
  if (options.json) {
    const described = models.map(({ id, path, card }) => ({
      id,
      title: card.title,
      dimensions: card.dimensions,
      sensing: card.sensing ?? null,
      paper: card.paper,
      path,
    }));
    print(JSON.stringify({ models: described, baselines: BASELINES }));
    return;
  }
  const rows = models.map(({ id, card }) => {
    const connection = card.connection === 'full' ? 'full' : 'any';
    return [id, sizeOf(card), connection, card.sensing === undefined ? 'no' : 'yes', card.title];
  });
  print(table(['model', 'elements × chains × users', 'connection', 'sensing', ''], rows));
  print('');
  print(
    table(
      ['baseline', ''],
      BASELINES.map(({ name, title }) => [name, title]),
    ),
  );
}

const sizeOf = ({ dimensions }: ModelCard): string =>
  dimensions === 'any' ? 'any' : `${dimensions.elements} × ${dimensions.rfChains} × ${dimensions.users}`;

/**
 * The card, and what would run the file here; of a model that serves every array, one of them is taken. Of a baseline, which is plain code, what
 * it does.
 */
export async function show(model: string): Promise<void> {
  if (isBaselineName(model)) {
    const { name: id, title } = BASELINES.find(({ name }) => name === model) ?? { name: model, title: model };
    print(JSON.stringify({ id, kind: 'baseline', title, engine: null }, null, 2));
    return;
  }
  const path = findModel(model, BASELINE_NAMES);
  const card = readCard(path);
  const bytes = readModelFile(path, 'model');
  const fitted = await fitModel({ card, bytes }, TRIED);
  const engine = engineOf({ bytes: fitted.onnx, sha256: fitted.onnxSha256 });
  print(JSON.stringify({ ...card, engine }, null, 2));
}

/** Every model is checked, opened and run even where one fails, and all that is wrong with each is told; the exit code says whether all are good. */
export async function verify(model: string | undefined, options: { json?: boolean } = {}): Promise<void> {
  const paths = model === undefined ? listModels().map(({ path }) => path) : [findModel(model)];
  const all = [];
  for (const path of paths) {
    const verified = await verifyOne(path);
    all.push(verified);
    if (!options.json) tell(verified);
  }
  if (!options.json) {
    if (all.some(({ flaws }) => flaws.length === 0)) print(notLookedAt());
    return;
  }
  if (all.some(({ flaws }) => flaws.length > 0)) process.exitCode = 1;
  print(JSON.stringify({ models: all.map(told) }));
}

/** Numbers a million times too large open and run, too. */
const notLookedAt = (): string =>
  `Not looked at: how good the beams are. ${commandName()} evaluate MODEL --channels FILE.npy tells that.`;

interface Verified {
  path: string;
  card?: ModelCard;
  /** Of its run, where it came to that. */
  tried?: Tried;
  flaws: readonly BeamrigError[];
}

async function verifyOne(path: string): Promise<Verified> {
  const { card, flaws: found } = lookAtModel(path);
  const flaws = [...found, ...nameFlaws(path, card)];
  // One that is not what its card says is not run: what comes of that says nothing.
  if (found.length > 0 || card === undefined) return { path, ...(card && { card }), flaws };
  try {
    return { path, card, tried: await tryModel(path), flaws };
  } catch (error) {
    if (!isBeamrigError(error)) throw error;
    return { path, card, flaws: [...flaws, error] };
  }
}

/** Lists, records and rig files know a model by its id, and find it by its name. */
function nameFlaws(path: string, card: ModelCard | undefined): BeamrigError[] {
  const name = modelIdOf(path);
  if (card === undefined || card.id === name) return [];
  const wayOut = isModelId(name)
    ? `Write "id": "${name}" into the card, or rename both files.`
    : `Rename both files to ${card.id}.`;
  return [new BeamrigError('model-mismatch', `card of ${path}: id: '${card.id}', and the file is called '${name}'`, { wayOut })];
}

/** As many as of a rig file. */
const MOST_TOLD = 20;

function tell({ path, card, tried, flaws }: Verified): void {
  const shown = flaws.slice(0, MOST_TOLD);
  shown.forEach(({ code, message, wayOut }, i) => {
    // What to do is said once for those that follow each other and need the same.
    const again = wayOut !== undefined && shown[i + 1]?.wayOut === wayOut;
    failWith(new BeamrigError(code, message, again || wayOut === undefined ? {} : { wayOut }), false);
  });
  const more = flaws.length - shown.length;
  if (more > 0) printError(`beamrig: and ${counted(more, 'more thing')}; beamrig models verify ${path} --json lists all`);
  if (flaws.length > 0 || card === undefined || tried === undefined) return;
  const { engine, engineReason, enginesDiffer, mostMs, leastRatio, mostRatio } = tried;
  const { id, sha256 } = card;
  const sensed = card.sensing === 'any' ? ', with sensing and without' : '';
  const how = engine === 'compiled' ? 'it runs compiled' : 'onnxruntime runs it';
  print(
    `${id}: good (sha256 ${sha256.slice(0, 12)}…, tensors and card agree, ${how}${sensed}: ${mostMs.toFixed(1)} ms at most, the first beam included)`,
  );
  if (engineReason !== undefined) print(`${id}: ${enginesDiffer === true ? '' : 'not compiled, since '}${engineReason}`);
  if (!isOffPower(leastRatio) && !isOffPower(mostRatio)) return;
  const [least, most] = [leastRatio, mostRatio].map((ratio) => ratio.toPrecision(3));
  print(
    `${id}: its beams have ${least === most ? most : `${least} to ${most}`} times the power asked for; they are scaled to it`,
  );
}

const told = ({ path, card, tried, flaws }: Verified) => ({
  id: card?.id ?? null,
  path,
  good: flaws.length === 0,
  flaws: flaws.map(({ code, message, wayOut }) => ({ code, message, wayOut: wayOut ?? null })),
  sha256: card?.sha256 ?? null,
  run: tried ?? null,
});

export interface CardOptions {
  output?: string;
  force?: boolean;
}

/** Writes a card to fill in beside a file, or where it is told to; `-` is standard output. */
export function beginCard(path: string, { output, force = false }: CardOptions): void {
  const file = findModel(path);
  if (!file.endsWith(ONNX_ENDING)) {
    throw new BeamrigError('argument', `${path} is a file of numbers, and a card is begun for ONNX files`, {
      wayOut: 'Its card was written beside it by `beamrig train`; train it anew where that is lost.',
    });
  }
  const id = modelIdOf(file);
  if (!isModelId(id)) {
    throw new BeamrigError('argument', `a model cannot be called '${id}'; allowed: ${MODEL_ID_RULE}`, {
      wayOut: `Rename the file, ${
        id
          .toLowerCase()
          .replace(/[^a-z0-9]+/g, '-')
          .replace(/^-+|-+$/g, '') || 'my-model'
      }.onnx for example.`,
    });
  }
  const { text, toFill } = cardTemplate(id, file, readModelFile(file, 'model'));
  if (output === '-') {
    print(text.trimEnd());
    return;
  }
  const to = output ?? file.replace(/\.onnx$/, '.json');
  writeOutput(to, text, force);
  print(`Card: ${to}`);
  printError(`To fill in: ${toFill.join(', ')}. Then: ${commandName()} models verify ${path}`);
}
