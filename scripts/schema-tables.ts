/** Tables of the keys of a schema, block by block, for the pages that are written from schemas. */
import { allowedText, discriminatorOf, type SchemaNode } from '../core/errors/schema-problems.ts';

/** A heading and a table for each block, Markdown. */
export const schemaTables = (schema: SchemaNode): string[] =>
  [...blocksOf(schema, '')].flatMap(({ title, node }) => ['', `## ${title}`, '', node.description ?? '', '', ...table(node)]);

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
