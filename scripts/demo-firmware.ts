/**
 * The reference firmware against the simulator: the same scenario (64 elements, 4 chains, 4 users who walk, Q = 7, a learned beamformer) over
 * loopback, and over a serial port to C firmware that drives simulated ADAR1000 chips by their SPI words.
 *
 *     npm run demo:firmware [-- --board] [--cycles 100] [--json] [--sanitize]
 *
 * --board runs the image for a Cortex-M3 in QEMU instead of the process. Ends with 0 only when every word that the chips radiate is the one
 * over loopback, in every cycle, and the mean SNR as measured is the same within 4.5 standard errors of its difference.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isBeamrigError } from '../errors/beamrig-error.ts';
import { buildFirmware } from '../reference-firmware/build.ts';
import type { RunningFirmware } from '../reference-firmware/run-firmware.ts';
import { startFirmware } from '../reference-firmware/run-firmware.ts';
import { tellToFirmware } from '../reference-firmware/scenario.ts';
import { ELEMENTS, RF_CHAINS, USERS, compare, comparisonInWords, cycleMs, tellOverLoopback } from './same-scenario.ts';

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
  const took = cycleMs(told);
  if (json) console.log(JSON.stringify({ target, ...comparison, cycleMs: took }));
  else {
    for (const line of comparisonInWords(comparison)) console.log(line);
    console.log(`Apply and measure took ${took.median.toFixed(1)} ms a cycle in the median, ${took.most.toFixed(1)} ms at most.`);
    console.log(
      comparison.equal ? 'The firmware does as the simulator does.' : 'The firmware does NOT do as the simulator does.',
    );
  }
  process.exitCode = comparison.equal ? 0 : 1;
} catch (error) {
  const said = firmware?.complaints() ?? '';
  if (said !== '') console.error(`The firmware said:\n${said}`);
  console.error(isBeamrigError(error) ? error.message : error);
  process.exitCode = 1;
} finally {
  await firmware?.stop();
}
