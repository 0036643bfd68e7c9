/** Which of the supposed faults it is, by how much each explains: the likeliest, those that cannot be told from it, and how sure that is. */
import type { SupposedFault } from '../../../core/signal/fault-losses.ts';

export interface NamedFault {
  /** The likeliest. */
  fault: SupposedFault;
  /** Of its kind, those that cannot be told from it, the likeliest first, itself among them. */
  candidates: number[];
  /** The likeliest of another kind, where it can hardly be told from it. */
  otherwise: SupposedFault | undefined;
}

/** Phases that spread over all elements turn each board a little as well: one is blamed of so small a turn when it explains so much more, nats. */
const SMALL_TURN_DEG = 10;
const BOARD_OVER_SPREAD = 5;
const SURE = 0.95;
/** Nats above which a fault explains something. */
const EXPLAINS = 6;

/**
 * Kinds are alike before anything is read, and within a kind all are.
 * @param nats how much each fault explains; −∞: it is not supposed just now
 * @returns undefined where none explains anything
 */
export function nameFault(faults: readonly SupposedFault[], nats: Float64Array): { best: number; found: NamedFault } | undefined {
  const ofEach = new Map<string, number>();
  for (const { what } of faults) ofEach.set(what, (ofEach.get(what) ?? 0) + 1);
  let most = -Infinity;
  const weights = nats.map((explained, f) => {
    const fault = faults[f];
    const isSmallTurn = fault.what === 'board' && fault.turnDeg !== null && Math.abs(fault.turnDeg) <= SMALL_TURN_DEG;
    const value = explained - Math.log(ofEach.get(fault.what) ?? 1) - (isSmallTurn ? BOARD_OVER_SPREAD : 0);
    most = Math.max(most, value);
    return value;
  });
  if (most < EXPLAINS) return undefined;
  const byMember = new Map<string, { mass: number; best: number }>();
  let total = 0;
  weights.forEach((value, f) => {
    const mass = Math.exp(value - most);
    total += mass;
    const member = byMember.get(memberOf(faults[f]));
    if (member === undefined) byMember.set(memberOf(faults[f]), { mass, best: f });
    else {
      member.mass += mass;
      if (value > weights[member.best]) member.best = f;
    }
  });
  const members = [...byMember.values()].sort((a, b) => b.mass - a.mass);
  const { best } = members[0];
  const fault = faults[best];
  const same = members.filter((member) => faults[member.best].what === fault.what);
  const ofKind = same.reduce((sum, { mass }) => sum + mass, 0);
  const candidates: number[] = [];
  let told = 0;
  for (const member of same) {
    if (told >= SURE * ofKind) break;
    candidates.push(indexOf(faults[member.best]));
    told += member.mass;
  }
  const other = members.find((member) => faults[member.best].what !== fault.what);
  const otherwise = ofKind < SURE * total && other !== undefined ? faults[other.best] : undefined;
  return { best, found: { fault, candidates, otherwise } };
}

const indexOf = (fault: SupposedFault): number => ('index' in fault ? fault.index : 0);
const memberOf = (fault: SupposedFault): string => `${fault.what} ${indexOf(fault)}`;
