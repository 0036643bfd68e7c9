/** Frames from the panel that could not be used: how many of each kind, and the newest in words, for whoever waits in vain. */
import type { Link } from '../link/link.ts';
import { noFrameText } from './discarded-reply.ts';
import type { DiscardedReplies } from './panel.ts';

export interface Discards extends DiscardedReplies {
  note(cause: string, message: string): void;
  /** What came since then, and was thrown away: the newest; undefined when nothing did. */
  since(ms: number): string | undefined;
}

/** @param nowMs by the clock of the line */
export function createDiscards(link: Pick<Link, 'noise'>, nowMs: () => number): Discards {
  const counts: Record<string, number> = {};
  let newest = { message: '', atMs: -Infinity };
  return {
    counts,
    get newest() {
      return newest.message;
    },
    note: (cause, message) => {
      counts[cause] = (counts[cause] ?? 0) + 1;
      newest = { message, atMs: nowMs() };
    },
    since: (ms) => {
      if (newest.atMs >= ms) return newest.message;
      const { noise } = link;
      return noise === undefined || noise.bytes === 0 ? undefined : noFrameText(noise.bytes, noise.beginning);
    },
  };
}
