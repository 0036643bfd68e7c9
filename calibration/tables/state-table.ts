/**
 * A calibration table from what was measured, as a file, and as the alphabets that a quantiser chooses from.
 *
 *   estimates of all chains ─► one common factor taken out ─► gain and phase by place and word ─► text ─► sha256
 *
 * The factor that receiver, path and reference have in common says nothing of the array. Phases are written so that those of state 0 add up to 0, gains so
 * that their mean is 0 dB, or beside a nominal element where it is known what the probe hears of one. Of all references the sum has the least variance, where
 * that of one element would go into all others.
 */
import { createHash } from 'node:crypto';
import { BeamrigError } from '../../core/errors/beamrig-error.ts';
import type { CMatrix } from '../../core/signal/complex-matrix.ts';
import type { ElementStates } from '../../core/signal/quantise.ts';
import type { ElementFlaw } from '../element-health.ts';
import type { CalibrationTable } from './table-schema.ts';
import { isSimulated, tableSchema } from './table-schema.ts';

/** What was measured of one RF chain: elements of the panel, in its order, and what they show, rows×2^Q, all chains beside one reference. */
export interface MeasuredChain {
  readonly elements: readonly number[];
  readonly states: CMatrix;
  readonly flaws: ReadonlyMap<number, ElementFlaw>;
}

export type TableFacts = Omit<CalibrationTable, 'format' | 'flaws' | 'gainDb' | 'phaseDeg' | 'sha256'>;

const DEG = 180 / Math.PI;
/** A state that shows nothing is written as this: weaker than any that radiates. */
const NOTHING_DB = -200;
const DIGITS = 1000;

/**
 * @param chains one for each RF chain
 * @param nominalPower of a state of a nominal element in their unit, where it is known
 */
export function tableOf(
  facts: Omit<TableFacts, 'gainsBeside'>,
  chains: readonly MeasuredChain[],
  nominalPower?: number,
): CalibrationTable {
  const { elements, rfChains } = facts;
  const gainDb: (number[] | null)[] = Array.from({ length: elements * rfChains }, () => null);
  const phaseDeg: (number[] | null)[] = gainDb.slice();
  const flaws: CalibrationTable['flaws'] = [];
  chains.forEach(({ elements: measured, states, flaws: ofChain }, m) => {
    measured.forEach((n, row) => {
      const place = n * rfChains + m;
      const polar = polarRow(states, row);
      gainDb[place] = polar.gainDb;
      phaseDeg[place] = polar.phaseDeg;
      const flaw = ofChain.get(row);
      if (flaw !== undefined) flaws.push({ element: n, rfChain: m, flaw });
    });
  });
  flaws.sort((a, b) => a.element - b.element || a.rfChain - b.rfChain);
  const flawed = new Set(flaws.map((flaw) => flaw.element * rfChains + flaw.rfChain));
  const healthy = (rows: readonly (number[] | null)[]): number[][] =>
    rows.filter((row, place): row is number[] => row !== null && !flawed.has(place));
  const middleDeg = meanOf(healthy(phaseDeg).map(([first]) => first));
  const middleDb = nominalPower === undefined ? meanOf(healthy(gainDb).flat()) : 10 * Math.log10(nominalPower);
  const shifted = (rows: (number[] | null)[], by: number): (number[] | null)[] =>
    rows.map((row) => row && row.map((value) => (value > NOTHING_DB ? Math.round((value - by) * DIGITS) / DIGITS : value)));
  return sealed({
    format: 'beamrig-calibration-1',
    ...facts,
    gainsBeside: nominalPower === undefined ? 'mean' : 'nominal',
    flaws,
    gainDb: shifted(gainDb, middleDb),
    phaseDeg: shifted(phaseDeg, middleDeg),
  });
}

/** Phases go on from state to state, around the circle as often as they do. */
function polarRow({ cols, re, im }: CMatrix, row: number): { gainDb: number[]; phaseDeg: number[] } {
  const gainDb: number[] = [];
  const phaseDeg: number[] = [];
  for (let s = 0, at = row * cols; s < cols; s++, at++) {
    const power = re[at] ** 2 + im[at] ** 2;
    gainDb.push(power > 0 ? Math.max(10 * Math.log10(power), NOTHING_DB) : NOTHING_DB);
    const own = DEG * Math.atan2(im[at], re[at]);
    const near = s === 0 ? own : phaseDeg[0] + (360 * s) / cols;
    phaseDeg.push(own + 360 * Math.round((near - own) / 360));
  }
  return { gainDb, phaseDeg };
}

const meanOf = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / Math.max(values.length, 1);

type Unsealed = Omit<CalibrationTable, 'sha256'>;

