/** What the array is known by, in words: by board, and in the fewest of all; and where the channels come from that beams are for. */
import { counted } from '../../core/errors/counted.ts';
import type { BoardCalibration, BoardTable, RigDescription } from '../../src/server/socket-contract.ts';
import { fixed } from '../charts/figures.ts';
import { flawKey, type Flaw } from '../charts/flaw-marks.ts';

/** Older than this a table is doubted. */
const OLD_DAYS = 30;
/** Warmer or colder by more than this than its table, a board is doubted. */
const OTHER_TEMPERATURE_C = 5;
const SAME_FREQUENCY_SHARE = 1e-4;
const [HOUR_MS, DAY_MS] = [3_600_000, 86_400_000];

/** 12 min, 3 h, 5 days */
export function daysText(ms: number): string {
  if (ms < HOUR_MS) return `${Math.max(0, Math.floor(ms / 60_000))} min`;
  if (ms < DAY_MS) return `${Math.floor(ms / HOUR_MS)} h`;
  return counted(Math.floor(ms / DAY_MS), 'day');
}

export const errorText = ({ phaseDeg, gainDb }: { phaseDeg: number; gainDb: number }): string =>
  `${Number.isFinite(phaseDeg) ? short(phaseDeg) : '–'}°, ${Number.isFinite(gainDb) ? short(gainDb) : '–'} dB`;
const short = (value: number): string => String(Number(value.toPrecision(2)));

/** Why a table is doubted; empty while it is not. */
export function doubtsOf({ table, temperatureC, frequencyGhz }: BoardCalibration, nowMs: number): string[] {
  if (table === null) return [];
  const doubts: string[] = [];
  if (nowMs - table.measuredAtMs > OLD_DAYS * DAY_MS) doubts.push(`more than ${OLD_DAYS} days old`);
  if (temperatureC !== null && table.temperatureC !== null && Math.abs(temperatureC - table.temperatureC) > OTHER_TEMPERATURE_C)
    doubts.push(`measured at ${fixed(table.temperatureC, 0)} °C, and the board is at ${fixed(temperatureC, 0)} °C`);
  if (Math.abs(table.frequencyGhz / frequencyGhz - 1) > SAME_FREQUENCY_SHARE)
    doubts.push(`measured at ${table.frequencyGhz} GHz, and the rig is at ${frequencyGhz} GHz`);
  return doubts;
}

type Found = Pick<RigDescription, 'calibrated' | 'flaws' | 'tableOffDeg'>;

/** Elements that were found not to do what their tables say, while the rig ran; some of them may be well, where one of several has failed. */
export const foundSince = ({ calibrated, flaws }: Pick<Found, 'calibrated' | 'flaws'>): Flaw[] => {
  const inTables = new Set(calibrated.flatMap(({ table }) => table?.flaws.map((one) => `${one.element} ${one.flaw}`) ?? []));
  return flaws.filter(({ by, element, flaw }) => by !== 'table' && !inTables.has(`${element} ${flaw}`));
};

/** The same in words, with what is known of all elements together; empty where the tables still tell all. */
export function sinceLines(rig: Found): string[] {
  const lines = rig.tableOffDeg === null ? [] : [`elements are off by ${fixed(rig.tableOffDeg, 1)}° RMS beside their table`];
  const found = foundSince(rig);
  for (const by of ['probe', 'watch'] as const) {
    const key = flawKey(found.filter((one) => one.by === by));
    if (key !== '') lines.push(`${FOUND_BY[by]}: ${key}`);
  }
  return lines;
}
const FOUND_BY = { probe: 'measured again', watch: 'by what users measure' };

