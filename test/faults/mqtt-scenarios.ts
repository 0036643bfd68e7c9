/**
 * What can happen behind a broker and on no other wire. Frames come whole over MQTT, so that what is flipped, is flipped in the frame; what a
 * stranger publishes, comes as whole as what the rig and its panels do.
 */
import { createRandom } from '../../core/signal/random.ts';
import { createMqttLink, type MqttLinkOptions } from '../../src/link/mqtt/mqtt.ts';
import { createMqttPanelEnd } from '../../src/link/mqtt/mqtt-panel-end.ts';
import type { CycleRecord } from '../../src/telemetry/cycle-record.ts';
import { linkErrorOf } from '../brokers/test-broker.ts';
import type { FaultRig, FaultWire } from './fault-rig.ts';
import { PREFIX, benchOf, onOneBroker, type BrokerBench } from './mqtt-bench.ts';
import { garbage, replayed, slandered } from './mqtt-strangers.ts';
import { openMqttWire, type MqttWire } from './mqtt-wire.ts';
import type { Refusal, Scenario } from './play.ts';
import {
  SECOND_MISSES_COMMIT,
  LOST_AND_BACK,
  PART_LOST_AND_BACK,
  WAYS_OVER,
  mostlyBy,
  nothingLost,
  pulledAndPutBack,
  resetWhileArmed,
  sentAgain,
  splitHandled,
} from './scenarios.ts';
import { openSerialWire } from './serial-wire.ts';

const BOARD = 'BOARD-0';

/** Something breaks, is noticed, stays so for a while, is repaired, and the rig is to be back by itself. */
const outage =
  (breaks: (bench: BrokerBench) => unknown, repairs: (bench: BrokerBench, rig: FaultRig) => unknown) =>
  async (rig: FaultRig): Promise<void> => {
    await rig.cycles(3);
    await breaks(benchOf(rig));
    await rig.untilTold('panel-lost');
    await rig.away();
    await repairs(benchOf(rig), rig);
    await rig.back();
    await rig.cycles(3);
  };

/** In each cycle one byte of one frame: every byte of every frame that a whole beam and its reading take, one way. */
async function flipEachByte(rig: FaultRig, direction: 'to-panel' | 'to-host'): Promise<void> {
  const [far] = rig.panels;
  const cycle = (): Promise<CycleRecord> => rig.until(() => true);
  let said: number[] = [];
  far.rewrite((frame) => {
    said.push(frame.length);
    return frame;
  });
  let lengths: number[] = [];
  await rig.cycles(2);
  // A cycle in which nothing happened to be sent twice.
  for (let clean = false; !clean;) {
    const taken = far.overheard.length;
    said = [];
    clean = (await cycle()).link.retries === 0;
    lengths = direction === 'to-host' ? said.slice() : far.overheard.slice(taken).map((frame) => frame.length);
  }
  for (const [index, length] of lengths.entries()) {
    for (let byte = 0; byte < length; byte++) {
      far.mishaps([{ do: 'corrupt', direction, bit: 8 * byte + (byte % 8), nth: index + 1 }]);
      // Until it has been noticed: the frame was sent again.
      let cyclesLeft = 50;
      while ((await cycle()).link.retries === 0) {
        if (--cyclesLeft === 0) throw new Error(`byte ${byte} of frame ${index + 1} was damaged, and nothing was sent again`);
      }
    }
  }
  far.mishaps([]);
  await rig.back();
}

const everyByte = (direction: 'to-panel' | 'to-host'): Scenario[] =>
  WAYS_OVER.map(({ how, options, carries }) => ({
    name: `one bit flipped in each byte of a cycle, ${direction === 'to-panel' ? 'to the panel' : 'to the host'}, its beam ${how}`,
    options: { ...options, openWire: onOneBroker('aedes'), rig: { ...options.rig, loop: '{ rateHz: 200, pilots: 64 }' } },
    play: (rig) => flipEachByte(rig, direction),
    events: [],
    check: (rig) => [...sentAgain(rig), ...mostlyBy(carries)(rig)],
  }));

/** @throws {Error} when it does not end so */
async function refusedWith(attempt: Promise<unknown>, words: RegExp): Promise<void> {
  const { message } = await linkErrorOf(attempt);
  if (!words.test(message)) throw new Error(`refused with '${message}', expected ${String(words)}`);
}