const sealed = (table: Unsealed): CalibrationTable => ({ ...table, sha256: sha256Of(table) });

/** Whatever the order of the keys was in which it was made. */
function sha256Of({ sha256: _, ...table }: Unsealed & { sha256?: string }): string {
  const ordered = Object.fromEntries(Object.entries(table).sort(([a], [b]) => (a < b ? -1 : 1)));
  return createHash('sha256').update(JSON.stringify(ordered)).digest('hex');
}

/** The elements of one panel among those that were measured together, as the table of that panel. */
export function tableOfPanel(table: CalibrationTable, panel: string, elements: readonly number[]): CalibrationTable {
  const { sha256: _, rfChains, flaws, gainDb, phaseDeg } = table;
  const own = <T>(rows: readonly T[]): T[] => elements.flatMap((n) => rows.slice(n * rfChains, (n + 1) * rfChains));
  const places = new Map(elements.map((n, own) => [n, own]));
  return sealed({
    ...table,
    panel,
    elements: elements.length,
    flaws: flaws.flatMap(({ element, ...flaw }) => {
      const at = places.get(element);
      return at === undefined ? [] : [{ element: at, ...flaw }];
    }),
    gainDb: own(gainDb),
    phaseDeg: own(phaseDeg),
  });
}

/** The text of the file: a place a line. */
export function tableText(table: CalibrationTable): string {
  const { gainDb, phaseDeg, sha256, flaws, ...facts } = table;
  const lines = Object.entries(facts).map(([key, value]) => `  ${JSON.stringify(key)}: ${JSON.stringify(value)},`);
  const list = (rows: readonly unknown[]): string =>
    rows.length === 0 ? '[]' : `[\n    ${rows.map((row) => JSON.stringify(row)).join(',\n    ')}\n  ]`;
  return [
    '{',
    ...lines,
    `  "flaws": ${list(flaws)},`,
    `  "gainDb": ${list(gainDb)},`,
    `  "phaseDeg": ${list(phaseDeg)},`,
    `  "sha256": ${JSON.stringify(sha256)}`,
    '}',
    '',
  ].join('\n');
}

/**
 * @param path for messages
 * @throws {BeamrigError} 'calibration-file' where it is no table, not the one that was written, or does not fit itself
 */
export function readTable(bytes: Uint8Array, path: string): CalibrationTable {
  const refuse = (why: string, wayOut: string, cause?: unknown): BeamrigError =>
    new BeamrigError('calibration-file', `${path}: ${why}`, { wayOut, cause });
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw refuse('not JSON, or cut off', 'Measure again, or take the file from where it was whole.', cause);
  }
  const parsed = tableSchema.safeParse(json);
  if (!parsed.success) {
    const [{ path: at, message }] = parsed.error.issues;
    throw refuse(
      `no calibration table: ${at.length === 0 ? 'the whole' : at.join('.')}: ${message}`,
      'Write tables with beamrig calibrate.',
    );
  }
  const table = parsed.data;
  const misfit = misfitOf(table);
  if (misfit !== undefined) throw refuse(misfit, 'Write tables with beamrig calibrate.');
  if (sha256Of(table) !== table.sha256) {
    throw refuse(
      'its checksum is that of another content: it was changed by hand, or damaged',
      'Measure again; tables are merged with beamrig calibration merge.',
    );
  }
  return table;
}

function misfitOf({ elements, rfChains, phaseBits, gainDb, phaseDeg, flaws }: CalibrationTable): string | undefined {
  const places = elements * rfChains;
  for (const [name, rows] of Object.entries({ gainDb, phaseDeg })) {
    if (rows.length !== places)
      return `${name} has ${rows.length} places, and ${elements} elements × ${rfChains} RF chains have ${places}`;
    const bad = rows.findIndex((row) => row !== null && row.length !== 2 ** phaseBits);
    if (bad >= 0) return `${name}.${bad} has ${rows[bad]?.length} states, and ${phaseBits} bits have ${2 ** phaseBits}`;
  }
  const alone = gainDb.findIndex((row, place) => (row === null) !== (phaseDeg[place] === null));
  if (alone >= 0) return `place ${alone} has a gain or a phase and not both`;
  const strange = flaws.find(({ element, rfChain }) => element >= elements || rfChain >= rfChains);
  if (strange !== undefined) return `a flaw is of element ${strange.element}, RF chain ${strange.rfChain}, which it has not`;
  return undefined;
}

