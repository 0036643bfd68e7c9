/**
 * The YAML of a rig file, read within bounds. A text that nests without end, repeats itself by aliases or has keys by the hundred thousand
 * would take the parser minutes, or the process with it: it is counted first, by the lexer alone, and refused. What is left becomes plain
 * values, with the line of each and the way it was written.
 */
import { CST, isAlias, isScalar, Lexer, LineCounter, parseDocument, type Document, type YAMLError } from 'yaml';
import { BeamrigError, type ErrorCode } from '../../core/errors/beamrig-error.ts';
import { characterFlaw } from '../../core/files/plain-text.ts';
import { pathText, shortened } from '../../core/errors/schema-problems.ts';

export interface RigYaml {
  raw: object;
  /** Line of the deepest part of the path that is in the file. */
  lineOf: (path: readonly PropertyKey[]) => string | undefined;
  /** What stands in the file where a value was read from: `8E1`, where the value is 80. */
  writtenAt: (path: readonly PropertyKey[]) => string | undefined;
}

/** A problem with its line, `12` or `12:3`. */
export interface PlacedProblem {
  position: string | undefined;
  text: string;
}

/** What kind of page it is, for messages. */
export interface PageKind {
  code: ErrorCode;
  /** 'rig file' */
  noun: string;
  wayOut: string;
}

const RIG_FILE: PageKind = {
  code: 'rig-file',
  noun: 'rig file',
  wayOut: 'Every key and its range is in docs/rig-file.md; `beamrig init rig.yaml` writes a rig file that works.',
};

/** @throws BeamrigError with the code of the kind */
export function readRigYaml(text: string, name: string, kind: PageKind = RIG_FILE): RigYaml {
  const refuse = (problems: readonly PlacedProblem[], more = 0): never => refuseRigFile(name, problems, more, kind);
  const flaw = characterFlaw(text) ?? excess(text, kind.noun);
  if (flaw !== undefined) refuse([{ position: String(flaw.line), text: flaw.text }]);
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true, prettyErrors: true, logLevel: 'error' });
  const flaws = [...document.errors, ...document.warnings];
  if (flaws.length > PROBLEMS_SHOWN && document.errors.length > 0) {
    const [first] = document.errors;
    const rest = `; ${flaws.length - 1} more places are wrong, so this is no ${kind.noun}`;
    refuse([{ position: placeOf(first), text: `${yamlFlaw(first, text, kind.noun)}${rest}` }]);
  }
  if (flaws.length > 0) {
    refuse(
      flaws.slice(0, FLAWS_SHOWN).map((found) => ({
        position: placeOf(found),
        text: yamlFlaw(found, text, kind.noun),
      })),
      flaws.length - FLAWS_SHOWN,
    );
  }
  const raw = contentsOf(document, kind.noun, refuse);
  const lineOf = (path: readonly PropertyKey[]): string | undefined => {
    for (let depth = path.length; depth > 0; depth--) {
      const node = document.getIn(path.slice(0, depth), true) as { range?: [number, number, number] } | undefined;
      if (node?.range) return String(lines.linePos(node.range[0]).line);
    }
    return undefined;
  };
  const circle = circleIn(raw);
  if (circle !== undefined) {
    refuse([{ position: lineOf(circle), text: `${pathText(circle)}: an alias inside of what it names` }]);
  }
  return {
    raw,
    lineOf,
    writtenAt: (path) => {
      const node = document.getIn(path, true);
      const value = isAlias(node) ? node.resolve(document) : node;
      return isScalar(value) ? value.source : undefined;
    },
  };
}

/** What follows from the same slip, a missing bracket or tabs all the way down, helps nobody. */
const FLAWS_SHOWN = 3;
const PROBLEMS_SHOWN = 20;
const MANY = 100;

/**
 * @param problems as many as are known; the first of them are shown
 * @param more how many are not among them
 */
export function refuseRigFile(name: string, problems: readonly PlacedProblem[], more = 0, kind: PageKind = RIG_FILE): never {
  const shown = problems.slice(0, PROBLEMS_SHOWN);
  const rest = problems.length - shown.length + Math.max(more, 0);
  const total = shown.length + rest;
  const lines = shown.map(({ position, text }) => `  ${position === undefined ? '' : `line ${position}: `}${text}`);
  if (rest > 0) lines.push(`  and ${total > MANY ? '' : `${rest} `}more of this kind`);
  const count = total === 1 ? 'a problem' : total > MANY ? `more than ${MANY} problems` : `${total} problems`;
  throw new BeamrigError(kind.code, `${name} has ${count}:\n${lines.join('\n')}`, { wayOut: kind.wayOut });
}

