/** The documentation page of the rig file, docs/rig-file.md, made from the schema so that the two cannot disagree. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from './package-root.ts';
import { rigFileJsonSchema } from './rig-file.ts';
import { allowedText, type SchemaNode } from './rig-problems.ts';

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
    'Keys without a default must be given. Elements, chains and users are counted from 0; paths are relative to the folder you work in.',
    '',
    'What fits only together is checked too: `users.count` is at most `array.rfChains`, chains are at most elements, with',
    '`connection: sub` the elements divide by the chains, and dead and stuck elements are elements of the array.',
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

function* blocksOf(node: SchemaNode, path: string): Generator<{ title: string; node: SchemaNode }> {
  if (node.properties) yield { title: path === '' ? 'Top level' : `\`${path}\``, node };
  for (const option of node.oneOf ?? []) {
    const kind = option.properties?.kind;
    yield {
      title: `\`${path}\` of kind \`${String(kind?.const)}\``,
      node: { ...option, ...(kind?.description === undefined ? {} : { description: kind.description }) },
    };
  }
  for (const [key, inner] of Object.entries(node.properties ?? {})) yield* blocksOf(inner, path === '' ? key : `${path}.${key}`);
}

function table(node: SchemaNode): string[] {
  const required = new Set(node.required ?? []);
  const rows = Object.entries(node.properties ?? {}).map(([key, inner]) => {
    const isBlock = inner.properties !== undefined || inner.oneOf !== undefined;
    const fallback = isBlock || inner.default === undefined ? '' : `\`${JSON.stringify(inner.default)}\``;
    const preset = required.has(key) && inner.default === undefined ? 'must be given' : fallback;
    const cells = [`\`${key}\``, isBlock ? 'a block, below' : allowedText(inner), preset, inner.description ?? ''];
    return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  });
  return ['| key | allowed | default | meaning |', '| --- | --- | --- | --- |', ...rows];
}