/** The alphabet of each place, N·M; undefined where nothing was measured. */
export function alphabetsOf({ gainDb, phaseDeg }: CalibrationTable): (ElementStates | undefined)[] {
  return gainDb.map((gains, place) => {
    const phases = phaseDeg[place];
    if (gains === null || phases === null) return undefined;
    const size = gains.map((gain) => (gain > NOTHING_DB ? 10 ** (gain / 20) : 0));
    return {
      re: Float64Array.from(size, (r, s) => r * Math.cos(phases[s] / DEG)),
      im: Float64Array.from(size, (r, s) => r * Math.sin(phases[s] / DEG)),
    };
  });
}

/**
 * The table on the line between tables of one panel: gains in dB and phases in degrees, each by its weight.
 * @param weighed weights that add up to 1
 * @param at the frequency and temperature that it is for
 */
export function tableBetween(
  weighed: readonly { readonly table: CalibrationTable; readonly weight: number }[],
  at: Pick<CalibrationTable, 'frequencyGhz' | 'temperatureC'> & Partial<Pick<CalibrationTable, 'measuredAt' | 'accuracy'>>,
): CalibrationTable {
  const [{ table: first }] = weighed;
  const firstOf = ({ phaseDeg }: CalibrationTable, place: number): number => phaseDeg[place]?.[0] ?? 0;
  /** Whole turns that bring a table's phases of a place nearest to the first table's, degrees. */
  const turns = (table: CalibrationTable, place: number): number =>
    360 * Math.round((firstOf(first, place) - firstOf(table, place)) / 360);
  const mean = (of: (table: CalibrationTable) => number): number =>
    Math.round(DIGITS * weighed.reduce((sum, { table, weight }) => sum + weight * of(table), 0)) / DIGITS;
  const between = (of: (table: CalibrationTable, place: number, s: number) => number): CalibrationTable['gainDb'] =>
    first.gainDb.map((row, place) =>
      row === null || weighed.some(({ table }) => table.gainDb[place] === null)
        ? null
        : row.map((_, s) => mean((table) => of(table, place, s))),
    );
  const flawed = new Map(
    weighed.flatMap(({ table }) => table.flaws.map((flaw) => [`${flaw.element} ${flaw.rfChain}`, flaw] as const)),
  );
  // One that is simulated makes all of it so.
  const { measuredOn = first.measuredOn } = weighed.find(({ table }) => isSimulated(table))?.table ?? first;
  return sealed({
    ...first,
    ...(measuredOn === undefined ? {} : { measuredOn }),
    measurement: [...new Set(weighed.map(({ table }) => table.measurement))].join(' + ').slice(0, 200),
    method: `between ${weighed.map(({ table, weight }) => `${tableId(table)} (${(100 * weight).toFixed(0)} %)`).join(' and ')}`,
    measuredAt: weighed.map(({ table }) => table.measuredAt).sort()[0],
    ...at,
    readings: weighed.reduce((sum, { table }) => sum + table.readings, 0),
    flaws: [...flawed.values()],
    gainDb: between(({ gainDb }, place, s) => gainDb[place]?.[s] ?? NaN),
    phaseDeg: between((table, place, s) => (table.phaseDeg[place]?.[s] ?? NaN) + turns(table, place)),
  });
}

/** What a table is called in records and on the page: panel, frequency, temperature, and the first digits of its checksum. */
export const tableId = ({ panel, frequencyGhz, temperatureC, sha256 }: CalibrationTable): string =>
  `${panel}/${frequencyGhz}GHz/${temperatureC === null ? '-' : Math.round(temperatureC)}C/${sha256.slice(0, 8)}`;

/** What a file's name says of the table in it; undefined of a name that `tableFileName` does not make. */
export function namedTable(
  file: string,
): { panel: string; frequencyGhz: string; temperatureC: string | undefined; measuredAt: string } | undefined {
  const groups = /^(?<panel>.+)_(?<frequencyGhz>[\d.]+)GHz(?:_(?<temperatureC>-?\d+)C)?_(?<measuredAt>\d{8}T\d{6}Z)\.json$/.exec(
    file,
  )?.groups;
  if (groups === undefined) return undefined;
  const { panel, frequencyGhz, temperatureC, measuredAt } = groups;
  return { panel, frequencyGhz, temperatureC, measuredAt };
}

/** A serial number as it stands in names of files. */
export const tablePanelName = (panel: string): string => panel.replaceAll(/[^A-Za-z0-9.-]/g, '-');

/** What a table is called as a file. */
export function tableFileName({ panel, frequencyGhz, temperatureC, measuredAt }: CalibrationTable): string {
  const when = measuredAt.replaceAll(/[-:]|\.\d+/g, '');
  const warm = temperatureC === null ? '' : `_${Math.round(temperatureC)}C`;
  return `${tablePanelName(panel)}_${frequencyGhz}GHz${warm}_${when}.json`;
}
