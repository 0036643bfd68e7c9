/** What somebody most probably meant who mistyped a word. */
import { distance } from 'fastest-levenshtein';

const LONGEST_MISTYPED = 100;

/** The candidate that a typing mistake would turn into `word`, or undefined when none is near. */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  if (word.length > LONGEST_MISTYPED) return undefined; // the distance takes the product of the lengths
  const ranked = candidates
    .map((candidate) => ({ candidate, away: distance(word.toLowerCase(), candidate.toLowerCase()) }))
    .sort((a, b) => a.away - b.away);
  const best = ranked[0];
  return best && best.away <= Math.max(2, Math.floor(Math.max(word.length, best.candidate.length) * 0.4))
    ? best.candidate
    : undefined;
}
