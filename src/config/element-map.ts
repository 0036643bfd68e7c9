/**
 * Which elements of the array hang on which link. A rig file names them as ranges (`'0-31'`, or a list of numbers and ranges); here they
 * become plain lists, and it is checked that every element of the array is on exactly one link.
 */

/** What a rig file may say: `'0-31'`, `'0-15, 40'`, `[ '0-15', 40 ]`. */
export type ElementsText = string | readonly (string | number)[];

/** The elements of one link in the order of its panel's own, or what is wrong with the text. */
export type ParsedElements = { ok: true; elements: number[] } | { ok: false; problem: string };

const LARGEST_ELEMENT = 65_535;

/**
 * Reads a list of elements. A range may count down (`'31-0'`): the panel's element 0 is then the array's element 31.
 * @param total N of the array, where it is known
 */
export function parseElements(text: ElementsText, total?: number): ParsedElements {
  const parts = typeof text === 'string' ? text.split(',') : text.flatMap((part) => String(part).split(','));
  const elements: number[] = [];
  const seen = new Set<number>();
  for (const part of parts) {
    const range = /^\s*(\d{1,7})\s*(?:-\s*(\d{1,7}))?\s*$/.exec(part);
    if (range === null) return { ok: false, problem: `${JSON.stringify(part)} is no element and no range; allowed: 40, or 0-31` };
    const first = Number(range[1]);
    const last = Number(range[2] ?? range[1]);
    const outside = [first, last].find((element) => element > Math.min((total ?? Infinity) - 1, LARGEST_ELEMENT));
    if (outside !== undefined) {
      const allowed = `0 to ${Math.min((total ?? Infinity) - 1, LARGEST_ELEMENT)}`;
      return { ok: false, problem: `${outside} is no element of this array; allowed: ${allowed}` };
    }
    const step = first <= last ? 1 : -1;
    for (let element = first; element !== last + step; element += step) {
      if (seen.has(element)) return { ok: false, problem: `element ${element} is named twice` };
      seen.add(element);
      elements.push(element);
    }
  }
  if (elements.length === 0) return { ok: false, problem: 'names no element' };
  return { ok: true, elements };
}

/**
 * Every element on exactly one link?
 * @param links each with how messages call it
 * @returns one sentence for all holes, and one for each pair of links that overlap; none when the map is whole
 */
export function mapProblems(links: readonly { label: string; elements: readonly number[] }[], total: number): string[] {
  const owner = new Map<number, string>();
  const overlaps = new Map<string, number[]>();
  for (const { label, elements } of links) {
    for (const element of elements) {
      const other = owner.get(element);
      if (other === undefined) owner.set(element, label);
      else {
        const pair = `${other} and ${label}`;
        overlaps.set(pair, [...(overlaps.get(pair) ?? []), element]);
      }
    }
  }
  const problems = [...overlaps].map(([pair, elements]) => `${elementsText(elements)} on both ${pair}`);
  const holes = Array.from({ length: total }, (_, element) => element).filter((element) => !owner.has(element));
  if (holes.length > 0) {
    const labels = links.map(({ label }) => label).join(', ');
    problems.push(`${elementsText(holes)} on no link (${labels}); the array has elements 0 to ${total - 1}`);
  }
  return problems;
}

/** 'element 7 is', 'elements 0-3, 9 are' */
const elementsText = (elements: readonly number[]): string =>
  elements.length === 1 ? `element ${elements[0]} is` : `elements ${rangesText(elements)} are`;

/** Ascending numbers as a person writes them: '0-3, 9'. */
export function rangesText(numbers: readonly number[]): string {
  const ranges: [number, number][] = [];
  for (const number of numbers) {
    const last = ranges.at(-1);
    if (last !== undefined && number === last[1] + 1) last[1] = number;
    else ranges.push([number, number]);
  }
  return ranges.map(([first, last]) => (first === last ? String(first) : `${first}-${last}`)).join(', ');
}
