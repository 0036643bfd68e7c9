/**
 * One staging slot of a panel: a beam that is still arriving. It knows which words and weights have come, so that a commit can say what is
 * missing; it never touches what is radiated.
 */
import type { BeamId } from '../firmware-protocol/messages.ts';
import type { Drive } from './air.ts';

export class StagingSlot {
  /** 0 while empty. */
  beamId: BeamId = 0;
  readonly words: Uint16Array;
  /** D, interleaved re, im. */
  readonly weights: Float32Array;
  readonly #wordHere: Uint8Array;
  readonly #weightHere: Uint8Array;
  #wordsHere = 0;
  #weightsHere = 0;

  /** @param wordCount N·M @param weightCount M·K, complex */
  constructor(wordCount: number, weightCount: number) {
    this.words = new Uint16Array(wordCount);
    this.weights = new Float32Array(2 * weightCount);
    this.#wordHere = new Uint8Array(wordCount);
    this.#weightHere = new Uint8Array(weightCount);
  }

  /** Idempotent; a beam id that is not the slot's empties the slot first. The caller has checked that the words fit. */
  putWords(beamId: BeamId, offset: number, words: Uint16Array): void {
    if (beamId !== this.beamId) this.empty(beamId);
    this.words.set(words, offset);
    this.#wordsHere += mark(this.#wordHere, offset, words.length);
  }

  /** Like putWords; `offset` counts complex weights. */
  putWeights(beamId: BeamId, offset: number, weights: Float32Array): void {
    if (beamId !== this.beamId) this.empty(beamId);
    this.weights.set(weights, 2 * offset);
    this.#weightsHere += mark(this.#weightHere, offset, weights.length / 2);
  }

  /** Holds the whole of `beam` under another id, as if all its words and weights had just come. */
  fill(beamId: BeamId, beam: Drive): void {
    this.empty(beamId);
    this.putWords(beamId, 0, beam.words);
    if (beam.weights) this.putWeights(beamId, 0, beam.weights);
  }

  /** Single words to their places; what else the slot holds stays. The caller has checked beam and places. */
  putPlaces(places: Uint16Array, words: Uint16Array): void {
    for (let i = 0; i < places.length; i++) {
      this.words[places[i]] = words[i];
      this.#wordsHere += mark(this.#wordHere, places[i], 1);
    }
  }

  empty(beamId: BeamId = 0): void {
    this.beamId = beamId;
    this.words.fill(0);
    this.weights.fill(0);
    this.#wordHere.fill(0);
    this.#weightHere.fill(0);
    this.#wordsHere = 0;
    this.#weightsHere = 0;
  }

  /** Whether this beam brought a D of its own, be it unfinished. */
  get hasWeights(): boolean {
    return this.#weightsHere > 0;
  }

  /** The beam as it stands, by copy: later chunks must not reach what is latched or stored. */
  beam(): Drive {
    return { words: this.words.slice(), weights: this.hasWeights ? this.weights.slice() : undefined };
  }

  /**
   * The first word that has not come; with all words here, N·M + the first weight that is missing from a D that was begun; undefined when
   * the beam is complete.
   */
  firstMissing(): number | undefined {
    if (this.#wordsHere < this.#wordHere.length) return this.#wordHere.indexOf(0);
    if (this.#weightsHere > 0 && this.#weightsHere < this.#weightHere.length) {
      return this.#wordHere.length + this.#weightHere.indexOf(0);
    }
    return undefined;
  }
}

/** Marks a run as here; returns how many of it were not before. */
function mark(here: Uint8Array, offset: number, count: number): number {
  let fresh = 0;
  for (let i = offset; i < offset + count; i++) {
    fresh += 1 - here[i];
    here[i] = 1;
  }
  return fresh;
}
