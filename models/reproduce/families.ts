/**
 * The models of the zoo side by side, on channels that were never trained on, for each array that there are models for:
 *
 *   npx tsx models/reproduce/families.ts [--channels 200] [--seed 1] [--output docs/results/families.md]
 *
 * Each with its own D, with D by the objective as a rig has it (`realiseExactly`), and where its training started. Without a date: the same
 * files and options give the same page.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findFamily } from '../families.ts';
import { optionsOfCommand } from '../training/recorded-options.ts';
import type { SizedModelFile } from './sized-models.ts';
import { listSizedModels } from './sized-models.ts';
import type { Method } from './methods.ts';
import { classicMethods, digitalMethods, networkMethod, networkWithDigitalSolved } from './methods.ts';
import { withRates } from './pace.ts';
import { pageFlags, writePage } from './page.ts';
import { machine, provenance } from './provenance.ts';
import type { ComputeRates } from './rates.ts';
import type { ComparisonOptions } from './tables.ts';
import { compare, differencesMarkdown, ratesMarkdown } from './tables.ts';

const SNRS_DB = [0, 5, 10, 15, 20];

async function main(): Promise<void> {
  const flags = pageFlags({ channels: 200, output: 'docs/results/families.md' });
  const { channels, seed } = flags;
  const scratch = mkdtempSync(join(tmpdir(), 'beamrig-families-'));
  const groups = await Promise.all(
    byArray(listSizedModels()).map(async (models) => ({
      models,
      starts: await Promise.all(models.map((model) => untrained(model, scratch))),
    })),
  );
  const every = groups.flatMap(({ models, starts }) => [...models, ...starts]);
  const sections = await withRates(every, async (computeRates) => {
    const found: string[] = [];
    for (const group of groups) found.push(...(await sectionOf(group, { channels, seed }, computeRates)));
    return found;
  });
  rmSync(scratch, { recursive: true });
  writePage(flags, [
    '# The model families side by side',
    `${channels} channels of the stream \`test\` of seed ${seed}, 10 paths, the same for every method and every SNR; training used the streams \`train\` ` +
      'and `validation`. Sum rates in bit/s/Hz, mean ± standard error over the channels. One file serves every SNR and both scales.',
    '*Own D*: the digital weights of the file. *D by the objective*: the better of those and of D solved again for its phases, which is what a rig ' +
      'radiates. *Start*: the same network before its training.',
    `\`npx tsx models/reproduce/families.ts --channels ${channels} --seed ${seed}\` on ${machine()}.`,
    ...sections,
  ]);
}

/** The models of one array, and where their training started. */
interface Group {
  models: readonly SizedModelFile[];
  starts: readonly SizedModelFile[];
}

async function sectionOf(
  { models, starts }: Group,
  { channels, seed }: { channels: number; seed: number },
  computeRates: ComputeRates,
): Promise<string[]> {
  const { elements, rfChains, users } = models[0].card.dimensions;
  const options: ComparisonOptions = {
    ...{ elements, users, channels, seed },
    snrsDb: SNRS_DB,
    methods: [
      ...classicMethods.filter(({ key }) => key === 'aligned-wmmse'),
      ...models.flatMap((model, i) => methodsOf(model, starts[i])),
      ...digitalMethods,
    ],
    pairs: pairsOf(models.map(({ id }) => id)),
  };
  const comparison = await compare(options, computeRates);
  return [
    `## N = ${elements}, M = ${rfChains}, K = ${users}`,
    ratesMarkdown(comparison, options.methods, SNRS_DB),
    ...(options.pairs.length > 0 ? ['Differences, channel by channel:', differencesMarkdown(comparison, options)] : []),
    models.map(({ id, card }) => `- \`${id}\`: ${provenance(card)}.`).join('\n'),
  ];
}

/** Models of one array together, small arrays first. */
function byArray(models: readonly SizedModelFile[]): SizedModelFile[][] {
  const groups = new Map<string, SizedModelFile[]>();
  for (const model of models) {
    const { elements, rfChains, users } = model.card.dimensions;
    const key = [elements, rfChains, users].join();
    groups.set(key, [...(groups.get(key) ?? []), model]);
  }
  return [...groups.values()].sort((a, b) => a[0].card.dimensions.elements - b[0].card.dimensions.elements);
}

/** The network of a model as it was before its training, in a file beside its card. */
async function untrained(model: SizedModelFile, folder: string): Promise<SizedModelFile> {
  const { training, algorithm } = model.card;
  if (typeof training === 'string') return model;
  const family = await findFamily(algorithm);
  const network = family.network(optionsOfCommand(family, training.command));
  const path = join(folder, `${model.id}-start.onnx`);
  writeFileSync(path, network.modelGraph(network.parameters.map(({ start }) => start)));
  return { ...model, id: `${model.id}-start`, path };
}

function methodsOf(model: SizedModelFile, start: SizedModelFile): Method[] {
  const { id } = model;
  return [
    { ...networkMethod(start), title: `\`${id}\`: start, own D`, short: `${id}, start` },
    {
      ...networkWithDigitalSolved(start),
      title: `\`${id}\`: start, D by the objective`,
      short: `${id}, start, D by the objective`,
    },
    { ...networkMethod(model), title: `\`${id}\`: own D`, short: id },
    { ...networkWithDigitalSolved(model), title: `\`${id}\`: D by the objective`, short: `${id}, D by the objective` },
  ];
}

/** The last model against each of the others, with own D and with D by the objective. */
function pairsOf(ids: readonly string[]): [string, string][] {
  const last = ids[ids.length - 1];
  return ids.slice(0, -1).flatMap((id): [string, string][] => [
    [last, id],
    [`${last}-wmmse`, `${id}-wmmse`],
  ]);
}

await main();
