/** What the vertical axis of charts on one scale covers. */

export type Range = readonly [low: number, high: number];

/** Lower than so far below the greatest nothing is shown: users who get next to no power are predicted −2776 dB, and would flatten all others. */
const MOST_SPAN = 100;

/** A range in whole steps around everything that is shown; it widens at once and narrows only when much room is left. */
export function steadyRange(
  before: Range | undefined,
  lines: readonly (readonly (number | null | undefined)[])[],
  step: number,
): Range {
  let least = Infinity;
  let greatest = -Infinity;
  for (const line of lines) {
    for (const value of line) {
      if (value === null || value === undefined || !Number.isFinite(value)) continue;
      if (value < least) least = value;
      if (value > greatest) greatest = value;
    }
  }
  if (least > greatest) return before ?? [0, step];
  least = Math.max(least, greatest - MOST_SPAN);
  const wanted: Range = [
    Math.floor(least / step) * step,
    Math.max(Math.ceil(greatest / step) * step, Math.floor(least / step) * step + step),
  ];
  if (!before) return wanted;
  const keep = before[0] <= wanted[0] && before[1] >= wanted[1] && before[1] - before[0] <= wanted[1] - wanted[0] + 2 * step;
  return keep ? before : wanted;
}
