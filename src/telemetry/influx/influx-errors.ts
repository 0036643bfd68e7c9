/**
 * What InfluxDB says in a text alone, as data. Version 1 gives a status and a sentence; version 2 adds a code that is the same ('invalid') for a
 * batch without points and for a line that it cannot read, and answers a query that it does not know with 200 and a sentence. Nothing else of
 * this program reads those sentences.
 */

/** 'not-implemented': version 2 has no such query. 'no-points': it let us in, knows the database, and wants points. */
export type InfluxRefusal = 'not-implemented' | 'no-points' | 'other';

const TEXTS: readonly [RegExp, InfluxRefusal][] = [
  [/not implemented/i, 'not-implemented'],
  [/writing requires points|no points/i, 'no-points'],
];

export const refusalOf = (text: string): InfluxRefusal => TEXTS.find(([known]) => known.test(text))?.[1] ?? 'other';

/** How many points of a batch it dropped for their field types, having kept the others: `partial write: … dropped=3`. */
export const droppedPoints = (text: string): number => Number(/\bdropped=(\d+)/.exec(text)?.[1] ?? 0);
