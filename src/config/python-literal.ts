/**
 * The literals of Python that stand in the header of a NumPy file: texts, numbers, True, False, None, tuples, lists and dictionaries, with
 * any spacing, trailing commas and the suffixes of Python 2. Nothing else is read, and what is left over is a flaw: the reader is total.
 */
export type Literal = string | number | boolean | null | Literal[] | Map<string, Literal>;

export type ParsedLiteral = { ok: true; value: Literal } | { ok: false; at: number };

/** Nobody nests a data type deeper. */
const DEEPEST = 16;

class Flaw extends Error {}

/** @returns the value, or where the text stops to be a literal */
export function parsePythonLiteral(text: string): ParsedLiteral {
  let at = 0;
  const flaw = (): never => {
    throw new Flaw();
  };
  /** What the pattern finds here; spaces and comments before it are passed. */
  const take = (pattern: RegExp): string | undefined => {
    const sticky = new RegExp(String.raw`(?:[\s\0]|#[^\n]*)*(${pattern.source})`, 'ysu');
    sticky.lastIndex = at;
    const found = sticky.exec(text);
    if (found === null) return undefined;
    at = sticky.lastIndex;
    return found[1];
  };

  const listUpTo = (end: RegExp, item: () => void): { commas: number } => {
    let commas = 0;
    while (take(end) === undefined) {
      item();
      if (take(/,/) !== undefined) commas++;
      else if (take(end) !== undefined) break;
      else flaw();
    }
    return { commas };
  };

  const value = (depth: number): Literal => {
    if (depth > DEEPEST) flaw();
    const quoted = take(/[uUbBrR]{0,2}(?:'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*")/);
    if (quoted !== undefined)
      return quoted
        .replace(/^[a-z]*/i, '')
        .slice(1, -1)
        .replace(/\\(['"\\])/g, '$1');
    const number = take(/[+-]?(?:0[xX][0-9a-fA-F]+|\d+(?:\.\d*)?(?:[eE][+-]?\d+)?)(?:[lL](?![\w.])|(?![\w.]))/);
    if (number !== undefined) return Number(number.replace(/[lL]$/, ''));
    const word = take(/(?:True|true|False|false|None)(?!\w)/);
    if (word !== undefined) return word === 'None' ? null : word.toLowerCase() === 'true';
    const open = take(/[([{]/);
    if (open === '{') {
      const entries = new Map<string, Literal>();
      listUpTo(/\}/, () => {
        const key = value(depth + 1);
        if (typeof key !== 'string' || take(/:/) === undefined) return flaw();
        entries.set(key, value(depth + 1));
      });
      return entries;
    }
    if (open === undefined) return flaw();
    const items: Literal[] = [];
    const { commas } = listUpTo(open === '(' ? /\)/ : /\]/, () => items.push(value(depth + 1)));
    // (3) is the number 3, and (3,) a tuple.
    return open === '(' && items.length === 1 && commas === 0 ? items[0] : items;
  };

  try {
    const whole = value(0);
    take(/$/); // spaces, line ends and zeros that fill it up
    return at === text.length ? { ok: true, value: whole } : { ok: false, at };
  } catch (error) {
    if (error instanceof Flaw) return { ok: false, at };
    throw error;
  }
}