const anotherHost = ({ access }: Pick<BrokerBench, 'access'>): MqttLinkOptions => ({
  ...access,
  panel: BOARD,
  random: createRandom(2),
});

/** One panel on a serial line, the other behind a broker. */
const onTwoWires = (panel: number): Promise<FaultWire> => (panel === 0 ? openSerialWire(1) : openMqttWire());

/** For an embedded broker. */
export const MQTT_SCENARIOS: readonly Scenario[] = [
  {
    name: 'panel process killed, and started again',
    options: { openWire: onOneBroker('aedes') },
    play: outage(
      (bench) => bench.kill(),
      (bench, rig) => bench.start(rig),
    ),
    events: LOST_AND_BACK,
  },
  {
    name: 'panel’s cable to the broker pulled and put back',
    options: { openWire: onOneBroker('aedes') },
    play: outage(
      ({ cable }) => cable.cut(),
      ({ cable }) => cable.repair(),
    ),
    events: LOST_AND_BACK,
  },
  {
    name: 'a second panel with the same id comes',
    options: { openWire: onOneBroker('aedes') },
    async play(rig) {
      await rig.cycles(3);
      const second = createMqttPanelEnd({ ...benchOf(rig).access, panel: BOARD });
      const nobody = { receive: () => undefined, onSend: () => undefined };
      await refusedWith(second.open(nobody), /two panels with one id: another panel \(\w+\) is online as BOARD-0/);
      await second.close();
      await rig.cycles(3);
      await rig.back();
    },
    events: [],
    check: nothingLost,
  },
  {
    name: 'a second controller wants the panel',
    options: { openWire: onOneBroker('aedes') },
    async play(rig) {
      await rig.cycles(3);
      const second = createMqttLink(anotherHost(benchOf(rig)));
      await refusedWith(second.open(), /another controller \(\w+\) drives panel BOARD-0/);
      await second.close();
      await rig.cycles(3);
      await rig.back();
    },
    events: [],
    check: nothingLost,
  },
  {
    name: 'another controller takes the panel while the cable is out, and leaves it',
    async play(rig) {
      const [wire] = rig.wires as MqttWire[];
      await rig.cycles(3);
      await wire.pull();
      await rig.untilVoid();
      const other = createMqttLink(anotherHost({ access: { url: wire.broker.url, topicPrefix: PREFIX } }));
      await other.open();
      await wire.putBack();
      const { message } = await rig.untilTold('link-refused');
      if (!/another controller \(\w+\) drives panel BOARD-0/.test(message)) throw new Error(`told: ${message}`);
      await rig.away();
      await other.close();
      await rig.back();
      await rig.cycles(3);
    },
    events: ['panel-lost', 'link-refused', 'panel-back'],
  },
  ...everyByte('to-panel'),
  ...everyByte('to-host'),
  {
    name: 'garbage on all topics of the panel',
    options: { openWire: onOneBroker('aedes') },
    play: garbage,
    events: /^(strange-frames)?$/,
    check: nothingLost,
  },
  {
    name: 'an authenticated session is replayed by a stranger, both ways',
    options: { openWire: onOneBroker('aedes'), authenticated: true },
    play: replayed,
    events: LOST_AND_BACK,
  },
  {
    name: 'a stranger says that an authenticated panel is gone',
    options: { openWire: onOneBroker('aedes'), authenticated: true },
    play: slandered,
    events: [],
    check: nothingLost,
  },
  {
    name: 'one of two panels on one broker is killed, and started again',
    options: { openWire: onOneBroker('aedes'), panels: 2 },
    async play(rig) {
      await rig.cycles(3);
      await benchOf(rig, 1).kill();
      await rig.untilTold('panel-lost');
      await rig.away();
      await benchOf(rig, 1).start(rig);
      await rig.back();
      await rig.cycles(3);
    },
    events: PART_LOST_AND_BACK,
  },
];

