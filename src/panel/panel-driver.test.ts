/** The driver against the simulator's own panel in real bytes: what it does when all is well. */
import { userIndex } from '../../core/signal/indices.ts';
import { describe, expect, it } from 'vitest';
import type { Behaviour } from '../../hil-sim/behaviours.ts';
import { bench } from '../../test/doubles/driver-bench.ts';
import { K, M, N, Q, beamOf } from '../../test/doubles/whole-beam.ts';

describe('the safe state that a panel is in', () => {
  it('is what it confirmed last, asked or blind, and none from the next commit on', async () => {
    const { clock, driver } = bench();
    await driver.connect();
    expect(driver.safeAs).toBeUndefined();
    await driver.setSafeState('hold', { silenceMs: 3000 });
    expect(driver.safeAs, 'it is not there yet').toBeUndefined();
    await driver.setSafeState('hold', { enter: true });
    expect(driver.safeAs).toBe('hold');
    const applied = driver.apply(beamOf(1));
    while (driver.safeAs !== undefined) await clock.sleep(0.1);
    expect(await applied).toMatchObject({ ok: true });
    let told = 0;
    driver.onSafe(() => (told += 1));
    driver.commandSafe('mute');
    expect(driver.safeAs).toBeUndefined();
    await clock.sleep(1000);
    expect([driver.safeAs, told]).toEqual(['mute', 1]);
  });

  it('is not taken from the late answer to a command that a beam has followed', async () => {
    // The answer to the first command is slow, and the second command is lost.
    const late: Behaviour = { do: 'delay', direction: 'to-host', messages: ['ack'], nth: 2, delayMs: 400 };
    const { clock, driver, virtual } = bench({ behaviours: [late] });
    await driver.connect();
    await driver.setSafeState('mute', { silenceMs: 60_000 });
    driver.commandSafe('mute');
    await clock.sleep(2);
    expect(await driver.apply(beamOf(1))).toMatchObject({ ok: true });
    virtual.receive = () => undefined;
    driver.commandSafe('mute');
    await clock.sleep(3000);
    expect(virtual.radiated().beamId).toBe(1);
    expect(driver.safeAs).toBeUndefined();
  });
});

