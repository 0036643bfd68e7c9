/**
 * The reference firmware against the simulator: the same scenario (64 elements, 4 chains, 4 users who walk, Q = 7, a learned beamformer) over
 * loopback, and over a serial port to C firmware that drives simulated ADAR1000 chips by their SPI words.
 *
 *     npm run demo:firmware [-- --board] [--cycles 100] [--json] [--sanitize]
 *
 * --board runs the image for a Cortex-M3 in QEMU instead of the process. Ends with 0 only when every word that the chips radiate is the one
 * over loopback, in every cycle, and the mean SNR as measured is the same within 4 standard errors of its difference.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isBeamrigError } from '../errors/beamrig-error.ts';
import { buildFirmware } from '../reference-firmware/build.ts';
import type { RunningFirmware } from '../reference-firmware/run-firmware.ts';
import { startFirmware } from '../reference-firmware/run-firmware.ts';
import type { Comparison } from '../reference-firmware/scenario.ts';
import {
  ELEMENTS,
  RF_CHAINS,
  STANDARD_ERRORS,
  USERS,
  compare,
  tellOverLoopback,
  tellToFirmware,
} from '../reference-firmware/scenario.ts';

const args = process.argv.slice(2);
const json = args.includes('--json');
const target = args.includes('--board') ? 'board' : 'host';
const cyclesAt = args.indexOf('--cycles') + 1;
const cycles = cyclesAt > 0 ? Number(args[cyclesAt]) : 100;
const known = new Set(['--json', '--board', '--cycles', '--sanitize']);
const unknown = args.find((arg, at) => !known.has(arg) && at !== cyclesAt);
if (unknown !== undefined || !Number.isInteger(cycles) || cycles < 2) {
  console.error(
    `${unknown === undefined ? `--cycles is ${args[cyclesAt]}, not a whole number from 2 on` : `${unknown} is unknown`}.`,
  );
  console.error('Try: npm run demo:firmware -- --board --cycles 100');
  process.exit(2);
}

const say = (text: string): void => {
  if (!json) console.log(text);
};

const folder = mkdtempSync(join(tmpdir(), 'beamrig-firmware-'));
let firmware: RunningFirmware | undefined;
// The firmware ends with this process (run-firmware.ts); what it was built into goes here.
process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(1));

try {
  say(`Building the firmware for ${target === 'host' ? 'this machine' : 'the board (lm3s6965evb, Cortex-M3)'} …`);
  const program = buildFirmware({ target, folder, sanitize: args.includes('--sanitize') });
  const size = ['--elements', ELEMENTS, '--chains', RF_CHAINS, '--users', USERS].map(String);
  firmware = await startFirmware({ target, program, args: size });
  say(`It runs as process ${firmware.pid}: panel protocol on ${firmware.hostPort}, bench bus on ${firmware.benchPort}.`);
  const loopback = await tellOverLoopback(cycles);
  const told = await tellToFirmware(firmware, cycles);
  const comparison = compare(loopback, told);
  const sorted = told.cycleMs.toSorted((a, b) => a - b);
  const cycleMs = { median: sorted[Math.floor(sorted.length / 2)], most: sorted[sorted.length - 1] };
  if (json) console.log(JSON.stringify({ target, ...comparison, cycleMs }));
  else report(comparison, cycleMs);
  process.exitCode = comparison.equal ? 0 : 1;
} catch (error) {
  const said = firmware?.complaints() ?? '';
  if (said !== '') console.error(`The firmware said:\n${said}`);
  console.error(isBeamrigError(error) ? error.message : error);
  process.exitCode = 1;
} finally {
  await firmware?.stop();
}

function report(it: Comparison, cycleMs: { median: number; most: number }): void {
  const db = (value: number): string => `${value.toFixed(3)} dB`;
  const all = it.cycles * it.wordsPerCycle;
  console.log(
    it.differentWords === 0
      ? `All ${all} words of ${it.cycles} cycles are radiated as over loopback.`
      : `${it.differentWords} of ${all} words differ, in ${it.cyclesThatDiffer} of ${it.cycles} cycles.`,
  );
  console.log(`Mean SNR as measured: loopback ${db(it.meanSnrDb.loopback)}, firmware ${db(it.meanSnrDb.firmware)};`);
  console.log(
    `difference ${db(it.differenceDb)} ± ${db(it.standardErrorDb)} (one standard error; up to ${STANDARD_ERRORS} of them agree).`,
  );
  console.log(`True SNR differs by at most ${it.greatestTrueDifferenceDb.toExponential(1)} dB in any cycle.`);
  console.log(
    `Apply and measure took ${cycleMs.median.toFixed(1)} ms a cycle in the median, ${cycleMs.most.toFixed(1)} ms at most.`,
  );
  console.log(it.equal ? 'The firmware does as the simulator does.' : 'The firmware does NOT do as the simulator does.');
}
