import { describe, expect, it } from 'vitest';
import { createVirtualClock } from '../../core/clock/virtual-clock.ts';
import { decodeFrame, encodeFrame } from '../../firmware-protocol/codec.ts';
import type { Reply, Request } from '../../firmware-protocol/messages.ts';
import type { Behaviour } from '../../hil-sim/behaviours.ts';
import { createRandom } from '../../core/signal/random.ts';
import { parseRigFile } from '../config/rig-file.ts';
import type { LoopbackPeer } from '../link/loopback.ts';
import type { PanelEnd } from '../link/panel-end.ts';
import { playPanels } from './played-panels.ts';
import type { PlayedEvent } from './played-panels.ts';
import { createRigArray } from './simulator.ts';
import { createWorld } from './world.ts';

const [N, M, Q] = [8, 2, 7];
const rig = parseRigFile(
  `
name: boards
array: { geometry: { kind: ula, elements: ${N} }, rfChains: ${M}, phaseBits: ${Q} }
users: { count: 2 }
beamformer: { model: aligned }
simulator: { phaseShifter: adar1000 }
`,
  'rig.yaml',
);
const LEFT = [3, 2, 1, 0];
const RIGHT = [4, 5, 6, 7];

/** A wire that ends in the test. */
function testEnd(name: string) {
  let peer: LoopbackPeer | undefined;
  let onState: (state: { open: boolean; detail: string }) => void = () => undefined;
  const replies: Reply[] = [];
  let seq = 0;
  const end: PanelEnd = {
    name,
    async open(next) {
      peer = next;
      next.onSend((frame) => {
        const decoded = decodeFrame(frame);
        if (decoded.ok) replies.push(decoded.frame.message as Reply);
      });
      onState({ open: true, detail: name });
    },
    onState: (listener) => void (onState = listener),
    async close() {
      peer = undefined;
      onState({ open: false, detail: 'closed' });
    },
  };
  return {
    end,
    replies,
    send: (message: Request) => peer?.receive(encodeFrame({ seq: (seq += 1), message })),
  };
}

async function play(behaviours: Behaviour[] = []) {
  const clock = createVirtualClock();
  const random = createRandom(1).stream('simulator');
  const world = createWorld({ rig, random, repeat: true });
  const events: PlayedEvent[] = [];
  const wires = { left: testEnd('left wire'), right: testEnd('right wire') };
  const array = createRigArray(rig, random);
  const played = playPanels({
    panels: [
      { name: 'left', panelSerial: 'L-1', elements: LEFT, end: wires.left.end, behaviours },
      { name: 'right', panelSerial: 'R-1', elements: RIGHT, end: wires.right.end },
    ],
    ...{ array, world, noise: 1, random, clock },
    onEvent: (event) => events.push(event),
  });
  await played.open();
  const radiate = (wire: ReturnType<typeof testEnd>, beamId: number, words: Uint16Array): void => {
    wire.send({ type: 'set-phases', slot: 0, beamId, offset: 0, phaseBits: Q, words });
    wire.send({ type: 'commit', slot: 0, beamId, atUs: 0n });
  };
  return {
    clock,
    world,
    events,
    wires,
    array,
    played,
    radiate,
    types: () => events.map(({ panel, type }) => `${panel} ${type}`),
  };
}
const words = (seed: number): Uint16Array => {
  const random = createRandom(seed);
  return Uint16Array.from({ length: 4 * M }, () => Math.floor(random.uniform() * 2 ** Q));
};

