/** What is known of single elements: by their tables, by the watch of the prediction, and by measuring them again between cycles. The newest counts. */
import type { ElementFlaw } from '../../calibration/element-health.ts';
import type { SupposedFault } from '../../core/signal/fault-losses.ts';
import type { HealthFigures } from '../telemetry/cycle-record.ts';

export interface ElementHealth {
  readonly element: number;
  /** Null: on all of its chains. */
  readonly chain: number | null;
  /** 'suspect': one of several that has failed, as far as the readings of the users tell. 'off': it does what it is told, and by another phase. */
  readonly flaw: ElementFlaw | 'suspect' | 'off';
  /** Degrees, of one that is off; else null. */
  readonly offDeg: number | null;
  /** Who says so. */
  readonly by: 'table' | 'watch' | 'probe';
}

/** What was found of an element that was measured again; undefined: it does what it is told. */
export type MeasuredFlaw = { flaw: ElementFlaw; offDeg: null } | { flaw: 'off'; offDeg: number } | undefined;

/** What the watch of the prediction found. */
export interface FoundFault {
  readonly fault: SupposedFault;
  /** Of its kind, those that cannot be told from it, itself among them. */
  readonly candidates: readonly number[];
  /** Mean over users, dB. */
  readonly grewDb: number;
}

export interface ArrayHealth {
  /** This has happened, as far as the readings of the users tell. */
  found(what: FoundFault): void;
  /** So much less is heard, dB a user, and nobody knows why. */
  lost(grewDb: number): void;
  /** What is predicted is another, by another model or Q for instance: what was lost beside it is not known any more. */
  beginsAnew(): void;
  /** Those that are suspected and were not measured since. */
  readonly suspects: readonly number[];
  measured(element: number, found: MeasuredFlaw): void;
  /** All elements were measured again; RMS by which they are off beside a table that is outdated by that, degrees; null while it is not. */
  besideTable(outdatedByDeg: number | null): void;
  /** As it was told last; null also where nothing was measured. */
  readonly outdatedByDeg: number | null;
  /** Other boards, or other tables: nothing is known but these. */
  forget(): void;
  /** @param table what the tables say */
  list(table: readonly ElementHealth[]): ElementHealth[];
  /** @param table what the tables say */
  figures(table: readonly ElementHealth[]): HealthFigures;
}

export function createArrayHealth(): ArrayHealth {
  const suspects = new Set<number>();
  const known = new Map<number, ElementHealth | undefined>();
  /** Of each of these one has failed. */
  let groups: (readonly number[])[] = [];
  let outdated: number | null = null;
  let lostDb = 0;
  const list = (table: readonly ElementHealth[]): ElementHealth[] => [
    ...table.filter(({ element }) => !known.has(element)),
    ...[...known.values()].filter((health) => health !== undefined),
  ];
  return {
    found({ fault, candidates, grewDb }) {
      lostDb += grewDb;
      if (fault.what !== 'element') return;
      const alone = candidates.length === 1;
      if (!alone) groups.push(candidates);
      for (const element of candidates) {
        suspects.add(element);
        known.set(element, { element, chain: null, flaw: alone ? 'dead-or-stuck' : 'suspect', offDeg: null, by: 'watch' });
      }
    },
    lost: (grewDb) => (lostDb += grewDb),
    beginsAnew: () => (lostDb = 0),
    get suspects() {
      return [...suspects];
    },
    measured(element, found) {
      suspects.delete(element);
      known.set(element, found && { element, chain: null, ...found, by: 'probe' });
    },
    besideTable(outdatedByDeg) {
      outdated = outdatedByDeg;
    },
    get outdatedByDeg() {
      return outdated;
    },
    forget() {
      outdated = null;
      lostDb = 0;
      groups = [];
      suspects.clear();
      known.clear();
    },
    list,
    figures(table) {
      const flawed = new Set(list(table).flatMap(({ element, flaw }) => (flaw === 'suspect' ? [] : [element])));
      // Where one of them is known by now, it is counted; where all were found well, it was none of them.
      const open = groups.filter((group) => group.some((n) => suspects.has(n)) && !group.some((n) => flawed.has(n)));
      return { flawedElements: flawed.size + open.length, lostDb };
    },
  };
}

const FLAWS_IN_WORDS: Record<ElementHealth['flaw'], string> = {
  dead: 'dead',
  stuck: 'stuck',
  'dead-or-stuck': 'dead or stuck',
  weak: 'weak',
  suspect: 'suspected',
  off: 'off',
};

export const flawInWords = ({ flaw, offDeg }: Pick<ElementHealth, 'flaw' | 'offDeg'>): string =>
  offDeg === null ? FLAWS_IN_WORDS[flaw] : `off by ${offDeg.toFixed(0)}°`;
