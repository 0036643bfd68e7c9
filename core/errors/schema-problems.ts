/**
 * What the schema found wrong, in words a person can act on: which key, what stands there, what is allowed. The schema is read as data
 * (JSON Schema), so that ranges are written once and appear in messages and in documents alike.
 */
import type * as z from 'zod';
import { nearest } from './nearest.ts';

/** The part of JSON Schema that rig files and the cards of models use. */
export interface SchemaNode {
  type?: string;
  description?: string;
  default?: unknown;
  /** Said instead of a range, where a pattern would say little. */
  allowed?: string;
  /** What somebody wrote here by mistake may be a password: messages do not show it. */
  unshown?: boolean;
  const?: string | number;
  enum?: string[];
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
  properties?: Record<string, SchemaNode>;
  required?: string[];
  items?: SchemaNode;
  minItems?: number;
  maxItems?: number;
  oneOf?: SchemaNode[];
  anyOf?: SchemaNode[];
}

export interface Problem {
  path: PropertyKey[];
  /** Starts with the key: `array.phaseBits: 17 is not allowed; allowed: a whole number from 1 to 16`. */
  text: string;
}

/**
 * One problem for each wrong key or value. `raw` is what was checked, `schema` what it was checked against.
 * @param writtenAt how a value is written in its file, where that is another text than the value's own
 */
export function problemsOf(
  issues: readonly z.core.$ZodIssue[],
  raw: unknown,
  schema: SchemaNode,
  writtenAt: (path: readonly PropertyKey[]) => string | undefined = () => undefined,
): Problem[] {
  const misspelt = new Set(
    issues.flatMap((issue) =>
      issue.code === 'unrecognized_keys'
        ? issue.keys.map((key) => pathText([...issue.path, nearestKnown(issue.path, key, raw, schema) ?? '']))
        : [],
    ),
  );
  return issues.flatMap((issue): Problem[] => {
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map((key) => ({ path: [...issue.path, key], text: unknownKey(issue.path, key, raw, schema) }));
    }
    const { value, missing } = valueAt(raw, issue.path);
    if (missing && misspelt.has(pathText(issue.path))) return []; // said once, where the misspelt key stands
    const range = allowedAt(schema, issue.path, raw);
    const node = nodeAt(schema, issue.path, raw);
    const written = typeof value === 'string' ? undefined : writtenAt(issue.path);
    const isText = takes(node, 'string') && node?.enum === undefined;
    const shown = node?.unshown === true ? 'what stands here' : written && isText ? shortened(written) : show(value);
    const empty = missing ? 'missing' : value === null && !written ? 'has no value' : value === '' ? 'is empty' : undefined;
    const said = empty ?? `${shown} is not allowed`;
    const near = typeof value === 'string' ? nearest(value, wordsAt(schema, issue.path, raw)) : undefined;
    const hint = near === undefined ? spelling(value, shown, node, written) : `; did you mean ${near}?`;
    return [{ path: issue.path, text: `${pathText(issue.path)}: ${said}; allowed: ${range}${empty === undefined ? hint : ''}` }];
  });
}

