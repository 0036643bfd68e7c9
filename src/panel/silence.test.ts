/** What silence does to a session: a panel that made itself safe takes no beam before a new handshake, however late its frames arrive. */
import { describe, expect, it } from 'vitest';
import type { Behaviour } from '../../hil-sim/behaviours.ts';
import { panelArray } from '../../test/panel-array.ts';

const ELEMENTS = Array.from({ length: 64 }, (_, i) => i);
const SILENCE_MS = 1000;

function bench(behaviours: Behaviour[] = []) {
  const { clock, beam, panels } = panelArray([{ elements: ELEMENTS, behaviours, capabilities: { maxPayloadBytes: 1024 } }]);
  const [{ driver, virtual, radiated }] = panels;
  return { clock, beam, driver, virtual, radiated };
}

describe('a session with a panel that silence has made safe', () => {
  it('is over: a beam that was given up is not switched on by its late frames', async () => {
    // The wire keeps the commit of the second beam back, for longer than the panel waits, and than the driver does.
    const late: Behaviour = { do: 'delay', delayMs: 6000, messages: ['commit'], nth: 2, times: 30 };
    const { clock, beam, driver, virtual, radiated } = bench([late]);
    await driver.connect();
    await driver.setSafeState('mute', { silenceMs: SILENCE_MS });
    expect(await driver.apply(beam(1))).toMatchObject({ ok: true });
    // Given up as soon as the panel may have made itself safe, not when the request has used up its own time.
    expect(await driver.apply(beam(2))).toMatchObject({ failure: { reason: 'silent', limitMs: SILENCE_MS } });
    await clock.sleep(10_000);
    expect(virtual.radiated().beamId).toBe(0);
    expect(radiated).toEqual([1]);
  });

  it('says why, leaves nothing of it standing, and goes on after a handshake', async () => {
    const { clock, beam, driver, virtual } = bench();
    await driver.connect();
    await driver.setSafeState('mute', { silenceMs: SILENCE_MS });
    await driver.apply(beam(1));
    await clock.sleep(1.5 * SILENCE_MS);
    expect(await driver.apply(beam(2))).toEqual({ ok: false, failure: { reason: 'session-over', request: 'set-phases' } });
    expect(driver.capabilities).toBeUndefined();
    expect(await driver.measureSnr(1, 16)).toMatchObject({ ok: false, failure: { reason: 'session-over' } });
    expect(virtual.radiated().beamId).toBe(0);
    await driver.connect();
    expect(await driver.apply(beam(3))).toMatchObject({ ok: true });
    expect(virtual.radiated().beamId).toBe(3);
  });

  it('goes on after a long pause, whose safe state was commanded', async () => {
    const { clock, beam, driver } = bench();
    await driver.connect();
    await driver.apply(beam(1));
    await driver.setSafeState('mute', { silenceMs: SILENCE_MS, enter: true });
    await clock.sleep(600_000);
    expect(await driver.apply(beam(2))).toMatchObject({ ok: true });
  });
});
