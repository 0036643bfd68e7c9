/** Texts that hold what terminals obey: in a file of plain characters, too, for its escapes write them. */
import { characterFlaw } from '../files/plain-text.ts';
import { pathText, type Problem } from './schema-problems.ts';

/** One problem for each value that holds any. */
export function characterProblems(value: unknown, path: PropertyKey[] = []): Problem[] {
  if (typeof value === 'string') {
    const flaw = characterFlaw(value);
    return flaw ? [{ path, text: `${pathText(path)}: holds ${flaw.text}` }] : [];
  }
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => {
    const place = [...path, Array.isArray(value) ? Number(key) : key];
    return characterProblems(inner, place);
  });
}
