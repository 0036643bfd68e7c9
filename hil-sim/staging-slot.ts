/**
 * One staging slot of a panel: a beam that is still arriving. It knows which words, weights, enables and gains have come, so that a commit can
 * say what is missing; it never touches what is radiated.
 */
import type { BeamId } from '../firmware-protocol/messages.ts';
import type { Drive } from './air.ts';

/** A whole beam of a panel: what drives its array, and the enables and gains that this follows from, where the host sent any. */
export interface PanelBeam extends Drive {
  enabled: Uint8Array | undefined;
  gains: Uint16Array | undefined;
}

export class StagingSlot {
  /** 0 while empty. */
  beamId: BeamId = 0;
  readonly words: Uint16Array;
  /** D, interleaved re, im. */
  readonly #weights: Float32Array;
  readonly #enabled: Uint8Array;
  readonly #gains: Uint16Array;
  readonly #gainBits: number;
  readonly #wordsHere: Coverage;
  readonly #weightsHere: Coverage;
  readonly #enabledHere: Coverage;
  readonly #gainsHere: Coverage;

  /** @param wordCount N·M @param weightCount M·K, complex @param gainBits of a gain word */
  constructor(wordCount: number, weightCount: number, gainBits: number) {
    this.words = new Uint16Array(wordCount);
    this.#weights = new Float32Array(2 * weightCount);
    this.#enabled = new Uint8Array(wordCount);
    this.#gains = new Uint16Array(wordCount);
    this.#gainBits = gainBits;
    this.#wordsHere = new Coverage(wordCount);
    this.#weightsHere = new Coverage(weightCount);
    this.#enabledHere = new Coverage(wordCount);
    this.#gainsHere = new Coverage(wordCount);
  }

  /** Idempotent; a beam id that is not the slot's empties the slot first. The caller has checked that the words fit. */
  putWords(beamId: BeamId, offset: number, words: Uint16Array): void {
    if (beamId !== this.beamId) this.empty(beamId);
    this.words.set(words, offset);
    this.#wordsHere.mark(offset, words.length);
  }

  /** Like putWords; `offset` counts complex weights. */
  putWeights(beamId: BeamId, offset: number, weights: Float32Array): void {
    if (beamId !== this.beamId) this.empty(beamId);
    this.#weights.set(weights, 2 * offset);
    this.#weightsHere.mark(offset, weights.length / 2);
  }

  /** Like putWords. */
  putEnables(beamId: BeamId, offset: number, enabled: Uint8Array): void {
    if (beamId !== this.beamId) this.empty(beamId);
    this.#enabled.set(enabled, offset);
    this.#enabledHere.mark(offset, enabled.length);
  }

  /** Like putWords. */
  putGains(beamId: BeamId, offset: number, gains: Uint16Array): void {
    if (beamId !== this.beamId) this.empty(beamId);
    this.#gains.set(gains, offset);
    this.#gainsHere.mark(offset, gains.length);
  }

  /** Holds words and weights of `beam` under another id, as if they had just come; its enables and gains are its own affair. */
  fill(beamId: BeamId, beam: Drive): void {
    this.empty(beamId);
    this.putWords(beamId, 0, beam.words);
    if (beam.weights) this.putWeights(beamId, 0, beam.weights);
  }

  /** Single words to their places; what else the slot holds stays. The caller has checked beam and places. */
  putPlaces(places: Uint16Array, words: Uint16Array): void {
    for (let i = 0; i < places.length; i++) {
      this.words[places[i]] = words[i];
      this.#wordsHere.mark(places[i], 1);
    }
  }

  empty(beamId: BeamId = 0): void {
    this.beamId = beamId;
    this.words.fill(0);
    for (const here of [this.#wordsHere, this.#weightsHere, this.#enabledHere, this.#gainsHere]) here.clear();
  }

  /** The beam, once nothing is missing, by copy: later chunks must not reach what is latched or stored. */
  beam(): PanelBeam {
    const enabled = this.#enabledHere.begun ? this.#enabled.slice() : undefined;
    const gains = this.#gainsHere.begun ? this.#gains.slice() : undefined;
    return {
      words: this.words.slice(),
      weights: this.#weightsHere.begun ? this.#weights.slice() : undefined,
      amplitudes: amplitudesOf(this.words.length, enabled, gains, this.#gainBits),
      enabled,
      gains,
    };
  }

  /**
   * What has not come and must, counted through: words from 0 on, and of what was begun the weights from N·M, enables from N·M + M·K, gains from
   * 2·N·M + M·K. Undefined when the beam is complete.
   */
  firstMissing(): number | undefined {
    if (!this.#wordsHere.complete) return this.#wordsHere.firstMissing;
    const [words, weights] = [this.#wordsHere.count, this.#weightsHere.count];
    if (this.#weightsHere.unfinished) return words + this.#weightsHere.firstMissing;
    if (this.#enabledHere.unfinished) return words + weights + this.#enabledHere.firstMissing;
    if (this.#gainsHere.unfinished) return 2 * words + weights + this.#gainsHere.firstMissing;
    return undefined;
  }
}

/** Nominal amplitude of each place: 0 where it is off, (w + 1) / 2^G at gain word w. Undefined: all are on at full gain. */
function amplitudesOf(
  places: number,
  enabled: Uint8Array | undefined,
  gains: Uint16Array | undefined,
  gainBits: number,
): Float64Array | undefined {
  if (!enabled && !gains) return undefined;
  const levels = 2 ** gainBits;
  return Float64Array.from({ length: places }, (_, place) => {
    if (enabled?.[place] === 0) return 0;
    return gains ? (gains[place] + 1) / levels : 1;
  });
}

/** Which of some places have come. */
class Coverage {
  readonly count: number;
  readonly #here: Uint8Array;
  #marked = 0;

  constructor(count: number) {
    this.count = count;
    this.#here = new Uint8Array(count);
  }

  mark(offset: number, count: number): void {
    for (let i = offset; i < offset + count; i++) {
      this.#marked += 1 - this.#here[i];
      this.#here[i] = 1;
    }
  }

  clear(): void {
    this.#here.fill(0);
    this.#marked = 0;
  }

  get begun(): boolean {
    return this.#marked > 0;
  }

  get complete(): boolean {
    return this.#marked === this.count;
  }

  get unfinished(): boolean {
    return this.begun && !this.complete;
  }

  get firstMissing(): number {
    return this.#here.indexOf(0);
  }
}