describe('panels that are played', () => {
  it('radiate together through the chips of the rig file, each with its own elements in its own order', async () => {
    const { played, wires, array, radiate, events } = await play();
    radiate(wires.left, 1, words(1));
    radiate(wires.right, 1, words(2));
    const whole = new Uint16Array(N * M);
    LEFT.forEach((element, i) => whole.set(words(1).subarray(i * M, (i + 1) * M), element * M));
    RIGHT.forEach((element, i) => whole.set(words(2).subarray(i * M, (i + 1) * M), element * M));
    // Without weights chain k carries stream k, and there are as many.
    expect(played.panels[0].panel.radiatedPrecoder()).toEqual(array.radiatedAnalog(whole, 0));
    const moduli = array.radiatedAnalog(whole, 0).re.map((re, i) => Math.hypot(re, array.radiatedAnalog(whole, 0).im[i]));
    expect(Math.max(...moduli) / Math.min(...moduli)).toBeGreaterThan(1.01); // no chip is ideal
    expect(events.filter(({ type }) => type === 'radiates').map((event) => event.panel)).toEqual(['left', 'right']);
  });

  it('say that they are simulated, whichever way they are attached', async () => {
    const { wires } = await play();
    for (const wire of [wires.left, wires.right]) {
      wire.send({ type: 'hello', minMajor: 1, maxMajor: 1, host: 'test' });
      expect(wire.replies.at(-1)).toMatchObject({ type: 'capabilities', protocolMinor: 3 });
      expect(wire.replies.at(-1)).toHaveProperty('features', expect.arrayContaining(['simulated']));
    }
  });

  it('show the channel of cycle b − 1 when beam b is latched', async () => {
    const { world, wires, radiate } = await play();
    const other = createWorld({ rig, random: createRandom(1).stream('simulator'), repeat: true });
    radiate(wires.left, 40, words(1));
    expect(world.scene.channel()).toEqual(other.take(39)?.channel);
    radiate(wires.right, 41, words(1));
    expect(world.scene.channel()).toEqual(other.take(40)?.channel);
  });

  it('are told apart in what happens to them: only one stalls, resets, finds a fault', async () => {
    const { clock, played, wires, radiate, types } = await play();
    const [left, right] = played.panels;
    radiate(wires.left, 1, words(1));
    radiate(wires.right, 1, words(2));
    left.stall(50);
    for (const wire of [wires.left, wires.right]) wire.send({ type: 'ping', nonce: 9 });
    expect(wires.right.replies.at(-1)).toMatchObject({ type: 'pong' });
    expect(wires.left.replies.at(-1)).toMatchObject({ type: 'committed' });
    await clock.sleep(60);
    expect(wires.left.replies.at(-1)).toMatchObject({ type: 'pong', nonce: 9 });
    left.reset(0);
    right.fault(3);
    expect(left.panel.radiated().beamId).toBe(0);
    wires.right.send({ type: 'get-status' });
    expect(wires.right.replies.at(-1)).toMatchObject({ type: 'status', state: 'fault' });
    right.recover();
    expect(types()).toEqual([
      ...['left opened', 'right opened', 'left radiates', 'right radiates', 'left stalled'],
      ...['left reset', 'left dark', 'right fault', 'right dark', 'right recovered'],
    ]);
  });

  it('play each its own faults, and a reset by one of them leaves the other part of the beam in the air', async () => {
    const { wires, radiate, played, types } = await play([{ do: 'reset', messages: ['get-status'], nth: 1 }]);
    radiate(wires.left, 1, words(1));
    radiate(wires.right, 1, words(2));
    for (const wire of [wires.left, wires.right]) wire.send({ type: 'get-status' });
    expect(types().slice(-1)).toEqual(['left dark']);
    const { re, im } = played.panels[0].panel.radiatedPrecoder();
    for (const n of LEFT) expect(Math.hypot(re[n * 2], im[n * 2])).toBe(0);
    for (const n of RIGHT) expect(Math.hypot(re[n * 2], im[n * 2])).toBeGreaterThan(0.5);
  });

  it('tell of a refusal that keeps coming once a second, and how often it came', async () => {
    const { clock, wires, events } = await play();
    for (let i = 0; i < 5; i++) wires.left.send({ type: 'commit', slot: 0, beamId: 1, atUs: 0n });
    await clock.sleep(1001);
    wires.left.send({ type: 'commit', slot: 0, beamId: 1, atUs: 0n });
    expect(events.filter(({ type }) => type === 'refused')).toEqual([
      { panel: 'left', type: 'refused', code: 'not-staged', detail: 0, times: 1 },
      { panel: 'left', type: 'refused', code: 'not-staged', detail: 0, times: 5 },
    ]);
  });

  it('take their wire once, however often they are told to, and again after they have let go of it', async () => {
    const { played, types } = await play();
    const [left] = played.panels;
    await left.plug();
    expect(types()).toEqual(['left opened', 'right opened']);
    await left.unplug();
    await left.plug();
    expect(types().slice(2)).toEqual(['left closed', 'left opened']);
  });

  it('are muted when they end, and none is attached when one cannot be', async () => {
    const { played, wires, radiate, types } = await play();
    radiate(wires.left, 1, words(1));
    await played.close();
    expect(types().slice(-3)).toEqual(['left dark', 'left closed', 'right closed']);
    expect(played.panels[0].panel.radiatedPrecoder().re.every((re) => re === 0)).toBe(true);

    const closed: string[] = [];
    const end = (name: string, fails: boolean): PanelEnd => ({
      name,
      open: () => (fails ? Promise.reject(new Error('no such port')) : Promise.resolve()),
      onState: () => undefined,
      close: async () => void closed.push(name),
    });
    const random = createRandom(1);
    const half = playPanels({
      panels: [
        { name: 'left', panelSerial: 'L-1', elements: LEFT, end: end('left', false) },
        { name: 'right', panelSerial: 'R-1', elements: RIGHT, end: end('right', true) },
      ],
      array: createRigArray(rig, random),
      world: createWorld({ rig, random, repeat: true }),
      ...{ noise: 1, random, clock: createVirtualClock() },
    });
    await expect(half.open()).rejects.toThrow('no such port');
    expect(closed).toEqual(['left', 'right']);
  });
});
