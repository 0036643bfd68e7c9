/** SINR and rates over the good cycles of a window. */
import type { Check, OVER_CYCLES } from '../check-schema.ts';
import { goodCycles, type CycleSeen, type Story } from '../story.ts';
import { within, type Found } from './found.ts';

type RateCheck = Extract<Check, { check: 'sinr' | 'sum-rate' | 'share-of-zf' | 'prediction-error' | 'void-cycles' }>;

export function rateChecks(check: RateCheck, story: Story): Found {
  if (check.check === 'void-cycles') {
    const { fromS, toS = Infinity } = check;
    const voids = story.cycles.filter(({ ok, atS }) => !ok && atS >= fromS && atS < toS);
    const why = voids.length === 0 ? '' : `; the first: ${voids[0].failure ?? 'no reason'}`;
    return { value: voids.length, unit: 'cycles', holds: within(voids.length, check), says: `${voids.length} void${why}` };
  }
  const unit = { sinr: 'dB', 'sum-rate': 'bit/s/Hz', 'share-of-zf': '', 'prediction-error': 'bit/s/Hz' }[check.check];
  const cycles = goodCycles(story, check);
  if (cycles.length === 0) return { value: null, unit, holds: false, says: 'no good cycle in the window' };
  if ('of' in check && check.of === 'true' && !story.seen.truth) {
    return { value: null, unit, holds: undefined, says: 'nobody knows the truth on this bench' };
  }
  const value = valueOf(check, cycles);
  if (Number.isNaN(value) || value === Infinity) return { value: null, unit, holds: false, says: 'no reading in the window' };
  return {
    value,
    unit,
    holds: within(value, check),
    says: `${value.toFixed(3)} ${unit} over ${cycles.length} cycles`.replace('  ', ' '),
  };
}

function valueOf(check: Exclude<RateCheck, { check: 'void-cycles' }>, cycles: readonly CycleSeen[]): number {
  switch (check.check) {
    case 'sinr': {
      const of = (cycle: CycleSeen): number => {
        const each = cycle.sinrDb[check.of];
        return check.user === undefined ? least(each) : each[check.user];
      };
      return overCycles(cycles.map(of), check.over);
    }
    case 'sum-rate':
      return overCycles(
        cycles.map(({ sumRate }) => sumRate[check.of]),
        check.over,
      );
    case 'share-of-zf':
      return mean(cycles.map(({ sumRate }) => sumRate[check.of])) / mean(cycles.map(({ zfSumRate }) => zfSumRate));
    case 'prediction-error':
      return mean(cycles.map(({ sumRate }) => sumRate.predicted - sumRate.measured));
  }
}

/** Of those that are known; NaN where none is. */
const least = (values: Float64Array): number =>
  values.reduce((lowest, value) => (value < lowest || Number.isNaN(lowest) ? value : lowest), NaN);
const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

/** Quantiles are the nearest rank. */
function overCycles(all: readonly number[], over: (typeof OVER_CYCLES)[number]): number {
  const values = all.filter((value) => !Number.isNaN(value));
  if (values.length === 0) return NaN;
  if (over === 'mean') return mean(values);
  const sorted = [...values].sort((a, b) => a - b);
  const rank = { least: 0, p5: 0.05, median: 0.5, p95: 0.95, most: 1 }[over];
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(rank * sorted.length) - 1))];
}
