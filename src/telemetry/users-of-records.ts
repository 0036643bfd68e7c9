/** How many users the records of a run are of, to be held against its manifest. */
import { allLines, readRecord } from './record-reader.ts';

/**
 * Reads until a cycle has as many users as it must have, which is the first cycle of a sound run. Cycles whose lines are damaged or out of order
 * prove nothing: what is not told here are records of which no cycle is whole and whose cycles do not agree.
 *
 * @returns the users that the records have instead; undefined where they may be of `expected`
 */
export async function otherUsers(recordsPath: string, expected: number): Promise<number | undefined> {
  const counts: number[] = [];
  let timeNs: bigint | undefined;
  let users = new Set<string>();
  const endCycle = (): void => {
    if (users.size > 0) counts.push(isUnbroken(users) ? users.size : NaN);
    users = new Set();
  };
  for await (const { lines } of allLines(recordsPath, { bytes: 1 << 20, lines: 5000 })) {
    for (const line of lines) {
      const point = readRecord(line.endsWith('\r') ? line.slice(0, -1) : line);
      if (point?.measurement !== 'user_snr') continue;
      if (point.timeNs !== timeNs) endCycle();
      if (counts.at(-1) === expected) return undefined;
      timeNs = point.timeNs;
      users.add(point.tags.user ?? '');
    }
  }
  endCycle();
  if (counts.at(-1) === expected) return undefined;
  const most = Math.max(...counts);
  if (most > expected) return most;
  // The end of a run may be torn off; a cycle alone may be that end.
  const agreed = counts.slice(0, -1);
  return agreed.length > 0 && agreed.every((count) => count === most) ? most : undefined;
}

const isUnbroken = (users: Set<string>): boolean =>
  Array.from({ length: users.size }, (_, user) => String(user)).every((user) => users.has(user));