/** For a mosquitto. */
export const MOSQUITTO_SCENARIOS: readonly Scenario[] = [
  {
    name: 'broker killed until the panel goes dark of itself, and started again',
    options: { openWire: onOneBroker('mosquitto') },
    play: outage(
      ({ broker }) => broker.kill(),
      async ({ broker }, rig) => {
        await rig.untilDark(0);
        await broker.start();
      },
    ),
    events: LOST_AND_BACK,
  },
  {
    name: 'broker of two panels killed and started again',
    options: { openWire: onOneBroker('mosquitto'), panels: 2, outageMs: 2500 },
    play: outage(
      ({ broker }) => broker.kill(),
      ({ broker }) => broker.start(),
    ),
    events: PART_LOST_AND_BACK,
  },
  {
    name: 'broker killed while the rig is paused, and started again',
    options: { openWire: onOneBroker('mosquitto') },
    async play(rig) {
      const { controller } = rig.rig;
      await rig.cycles(3);
      await controller.pause();
      await benchOf(rig).broker.kill();
      await rig.away();
      await benchOf(rig).broker.start();
      await rig.away();
      await controller.run();
      await rig.back();
      await rig.cycles(3);
    },
    events: ['paused', 'resumed', ...LOST_AND_BACK],
  },
  {
    name: 'broker killed while the simulator may stand in, and started again',
    options: { openWire: onOneBroker('mosquitto'), rig: { fallback: 'any-time' } },
    async play(rig) {
      await rig.cycles(3);
      await benchOf(rig).broker.kill();
      await rig.untilTold('fallback');
      await rig.away();
      await benchOf(rig).broker.start();
      await rig.back();
      await rig.cycles(3);
    },
    events: ['fallback', 'panels-back'],
  },
  {
    name: 'broker does nothing for a while',
    options: { openWire: onOneBroker('mosquitto') },
    play: outage(
      ({ mosquitto }) => mosquitto.freeze(),
      ({ mosquitto }) => mosquitto.thaw(),
    ),
    events: LOST_AND_BACK,
  },
  {
    name: 'broker refuses the rig’s password, and knows it again',
    options: { openWire: onOneBroker('guarded mosquitto') },
    async play(rig) {
      await rig.cycles(3);
      benchOf(rig).knowHost(false);
      const { message } = await rig.untilTold('link-refused');
      if (!/the broker refused user 'rig' or the password/.test(message)) throw new Error(`told: ${message}`);
      await rig.away();
      benchOf(rig).knowHost(true);
      await rig.back();
      await rig.cycles(3);
    },
    events: ['panel-lost', 'link-refused', 'panel-back'],
  },
  {
    name: 'broker drops the rig’s frames by its access list, and passes them again',
    options: { openWire: onOneBroker('guarded mosquitto') },
    play: outage(
      (bench) => bench.allowFrames(false),
      (bench) => bench.allowFrames(true),
    ),
    events: LOST_AND_BACK,
  },
];

/** An array on two kinds of wire. */
export const MIXED_SCENARIOS: readonly Scenario[] = [
  {
    name: 'the panel behind the broker misses a timed commit',
    options: { panels: 2, openWire: onTwoWires },
    ...SECOND_MISSES_COMMIT,
  },
  {
    name: 'the panel on the serial line resets while its beam waits for its time',
    options: { panels: 2, openWire: onTwoWires },
    play: resetWhileArmed,
    events: PART_LOST_AND_BACK,
    check: splitHandled,
  },
  {
    name: 'the broker’s cable of one panel is pulled and put back',
    options: { panels: 2, openWire: onTwoWires },
    play: pulledAndPutBack({ wire: 1, afterCycles: 5 }),
    events: PART_LOST_AND_BACK,
  },
];

export const MQTT_REFUSALS: readonly Refusal[] = [
  {
    name: 'a controller that drives the panel already',
    options: {
      openWire: onOneBroker('aedes', async (bench) => {
        const first = createMqttLink(anotherHost(bench));
        bench.onClose(() => first.close());
        // Its panel is not there yet; it keeps its claim to wait for it.
        await refusedWith(first.open(), /no panel has said/);
      }),
    },
    code: 'link',
    message: /another controller \(\w+\) drives panel BOARD-0/,
  },
  {
    name: 'two panels with one id',
    options: { openWire: onOneBroker('aedes'), panels: 2, serials: [BOARD, BOARD] },
    code: 'link',
    message: /two panels with one id: another panel \(\w+\) is online as BOARD-0/,
  },
];

export const MOSQUITTO_REFUSALS: readonly Refusal[] = [
  {
    name: 'a password that the broker does not know',
    options: { openWire: onOneBroker('guarded mosquitto', async (bench) => bench.knowHost(false)) },
    code: 'link',
    message: /refused user 'rig' or the password/,
  },
];
