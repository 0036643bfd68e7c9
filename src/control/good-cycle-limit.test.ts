import { expect, it } from 'vitest';
import { createVirtualClock } from '../../core/clock/virtual-clock.ts';
import { createGoodCycleLimit } from './good-cycle-limit.ts';

function limited() {
  const clock = createVirtualClock();
  const over: number[] = [];
  const limit = createGoodCycleLimit(clock, { limitMs: 3000, trialMs: 1500 }, (litMs) => {
    over.push(litMs);
    limit.dark();
  });
  return { clock, limit, over };
}

it('is over when the time lit has added up, dark times left out', async () => {
  const { clock, limit, over } = limited();
  limit.lit();
  await clock.sleep(1000);
  limit.dark();
  await clock.sleep(60_000);
  limit.lit();
  await clock.sleep(1999);
  expect(over).toEqual([]);
  await clock.sleep(2);
  expect(over).toEqual([3000]);
});

it('begins from nothing after each good cycle', async () => {
  const { clock, limit, over } = limited();
  for (let cycle = 0; cycle < 10; cycle++) {
    limit.lit();
    await clock.sleep(2000);
    limit.good();
  }
  expect(over).toEqual([]);
});

it('leaves one that comes back the time for a good cycle, however long it was lit before', async () => {
  const { clock, limit, over } = limited();
  limit.lit();
  await clock.sleep(2990);
  limit.dark();
  await clock.sleep(1000);
  limit.lit();
  await clock.sleep(1499);
  expect(over).toEqual([]);
  limit.good();
  await clock.sleep(2999);
  expect(over).toEqual([]);
  await clock.sleep(2);
  expect(over).toEqual([3000]);
});
