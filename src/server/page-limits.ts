/**
 * How much of the machine the pages may take, all in one place. The page has no log-in, so whoever reaches it may try more than a browser
 * would; what they get is bounded, and the control loop does not notice.
 */

/** Pages open at a time, where the rig file names no other number. */
export const MAX_PAGES = 32;
/** Connections that are just being told that there is no room. */
export const SPARE_CONNECTIONS = 16;
/** Besides the pages: requests for files, for the state, and connections that say nothing. */
export const SPARE_REQUESTS = 64;
/** Connections that one address does not get, so that others do. */
export const FOR_OTHERS = 32;
/** A page says `drawn`, `watch` and controls: the longest of them has some hundred bytes. */
export const LONGEST_MESSAGE_BYTES = 16 * 1024;
/** Of what a page may send in the long run, and at once. It acknowledges 30 frames a second, of 20 bytes each. */
export const BYTES_A_SECOND = 8 * 1024;
export const BYTES_AT_ONCE = 64 * 1024;
/** A page that has read nothing of what was sent for so long is hung up on. */
export const UNREAD_MS = 10_000;
/** So is one that has not read a whole frame within this. */
export const SLOWEST_FRAME_MS = 60_000;
/** So is one for which so many bytes wait, whenever. Frames are not sent before those before them have left, so a page that reads has none. */
export const UNREAD_BYTES = 4 * 1024 * 1024;
/** How often that is looked at. */
export const LOOK_MS = 250;
/** A person does not press more often. Stopping has a limit of its own, so that nobody can use up that of others. */
export const CONTROLS_A_SECOND = 2;
export const CONTROLS_AT_ONCE = 5;
/** What is refused for its number is answered so often, and then the page is hung up on. */
export const REFUSALS_A_SECOND = 5;
export const REFUSALS_AT_ONCE = 40;
/** Of all pages together. */
export const ALL_CONTROLS_A_SECOND = 5;
export const ALL_CONTROLS_AT_ONCE = 15;
/** A connection must have asked for something within this, and be answered or open a page. */
export const REQUEST_MS = 5000;

/** So many at once, and so many a second in the long run. */
export class Allowance {
  readonly #aSecond: number;
  readonly #atOnce: number;
  #left: number;
  #atMs: number | undefined;

  constructor(aSecond: number, atOnce: number) {
    this.#aSecond = aSecond;
    this.#atOnce = atOnce;
    this.#left = atOnce;
  }

  /** @returns whether there was enough left for it; if not, nothing is taken */
  take(nowMs: number, amount = 1): boolean {
    const elapsedMs = nowMs - (this.#atMs ?? nowMs);
    this.#atMs = nowMs;
    this.#left = Math.min(this.#atOnce, this.#left + (elapsedMs / 1000) * this.#aSecond);
    if (amount > this.#left) return false;
    this.#left -= amount;
    return true;
  }
}
