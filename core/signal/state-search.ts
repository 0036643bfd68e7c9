/**
 * The best of an element's 2^Q states while the rest of the array stays. Few are all tried. Of many, what a place is worth is a smooth function
 * of its phase: eight around the circle are tried first, then ever nearer neighbours of the best, 8 + 2·(Q − 3) in all.
 */
import type { ElementStates } from './quantise.ts';
import type { SpanSurrogate } from './span-surrogate.ts';

/** So many states are tried one by one. */
const FEW = 16;
const AROUND = 8;
/** What another state must be better by, of the value, to be taken: rounding alone must not move words. */
const LEAST_GAIN = 1e-12;

export function bestWord(surrogate: SpanSurrogate, states: ElementStates, now: number): number {
  const { re, im } = states;
  const count = re.length;
  const present = surrogate.value(re[now], im[now]);
  let least = present + LEAST_GAIN * Math.abs(present);
  let best = now;
  if (count <= FEW) {
    for (let word = 0; word < count; word++) {
      const value = surrogate.value(re[word], im[word]);
      if (!(value > least)) continue;
      least = value;
      best = word;
    }
    return best;
  }
  const { words, ranks } = byPhase(states);
  let rank = ranks[now];
  const tryAt = (other: number): void => {
    const wrapped = (other + count) % count;
    const word = words[wrapped];
    const value = surrogate.value(re[word], im[word]);
    if (!(value > least)) return;
    least = value;
    best = word;
    rank = wrapped;
  };
  const first = rank;
  for (let eighth = 1; eighth < AROUND; eighth++) tryAt(first + Math.round((eighth * count) / AROUND));
  for (let step = Math.ceil(count / (2 * AROUND)); ; step = Math.ceil(step / 2)) {
    const middle = rank;
    tryAt(middle + step);
    tryAt(middle - step);
    if (step === 1) return best;
  }
}

interface ByPhase {
  /** Words in the order of their phases. */
  readonly words: Uint16Array;
  /** Where a word stands in it. */
  readonly ranks: Uint16Array;
}

/** A table is sorted once. */
const sorted = new WeakMap<ElementStates, ByPhase>();

function byPhase(states: ElementStates): ByPhase {
  const known = sorted.get(states);
  if (known !== undefined) return known;
  const { re, im } = states;
  const phases = Float64Array.from(re, (x, word) => Math.atan2(im[word], x));
  const words = Uint16Array.from(re.keys()).sort((a, b) => phases[a] - phases[b] || a - b);
  const ranks = new Uint16Array(words.length);
  words.forEach((word, rank) => (ranks[word] = rank));
  sorted.set(states, { words, ranks });
  return { words, ranks };
}
