/**
 * The firmware when the line to its own chips loses something: it never shows half a beam, never says that it is safe before it is known
 * to be dark, and goes on until it is.
 */
import { beforeAll, describe, expect, it } from 'vitest';
import { hasPart } from '../../test/parts.ts';
import { builtFirmware } from './test/built-firmware.ts';
import type { Lab } from './test/firmware-lab.ts';
import { beam, createFirmwareLab, shown, weightsOf } from './test/firmware-lab.ts';
import type { Line } from './test/lossy-bench.ts';
import { first, forged, isLoading, isMute, isStaging, isTransfer, putOn } from './test/lossy-bench.ts';

const firmwareLab = createFirmwareLab();
const WITHIN = { timeout: 10_000 };

describe.skipIf(!hasPart('gcc'))('the firmware on a bench line that fails, under sanitizers [needs gcc]', () => {
  let program: string;
  beforeAll(async () => {
    program = await builtFirmware({ target: 'host', sanitize: true });
  }, 120_000);

  /** A board that shows beam 1, and all that it has shown since. */
  async function lab(): Promise<Lab & { line: Line; moments: string[] }> {
    let line: Line | undefined;
    const opened = await firmwareLab.open('host', program, { prepare: (bus) => (line = putOn(bus)) });
    if (!line) throw new Error('no line');
    expect(await opened.panel.apply(beam(1))).toMatchObject({ ok: true });
    const moments: string[] = [];
    const { bus } = opened.bench;
    bus.onRadiated(() => moments.push(bus.words()?.join() ?? 'dark'));
    return { ...opened, line, moments };
  }
  const state = (name: string, more: object = {}) => ({ ok: true, value: { state: name, ...more } });
  const fault = (detail: number) => ({ ok: false, failure: { reason: 'rejected', code: 'fault', detail } });

  it('says a mute again that got lost, and is safe only then', async () => {
    const { panel, bench, line } = await lab();
    line.loses = first(1, isMute);
    expect(await panel.setSafeState('mute', { enter: true })).toMatchObject({ ok: true });
    expect(bench.bus.words()).toBeUndefined();
    expect(await panel.status()).toMatchObject(state('safe'));
  });

  it('says fault and not safe while its mutes are not heard, and goes on until they are', async () => {
    const { panel, bench, line } = await lab();
    line.loses = isMute;
    expect(await panel.setSafeState('mute', { enter: true })).toMatchObject(fault(1));
    expect(bench.bus.words()).toEqual(shown(1));
    expect(await panel.status()).toMatchObject(state('fault'));
    line.loses = () => false;
    await expect.poll(() => bench.bus.words(), WITHIN).toBeUndefined();
    await expect.poll(() => panel.status(), WITHIN).toMatchObject(state('idle'));
  });

  it('does the same when the host has fallen silent', async () => {
    const { panel, bench, line } = await lab();
    line.loses = first(4, isMute);
    await panel.setSafeState('mute', { silenceMs: 100 });
    await expect.poll(() => bench.bus.words(), WITHIN).toBeUndefined();
    expect(await panel.status()).not.toMatchObject(state('safe'));
  });

  it('loads nothing when a part of a beam got lost', async () => {
    const { panel, line, moments } = await lab();
    line.loses = first(1, isStaging);
    expect(await panel.apply(beam(2))).toMatchObject(fault(1));
    expect(moments.filter((moment) => moment !== shown(1).join() && moment !== 'dark')).toEqual([]);
    await expect.poll(() => panel.status(), WITHIN).toMatchObject(state('idle'));
    expect(await panel.apply(beam(3))).toMatchObject({ ok: true });
    expect(moments.at(-1)).toBe(shown(3).join());
  });

  it('writes a beam once more that got lost when it was written ahead of its time', async () => {
    const { panel, bench, line, moments } = await lab();
    const staged = await panel.stage(beam(2));
    const sample = await panel.syncClock();
    if (!staged.ok || !sample.ok) throw new Error('not staged');
    line.loses = first(1, isStaging);
    expect(await panel.arm(staged.value, sample.value.panelSendUs + 3_000_000n)).toMatchObject({ ok: true });
    await expect.poll(() => bench.bus.words(), WITHIN).toEqual(shown(2));
    expect(moments.every((moment) => [shown(1).join(), shown(2).join()].includes(moment))).toBe(true);
  });

  it('says fault when its bench is gone while it radiates, and keeps the last temperature that it knew', async () => {
    const { panel, line } = await lab();
    expect(await panel.status()).toMatchObject(state('radiating'));
    line.loses = () => true;
    const status = await panel.status();
    expect(status).toMatchObject(state('radiating'));
    expect(status.ok && Math.abs((status.value.temperatureC ?? NaN) - 25)).toBeLessThan(5);
    await expect.poll(() => panel.status(), WITHIN).toMatchObject(state('fault'));
  });

  it('bears a bench that misses some questions', async () => {
    const { panel, bench, line } = await lab();
    let asked = 0;
    // 19 looks in a row are lost, then four are answered: on a busy machine one of them may be too late for the board.
    line.loses = (frame) => isTransfer(frame) && asked++ % 23 < 19;
    await expect.poll(() => asked, WITHIN).toBeGreaterThan(45);
    line.loses = () => false;
    expect(await panel.status()).toMatchObject(state('radiating', { beamId: 1 }));
    expect(bench.bus.words()).toEqual(shown(1));
  });

  it.each<[string, (line: Line) => void]>([
    [
      'refuses a part of a beam',
      (line) => (line.answers = oneChanged((reply) => [forged(reply, (view) => view.setUint8(4, 1))])),
    ],
    ['answers under the number of the next request', (line) => (line.answers = oneChanged((reply) => [renumbered(reply, 1)]))],
    ['answers with nothing, not even a status', (line) => (line.answers = oneChanged((reply) => [emptied(reply)]))],
    ['does not say that it has loaded', (line) => (line.loses = first(1, isLoading))],
  ])('says fault and shows no mixture when the bench %s', async (_what, spoil) => {
    const { panel, line, moments } = await lab();
    spoil(line);
    expect(await panel.apply(beam(2))).toMatchObject(fault(1));
    const whole = [shown(1).join(), shown(2).join(), 'dark'];
    expect(moments.filter((moment) => !whole.includes(moment))).toEqual([]);
  });

  it('passes over answers to what it has given up, and over what is no answer', async () => {
    const { panel, bench, line } = await lab();
    line.answers = (reply) => [
      // Of long ago and refused; its own question come back; and then the answer.
      forged(renumbered(reply, -40), (view) => view.setUint8(4, 1)),
      forged(reply, (view) => view.setUint8(1, reply[1] & 0x7f)),
      reply,
    ];
    expect(await panel.apply(beam(2))).toMatchObject({ ok: true });
    expect([bench.bus.words(), bench.bus.weights()]).toEqual([shown(2), weightsOf(2)]);
  });
});

/** The next answer to a transfer is another one, all others are as they were. */
function oneChanged(change: (reply: Uint8Array) => Uint8Array[]): Line['answers'] {
  let done = false;
  return (reply) => {
    // Looks at chips are answered with what was read.
    if (done || !isTransfer(reply) || reply.length !== 9) return [reply];
    done = true;
    return change(reply);
  };
}

const renumbered = (reply: Uint8Array, by: number): Uint8Array =>
  forged(reply, (view) => view.setUint16(2, (view.getUint16(2, true) + by) & 0xffff, true));

const emptied = (reply: Uint8Array): Uint8Array => forged(new Uint8Array([...reply.subarray(0, 4), 0, 0, 0, 0]), () => undefined);
