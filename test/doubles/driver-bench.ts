/** A driver and the simulator's own panel, for the tests of the driver. */
import { createVirtualClock, type VirtualClock } from '../../core/clock/virtual-clock.ts';
import { fromParts } from '../../core/signal/complex-matrix.ts';
import { createRandom, type Random } from '../../core/signal/random.ts';
import { decodeFrame, encodeFrame } from '../../firmware-protocol/codec.ts';
import type { Capabilities, Message } from '../../firmware-protocol/messages.ts';
import type { Behaviour } from '../../hil-sim/behaviours.ts';
import { createRecordedScene } from '../../hil-sim/scene.ts';
import { createSimulatedArray } from '../../hil-sim/simulated-array.ts';
import { createVirtualPanel, type VirtualPanel } from '../../hil-sim/virtual-panel.ts';
import { createLoopbackLink } from '../../src/link/loopback.ts';
import { createPanel, type PanelOptions } from '../../src/panel/panel-driver.ts';
import { K, M, N, Q } from './whole-beam.ts';

interface SmallChunks {
  behaviours: readonly Behaviour[];
  answerMs?: number;
  capabilities?: Partial<Pick<Capabilities, 'maxPayloadBytes' | 'stagingSlots' | 'features'>> | undefined;
}

/** A panel with payloads so small that a beam takes four chunks of words and three of weights. */
export function smallChunksPanel(
  clock: VirtualClock,
  random: Random,
  { capabilities = {}, ...settings }: SmallChunks,
): VirtualPanel {
  const channel = Float64Array.from({ length: 2 * K * N }, () => random.normal());
  return createVirtualPanel({
    clock,
    array: createSimulatedArray({ elements: N, rfChains: M, phaseBits: Q, random: random.stream('array') }),
    scene: createRecordedScene([fromParts(K, N, channel.subarray(0, K * N), channel.subarray(K * N))]),
    noise: 1,
    random: random.stream('panel'),
    ...settings,
    capabilities: { maxPayloadBytes: 64, ...capabilities },
  });
}

interface BenchOptions {
  behaviours?: readonly Behaviour[];
  driver?: Partial<PanelOptions>;
  features?: Capabilities['features'];
  /** Replaces what the panel says. */
  forge?: (message: Message) => Message;
}

/** A driver, the panel at the other end of its link, and what the driver sent to it. */
export function bench({ behaviours = [], driver = {}, features, forge = (message) => message }: BenchOptions = {}) {
  const clock = createVirtualClock();
  const random = createRandom(1);
  const virtual = smallChunksPanel(clock, random, { behaviours, capabilities: features && { features } });
  const sent: Message[] = [];
  const receive = (frame: Uint8Array): void => {
    const decoded = decodeFrame(frame);
    if (decoded.ok) sent.push(decoded.frame.message);
    virtual.receive(frame);
  };
  const onSend = (listener: (frame: Uint8Array) => void): void =>
    virtual.onSend((bytes) => {
      const decoded = decodeFrame(bytes);
      if (decoded.ok) listener(encodeFrame({ seq: decoded.frame.seq, message: forge(decoded.frame.message) }));
    });
  const link = createLoopbackLink({ receive, onSend }, clock, { latencyMs: 0.5 });
  return { clock, virtual, sent, driver: createPanel({ link, clock, random: random.stream('driver'), ...driver }) };
}
