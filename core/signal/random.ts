/**
 * The one random generator of the project: seeded, fast, the same numbers on every machine. `Math.random` is used nowhere.
 *
 *   seed ─► 64-bit key ─► SplitMix64 ─► state of xoshiro128** ─► 32-bit words
 *             │
 *             └─ stream(name): FNV-1a-64 over the key's 8 bytes (little-endian) and the name's UTF-8 bytes ─► another key
 *
 * A stream depends on the seed and its name alone: not on what was drawn before, nor on the order in which streams are asked for. So a new
 * consumer never shifts the numbers of an old one.
 *
 * Sources: Blackman and Vigna, "Scrambled linear pseudorandom number generators", 2021 (xoshiro128**); Steele et al., OOPSLA 2014 (SplitMix).
 */
import { BeamrigError } from '../errors/beamrig-error.ts';

export interface Random {
  /** Uniform in [0, 1), 53 bits. */
  uniform(): number;
  /** Standard normal. */
  normal(): number;
  /** Circular complex normal of variance 1: E|z|² = 1. */
  complexNormal(): { re: number; im: number };
  /** An independent generator; the same name always gives the same one, from its beginning. */
  stream(name: string): Random;
}

const MASK64 = 0xffffffffffffffffn;
const UTF8 = new TextEncoder();

/**
 * @param seed a safe integer
 * @throws {BeamrigError} `argument` when the seed is not one
 */
export function createRandom(seed: number): Random {
  if (!Number.isSafeInteger(seed)) {
    throw new BeamrigError('argument', `seed must be an integer within ±2^53, got ${seed}`, { wayOut: 'choose a whole number' });
  }
  return new Xoshiro128StarStar(BigInt(seed) & MASK64);
}

class Xoshiro128StarStar implements Random {
  readonly #key: bigint;
  #s0: number;
  #s1: number;
  #s2: number;
  #s3: number;
  /** The second value of a Box-Muller pair, kept for the next call. */
  #spare: number | undefined;

  constructor(key: bigint) {
    this.#key = key;
    const first = splitMix64(key, 1n);
    const second = splitMix64(key, 2n);
    this.#s0 = Number(first & 0xffffffffn) | 0;
    this.#s1 = Number(first >> 32n) | 0;
    this.#s2 = Number(second & 0xffffffffn) | 0;
    this.#s3 = Number(second >> 32n) | 0;
    // The all-zero state is the generator's one fixed point.
    if ((this.#s0 | this.#s1 | this.#s2 | this.#s3) === 0) this.#s0 = 1;
  }

  uniform(): number {
    const high = this.#next() >>> 5;
    const low = this.#next() >>> 6;
    return (high * 67108864 + low) / 9007199254740992;
  }

  normal(): number {
    if (this.#spare !== undefined) {
      const value = this.#spare;
      this.#spare = undefined;
      return value;
    }
    const radius = Math.sqrt(-2 * Math.log(1 - this.uniform()));
    const angle = 2 * Math.PI * this.uniform();
    this.#spare = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  }

  complexNormal(): { re: number; im: number } {
    const radius = Math.sqrt(-Math.log(1 - this.uniform()));
    const angle = 2 * Math.PI * this.uniform();
    return { re: radius * Math.cos(angle), im: radius * Math.sin(angle) };
  }

  stream(name: string): Random {
    let hash = 0xcbf29ce484222325n;
    const absorb = (byte: bigint): void => {
      hash = ((hash ^ byte) * 0x100000001b3n) & MASK64;
    };
    for (let shift = 0n; shift < 64n; shift += 8n) absorb((this.#key >> shift) & 0xffn);
    for (const byte of UTF8.encode(name)) absorb(BigInt(byte));
    return new Xoshiro128StarStar(hash);
  }

  #next(): number {
    const scrambled = Math.imul(rotateLeft(Math.imul(this.#s1, 5), 7), 9);
    const shifted = this.#s1 << 9;
    this.#s2 ^= this.#s0;
    this.#s3 ^= this.#s1;
    this.#s1 ^= this.#s2;
    this.#s0 ^= this.#s3;
    this.#s2 ^= shifted;
    this.#s3 = rotateLeft(this.#s3, 11);
    return scrambled >>> 0;
  }
}

/** The `index`-th output (from 1) of SplitMix64 started at `key`. */
function splitMix64(key: bigint, index: bigint): bigint {
  let z = (key + index * 0x9e3779b97f4a7c15n) & MASK64;
  z = ((z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n) & MASK64;
  z = ((z ^ (z >> 27n)) * 0x94d049bb133111ebn) & MASK64;
  return z ^ (z >> 31n);
}

function rotateLeft(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits));
}
