/** Where the ticks of an axis stand, and what they say. */

/** About how many parts an axis has. */
const PARTS = 8;

/**
 * Round numbers within a range: steps of 1, 2 or 5 times a power of ten; on a logarithmic axis powers of ten, with 2 and 5 between them where
 * there are few.
 * @param from below `to`, and above 0 on a logarithmic axis
 */
export function ticksOf(from: number, to: number, log = false): number[] {
  return log ? logTicks(from, to) : linearTicks(from, to);
}

function linearTicks(from: number, to: number): number[] {
  const step = roundStep((to - from) / PARTS);
  const first = Math.ceil(from / step - 1e-9);
  const last = Math.floor(to / step + 1e-9);
  // Multiples, and not sums: 0.1 + 0.2 is not 0.3, and the middle is 0 and not −0.
  return Array.from({ length: last - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(12)) + 0);
}

/** The next of 1, 2, 5, 10 times a power of ten. */
function roundStep(atLeast: number): number {
  const power = 10 ** Math.floor(Math.log10(atLeast));
  return power * ([1, 2, 5].find((factor) => factor * power >= atLeast * (1 - 1e-9)) ?? 10);
}

function logTicks(from: number, to: number): number[] {
  const first = Math.floor(Math.log10(from));
  const last = Math.ceil(Math.log10(to));
  const factors = Math.log10(to / from) > 3.5 ? [1] : [1, 2, 5];
  const all = Array.from({ length: last - first + 1 }, (_, i) => factors.map((factor) => factor * 10 ** (first + i))).flat();
  return all.filter((tick) => tick >= from * (1 - 1e-9) && tick <= to * (1 + 1e-9)).map((tick) => Number(tick.toPrecision(12)));
}

/** As many decimals as tell them apart. */
export function tickTexts(ticks: readonly number[]): string[] {
  const decimals = Math.max(0, ...ticks.map((tick) => (String(tick).split('.')[1] ?? '').length));
  return ticks.map((tick) => {
    const text = Math.abs(tick) >= 1e6 || String(tick).includes('e') ? String(tick) : tick.toFixed(decimals);
    return text.replaceAll('-', '−');
  });
}
