/** Which users a board with receivers hears, as a rig file says it: `'0-3'`, or `2`. Reports name users in one run, so a board has one. */
import { userIndex, type UserRun } from '../../core/signal/indices.ts';

export type ParsedUsers = { ok: true; users: UserRun } | { ok: false; problem: string };

/** @param total K of the rig, where it is known */
export function parseUsers(text: string | number, total?: number): ParsedUsers {
  const range = /^\s*(\d{1,6})\s*(?:-\s*(\d{1,6}))?\s*$/.exec(String(text));
  if (range === null) return { ok: false, problem: `${JSON.stringify(text)} is no user and no range; allowed: 2, or '0-3'` };
  const first = Number(range[1]);
  const last = Number(range[2] ?? range[1]);
  if (last < first) return { ok: false, problem: `${JSON.stringify(text)} counts down; allowed: '${last}-${first}'` };
  if (total !== undefined && last >= total) {
    return { ok: false, problem: `${last} is no user of this rig; allowed: 0 to ${total - 1}` };
  }
  return { ok: true, users: { firstUser: userIndex(first), count: last - first + 1 } };
}

/** As a person writes them: '0-3', '2'. */
export const usersText = ({ firstUser, count }: UserRun): string =>
  count === 1 ? String(firstUser) : `${firstUser}-${firstUser + count - 1}`;
