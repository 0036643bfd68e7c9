/** What checks find, and the bounds that it is held against. */
import type { Check } from '../check-schema.ts';

/** What a check found; `holds` undefined where it cannot be known here: then it is skipped. */
export interface Found {
  value: number | null;
  unit: string;
  holds: boolean | undefined;
  says: string;
  /** Where they are not those of the check itself. */
  atLeast?: number;
  atMost?: number;
}

export const boundsOf = (check: Check): { atLeast?: number | undefined; atMost?: number | undefined } => {
  if ('withinS' in check) return { atMost: check.withinS };
  if (check.check === 'event' && check.atMost === 0) return { atMost: 0 };
  // A key that was left out is not there.
  const { atLeast, atMost } = check as { atLeast?: number; atMost?: number };
  return { atLeast, atMost };
};

export const within = (
  value: number,
  { atLeast = -Infinity, atMost = Infinity }: { atLeast?: number | undefined; atMost?: number | undefined },
): boolean => value >= atLeast && value <= atMost;

/** What somebody expects a message to say, word by word. */
export const contains = (text: string, part: string | undefined): boolean => part === undefined || text.indexOf(part) >= 0;
