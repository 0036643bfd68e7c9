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
  const { words, ranks, offsets } = byPhase(states);
  let rank = ranks[now];
  let middle = rank;
  for (let i = 0; i < offsets.length; i++) {
    const isNewPair = i >= AROUND - 1 && (i - (AROUND - 1)) % 2 === 0;
    if (isNewPair) middle = rank;
    const other = (middle + offsets[i] + count) % count;
    const word = words[other];
    const value = surrogate.value(re[word], im[word]);
    if (!(value > least)) continue;
    least = value;
    best = word;
    rank = other;
  }
  return best;
}

interface ByPhase {
  /** Words in the order of their phases. */
  readonly words: Uint16Array;
  /** Where a word stands in it. */
  readonly ranks: Uint16Array;
  /** Where to look, one after the other: around the circle from where the place stands, then pairs of neighbours of the best so far. */
  readonly offsets: Int32Array;
}

/** A table is sorted once. */
const sorted = new WeakMap<ElementStates, ByPhase>();
/** Ideal states are the same for one place after another. */
let newest: { readonly states: ElementStates; readonly order: ByPhase } | undefined;

function byPhase(states: ElementStates): ByPhase {
  if (newest?.states === states) return newest.order;
  const order = sorted.get(states) ?? orderOf(states);
  sorted.set(states, order);
  newest = { states, order };
  return order;
}

function orderOf({ re, im }: ElementStates): ByPhase {
  const phases = Float64Array.from(re, (x, word) => Math.atan2(im[word], x));
  const words = Uint16Array.from(re.keys()).sort((a, b) => phases[a] - phases[b] || a - b);
  const ranks = new Uint16Array(words.length);
  words.forEach((word, rank) => (ranks[word] = rank));
  return { words, ranks, offsets: offsetsOf(words.length) };
}

function offsetsOf(count: number): Int32Array {
  const offsets = Array.from({ length: AROUND - 1 }, (_, i) => Math.round(((i + 1) * count) / AROUND));
  for (let step = Math.ceil(count / (2 * AROUND)); ; step = Math.ceil(step / 2)) {
    offsets.push(step, -step);
    if (step === 1) return Int32Array.from(offsets);
  }
}
