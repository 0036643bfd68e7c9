/**
 * JSON that a person may have written, read within bounds: where it stops being JSON is said by line and column, and what nests without end is
 * refused before it is parsed, for whoever looks through the values goes into them as deep as they are.
 */

export type JsonRead = { ok: true; value: unknown } | { ok: false; why: string };

/** As of a rig file. */
const MOST_DEEP = 32;

/** @param text without a byte order mark */
export function readJson(text: string): JsonRead {
  const flaw = firstFlaw(text);
  if (flaw === undefined) return { ok: true, value: JSON.parse(text) as unknown };
  const before = text.slice(0, flaw.at).split('\n');
  return { ok: false, why: `line ${before.length}:${(before.at(-1) ?? '').length + 1}: ${flaw.what}` };
}

/** A sign, or a text, a number or a word (RFC 8259, sections 2 to 7); texts are unrolled, for they may be long. */
const TOKEN =
  /[{}[\],:]|"[^"\\]*(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\]*)*"|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/y;
/** No text of JSON holds one as it is: U+0000 to U+001F. */
const CONTROL = /[^\P{Cc}\u007f-\u009f]/u;

/** What may stand next; 'first' of these may also close what was just opened. */
type Expected = 'value' | 'first value' | 'key' | 'first key' | 'colon' | 'comma' | 'end';

const IN_WORDS: Record<Expected, string> = {
  value: 'a value',
  'first value': 'a value or ]',
  key: 'a name in double quotes',
  'first key': 'a name in double quotes or }',
  colon: 'a colon',
  comma: 'a comma or the closing bracket',
  end: 'the end',
};

function firstFlaw(text: string): { at: number; what: string } | undefined {
  const open: ('{' | '[')[] = [];
  let expected: Expected = 'value';
  const space = /[ \t\r\n]*/y;
  for (let at = 0; ;) {
    space.lastIndex = at;
    at += space.exec(text)?.[0].length ?? 0;
    TOKEN.lastIndex = at;
    const token = TOKEN.exec(text)?.[0];
    if (at === text.length && expected === 'end') return undefined;
    const next: Expected | undefined = token === undefined ? undefined : after(token, expected, open);
    if (token === undefined || next === undefined || CONTROL.test(token)) {
      const found = at === text.length ? 'the text ends' : `there is ${JSON.stringify([...text.slice(at, at + 20)][0])}`;
      return { at, what: `${found} where ${IN_WORDS[expected]} should be` };
    }
    if (open.length > MOST_DEEP) return { at, what: `nested more than ${MOST_DEEP} deep` };
    expected = next;
    at += token.length;
  }
}

/** What comes after a token; undefined where it may not stand. @param open brackets, changed in place */
function after(token: string, expected: Expected, open: ('{' | '[')[]): Expected | undefined {
  const within = (): Expected => (open.length === 0 ? 'end' : 'comma');
  const isValue = expected === 'value' || expected === 'first value';
  switch (token) {
    case '{':
    case '[':
      if (!isValue) return undefined;
      open.push(token);
      return token === '{' ? 'first key' : 'first value';
    case '}':
    case ']': {
      const fits = open.at(-1) === (token === '}' ? '{' : '[');
      if (!fits || !['comma', token === '}' ? 'first key' : 'first value'].includes(expected)) return undefined;
      open.pop();
      return within();
    }
    case ',':
      if (expected !== 'comma') return undefined;
      return open.at(-1) === '{' ? 'key' : 'value';
    case ':':
      return expected === 'colon' ? 'value' : undefined;
    default:
      if (isValue) return within();
      return (expected === 'key' || expected === 'first key') && token.startsWith('"') ? 'colon' : undefined;
  }
}