describe('panel driver on a quiet bench', () => {
  it('shakes hands and knows the panel', async () => {
    const { driver } = bench();
    expect(driver.capabilities).toBeUndefined();
    expect(await driver.connect()).toMatchObject({ ok: true, value: { elements: N, rfChains: M, phaseBits: Q } });
    expect(driver.capabilities).toMatchObject({ users: K });
  });

  it('gets a beam radiated word by word, measured under its own id, and read back', async () => {
    const { driver, virtual } = bench();
    await driver.connect();
    const beam = beamOf(7);
    const applied = await driver.apply(beam);
    expect(applied).toMatchObject({ ok: true, value: { beamId: 7 } });
    expect(virtual.radiated()).toEqual({ beamId: 7, words: beam.words });
    expect(await driver.readBack()).toEqual({ ok: true, value: { beamId: 7, words: beam.words } });
    const measured = await driver.measureSnr(7, 4096);
    const trueDb = [...virtual.trueSinr()].map((sinr) => 10 * Math.log10(sinr));
    expect(measured).toMatchObject({ ok: true, value: { beamId: 7, firstUser: 0, pilots: 4096 } });
    if (measured.ok) measured.value.snrDb.forEach((snrDb, user) => expect(Math.abs(snrDb - trueDb[user])).toBeLessThan(1));
    const pilots = await driver.measurePilots(7, userIndex(2), 64);
    expect(pilots).toMatchObject({ ok: true, value: { beamId: 7, user: 2 } });
    if (pilots.ok) expect(pilots.value.values).toHaveLength(2 * M);
    expect(await driver.status()).toMatchObject({ ok: true, value: { state: 'radiating', beamId: 7, bootCount: 1 } });
    expect(await driver.ping()).toMatchObject({ ok: true, value: { roundTripMs: expect.closeTo(1, 6) as number } });
    expect(await driver.setSafeState('mute', { enter: true })).toEqual({ ok: true, value: undefined });
    expect(virtual.radiated().beamId).toBe(0);
  });

  it('takes the temperature of a panel without a sensor for none', async () => {
    const { driver } = bench({
      forge: (message) => (message.type === 'status' ? { ...message, temperatureCentiC: -32768 } : message),
    });
    await driver.connect();
    expect(await driver.status()).toMatchObject({ ok: true, value: { temperatureC: null } });
  });

  it('copies the beam, so that the caller may reuse its buffers at once', async () => {
    const { driver, virtual } = bench({ driver: { window: 1 } });
    await driver.connect();
    const beam = beamOf(1);
    const applying = driver.apply(beam);
    beam.words.fill(0);
    beam.digital.weights.fill(0);
    expect(await applying).toMatchObject({ ok: true });
    expect(virtual.radiated().words).toEqual(beamOf(1).words);
  });

  it('leaves the digital weights out for a panel that takes none', async () => {
    const { driver, sent } = bench({ features: ['snr-report', 'read-back'] });
    await driver.connect();
    expect(await driver.apply(beamOf(1))).toMatchObject({ ok: true });
    expect(sent.filter((message) => message.type === 'set-digital')).toHaveLength(0);
  });

  it.each(['set-phases', 'measure-snr'] as const)('carries a refusal of %s that a later version has named', async (type) => {
    let refuses = false;
    const reply = { 'set-phases': 'ack', 'measure-snr': 'snr-report' }[type];
    const { driver } = bench({
      forge: (message) => (refuses && message.type === reply ? { type: 'nack', code: 'code-77', detail: 5 } : message),
    });
    await driver.connect();
    await driver.apply(beamOf(4));
    refuses = true;
    const answer = type === 'measure-snr' ? await driver.measureSnr(4, 16) : await driver.apply(beamOf(5));
    expect(answer).toMatchObject({ ok: false, failure: { reason: 'rejected', code: 'code-77', detail: 5 } });
  });

  it('needs a handshake first, and applies one beam at a time', async () => {
    const { driver } = bench();
    expect(await driver.apply(beamOf(1))).toMatchObject({ ok: false, failure: { reason: 'link-closed' } });
    expect(await driver.measureSnr(1, 8)).toMatchObject({ ok: false, failure: { reason: 'link-closed' } });
    await driver.connect();
    const [first, second] = await Promise.all([driver.apply(beamOf(1)), driver.apply(beamOf(2))]);
    expect(first).toMatchObject({ ok: true });
    expect(second).toMatchObject({
      ok: false,
      failure: { reason: 'not-sent', request: 'apply', detail: 'beam 1 is still under way' },
    });
  });

  it('takes a beam of the wrong size for a mistake of the program', async () => {
    const { driver } = bench();
    await driver.connect();
    await expect(driver.apply({ ...beamOf(1), words: new Uint16Array(5) })).rejects.toThrow(
      /5 words.*64 elements × 4 chains = 256/,
    );
    const digital = { users: K, weights: new Float32Array(3) };
    await expect(driver.apply({ ...beamOf(1), digital })).rejects.toMatchObject({ code: 'shape' });
    expect(await driver.apply(beamOf(1))).toMatchObject({ ok: true });
  });

  it('names the field in which the panel is not the one that the rig expects', async () => {
    const wrongSize = bench({ driver: { expected: { elements: 32, rfChains: M } } });
    expect(await wrongSize.driver.connect()).toEqual({
      ok: false,
      failure: { reason: 'wrong-panel', field: 'elements', expected: '32', actual: '64' },
    });
    expect(await wrongSize.driver.apply(beamOf(1))).toMatchObject({ failure: { reason: 'wrong-panel' } });
    const noFeature = bench({ driver: { expected: { features: ['snr-report', 'authentication'] } } });
    expect(await noFeature.driver.connect()).toMatchObject({
      failure: { reason: 'wrong-panel', field: 'features', expected: 'authentication' },
    });
    expect(await bench({ driver: { expected: { phaseBits: Q, users: K } } }).driver.connect()).toMatchObject({ ok: true });
  });

  it('tells the versions when panel and host do not share one', async () => {
    const { driver } = bench({ behaviours: [{ do: 'wrong-version', major: 3 }] });
    expect(await driver.connect()).toEqual({ ok: false, failure: { reason: 'protocol-version', panelMajor: 3, ours: 1 } });
  });
});