/** The whole array at a glance: the worst of its boards, and what was found since they were measured. */
export function glanceOf(
  rig: Found,
  nowMs: number,
): { text: string; more: string; title: string; level: 'good' | 'doubt' | 'none' } {
  const { calibrated } = rig;
  const tables = calibrated.flatMap(({ table }) => (table === null ? [] : [table]));
  if (tables.length === 0 || tables.length < calibrated.length) {
    const why = calibrated.flatMap(({ panel, why }) => (why === null ? [] : [`${panel}: ${why}`]));
    return { text: 'NOT CALIBRATED', more: ': ideal states', title: why.join('; '), level: 'none' };
  }
  const oldest = tables.reduce((old, table) => (table.measuredAtMs < old.measuredAtMs ? table : old));
  const worst = (of: (table: BoardTable) => number): number => Math.max(...tables.map(of));
  const doubts = [...calibrated.flatMap((board) => doubtsOf(board, nowMs)), ...sinceLines(rig)];
  const flawed = new Set(foundSince(rig).map((one) => one.element)).size;
  // Where there is something, the residual of the table is not that of now.
  const since = [
    ...(rig.tableOffDeg === null ? [] : [', OUTDATED']),
    ...(flawed === 0 ? [] : [`, ${counted(flawed, 'flaw')} since`]),
  ];
  return {
    text: `Calibrated ${daysText(nowMs - oldest.measuredAtMs)} ago${since.join('')}`,
    more:
      since.length > 0
        ? ''
        : ` to ${errorText({ phaseDeg: worst(({ phaseDeg }) => phaseDeg), gainDb: worst(({ gainDb }) => gainDb) })}`,
    title: [tables.map(({ id }) => id).join(' + '), ...doubts].join('; '),
    level: doubts.length > 0 ? 'doubt' : 'good',
  };
}

/** A board and its table, name by value. */
export function boardLines(board: BoardCalibration, nowMs: number): [name: string, value: string][] {
  const { panel, table, why, temperatureC } = board;
  const now = temperatureC === null ? 'not told' : `${fixed(temperatureC, 1)} °C`;
  if (table === null) {
    return [
      ['board', panel],
      ['table', `none: ideal states (${why ?? ''})`],
      ['temperature now', now],
    ];
  }
  const { id, measuredAtMs, method, readings, phaseDeg, gainDb } = table;
  const then = table.temperatureC === null ? 'not known' : `${fixed(table.temperatureC, 1)} °C`;
  return [
    ['board', panel],
    ['table', id],
    ['age', `${daysText(nowMs - measuredAtMs)}, measured ${dateText(measuredAtMs)}`],
    ['residual', `${errorText({ phaseDeg, gainDb })} RMS`],
    ['method', `${method}, ${counted(readings, 'reading')}`],
    ['temperature', `${then}, now ${now}`],
    ['flaws', flawsText(table.flaws)],
  ];
}

export const dateText = (ms: number): string => new Date(ms).toISOString().slice(0, 16).replace('T', ' ') + ' UTC';

/** Each element once, with the chains where not all of its flaws are alike. */
export function flawsText(flaws: BoardTable['flaws']): string {
  if (flaws.length === 0) return 'none found';
  const chains = new Map<string, number[]>();
  for (const { element, rfChain, flaw } of flaws) {
    const text = `element ${element} ${flaw.replaceAll('-', ' ')}`;
    chains.set(text, [...(chains.get(text) ?? []), rfChain]);
  }
  return [...chains].map(([text, of]) => `${text} (${of.length === 1 ? 'chain' : 'chains'} ${of.join(', ')})`).join('; ');
}

/** Which channel the beams are for, shown plainly; of one that was sounded, how old it is. */
export function originText({ byHand, channelSource }: RigDescription, soundedSlotsAgo: number | null): string {
  if (byHand !== null) return 'Beams: by hand, for no channel';
  const how = {
    simulation: 'simulated scene',
    file: 'from a file',
    sounding: soundedSlotsAgo === null ? 'sounded' : `sounded ${counted(soundedSlotsAgo, 'slot')} ago`,
  }[channelSource];
  return `Channels: ${how}`;
}
