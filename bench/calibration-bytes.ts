/** Bytes on a serial line for one reading, both ways: settings of random words shown one after the other, pilots read of each. */
import { createRealClock } from '../core/clock/real-clock.ts';
import { userIndex } from '../core/signal/indices.ts';
import { createRandom } from '../core/signal/random.ts';
import { createRecordedScene } from '../hil-sim/scene.ts';
import { createSimulatedArray } from '../hil-sim/simulated-array.ts';
import { createVirtualPanel } from '../hil-sim/virtual-panel.ts';
import { zeros } from '../core/signal/complex-matrix.ts';
import { createLoopbackLink } from '../src/link/loopback.ts';
import { createPanel } from '../src/panel/panel-driver.ts';

const READINGS = 100;
/** COBS and the delimiter. */
const FRAMING = 2;

/** By the number of chains, 1 and 4. */
export async function bytesOfReading({
  elements,
  phaseBits,
}: {
  elements: number;
  phaseBits: number;
}): Promise<Record<number, number>> {
  const of = async (rfChains: number): Promise<number> => {
    const clock = createRealClock();
    const random = createRandom(1);
    const array = createSimulatedArray({ elements, rfChains, phaseBits, random: random.stream('array') });
    const channel = zeros(1, elements);
    channel.re.fill(1);
    const virtual = createVirtualPanel({
      clock,
      array,
      scene: createRecordedScene([channel]),
      noise: 1,
      random: random.stream('panel'),
    });
    let bytes = 0;
    const counted = {
      ...virtual,
      receive(frame: Uint8Array) {
        bytes += frame.length + FRAMING;
        virtual.receive(frame);
      },
      onSend: (listener: (frame: Uint8Array) => void) =>
        virtual.onSend((frame) => {
          bytes += frame.length + FRAMING;
          listener(frame);
        }),
    };
    const panel = createPanel({ link: createLoopbackLink(counted, clock), clock, random: random.stream('driver') });
    if (!(await panel.connect()).ok) throw new Error('no panel');
    const drawn = random.stream('words');
    bytes = 0;
    for (let beamId = 1; beamId <= READINGS; beamId++) {
      const words = Uint16Array.from({ length: elements * rfChains }, () => Math.floor(drawn.uniform() * 2 ** phaseBits));
      const applied = await panel.apply({ beamId, phaseBits, words });
      const heard = applied.ok && (await panel.measurePilots(beamId, userIndex(0), 1));
      if (heard === false || !heard.ok) throw new Error('a reading failed');
    }
    const each = Math.round(bytes / READINGS);
    await panel.close();
    virtual.close();
    return each;
  };
  return { 1: await of(1), 4: await of(4) };
}
