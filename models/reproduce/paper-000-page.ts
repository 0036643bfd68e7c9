/** Paper 000's figures as Markdown. */
import type { MeanAndError } from '../evaluation/statistics.ts';
import type { Claim } from './paper-000-claims.ts';
import type { Curve } from './paper-000-curves.ts';
import type { Method, OverSnr, SnrRow } from './paper-000.ts';

const MARKS = [0, 10, 25, 43, 70, 100, 120];

export function curvesMarkdown(curves: readonly Curve[]): string {
  return table(
    ['', 'start', ...MARKS.map(String), '± at the end'],
    curves.map(({ title, start, mean, last }) => [
      title,
      start,
      ...MARKS.map((layer) => fixed(mean[layer], 2)),
      fixed(last.stderr, 2),
    ]),
  );
}

export function snrMarkdown(
  { rows }: OverSnr,
  methods: readonly Method[],
  figure: keyof SnrRow & ('rate' | 'tau' | 'objective' | 'patternMse'),
  digits = 2,
): string {
  const snrsDb = [...new Set(rows.map(({ snrDb }) => snrDb))];
  const cell = (key: string, snrDb: number): string => {
    const row = rows.find((each) => each.method === key && each.snrDb === snrDb);
    return row === undefined ? '–' : withError(row[figure], digits);
  };
  return table(
    ['', ...snrsDb.map((snrDb) => `${snrDb} dB`)],
    methods.map(({ key, title }) => [title, ...snrsDb.map((snrDb) => cell(key, snrDb))]),
  );
}

export const claimsMarkdown = (claims: readonly Claim[]): string =>
  table(
    ['claim', 'theirs', 'ours', ''],
    claims.map(({ claim, theirs, ours, holds }) => [claim, theirs, ours, holds ? 'holds' : '**does not hold**']),
  );

const ANGLES_DEG = [-75, -60, -45, -30, -15, 0, 15, 30, 45, 60, 75];

/** Mean power towards a few azimuths, dB over one isotropic element fed with the same power. */
export function patternsMarkdown({ patterns }: OverSnr): string {
  const towards = (azimuthRad: Float64Array, power: Float64Array, deg: number): string => {
    const angle = (deg * Math.PI) / 180;
    let nearest = 0;
    azimuthRad.forEach((each, i) => {
      if (Math.abs(each - angle) < Math.abs(azimuthRad[nearest] - angle)) nearest = i;
    });
    return fixed(10 * Math.log10(power[nearest]), 1);
  };
  return table(
    ['', ...ANGLES_DEG.map((deg) => `${deg}°`)],
    patterns.map(({ method, azimuthRad, power }) => [method, ...ANGLES_DEG.map((deg) => towards(azimuthRad, power, deg))]),
  );
}

const fixed = (value: number, digits: number): string => (Number.isFinite(value) ? value.toFixed(digits).replace('-', '−') : '–');
const withError = ({ mean, stderr }: MeanAndError, digits: number): string => `${fixed(mean, digits)} ± ${fixed(stderr, digits)}`;

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map((_, i) => (i === 0 ? '---' : '---:'))), ...rows.map(line)].join('\n');
}
