/** A sweep over the places of an array: each takes the state that is best by the surrogate while the others stay. */
import { ArraySpan } from './array-span.ts';
import type { ArrayStates, Problem } from './beam-contract.ts';
import { zeros } from './complex-matrix.ts';
import type { ElementStates } from './quantise.ts';
import { idealOf } from './quantise.ts';
import type { SpanSurrogate } from './span-surrogate.ts';
import { bestWord } from './state-search.ts';

export class ArraySweep {
  /** What the objective is worth with the words as they stand. */
  value = NaN;
  /** N·M; changed in their place. */
  readonly words: Uint16Array;
  readonly #problem: Problem;
  readonly #surrogate: SpanSurrogate;
  readonly #statesAt: (place: number) => ElementStates;
  readonly #span: ArraySpan;

  constructor(problem: Problem, words: Uint16Array, { bits, of }: ArrayStates, surrogate: SpanSurrogate) {
    const ideal = idealOf(bits);
    this.words = words.slice();
    this.#problem = problem;
    this.#surrogate = surrogate;
    this.#statesAt = of ?? (() => ideal);
    this.#span = new ArraySpan(surrogate.rows, zeros(problem.channel.cols, problem.rfChains));
    this.begin();
  }

  /** Begins anew from `words`, whatever was done to them. */
  begin(): void {
    const { re, im } = this.#span.analog;
    for (let place = 0; place < this.words.length; place++) {
      if (!this.#isConnected(place)) continue;
      const states = this.#statesAt(place);
      re[place] = states.re[this.words[place]];
      im[place] = states.im[this.words[place]];
    }
    this.#span.begin();
    this.#settle();
  }

  /** One sweep, chain by chain. */
  next(): void {
    const { words } = this;
    const { cols: elements } = this.#problem.channel;
    const chains = this.#problem.rfChains;
    const span = this.#span;
    const surrogate = this.#surrogate;
    for (let m = 0; m < chains; m++) {
      if (m > 0) span.lift(m);
      surrogate.liftChain(span.chain);
      for (let n = 0; n < elements; n++) {
        const place = n * chains + m;
        if (!this.#isConnected(place)) continue;
        span.at(n);
        surrogate.liftPlace(span.place);
        const states = this.#statesAt(place);
        const word = bestWord(surrogate, states, words[place]);
        if (word === words[place]) continue;
        words[place] = word;
        span.move(states.re[word], states.im[word]);
        surrogate.move(states.re[word], states.im[word]);
      }
      span.lower();
    }
    this.#settle();
  }

  /** The first chain stays lifted: a sweep goes on from there. */
  #settle(): void {
    this.#span.lift(0);
    this.value = this.#surrogate.settle(this.#span.seen());
  }

  #isConnected(place: number): boolean {
    const { connection } = this.#problem;
    return connection === undefined || connection[place] !== 0;
  }
}
