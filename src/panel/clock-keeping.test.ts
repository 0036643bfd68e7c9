import { expect, it } from 'vitest';
import { panelArray } from '../../test/panel-array.ts';
import { createClockKeeping } from './clock-keeping.ts';

it.each([
  ['ahead, as when this host slept', 10_000],
  ['back, without a restart', -5000],
])('knows the time of a panel right after it leapt %s', async (_, leapMs) => {
  const {
    clock,
    panels: [{ driver }],
  } = panelArray([{ elements: [0, 1], aheadMs: 60_000 }]);
  let leapUs = 0n;
  const exchange = driver.syncClock.bind(driver);
  driver.syncClock = async () => {
    const sample = await exchange();
    if (!sample.ok) return sample;
    const { panelReceiveUs, panelSendUs } = sample.value;
    return {
      ok: true,
      value: { ...sample.value, panelReceiveUs: panelReceiveUs + leapUs, panelSendUs: panelSendUs + leapUs },
    };
  };
  expect((await driver.connect()).ok).toBe(true);
  const keeping = createClockKeeping(driver, clock);
  /** The panel's time now, less what it is believed to be, ms. */
  const error = async (): Promise<number> => {
    expect(await keeping.refresh()).toEqual({ ok: true, value: undefined });
    const hostUs = clock.nowMs() * 1000;
    const sample = await driver.syncClock();
    if (!sample.ok) throw new Error(sample.failure.reason);
    return Number(sample.value.panelReceiveUs - keeping.estimate.toPanelUs(hostUs)) / 1000;
  };
  for (let seconds = 0; seconds < 60; seconds++) {
    expect(Math.abs(await error())).toBeLessThan(2);
    await clock.sleep(1000);
  }
  leapUs = BigInt(1000 * leapMs);
  expect(Math.abs(await error())).toBeLessThan(2);
});
