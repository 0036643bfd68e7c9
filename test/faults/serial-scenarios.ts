/** What can happen to a serial line and to no other wire: bytes that are not those that were sent. */
import type { FaultRig } from './fault-rig.ts';
import type { Refusal, Scenario } from './play.ts';
import { IN_CHUNKS, WAYS_OVER, mostlyBy, sentAgain } from './scenarios.ts';
import type { SerialWire } from './serial-wire.ts';

const lineOf = (rig: FaultRig): SerialWire['line'] => (rig.wires[0] as SerialWire).line;

/** Between two cycles nothing is on the line, so the nth byte from now on is the nth byte of the cycle that comes. */
async function flipEachByte(rig: FaultRig, way: 'to-panel' | 'to-host'): Promise<void> {
  const line = lineOf(rig);
  const name = way === 'to-panel' ? 'bytesToPanel' : 'bytesToHost';
  await rig.cycles(2);
  const before = (await line.counts())[name];
  await rig.cycles(1);
  const bytes = (await line.counts())[name] - before;
  for (let nth = 0; nth < bytes; nth++) {
    await line.flip(way, nth, nth % 8);
    // Until it has happened: one that still waits would be replaced by the next.
    do await rig.cycles(1);
    while ((await line.counts()).bytesCorrupted <= nth);
  }
  await rig.back();
  const { bytesCorrupted } = await line.counts();
  if (bytes === 0 || bytesCorrupted !== bytes) throw new Error(`${bytesCorrupted} of ${bytes} bytes were damaged`);
}

const everyByte = (way: 'to-panel' | 'to-host'): Scenario[] =>
  WAYS_OVER.map(({ how, options, carries }) => ({
    name: `one bit flipped in each byte of a cycle, ${way === 'to-panel' ? 'to the panel' : 'to the host'}, its beam ${how}`,
    options: { ...options, rig: { ...options.rig, loop: '{ rateHz: 100, pilots: 64 }' } },
    play: (rig) => flipEachByte(rig, way),
    events: [],
    check: (rig) => [...sentAgain(rig), ...mostlyBy(carries)(rig)],
  }));

export const SERIAL_SCENARIOS: readonly Scenario[] = [
  ...everyByte('to-panel'),
  ...everyByte('to-host'),
  {
    name: 'garbage on the line',
    async play(rig) {
      await rig.cycles(3);
      await lineOf(rig).garbage();
      await rig.untilTold('panel-lost');
      await rig.away();
      await lineOf(rig).quiet();
      await rig.back();
      await rig.cycles(3);
    },
    // Where it goes on for seconds that is told, too.
    events: /^panel-lost (strange-frames )?panel-back( strange-frames)?$/,
  },
  {
    name: '10 % of frames dropped and 0.1 % of bytes damaged on the line',
    options: IN_CHUNKS,
    async play(rig) {
      const line = lineOf(rig);
      await rig.cycles(3);
      await line.drop(0.1);
      await line.corrupt(0.001);
      await rig.cycles(30);
      await line.drop(0);
      await line.corrupt(0);
      await rig.back();
    },
    // A request may be lost each time that it is sent: a void cycle, told once.
    events: /^(cycle-void)?$/,
    check: (rig) => (rig.witness.records.some(({ link }) => link.retries > 0) ? [] : ['nothing had to be sent again']),
  },
];

export const SERIAL_REFUSALS: readonly Refusal[] = [
  {
    name: 'two panels with one id',
    options: { panels: 2, serials: ['BOARD-0', 'BOARD-0'] },
    code: 'panel',
    message: /link-1.*panelSerial is BOARD-0, the rig wants BOARD-1/,
  },
];
