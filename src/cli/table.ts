import { printable } from '../../core/errors/printable.ts';

/** Text in columns, for people: left-aligned words, right-aligned numbers. Cells may hold what strangers wrote. */
export function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const texts = rows.map((row) => row.map((cell) => printable(String(cell))));
  const widths = head.map((title, column) => Math.max(title.length, ...texts.map((row) => row[column]?.length ?? 0)));
  const numeric = head.map(
    (_, column) => rows.length > 0 && rows.every((row) => typeof row[column] === 'number' || isNumber(row[column])),
  );
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) => (numeric[column] ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0)))
      .join('  ')
      .trimEnd();
  return [line(head), ...texts.map(line)].join('\n');
}

const isNumber = (cell: string | number | undefined): boolean =>
  typeof cell === 'string' && /^[-+]?\d+(\.\d+)?( ± \d+(\.\d+)?)?$/.test(cell);
