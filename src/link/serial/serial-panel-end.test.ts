/** A panel at the end of a serial line, driven through whole beams, while its host, its line and its noise come and go. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createRealClock } from '../../../core/clock/real-clock.ts';
import { encodeFrame } from '../../../firmware-protocol/codec.ts';
import { cobsFrame } from '../../../firmware-protocol/serial-framing.ts';
import { createRecordedScene } from '../../../hil-sim/scene.ts';
import { createSimulatedArray } from '../../../hil-sim/simulated-array.ts';
import type { VirtualPanel } from '../../../hil-sim/virtual-panel.ts';
import { createVirtualPanel } from '../../../hil-sim/virtual-panel.ts';
import { fromParts } from '../../../core/signal/complex-matrix.ts';
import { createRandom } from '../../../core/signal/random.ts';
import { hasPart } from '../../../test/parts.ts';
import type { PtyPair } from '../../../test/pty.ts';
import { openPtyPair } from '../../../test/pty.ts';
import { createPanel } from '../../panel/panel-driver.ts';
import type { ArrayMember, BeamCommand } from '../../panel/panel.ts';
import type { Link } from '../link.ts';
import type { PanelEnd } from '../panel-end.ts';
import { createSerialLink } from './serial.ts';
import { createSerialPanelEnd } from './serial-panel-end.ts';
import { openSerialPort } from './serial-port.ts';

const N = 32;
const M = 2;
const K = 2;
const Q = 6;
const BAUD_RATE = 921_600;

function beamOf(beamId: number): BeamCommand {
  const random = createRandom(beamId);
  const words = Uint16Array.from({ length: N * M }, () => Math.floor(random.uniform() * 2 ** Q));
  const weights = Float32Array.from({ length: 2 * M * K }, () => random.normal());
  return { beamId, phaseBits: Q, words, digital: { users: K, weights } };
}

const until = (condition: () => boolean): Promise<void> =>
  vi.waitFor(() => expect(condition()).toBe(true), { timeout: 10_000, interval: 2 });

describe.skipIf(!hasPart('socat'))('panel at the end of a serial line [needs socat]', () => {
  let pair: PtyPair;
  let virtual: VirtualPanel;
  let end: PanelEnd;
  let link: Link;
  let driver: ArrayMember;
  let panelStates: string[];
  let closers: (() => Promise<void> | void)[] = [];

  beforeEach(async () => {
    const clock = createRealClock();
    const random = createRandom(1);
    pair = await openPtyPair();
    closers = [() => pair.close()];
    const channel = Float64Array.from({ length: 2 * K * N }, () => random.normal());
    virtual = createVirtualPanel({
      clock,
      array: createSimulatedArray({ elements: N, rfChains: M, phaseBits: Q, random: random.stream('array') }),
      scene: createRecordedScene([fromParts(K, N, channel.subarray(0, K * N), channel.subarray(K * N))]),
      noise: 1,
      random: random.stream('panel'),
    });
    closers.push(() => virtual.close());
    end = createSerialPanelEnd({ path: pair.b, baudRate: BAUD_RATE });
    panelStates = [];
    end.onState(({ open }) => panelStates.push(open ? 'open' : 'gone'));
    closers.push(() => end.close());
    await end.open(virtual);
    link = createSerialLink({ path: pair.a, baudRate: BAUD_RATE });
    closers.push(() => link.close());
    driver = createPanel({ link, clock, random: random.stream('driver') });
  });
  afterEach(async () => {
    for (const close of closers.reverse()) await close();
  });

  it('radiates the beam that the driver asked for, word by word, and reports on it', async () => {
    expect(await driver.connect()).toMatchObject({ ok: true, value: { elements: N, rfChains: M, phaseBits: Q } });
    for (const beamId of [1, 2, 3]) {
      const beam = beamOf(beamId);
      expect(await driver.apply(beam)).toMatchObject({ ok: true, value: { beamId } });
      expect(virtual.radiated()).toMatchObject({ beamId, words: beam.words });
      expect(await driver.measureSnr(beamId, 64)).toMatchObject({ ok: true, value: { beamId, pilots: 64 } });
    }
    expect(await driver.readBack()).toMatchObject({ ok: true, value: { beamId: 3, words: beamOf(3).words } });
    expect(link.counters).toMatchObject({ discarded: 0, reconnects: 0 });
  });

  it('keeps the beam it has while the line is away, and takes new ones when it is back, never an old one', async () => {
    await driver.connect();
    await driver.apply(beamOf(1));
    const cutOff = driver.apply(beamOf(2));
    await pair.pull();
    const result = await cutOff;
    // Either it was through before the plug was out, or it is void; what is radiated is a whole beam in both cases.
    const radiated = virtual.radiated();
    expect(radiated.words).toEqual(beamOf(radiated.beamId).words);
    if (result.ok) expect(radiated.beamId).toBe(2);
    await until(() => link.state.state === 'closed');
    expect(await driver.apply(beamOf(3))).toMatchObject({ ok: false, failure: { reason: 'link-closed' } });
    await until(() => panelStates.length === 2);
    await pair.putBack();
    await until(() => panelStates.length === 3);
    expect(await driver.connect()).toMatchObject({ ok: true });
    expect(virtual.radiated()).toEqual(radiated);
    expect(await driver.apply(beamOf(4))).toMatchObject({ ok: true, value: { beamId: 4 } });
    expect(virtual.radiated()).toMatchObject({ beamId: 4, words: beamOf(4).words });
    expect(panelStates).toEqual(['open', 'gone', 'open']);
    expect(link.counters.reconnects).toBe(1);
  });

  it('tells its panel what the line has damaged, before the frame that came after it', async () => {
    await end.close();
    let dropped = 0;
    const droppedBefore: number[] = [];
    await end.open({
      receive: () => void droppedBefore.push(dropped),
      discarded: (frames) => void (dropped += frames),
      onSend: () => undefined,
    });
    const noisy = await openSerialPort({ path: pair.a, baudRate: BAUD_RATE, onBytes: () => undefined, onGone: () => undefined });
    closers.push(() => noisy.close());
    const ping = cobsFrame(encodeFrame({ seq: 1, message: { type: 'ping', nonce: 1 } }));
    noisy.write(Uint8Array.of(0, 5, 1, 2, 0, 3, 9, 9, 0, ...ping, ...ping, 2, 7, 0));
    await until(() => droppedBefore.length === 2 && dropped === 3);
    expect(droppedBefore).toEqual([2, 2]);
  });

  it('answers the next host after one that left in the middle of a frame', async () => {
    const rude = await openSerialPort({ path: pair.a, baudRate: BAUD_RATE, onBytes: () => undefined, onGone: () => undefined });
    rude.write(Uint8Array.of(5, 1, 2));
    await rude.close();
    expect(await driver.connect()).toMatchObject({ ok: true });
    expect(await driver.apply(beamOf(1))).toMatchObject({ ok: true });
  });

  it('is found by a host after ten thousand bytes of garbage, and believes none of it', async () => {
    const noise = await openSerialPort({ path: pair.a, baudRate: BAUD_RATE, onBytes: () => undefined, onGone: () => undefined });
    const random = createRandom(9);
    noise.write(Uint8Array.from({ length: 10_000 }, () => Math.floor(random.uniform() * 256)));
    await noise.close();
    expect(await driver.connect()).toMatchObject({ ok: true });
    expect(virtual.radiated().beamId).toBe(0);
    expect(await driver.apply(beamOf(1))).toMatchObject({ ok: true });
  });

  it('stays away once it is closed, and lets go of the port', async () => {
    await end.close();
    await end.close();
    const heir = await openSerialPort({ path: pair.b, baudRate: BAUD_RATE, onBytes: () => undefined, onGone: () => undefined });
    await heir.close();
    await pair.pull();
    await pair.putBack();
    expect(panelStates).toEqual(['open']);
  });

  it('says why it cannot be opened the first time', async () => {
    const other = createSerialPanelEnd({ path: `${pair.b}-not`, baudRate: BAUD_RATE });
    await expect(other.open(virtual)).rejects.toMatchObject({ code: 'link', message: `${pair.b}-not: there is no such port.` });
    await other.close();
  });
});
