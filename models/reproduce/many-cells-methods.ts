/** The methods that are compared over many cells, and the channels on which. */
import type { CMatrix } from '../../core/signal/complex-matrix.ts';
import { fastFp } from '../../core/signal/cells/fast-fp.ts';
import { multiCellWmmse } from '../../core/signal/cells/multi-cell-wmmse.ts';
import { drawMultiCellChannel, MULTI_CELL_SETTINGS } from '../../core/signal/cells/multi-cell-channel.ts';
import type { MultiCell } from '../../core/signal/cells/multi-cell.ts';
import { equalUsers } from '../../core/signal/cells/multi-cell.ts';
import { eigenRegularisedZeroForcing, eigenZeroForcing, maximumRatio, randomStart } from '../../core/signal/cells/starts.ts';
import { createRandom } from '../../core/signal/random.ts';

export type SettingName = keyof typeof MULTI_CELL_SETTINGS;

/** Of paper 004, Tables I and II. */
const SHAPE = { usersPerCell: 6, receiveAntennas: 4, streams: 2 };
const ELEMENTS = 64;

export interface Sample {
  problem: MultiCell;
  /** Of every cell N×(K·d), full power. */
  random: CMatrix[];
}

/** Sample `index` of the stream `name` of a seed; the same for every method. */
export function drawSample(setting: SettingName, cells: number, seed: number, name: 'train' | 'test', index: number): Sample {
  const random = createRandom(seed).stream(`${name} ${index}`);
  const { channels } = drawMultiCellChannel({
    random,
    setting: MULTI_CELL_SETTINGS[setting],
    cells,
    elements: ELEMENTS,
    ...SHAPE,
  });
  const problem = equalUsers(channels, SHAPE);
  return { problem, random: randomStart(problem, random.stream('start')) };
}

/** Eight steps of factor/tr L. */
export const scalarSteps = (problem: MultiCell, start: readonly CMatrix[], factors: readonly number[]): CMatrix[] =>
  fastFp(problem, start, { iterations: factors.length, bound: 'trace', factors });

export interface CellMethod {
  title: string;
  run: (sample: Sample) => CMatrix[];
}

const fromRandom = (iterations: number, extrapolated = false): CellMethod => ({
  title: `FastFP-${iterations}${extrapolated ? ', extrapolated' : ''}`,
  run: ({ problem, random }) => fastFp(problem, random, { iterations, extrapolated }),
});
const closedWmmse = (iterations: number): CellMethod => ({
  title: `closed WMMSE-${iterations} from MRT`,
  run: ({ problem }) => multiCellWmmse(problem, maximumRatio(problem), { iterations, multiplier: 'closed' }),
});

/** What the others are shares of. */
export const FAST_FP_100 = fromRandom(100);
export const WMMSE_100: CellMethod = {
  title: 'WMMSE-100',
  run: ({ problem, random }) => multiCellWmmse(problem, random, { iterations: 100, multiplier: 'search' }),
};

export const cellMethods = (factors: { random: readonly number[]; mrt: readonly number[] }): CellMethod[] => [
  { title: 'MRT', run: ({ problem }) => maximumRatio(problem) },
  { title: 'EZF', run: ({ problem }) => eigenZeroForcing(problem) },
  { title: 'RZF', run: ({ problem }) => eigenRegularisedZeroForcing(problem) },
  fromRandom(8),
  fromRandom(76),
  FAST_FP_100,
  fromRandom(300),
  fromRandom(100, true),
  { title: 'eight scalars', run: ({ problem, random }) => scalarSteps(problem, random, factors.random) },
  { title: 'eight scalars from MRT', run: ({ problem }) => scalarSteps(problem, maximumRatio(problem), factors.mrt) },
  WMMSE_100,
  closedWmmse(2),
  closedWmmse(4),
];
