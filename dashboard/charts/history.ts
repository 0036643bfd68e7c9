/**
 * The cycles that the page remembers: a ring of typed arrays that is filled from the socket without copying twice and read by the charts,
 * thinned to what their pixels can show. A place where there is no number, or −∞ dB of a user who is not served, stays empty on the chart: never
 * a line across.
 */
import type { CycleBatch } from '../../src/server/socket-contract.ts';

/** One line of a chart. With `meanMs` each point is the mean over that much time around it instead of the extremes. */
export interface Line {
  column: number;
  meanMs?: number;
}

/** Charts take plain arrays with null for "nothing here". */
export type Series = (number | null)[];

export class History {
  readonly columns: number;
  readonly #capacity: number;
  readonly #timeMs: Float64Array;
  readonly #values: Float32Array;
  #written = 0;

  /** @param columns numbers a cycle, the time not counted */
  constructor(columns: number, capacity: number) {
    this.columns = columns;
    this.#capacity = capacity;
    this.#timeMs = new Float64Array(capacity);
    this.#values = new Float32Array(capacity * columns);
  }

  get length(): number {
    return Math.min(this.#written, this.#capacity);
  }

  /** Time of the newest cycle, ms since 1970 on the server's clock; −∞ before the first. */
  get newestMs(): number {
    return this.#written === 0 ? -Infinity : this.#timeMs[(this.#written - 1) % this.#capacity];
  }

  append(batch: Pick<CycleBatch<ArrayBuffer>, 'startMs' | 'count' | 'columns' | 'values'>): void {
    const rows = new Float32Array(batch.values);
    // A clock that was set back, or another controller: what was there before cannot stand on one axis with what comes now.
    if (batch.startMs < this.newestMs) this.#written = 0;
    for (let i = 0; i < batch.count; i++) {
      const from = i * batch.columns;
      const place = this.#written % this.#capacity;
      this.#timeMs[place] = batch.startMs + rows[from];
      this.#values.set(rows.subarray(from + 1, from + batch.columns), place * this.columns);
      this.#written++;
    }
  }

  /** Place of the first cycle at or after a time, 0 = oldest kept. */
  firstAtOrAfter(timeMs: number): number {
    let low = 0;
    let high = this.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.timeAt(middle) < timeMs) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  timeAt(place: number): number {
    return this.#timeMs[this.#slot(place)];
  }

  valueAt(place: number, column: number): number {
    return this.#values[this.#slot(place) * this.columns + column];
  }

  /** Mean of a column from a place on, over the cycles that have it; NaN when none has. */
  meanSince(place: number, column: number): number {
    let sum = 0;
    let count = 0;
    for (let i = place; i < this.length; i++) {
      const value = this.valueAt(i, column);
      if (!Number.isFinite(value)) continue;
      sum += value;
      count++;
    }
    return sum / count;
  }

  /**
   * Lines between two times, for a chart `pixels` wide: every cycle where they fit, else the least and the greatest of each pixel, so that
   * no spike is lost. A pixel in which a cycle has no number, and a pause longer than `gapMs`, break the line.
   * @returns times in seconds, then one series a line
   */
  window(fromMs: number, toMs: number, pixels: number, lines: readonly Line[], gapMs: number): [number[], ...Series[]] {
    const first = Math.max(0, this.firstAtOrAfter(fromMs) - 1); // one more, so that the line reaches the edge
    const times: number[] = [];
    const series: Series[] = lines.map(() => []);
    const bucketMs = this.length - first <= 2 * pixels ? 0 : (toMs - fromMs) / pixels;
    let previousMs = NaN;
    for (let place = first; place < this.length;) {
      const startMs = this.timeAt(place);
      if (startMs - previousMs > gapMs) {
        times.push((previousMs + 1) / 1000);
        for (const values of series) values.push(null);
      }
      const end = bucketMs === 0 ? place + 1 : this.#endOfBucket(place, (Math.floor(startMs / bucketMs) + 1) * bucketMs, gapMs);
      previousMs = this.timeAt(end - 1);
      times.push(startMs / 1000);
      if (end - place > 1) times.push(previousMs / 1000);
      lines.forEach((line, i) => {
        if (line.meanMs === undefined) this.#pushExtremes(series[i], place, end, line.column);
        else this.#pushMean(series[i], place, end, line.column, line.meanMs);
      });
      place = end;
    }
    return [times, ...series];
  }

  #endOfBucket(place: number, endMs: number, gapMs: number): number {
    let end = place + 1;
    while (end < this.length && this.timeAt(end) < endMs && this.timeAt(end) - this.timeAt(end - 1) <= gapMs) end++;
    return end;
  }

  /** One number for one cycle, two for more: the extremes in the order they came, or one and a gap. */
  #pushExtremes(into: Series, place: number, end: number, column: number): void {
    let least = Infinity;
    let greatest = -Infinity;
    let leastCameFirst = true;
    let gap = false;
    for (let i = place; i < end; i++) {
      const value = this.valueAt(i, column);
      if (!Number.isFinite(value)) {
        gap = true;
        continue;
      }
      if (value < least) {
        least = value;
        leastCameFirst = false;
      }
      if (value > greatest) {
        greatest = value;
        leastCameFirst = true;
      }
    }
    const found = least !== Infinity;
    if (end - place === 1) into.push(found ? least : null);
    else if (!found) into.push(null, null);
    else if (gap) into.push(least, null);
    else if (leastCameFirst) into.push(least, greatest);
    else into.push(greatest, least);
  }

  /** As many points as `#pushExtremes` gives. */
  #pushMean(into: Series, place: number, end: number, column: number, meanMs: number): void {
    const middleMs = (this.timeAt(place) + this.timeAt(end - 1)) / 2;
    let sum = 0;
    let count = 0;
    const add = (i: number): boolean => {
      if (Math.abs(this.timeAt(i) - middleMs) > meanMs / 2) return false;
      const value = this.valueAt(i, column);
      if (Number.isFinite(value)) {
        sum += value;
        count++;
      }
      return true;
    };
    for (let i = place; i < this.length && add(i); i++);
    for (let i = place - 1; i >= 0 && add(i); i--);
    const mean = count > 0 ? sum / count : null;
    into.push(mean);
    if (end - place > 1) into.push(mean);
  }

  #slot(place: number): number {
    return (this.#written - this.length + place) % this.#capacity;
  }
}
