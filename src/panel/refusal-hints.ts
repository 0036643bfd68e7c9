/**
 * Refusals that nobody sealed. A panel whose counters or key have changed can say so in no other way, and anybody else can say it too. So they
 * are hints: after some of them the panel is asked for its counters by a challenge, which it answers under its key whatever it refuses else.
 *
 *   not-authenticated, replayed … thrice ─► challenge ─┬─► its newest counter is not above ours: our frames are fresh to it, somebody lied
 *                                                       └─► it is, or no sealed answer: the session has to begin anew
 *
 * Asked once a second at most, however many pour in.
 */
import type { Clock } from '../../core/clock/clock.ts';
import type { NackCode } from '../../firmware-protocol/messages.ts';
import type { Result } from './panel.ts';
import type { ReplyTo } from './replies.ts';

/** Hints without a good answer between, that are no accident of the wire: it may deliver a frame twice. */
const LOOKED_INTO = 3;
const EVERY_MS = 1000;

/** An unsealed refusal of a challenge stands when no sealed answer comes within this: on its way may be both. */
export const REFUSAL_STANDS_MS = 250;
/** Times that one request is sent again at once because of hints. */
export const HINTS_HEEDED = 2;

export interface RefusalHints {
  refused(code: NackCode): void;
  /** A good answer came. */
  answered(): void;
}

export function createRefusalHints(options: {
  clock: Clock;
  challenge: () => Promise<Result<ReplyTo<'challenge'>>>;
  /** Whether our next frame is fresh to a panel whose newest counter is this. */
  isAhead: (lastCounter: bigint) => boolean;
  onRefusal: (code: NackCode) => void;
}): RefusalHints {
  const { clock, challenge, isAhead, onRefusal } = options;
  let hints = 0;
  let lookedMs = -Infinity;

  const look = async (code: NackCode): Promise<void> => {
    lookedMs = clock.nowMs();
    const answer = await challenge();
    hints = 0;
    if (answer.ok) {
      if (!isAhead(answer.value.lastCounter)) onRefusal(code);
      return;
    }
    // Whatever else ended it has ended the session, too.
    const { reason } = answer.failure;
    if (reason === 'no-answer' || reason === 'rejected') onRefusal(code);
  };

  return {
    refused: (code) => {
      if (++hints < LOOKED_INTO || clock.nowMs() - lookedMs < EVERY_MS) return;
      void look(code);
    },
    answered: () => {
      hints = 0;
    },
  };
}
