/**
 * Tells of strangers: frames and words on a link that nobody sealed who knows the rig's key, or that are no frames at all, when they pour in. Some of
 * them are accidents of a wire; so many in so short a time are somebody, or a link that is to be looked at.
 */
import { counted } from '../../core/errors/counted.ts';
import type { Clock } from '../../core/clock/clock.ts';
import { oncePerCause } from '../control/watch/once-per-cause.ts';
import type { RigEvent } from '../telemetry/cycle-record.ts';
import type { LinkInUse } from './link-description.ts';

/** As many within so long. A wire damages frames by itself, and of these it takes a flood. */
const MANY = 50;
const MANY_DAMAGED = 2000;
const WINDOW_MS = 10_000;

/** @returns to be called after each cycle */
export function watchStrangers(
  links: readonly Pick<LinkInUse, 'spec' | 'wire' | 'driver'>[],
  clock: Clock,
): (tell: (event: Omit<RigEvent, 'timeNs'>) => void) => void {
  const news = oncePerCause(clock);
  const countsOf = ({ wire, driver }: (typeof links)[number]) => ({
    unsealed: driver.counters.unauthenticated ?? 0,
    strange: wire.counters.strange ?? 0,
    damaged: driver.counters.badFrames + wire.counters.discarded,
  });
  let begunMs = clock.nowMs();
  let before = links.map(countsOf);

  return (tell) => {
    const nowMs = clock.nowMs();
    if (nowMs - begunMs < WINDOW_MS) return;
    links.forEach((link, index) => {
      const now = countsOf(link);
      const unsealed = now.unsealed - before[index].unsealed;
      const strange = now.strange - before[index].strange;
      const damaged = now.damaged - before[index].damaged;
      if ((unsealed + strange < MANY && damaged < MANY_DAMAGED) || !news.occurs(link.spec.name)) return;
      const what = [
        ...(unsealed > 0 ? [`${counted(unsealed, 'frame')} not sealed with its key, or not fresh`] : []),
        ...(damaged > 0 ? [counted(damaged, 'damaged frame')] : []),
        ...(strange > 0 ? [`${counted(strange, 'word')} about who is there that nobody need believe`] : []),
      ].join(', ');
      const { newest } = link.driver.discards;
      tell({
        level: 'warning',
        code: 'strange-frames',
        message: `On link ${link.spec.name} came ${what} within ${Math.round((nowMs - begunMs) / 1000)} s${newest === '' ? '' : `; the newest: ${newest}`}.`,
        action:
          link.spec.kind === 'mqtt'
            ? 'They are thrown away and counted. Somebody else writes the topics of this panel: give the broker passwords and an access list (examples/mqtt).'
            : 'They are thrown away and counted. Look at the line, its baud rate, and what else writes to this port.',
      });
    });
    begunMs = nowMs;
    before = links.map(countsOf);
  };
}