const MOST = { depth: 32, keys: 5_000, items: 70_000, aliases: 100 };

/** Counted without building anything: indentation and brackets nest, and a text of keys or aliases alone takes their number squared. */
function excess(text: string, noun: string): { line: number; text: string } | undefined {
  return blockExcess(text, noun) ?? flowExcess(text, noun);
}

const tooDeep = (line: number, noun: string) => ({ line, text: `nested more than ${MOST.depth} deep, as no ${noun} is` });

function blockExcess(text: string, noun: string): { line: number; text: string } | undefined {
  const columns: number[] = [];
  for (const [index, line] of text.split('\n').entries()) {
    const content = /^ *(?=[^ #\r])/.exec(line);
    if (content === null) continue;
    let column = content[0].length;
    while ((columns.at(-1) ?? -1) > column) columns.pop();
    // `- - key:` opens one level with each of its signs.
    for (const place = /[-?:] +|(?=.)/sy; columns.length <= MOST.depth;) {
      if ((columns.at(-1) ?? -1) < column) columns.push(column);
      place.lastIndex = column;
      const sign = place.exec(line)?.[0] ?? '';
      if (sign === '') break;
      column += sign.length;
    }
    if (columns.length > MOST.depth) return tooDeep(index + 1, noun);
  }
  return undefined;
}

function flowExcess(text: string, noun: string): { line: number; text: string } | undefined {
  let [depth, keys, items, aliases, line] = [0, 0, 0, 0, 1];
  let inScalar = false;
  for (const token of new Lexer().lex(text)) {
    line += token.split('\n').length - 1;
    // What follows this mark is the text of a scalar, whatever it looks like.
    const type = inScalar ? 'scalar' : CST.tokenType(token);
    inScalar = !inScalar && token === CST.SCALAR;
    if (type === 'flow-seq-start' || type === 'flow-map-start') depth++;
    else if (type === 'flow-seq-end' || type === 'flow-map-end') depth = Math.max(depth - 1, 0);
    else if (type === 'map-value-ind') keys++;
    else if (type === 'comma' || type === 'seq-item-ind') items++;
    else if (type === 'alias') aliases++;
    if (depth > MOST.depth) return tooDeep(line, noun);
    if (keys > MOST.keys) return { line, text: `more than ${MOST.keys} keys, as no ${noun} has` };
    if (items > MOST.items) return { line, text: `lists with more than ${MOST.items} entries, as no ${noun} has` };
    if (aliases > MOST.aliases) return { line, text: `more than ${MOST.aliases} aliases (*name); write the values out` };
  }
  return undefined;
}

function contentsOf(document: Document.Parsed, noun: string, refuse: (problems: readonly PlacedProblem[]) => never): object {
  let raw: unknown;
  try {
    raw = document.toJS({ maxAliasCount: MOST.aliases });
  } catch (error) {
    const text = `not YAML: ${firstLine((error as Error).message)}; write the values out`;
    return refuse([{ position: undefined, text }]);
  }
  if (raw === null || raw === undefined) refuse([{ position: undefined, text: 'the file is empty' }]);
  if (typeof raw !== 'object' || Array.isArray(raw)) {
    refuse([{ position: '1', text: `a ${noun} is a list of \`key: value\` lines, and this is not` }]);
  }
  return raw;
}

/** An alias may stand inside of what it names: no reader of plain values would come to its end. */
function circleIn(value: unknown, path: PropertyKey[] = [], inside: object[] = []): PropertyKey[] | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  if (inside.includes(value)) return path;
  for (const [key, inner] of Object.entries(value)) {
    const found = circleIn(inner, [...path, Array.isArray(value) ? Number(key) : key], [...inside, value]);
    if (found) return found;
  }
  return undefined;
}

const placeOf = ({ linePos }: YAMLError): string | undefined =>
  linePos === undefined ? undefined : `${linePos[0].line}:${linePos[0].col}`;

function yamlFlaw(flaw: YAMLError, text: string, noun: string): string {
  if (flaw.code === 'DUPLICATE_KEY') {
    return `${shortened(/^[^\s:]*/.exec(text.slice(flaw.pos[0]))?.[0] ?? 'a key')}: given twice in the same block`;
  }
  if (flaw.code === 'MULTIPLE_DOCS') return `a ${noun} is one YAML document, and a second one starts here`;
  return `not YAML: ${firstLine(flaw.message)}`;
}

const firstLine = (text: string): string =>
  shortened((text.split('\n', 1)[0] ?? '').replace(/ at line \d+, column \d+:?$/, ''), 200);
