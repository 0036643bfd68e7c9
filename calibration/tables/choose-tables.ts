/**
 * Which of the tables that there are belong to a panel, and what it shows at its frequency and temperature: between two that were measured the line between
 * them, beyond all of them the nearest in temperature. Across frequencies nothing is guessed beyond what was measured.
 */
import { isSimulated, type CalibrationTable } from './table-schema.ts';
import { tableBetween } from './state-table.ts';

export interface PanelAtHand {
  /** Serial number. */
  readonly panel: string;
  readonly elements: number;
  readonly rfChains: number;
  readonly phaseBits: number;
  readonly frequencyGhz: number;
  /** °C; null: not known. */
  readonly temperatureC: number | null;
  /** Of a simulated array, what it was drawn from. */
  readonly simulatedArray: string | null;
  /** It is in the air, where no simulated table holds. */
  readonly isHardware?: boolean;
}

/** The table, or why there is none. */
export type TableChoice = { readonly table: CalibrationTable } | { readonly why: string };

const SIMULATED = 'its tables were measured on a panel that a program played, and this is hardware';
/** Frequencies that are as good as one. */
const SAME_FREQUENCY_SHARE = 1e-4;

export function chooseTables(tables: readonly CalibrationTable[], at: PanelAtHand): TableChoice {
  const named = tables.filter(({ panel, simulatedArray }) => panel === at.panel && simulatedArray === at.simulatedArray);
  const own = at.isHardware === true ? named.filter((table) => !isSimulated(table)) : named;
  if (own.length === 0) return { why: named.length > 0 ? SIMULATED : whyNoneIsOwn(tables, at) };
  const fitting = own.filter((table) => misfitOf(table, at) === undefined);
  if (fitting.length === 0) return { why: `its newest table is ${misfitOf(newestOf(own), at) ?? ''}` };
  const below = fitting.filter(({ frequencyGhz }) => frequencyGhz <= at.frequencyGhz * (1 + SAME_FREQUENCY_SHARE));
  const above = fitting.filter(({ frequencyGhz }) => frequencyGhz >= at.frequencyGhz * (1 - SAME_FREQUENCY_SHARE));
  if (below.length === 0 || above.length === 0) {
    const known = [...new Set(fitting.map(({ frequencyGhz }) => frequencyGhz))].sort((a, b) => a - b);
    return { why: `it was measured at ${known.join(', ')} GHz, and the rig is at ${at.frequencyGhz}` };
  }
  const lower = Math.max(...below.map(({ frequencyGhz }) => frequencyGhz));
  const upper = Math.min(...above.map(({ frequencyGhz }) => frequencyGhz));
  const share = upper - lower < SAME_FREQUENCY_SHARE * upper ? 0 : (at.frequencyGhz - lower) / (upper - lower);
  const chosen = [
    ...byTemperature(
      fitting.filter((table) => table.frequencyGhz === lower),
      at.temperatureC,
    ).map(weighed(1 - share)),
    ...byTemperature(
      fitting.filter((table) => table.frequencyGhz === upper),
      at.temperatureC,
    ).map(weighed(share)),
  ].filter(({ weight }) => weight > 0);
  const [{ table }] = chosen;
  if (chosen.length === 1) return { table };
  return { table: tableBetween(chosen, { frequencyGhz: at.frequencyGhz, temperatureC: at.temperatureC ?? table.temperatureC }) };
}

type Weighed = { table: CalibrationTable; weight: number };
const weighed =
  (by: number) =>
  ({ table, weight }: Weighed): Weighed => ({ table, weight: weight * by });

/** At one frequency. */
function byTemperature(tables: readonly CalibrationTable[], temperatureC: number | null): Weighed[] {
  const known = tables.filter((table): table is CalibrationTable & { temperatureC: number } => table.temperatureC !== null);
  if (temperatureC === null || known.length === 0) return [{ table: newestOf(tables), weight: 1 }];
  const lower = known.filter((table) => table.temperatureC <= temperatureC);
  const upper = known.filter((table) => table.temperatureC >= temperatureC);
  const nearest = (among: typeof known): CalibrationTable => {
    const least = Math.min(...among.map((table) => Math.abs(table.temperatureC - temperatureC)));
    return newestOf(among.filter((table) => Math.abs(table.temperatureC - temperatureC) === least));
  };
  if (lower.length === 0 || upper.length === 0) return [{ table: nearest(known), weight: 1 }];
  const [cold, warm] = [nearest(lower), nearest(upper)];
  const range = (warm.temperatureC ?? 0) - (cold.temperatureC ?? 0);
  if (range === 0) return [{ table: newestOf([cold, warm]), weight: 1 }];
  const share = (temperatureC - (cold.temperatureC ?? 0)) / range;
  return [
    { table: cold, weight: 1 - share },
    { table: warm, weight: share },
  ];
}

const newestOf = (tables: readonly CalibrationTable[]): CalibrationTable =>
  tables.reduce((newest, table) => (table.measuredAt > newest.measuredAt ? table : newest));

function misfitOf(table: CalibrationTable, at: PanelAtHand): string | undefined {
  const pairs = [
    ['elements', table.elements, at.elements],
    ['RF chains', table.rfChains, at.rfChains],
    ['bits', table.phaseBits, at.phaseBits],
  ] as const;
  const [other] = pairs.filter(([, its, asked]) => its !== asked);
  return other && `for ${other[1]} ${other[0]}, and the panel has ${other[2]}`;
}

function whyNoneIsOwn(tables: readonly CalibrationTable[], { panel }: PanelAtHand): string {
  if (tables.length === 0) return 'there are no tables';
  if (tables.some((table) => table.panel === panel)) return 'its tables are of an array that was simulated from other settings';
  return `the tables are of ${[...new Set(tables.map((table) => table.panel))].slice(0, 5).join(', ')}`;
}
