/** How long a request may take, and how often it is sent. */

export interface LineTimeouts {
  /** Wait for the first answer ever, ms. */
  initialMs: number;
  /** Bounds of the wait after which a request is sent again, ms. */
  minMs: number;
  maxMs: number;
  /** Longest pause between two sendings on a link that is quicker than this, ms: a panel that comes back is found so soon. */
  retryMs: number;
  /** Times that one request is sent at most. */
  attempts: number;
  /** From the first sending of a request to giving up, ms. */
  totalMs: number;
}

export const DEFAULT_TIMEOUTS: Readonly<LineTimeouts> = {
  initialMs: 250,
  minMs: 25,
  maxMs: 1000,
  retryMs: 300,
  attempts: 8,
  totalMs: 2000,
};

/** Where a request is in more of a hurry than others. */
export type RequestLimits = Partial<Pick<LineTimeouts, 'attempts' | 'totalMs'>>;
