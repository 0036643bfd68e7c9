/** The driver against the simulator's own panel in real bytes, whose answers are replaced: what it believes of a panel that lies. */
import { describe, expect, it } from 'vitest';
import { userIndex } from '../../core/signal/indices.ts';
import type { Message } from '../../firmware-protocol/messages.ts';
import { bench } from '../../test/doubles/driver-bench.ts';
import { beamOf } from '../../test/doubles/whole-beam.ts';

describe('panel driver with a panel that lies', () => {
  it('credits no measurement to another beam than the report names', async () => {
    const { driver } = bench({
      forge: (message) =>
        message.type === 'snr-report' || message.type === 'pilot-report' ? { ...message, beamId: message.beamId + 1 } : message,
    });
    await driver.connect();
    expect(await driver.apply(beamOf(4))).toMatchObject({ ok: true });
    expect(await driver.measureSnr(4, 8)).toMatchObject({ ok: false, failure: { reason: 'other-beam', asked: 4, told: 5 } });
    expect(await driver.measurePilots(4, userIndex(0), 8)).toMatchObject({
      ok: false,
      failure: { reason: 'other-beam', asked: 4, told: 5 },
    });
  });

  it('credits no beam whose latched words are not those that were asked for', async () => {
    const { driver } = bench({
      forge: (message) => (message.type === 'committed' ? { ...message, wordsCrc32c: (message.wordsCrc32c ^ 1) >>> 0 } : message),
    });
    await driver.connect();
    expect(await driver.apply(beamOf(4))).toMatchObject({ ok: false, failure: { reason: 'read-back-differs', beamId: 4 } });
  });

  it('credits no beam when the answer was lost and other words, or another beam, are radiated', async () => {
    for (const lie of [
      (message: Message) => (message.type === 'phases' ? { ...message, words: message.words.map((word) => word ^ 1) } : message),
      (message: Message) => (message.type === 'status' && message.beamId > 0 ? { ...message, beamId: 3 } : message),
      (message: Message) => (message.type === 'phases' ? { ...message, beamId: 3 } : message),
    ]) {
      const { driver } = bench({ behaviours: [{ do: 'drop', direction: 'to-host', messages: ['committed'] }], forge: lie });
      await driver.connect();
      const applied = await driver.apply(beamOf(4));
      expect(applied.ok).toBe(false);
      if (!applied.ok) expect(['no-answer', 'read-back-differs']).toContain(applied.failure.reason);
    }
  });

  it.each<[string, (report: Message & { type: 'snr-report' }) => Partial<Message & { type: 'snr-report' }>, string]>([
    ['leaves out the last', ({ snrCentiDb }) => ({ snrCentiDb: snrCentiDb.slice(0, 3) }), 'no reading of user 3'],
    ['begins with user 1', ({ snrCentiDb }) => ({ firstUser: 1, snrCentiDb: snrCentiDb.slice(1) }), 'no reading of user 0'],
    ['has one', ({ snrCentiDb }) => ({ firstUser: 2, snrCentiDb: snrCentiDb.slice(2, 3) }), 'no reading of users 0, 1, 3'],
    ['names one too many', () => ({ snrCentiDb: new Int16Array(5) }), 'it names users 0 to 4, and there are 4'],
    ['is shifted', () => ({ firstUser: 1, snrCentiDb: new Int16Array(4) }), 'it names users 1 to 4, and there are 4'],
    ['has no reading of two', () => ({ snrCentiDb: Int16Array.of(1, -32768, 3, -32768) }), 'no reading of users 1, 3'],
  ])('takes a report that %s for one that is no good, and the panel for as good as before', async (_title, change, detail) => {
    let lies = true;
    const { driver } = bench({
      forge: (message) => (lies && message.type === 'snr-report' ? { ...message, ...change(message) } : message),
    });
    await driver.connect();
    await driver.apply(beamOf(4));
    expect(await driver.measureSnr(4, 8)).toMatchObject({
      failure: { reason: 'unusable-report', request: 'measure-snr', detail: expect.stringContaining(detail) as string },
    });
    lies = false;
    expect(await driver.measureSnr(4, 8)).toMatchObject({ ok: true });
  });

  it('hands on what there is of a report that leaves somebody out', async () => {
    const { driver } = bench({
      forge: (message) => (message.type === 'snr-report' ? { ...message, snrCentiDb: Int16Array.of(100, -32768, 325) } : message),
    });
    await driver.connect();
    await driver.apply(beamOf(4));
    expect(await driver.measureSnr(4, 8)).toMatchObject({
      failure: { reason: 'unusable-report', partialSnrDb: Float64Array.of(1, NaN, 3.25, NaN) },
    });
  });

  it('takes pilots of another user, or of fewer chains, for no good', async () => {
    const { driver } = bench({
      forge: (message) =>
        message.type !== 'pilot-report'
          ? message
          : message.user === 1
            ? { ...message, user: 2 }
            : { ...message, values: message.values.slice(0, 2) },
    });
    await driver.connect();
    await driver.apply(beamOf(4));
    expect(await driver.measurePilots(4, userIndex(1), 8)).toMatchObject({ failure: { reason: 'unusable-report' } });
    expect(await driver.measurePilots(4, userIndex(0), 8)).toMatchObject({
      failure: { detail: '1 value, and there are 4 RF chains' },
    });
  });

  it('puts no two beams together when it reads back', async () => {
    let chunk = 0;
    const { driver } = bench({
      forge: (message) => (message.type === 'phases' ? { ...message, beamId: (chunk++ % 2) + 1 } : message),
    });
    await driver.connect();
    await driver.apply(beamOf(4));
    expect(await driver.readBack()).toMatchObject({ ok: false, failure: { reason: 'other-beam', request: 'read-phases' } });
  });

  it('does not believe in a panel of a million shifters', async () => {
    const { driver } = bench({
      forge: (message) => (message.type === 'capabilities' ? { ...message, elements: 60_000, rfChains: 60_000 } : message),
    });
    expect(await driver.connect()).toMatchObject({ failure: { reason: 'wrong-panel', field: 'elements × rfChains' } });
  });
});
