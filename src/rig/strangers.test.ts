import { describe, expect, it } from 'vitest';
import { createVirtualClock } from '../../core/clock/virtual-clock.ts';
import type { RigEvent } from '../telemetry/cycle-record.ts';
import type { LinkInUse } from './link-description.ts';
import { watchStrangers } from './strangers.ts';

describe('strangers on a link', () => {
  it('are told of once when they pour in, with counts and the link, and not of a few', async () => {
    const clock = createVirtualClock();
    const counters = { unauthenticated: 0, badFrames: 0 };
    const wire = { counters: { discarded: 0, strange: 0 } };
    const link = { spec: { name: 'left', kind: 'mqtt' }, wire, driver: { counters, discards: { newest: 'rubbish' } } };
    const watch = watchStrangers([link as unknown as LinkInUse], clock);
    const events: Omit<RigEvent, 'timeNs'>[] = [];
    const later = async (): Promise<void> => {
      void clock.sleep(10_000);
      await clock.runUntilIdle();
      watch((event) => events.push(event));
    };
    counters.unauthenticated += 20;
    await later();
    expect(events).toEqual([]);
    for (let turn = 0; turn < 5; turn++) {
      counters.unauthenticated += 400;
      wire.counters.strange += 30;
      await later();
    }
    expect(events).toHaveLength(1);
    expect(events[0]).toMatchObject({ level: 'warning', code: 'strange-frames' });
    expect(events[0].message).toMatch(
      /^On link left came 400 frames not sealed .*, 30 words .* within 10 s; the newest: rubbish\.$/,
    );
  });

  it('are told of in the singular where there is one of a kind', async () => {
    const clock = createVirtualClock();
    const counters = { unauthenticated: 0, badFrames: 0 };
    const wire = { counters: { discarded: 0, strange: 0 } };
    const link = { spec: { name: 'left', kind: 'mqtt' }, wire, driver: { counters, discards: { newest: '' } } };
    const watch = watchStrangers([link as unknown as LinkInUse], clock);
    void clock.sleep(10_000);
    await clock.runUntilIdle();
    Object.assign(counters, { unauthenticated: 1, badFrames: 1 });
    wire.counters.strange = 400;
    const messages: string[] = [];
    watch(({ message }) => messages.push(message));
    expect(messages.join()).toContain('came 1 frame not sealed with its key, or not fresh, 1 damaged frame, 400 words about');
  });
});
