import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readJson } from './json-text.ts';

const isJson = (text: string): boolean => {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
};

describe('JSON that a person may have written', () => {
  it.each([
    ['{\n  "a": 1,\n  "b": 2,\n}', 'line 4:1: there is "}" where a name in double quotes should be'],
    ['{ "a": 1 "b": 2 }', 'line 1:10: there is "\\"" where a comma or the closing bracket should be'],
    ['{ "a": TRUE }', 'line 1:8: there is "T" where a value should be'],
    ['{ a: 1 }', 'line 1:3: there is "a" where a name in double quotes or } should be'],
    ['{ "a" 1 }', 'line 1:7: there is "1" where a colon should be'],
    ['[1, 2', 'line 1:6: the text ends where a comma or the closing bracket should be'],
    ['[1, 2}', 'line 1:6: there is "}" where a comma or the closing bracket should be'],
    ['', 'line 1:1: the text ends where a value should be'],
    ['1 2', 'line 1:3: there is "2" where the end should be'],
    ['["a\nb"]', 'line 1:2: there is "\\"" where a value or ] should be'],
    [`${'['.repeat(400_000)}${']'.repeat(400_000)}`, 'line 1:33: nested more than 32 deep'],
    [`\n${'{"a":'.repeat(33)}1${'}'.repeat(33)}`, 'line 2:161: nested more than 32 deep'],
  ])('%# is refused where it stops being that', (text, why) => {
    expect(readJson(text)).toEqual({ ok: false, why });
  });

  it('is read as JSON.parse reads it, however long its texts', () => {
    for (const value of [{}, [], 'x'.repeat(1_000_000), '\\"\n'.repeat(300_000), [[]], { a: [{ b: null }, -1.5e-7, true] }]) {
      expect(readJson(` ${JSON.stringify(value, null, 1)}\r\n`)).toEqual({ ok: true, value });
    }
    fc.assert(
      fc.property(fc.json({ maxDepth: 5 }), (text) => {
        expect(readJson(text)).toEqual({ ok: true, value: JSON.parse(text) as unknown });
      }),
    );
  });

  it('is what JSON.parse takes, and nothing else', () => {
    const sign = fc.constantFrom(
      ...'{}[],:"\\ \n0123.eE+-tfn',
      'true',
      'false',
      'null',
      '"a"',
      '"a":',
      '\\u00e4',
      '\u0001',
      '\u00a0',
    );
    fc.assert(
      fc.property(fc.array(sign, { maxLength: 12 }), (signs) => {
        const text = signs.join('');
        expect(readJson(text).ok).toBe(isJson(text));
      }),
      { numRuns: 20_000, seed: 1 },
    );
  });
});
