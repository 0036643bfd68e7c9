/** Cycles a second over the last second: counts in tenths of a second, so that it costs nothing at any rate. */
import type { Clock } from '../../../core/clock/clock.ts';

export interface RateMeter {
  count(): void;
  perSecond(): number;
}

const BINS = 11; // ten whole tenths, and the one that is being filled
const BIN_MS = 100;

export function createRateMeter(clock: Clock): RateMeter {
  const startMs = clock.nowMs();
  const counts = new Float64Array(BINS);
  let newest = 0;
  const roll = (): number => {
    const bin = Math.floor((clock.nowMs() - startMs) / BIN_MS);
    for (let passed = Math.max(newest + 1, bin - BINS + 1); passed <= bin; passed++) counts[passed % BINS] = 0;
    newest = Math.max(newest, bin);
    return bin;
  };
  return {
    count() {
      counts[roll() % BINS]++;
    },
    perSecond() {
      const filling = roll() % BINS;
      let sum = 0;
      for (let bin = 0; bin < BINS; bin++) if (bin !== filling) sum += counts[bin];
      return sum;
    },
  };
}
