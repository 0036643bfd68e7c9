/**
 * Who gets the places for pages when they are all taken. The page has no log-in, so places are shared by where pages come from: whoever has
 * fewer than somebody else gets one of his, and the machine of the controller has some that nobody takes from it. So no address keeps the lab
 * out, however many pages it opens, and whoever is the only one may have all places.
 *
 * Nobody is hung up on for a page that leaves him with fewer than the one who came: places change hands once, and never back.
 */
import type { IncomingHttpHeaders } from 'node:http';
import { isIP, type Socket as Connection } from 'node:net';
import { Allowance } from './page-limits.ts';
import { claimedAddress, plainAddress } from './page-line.ts';

/** This machine. */
export const HERE = 'here';

/** One place in so many is this machine's, when it asks. */
const ONE_HERE_IN = 8;
/** Parties whose arrivals are counted, at most. */
const MOST_PARTIES = 256;

/**
 * Whose page it is, for sharing places and for nothing else. Behind a proxy on this machine it is what the proxy says, if it says anything; what
 * others claim in their headers is not looked at.
 */
export function partyOf(
  { remoteAddress = '', localAddress }: Pick<Connection, 'remoteAddress' | 'localAddress'>,
  headers: IncomingHttpHeaders = {},
): string {
  const address = plainAddress(remoteAddress);
  if (!isHere(remoteAddress, localAddress)) return neighbourhoodOf(address);
  const claimed = plainAddress(claimedAddress(headers));
  return isIP(claimed) === 0 ? HERE : neighbourhoodOf(claimed);
}

/** Whether the other end of a connection is on this machine. */
export function isHere(remoteAddress: string, localAddress: string | undefined): boolean {
  const address = plainAddress(remoteAddress);
  return address === '::1' || (isIP(address) === 4 && address.startsWith('127.')) || remoteAddress === localAddress;
}

/** An IPv6 address stands for its /64: a single machine has as many of those as it likes. */
function neighbourhoodOf(address: string): string {
  if (isIP(address) !== 6) return address;
  const [head = '', tail] = address.split('%', 1)[0].split('::');
  const groups = (text: string): string[] => text.split(':').filter((group) => group !== '');
  const [left, right] = [groups(head), groups(tail ?? '')];
  const zeros = Array<string>(Math.max(0, 8 - left.length - right.length)).fill('0');
  const first = [...left, ...(tail === undefined ? [] : zeros), ...right].slice(0, 4);
  return `${first.map((group) => parseInt(group, 16).toString(16)).join(':')}::/64`;
}

export class PagePlaces<Page> {
  readonly #most: number;
  /** In the order in which they came. */
  readonly #pages = new Map<Page, string>();

  constructor(most: number) {
    this.#most = most;
  }

  /** @returns whether there is a place for it, and who has to go for it */
  take(page: Page, party: string): { taken: boolean; from?: Page } {
    if (this.#pages.has(page)) return { taken: true };
    if (this.#pages.size < this.#most) {
      this.#pages.set(page, party);
      return { taken: true };
    }
    const from = this.#whoGoesFor(party);
    if (from === undefined) return { taken: false };
    this.#pages.delete(from);
    this.#pages.set(page, party);
    return { taken: true, from };
  }

  leave(page: Page): void {
    this.#pages.delete(page);
  }

  /** The newest page of whoever has most. */
  #whoGoesFor(party: string): Page | undefined {
    const counts = new Map<string, number>();
    for (const one of this.#pages.values()) counts.set(one, (counts.get(one) ?? 0) + 1);
    const own = counts.get(party) ?? 0;
    const keptHere = Math.ceil(this.#most / ONE_HERE_IN);
    const least = party === HERE && own < keptHere ? 1 : own + 2;
    let most: string | undefined;
    for (const [other, count] of counts) {
      if (other === party || count < least || (other === HERE && count <= keptHere)) continue;
      if (most === undefined || count > (counts.get(most) ?? 0)) most = other;
    }
    return [...this.#pages].findLast(([, of]) => of === most)?.[0];
  }
}

/** How fast pages may come, each party by itself: one that comes again and again does not keep others out. */
export class Arrivals {
  readonly #aSecond: number;
  readonly #atOnce: number;
  /** Those that came last are at the end. */
  readonly #parties = new Map<string, Allowance>();

  constructor(aSecond: number, atOnce: number) {
    this.#aSecond = aSecond;
    this.#atOnce = atOnce;
  }

  admit(party: string, nowMs: number): boolean {
    const allowance = this.#parties.get(party) ?? new Allowance(this.#aSecond, this.#atOnce);
    this.#parties.delete(party);
    this.#parties.set(party, allowance);
    const [oldest] = this.#parties.keys();
    if (this.#parties.size > MOST_PARTIES && oldest !== undefined) this.#parties.delete(oldest);
    return allowance.take(nowMs);
  }
}
