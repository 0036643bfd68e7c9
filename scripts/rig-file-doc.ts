/** Writes docs/rig-file.md from the schema of the rig file. Run it after changing the schema: `npx tsx scripts/rig-file-doc.ts`. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { packageRoot } from '../core/files/package-root.ts';
import { rigFileJsonSchema } from '../src/config/rig-file.ts';
import { allowedText, discriminatorOf, type SchemaNode } from '../core/errors/schema-problems.ts';

/** The whole page, Markdown. */
export function rigFilePage(): string {
  const schema = rigFileJsonSchema();
  const example = readFileSync(join(packageRoot(), 'examples', 'rigs', 'demo.yaml'), 'utf8');
  const blocks = [...blocksOf(schema, '')];
  return [
    '# The rig file',
    '',
    '<!-- Written by scripts/rig-file-doc.ts from src/config/rig-file.ts; change the schema and run it again. -->',
    '',
    'One YAML page that says what the rig is. `beamrig init rig.yaml` writes one to start from, `beamrig run rig.yaml` runs it.',
    'Unknown keys are refused with the nearest known one, wrong values with what is allowed, all problems at once.',
    'Keys without a default must be given. Elements, chains and users are counted from 0. Paths are relative to the folder of the rig file',
    '(models, links, keys, certificates), and `runFolder` to the folder you work in; `~/` is your home.',
    '',
    'The file is UTF-8 text of at most 1 MB, or a pipe. YAML takes `8E1`, `00123`, `1.10`, `true` and `~` for something else than text: where',
    'a name is such a word, write it in quotes.',
    '',
    'What fits only together is checked too: `users.count` is at most `array.rfChains`, chains are at most elements, with',
    '`connection: sub` the elements divide by the chains, and dead and stuck elements are elements of the array. With links, every element',
    'is on exactly one of them. Passwords and keys have no place here: name the environment variable or the file that holds them.',
    '',
    '## Example',
    '',
    '```yaml',
    example.trimEnd(),
    '```',
    ...blocks.flatMap(({ title, node }) => ['', `## ${title}`, '', node.description ?? '', '', ...table(node)]),
    '',
  ].join('\n');
}

function* blocksOf(node: SchemaNode, path: string, isItem = false): Generator<{ title: string; node: SchemaNode }> {
  if (node.properties) yield { title: path === '' ? 'Top level' : `\`${path}\``, node };
  const discriminator = discriminatorOf(node);
  const shared = isItem ? sharedOf(node, discriminator) : {};
  if (isItem && node.oneOf)
    yield { title: `\`${path}\``, node: { description: 'What every one of them has:', properties: shared } };
  for (const option of node.oneOf ?? []) {
    const kind = option.properties?.[discriminator];
    const own = Object.entries(option.properties ?? {}).filter(([key, inner]) => !same(inner, shared[key]));
    yield {
      title: `\`${path}\` of \`${discriminator}: ${String(kind?.const)}\``,
      node: {
        ...option,
        properties: Object.fromEntries(own),
        ...(kind?.description === undefined ? {} : { description: kind.description }),
      },
    };
  }
  if (node.items?.oneOf || node.items?.properties) yield* blocksOf(node.items, `${path}[]`, node.items.oneOf !== undefined);
  for (const [key, inner] of Object.entries(node.properties ?? {})) yield* blocksOf(inner, path === '' ? key : `${path}.${key}`);
}

/** The keys that every option of a union has, as most of them have them. */
function sharedOf({ oneOf = [] }: SchemaNode, discriminator: string): Record<string, SchemaNode> {
  const first = Object.entries(oneOf[0]?.properties ?? {});
  const everywhere = first.filter(
    ([key]) => key !== discriminator && oneOf.every(({ properties }) => properties?.[key] !== undefined),
  );
  return Object.fromEntries(everywhere);
}

const same = (one: SchemaNode, other: SchemaNode | undefined): boolean => JSON.stringify(one) === JSON.stringify(other);

function table(node: SchemaNode): string[] {
  const required = new Set(node.required ?? []);
  const rows = Object.entries(node.properties ?? {}).map(([key, inner]) => {
    const isBlock = inner.properties !== undefined || inner.oneOf !== undefined;
    const fallback = isBlock || inner.default === undefined ? '' : `\`${JSON.stringify(inner.default)}\``;
    const preset = required.has(key) && inner.default === undefined ? 'must be given' : fallback;
    const range =
      inner.items?.oneOf || inner.items?.properties ? 'a list of blocks, below' : isBlock ? 'a block, below' : allowedText(inner);
    const cells = [`\`${key}\``, range, preset, inner.description ?? ''];
    return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  });
  return ['| key | allowed | default | meaning |', '| --- | --- | --- | --- |', ...rows];
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const file = join(packageRoot(), 'docs', 'rig-file.md');
  writeFileSync(file, rigFilePage());
  console.log(`wrote ${file}`);
}
