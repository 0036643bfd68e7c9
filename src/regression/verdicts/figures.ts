/** Numbers as reports say them: no more digits than anybody reads. */
export function figureText(value: number | null, unit = ''): string {
  if (value === null) return 'unknown';
  const text = Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(4)));
  return unit === '' ? text : `${text} ${unit}`;
}

export const percent = (share: number): string => `${Number((100 * share).toPrecision(4))} %`;
