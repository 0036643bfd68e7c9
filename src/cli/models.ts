/** `beamrig models`: what can choose beams here, and whether each file is what its card says. */
import { BASELINES } from '../../models/baselines/baselines.ts';
import { isOffPower } from '../../core/signal/full-power.ts';
import { findModel, listModels, readCard, readModelFile, verifyModel } from '../../models/zoo.ts';
import { engineOf } from '../beamforming/engine-choice.ts';
import { tryModel } from '../beamforming/try-model.ts';
import { failWith } from './failure.ts';
import { print } from './output.ts';
import { table } from './table.ts';

export function listAll(options: { json?: boolean }): void {
  const models = listModels();
  if (options.json) {
    const described = models.map(({ id, path, card }) => ({
      id,
      title: card.title,
      dimensions: card.dimensions,
      paper: card.paper,
      path,
    }));
    print(JSON.stringify({ models: described, baselines: BASELINES }));
    return;
  }
  const rows = models.map(({ id, card }) => {
    const { elements, rfChains, users } = card.dimensions;
    return [id, `${elements} × ${rfChains} × ${users}`, card.connection === 'full' ? 'full' : 'any', card.title];
  });
  print(table(['model', 'elements × chains × users', 'connection', ''], rows));
  print('');
  print(
    table(
      ['baseline', ''],
      BASELINES.map(({ name, title }) => [name, title]),
    ),
  );
}

/** The card, and what would run the file here. */
export function show(model: string): void {
  const path = findModel(model);
  const card = readCard(path);
  const engine = engineOf({ bytes: readModelFile(path, 'model'), sha256: card.sha256 });
  print(JSON.stringify({ ...card, engine }, null, 2));
}

/** Every model is checked, opened and run even where one fails; the exit code says whether all are good. */
export async function verify(model: string | undefined): Promise<void> {
  const paths = model === undefined ? listModels().map(({ path }) => path) : [findModel(model)];
  for (const path of paths) {
    try {
      const { id, card } = verifyModel(path);
      const { engine, engineReason, enginesDiffer, mostMs, leastRatio, mostRatio } = await tryModel(path);
      const how = engine === 'compiled' ? 'it runs compiled' : 'onnxruntime runs it';
      print(
        `${id}: good (sha256 ${card.sha256.slice(0, 12)}…, tensors and card agree, ${how}: ${mostMs.toFixed(1)} ms at most, the first beam included)`,
      );
      if (engineReason !== undefined) print(`${id}: ${enginesDiffer === true ? '' : 'not compiled, since '}${engineReason}`);
      if (!isOffPower(leastRatio) && !isOffPower(mostRatio)) continue;
      const [least, most] = [leastRatio, mostRatio].map((ratio) => ratio.toPrecision(3));
      print(
        `${id}: its beams have ${least === most ? most : `${least} to ${most}`} times the power asked for; they are scaled to it`,
      );
    } catch (error) {
      failWith(error, false);
    }
  }
}