/** What YAML made of a text or a number that was written in another way than meant. */
function spelling(value: unknown, shown: string, node: SchemaNode | undefined, written: string | undefined): string {
  if (written !== undefined && takes(node, 'string') && node?.enum === undefined) {
    if (node?.unshown === true) return '; write it in quotes, as YAML takes it for something else than text';
    const what =
      value === null
        ? 'nothing'
        : typeof value === 'boolean'
          ? `the logical value ${value}`
          : typeof value === 'number'
            ? `the number ${value}`
            : 'something else';
    return `; YAML reads it as ${what}, so write it in quotes: "${shown}"`;
  }
  if (!takes(node, 'number') && !takes(node, 'integer')) return '';
  if (typeof value !== 'string') {
    return written === undefined || written === String(value) ? '' : `; it is written ${shortened(written)}`;
  }
  const plain = value
    .trim()
    .replace(/(?<=\d)[_'’ ](?=\d)/g, '')
    .replace(/^([+-]?\d+),(\d+)$/, '$1.$2');
  if (/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(plain)) return `; as a number: ${plain}`;
  const number = /^([+-]?\d+(?:\.\d+)?)\s*[A-Za-zµ°%/²]+$/.exec(plain)?.[1];
  return number === undefined ? '' : `; write the number without its unit: ${number}`;
}

const takes = (node: SchemaNode | undefined, type: string): boolean =>
  node?.type === type || (node?.anyOf ?? []).some((option) => option.type === type);

/** The values a place takes, in words: 'a whole number from 1 to 16'. */
export function allowedText(node: SchemaNode): string {
  if (node.allowed !== undefined) return node.allowed;
  if (node.enum) return node.enum.join(' | ');
  if (node.const !== undefined) return String(node.const);
  if (node.anyOf) return node.anyOf.map(allowedText).join(', or ');
  if (node.oneOf) return `a block whose ${discriminatorOf(node)} is ${optionNames(node).join(' or ')}`;
  if (node.type === 'object') return 'a block with ' + Object.keys(node.properties ?? {}).join(', ');
  if (node.type === 'array') {
    const { minItems = 0, maxItems } = node;
    const most = maxItems === undefined ? '' : minItems > 0 ? ` of ${minItems} to ${maxItems}` : ` of at most ${maxItems}`;
    return `a list${most}, each ${allowedText(node.items ?? {})}`;
  }
  if (node.type === 'string') return 'a text';
  if (node.type === 'integer' || node.type === 'number') {
    const noun = node.type === 'integer' ? 'a whole number' : 'a number';
    const unbounded = (node.maximum ?? Infinity) >= Number.MAX_SAFE_INTEGER;
    if (node.exclusiveMinimum !== undefined)
      return `${noun} above ${node.exclusiveMinimum}, up to ${unbounded ? '∞' : node.maximum}`;
    if (unbounded && (node.minimum ?? -Infinity) <= Number.MIN_SAFE_INTEGER) return noun;
    return `${noun} from ${node.minimum ?? '-∞'} ${unbounded ? 'up' : `to ${node.maximum}`}`;
  }
  return 'something else';
}

/** The key that says which option of a union a block is: the first one that is fixed in every option. */
export const discriminatorOf = ({ oneOf = [] }: SchemaNode): string =>
  Object.keys(oneOf[0]?.properties ?? {}).find((key) =>
    oneOf.every(({ properties }) => properties?.[key]?.const !== undefined),
  ) ?? '';

const optionNames = (node: SchemaNode): string[] =>
  (node.oneOf ?? []).map(({ properties }) => String(properties?.[discriminatorOf(node)]?.const));

function unknownKey(path: readonly PropertyKey[], key: string, raw: unknown, schema: SchemaNode): string {
  const node = nodeAt(schema, path, raw);
  const known = Object.keys(node?.properties ?? {});
  const here = `${pathText([...path, shortened(key)])}: unknown key`;
  const near = nearestKnown(path, key, raw, schema);
  if (near !== undefined) return `${here}; did you mean ${near}?`;
  const elsewhere = keyPaths(schema).find((candidate) => candidate.at(-1) === key);
  if (elsewhere) return `${here}; did you mean ${elsewhere.join('.')}?`;
  return `${here}; known here: ${known.join(', ')}`;
}

const nearestKnown = (path: readonly PropertyKey[], key: string, raw: unknown, schema: SchemaNode): string | undefined =>
  nearest(key, Object.keys(nodeAt(schema, path, raw)?.properties ?? {}));

function keyPaths(node: SchemaNode, path: string[] = []): string[][] {
  const own = Object.entries(node.properties ?? {}).flatMap(([key, inner]) => [
    [...path, key],
    ...keyPaths(inner, [...path, key]),
  ]);
  return [...own, ...(node.oneOf ?? []).flatMap((option) => keyPaths(option, path))];
}

function allowedAt(schema: SchemaNode, path: readonly PropertyKey[], raw: unknown): string {
  const node = nodeAt(schema, path, raw);
  if (node) return allowedText(node);
  return wordsAt(schema, path, raw).join(' | ') || 'something else';
}

/** The words that a place takes, where it takes only some. */
function wordsAt(schema: SchemaNode, path: readonly PropertyKey[], raw: unknown): string[] {
  const node = nodeAt(schema, path, raw);
  if (node) return node.enum ?? (node.const === undefined ? [] : [String(node.const)]);
  // What says which option a block is, is itself wrong: every option is a way out.
  const union = nodeAt(schema, path.slice(0, -1), raw);
  return union?.oneOf && path.at(-1) === discriminatorOf(union) ? optionNames(union) : [];
}

/** Follows a path through the schema, choosing the option of a union by what stands in the file. */
function nodeAt(schema: SchemaNode, path: readonly PropertyKey[], raw: unknown): SchemaNode | undefined {
  let node: SchemaNode | undefined = schema;
  let value = raw;
  for (const key of path) {
    node = typeof key === 'number' ? node?.items : choose(node, value)?.properties?.[String(key)];
    value = valueAt(value, [key]).value;
  }
  return choose(node, value) ?? node;
}

function choose(node: SchemaNode | undefined, value: unknown): SchemaNode | undefined {
  // Of a block or a word, a block is meant where one stands.
  const block = typeof value === 'object' && value !== null ? node?.anyOf?.find(({ type }) => type === 'object') : undefined;
  if (block !== undefined) return block;
  if (!node?.oneOf) return node;
  const discriminator = discriminatorOf(node);
  const { value: chosen } = valueAt(value, [discriminator]);
  return node.oneOf.find((option) => option.properties?.[discriminator]?.const === chosen);
}

function valueAt(raw: unknown, path: readonly PropertyKey[]): { value: unknown; missing: boolean } {
  let value = raw;
  for (const key of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return { value: undefined, missing: true };
    value = Reflect.get(value, key) as unknown;
  }
  return { value, missing: value === undefined };
}

export const pathText = (path: readonly PropertyKey[]): string =>
  path.reduce<string>(
    (text, key) => (typeof key === 'number' ? `${text}[${key}]` : text === '' ? String(key) : `${text}.${String(key)}`),
    '',
  );

function show(value: unknown): string {
  if (typeof value === 'number') return String(value); // JSON has no NaN and no infinity
  return shortened(JSON.stringify(value) ?? String(value));
}

/** As much of a text as a line of a message has room for. */
export const shortened = (text: string, room = 60): string => (text.length > room ? `${text.slice(0, room - 3)}…` : text);