describe('panel driver, step by step', () => {
  it('stages a beam that waits for its time, and confirms it afterwards', async () => {
    const { driver, virtual, clock } = bench();
    await driver.connect();
    const sample = await driver.syncClock();
    expect(sample).toMatchObject({ ok: true, value: { hostSendUs: expect.any(Number) as number } });
    if (!sample.ok) return;
    expect(sample.value.hostReceiveUs - sample.value.hostSendUs).toBeCloseTo(1000, 3);
    const staged = await driver.stage(beamOf(1));
    if (!staged.ok) throw new Error('not staged');
    expect(virtual.radiated().beamId).toBe(0);
    const atUs = sample.value.panelSendUs + 40_000n;
    expect(await driver.arm(staged.value, atUs)).toEqual({ ok: true, value: undefined });
    expect(virtual.radiated().beamId).toBe(0);
    // Asked before the time, it waits until the panel says that it has switched.
    expect(await driver.confirm(staged.value)).toMatchObject({ ok: true, value: { beamId: 1, panelTimeUs: atUs } });
    expect(virtual.radiated()).toEqual({ beamId: 1, words: beamOf(1).words });
    expect(await driver.cancel(staged.value)).toMatchObject({ failure: { request: 'cancel-commit', code: 'too-late' } });
    expect(clock.nowMs()).toBeLessThan(80);
  });

  it('cancels a beam that waits, and is told too late when it asks for one that never switched', async () => {
    const { driver, virtual, clock } = bench();
    await driver.connect();
    const staged = await driver.stage(beamOf(1));
    if (!staged.ok) throw new Error('not staged');
    expect(await driver.arm(staged.value, 50_000n)).toMatchObject({ ok: true });
    expect(await driver.cancel(staged.value)).toEqual({ ok: true, value: undefined });
    await clock.sleep(100);
    expect(virtual.radiated().beamId).toBe(0);
    expect(await driver.confirm(staged.value)).toMatchObject({ failure: { reason: 'rejected', code: 'too-late' } });
    expect(await driver.commit(staged.value)).toMatchObject({ ok: true, value: { beamId: 1 } });
    expect(virtual.radiated().beamId).toBe(1);
  });

  it('cancels a beam for good: a copy of its commit that the wire kept back does not switch it', async () => {
    // The first copy is held back beyond the cancellation, and comes when there is still time to obey it.
    const { driver, virtual, clock, sent } = bench({
      behaviours: [{ do: 'delay', messages: ['commit'], nth: 1, delayMs: 120 }],
    });
    await driver.connect();
    const staged = await driver.stage(beamOf(1));
    if (!staged.ok) throw new Error('not staged');
    expect(await driver.arm(staged.value, 250_000n)).toMatchObject({ ok: true });
    expect(await driver.cancel(staged.value)).toEqual({ ok: true, value: undefined });
    expect(sent.at(-1)).toEqual({ type: 'cancel-commit', beamId: 1, atUs: 250_000n });
    expect(clock.nowMs()).toBeLessThan(120);
    await clock.sleep(400);
    expect(virtual.radiated().beamId).toBe(0);
    expect(driver.counters.retries).toBe(1);
  });

  it('arms a beam that it cancelled for a later time only', async () => {
    const { driver, virtual, clock, sent } = bench();
    await driver.connect();
    const staged = await driver.stage(beamOf(1));
    if (!staged.ok) throw new Error('not staged');
    await driver.arm(staged.value, 50_000n);
    await driver.cancel(staged.value);
    const said = sent.length;
    for (const atUs of [50_000n, 49_000n]) {
      expect(await driver.arm(staged.value, atUs)).toMatchObject({ failure: { reason: 'not-sent', request: 'commit' } });
    }
    expect(sent.length, 'a copy of what was called off is not even sent').toBe(said);
    expect(await driver.arm(staged.value, 50_001n)).toMatchObject({ ok: true });
    await clock.sleep(60);
    expect(virtual.radiated().beamId).toBe(1);
  });

  it('keeps a beam in the memory of the panel and switches nothing', async () => {
    const { driver, virtual } = bench();
    await driver.connect();
    expect(await driver.storeBeam(beamOf(3), 2)).toEqual({ ok: true, value: undefined });
    expect(await driver.storeBeam(beamOf(4), 99)).toMatchObject({ failure: { request: 'store-beam', code: 'wrong-dimensions' } });
    expect(virtual.radiated().beamId).toBe(0);
    await driver.setSafeState('codeword', { position: 2, enter: true });
    expect(virtual.radiated()).toEqual({ beamId: 0, words: beamOf(3).words });
    const without = bench({ features: ['read-back'] });
    await without.driver.connect();
    expect(await without.driver.storeBeam(beamOf(3), 0)).toMatchObject({ failure: { code: 'unsupported-message' } });
  });

  it('has nothing to do with a beam that another panel staged, or of a session that is over', async () => {
    const { driver } = bench();
    await driver.connect();
    await expect(driver.commit({ beamId: 1, pushMs: 0 })).rejects.toMatchObject({ code: 'argument' });
    const staged = await driver.stage(beamOf(1));
    if (!staged.ok) throw new Error('not staged');
    await driver.connect();
    const { value } = staged;
    for (const step of [
      () => driver.commit(value),
      () => driver.confirm(value),
      () => driver.cancel(value),
      () => driver.arm(value, 1n),
    ]) {
      expect(await step()).toMatchObject({ ok: false, failure: { reason: 'link-closed' } });
    }
  });
});
