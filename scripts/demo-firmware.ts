/**
 * The reference firmware against the simulator: the same scenario (64 elements, 4 chains, 4 users who walk, a learned beamformer) over loopback,
 * and over a serial port to C firmware that drives simulated chips by the words of their bus (ADAR1000 with Q = 7, or another chip).
 *
 *     npm run demo:firmware [-- --chip NAME] [--board] [--cycles 100] [--json] [--sanitize]
 *
 * --board runs the image for a Cortex-M3 in QEMU instead of the process. Ends with 0 only when every word that the chips radiate is the one
 * over loopback, in every cycle, and the mean SNR as measured is the same within 4.5 standard errors of its difference.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildFirmware } from '../firmware-protocol/reference/build.ts';
import type { RunningFirmware } from '../firmware-protocol/reference/run-firmware.ts';
import { startFirmware } from '../firmware-protocol/reference/run-firmware.ts';
import { tellToFirmware } from '../firmware-protocol/reference/scenario.ts';
import type { ChipKind } from '../hil-sim/chips/chip.ts';
import { CHIP_NAMES, chipNamed } from '../hil-sim/chips/chips.ts';
import { optionsOrEnd, printFailure } from './demonstration.ts';
import {
  ELEMENTS,
  RF_CHAINS,
  SCENARIO_CHIP,
  USERS,
  compare,
  comparisonText,
  cycleMs,
  tellOverLoopback,
} from './same-scenario.ts';

const USAGE = `npm run demo:firmware [-- OPTIONS]: the reference firmware against the simulator
  --chip <name>  the chips that it drives: ${CHIP_NAMES.join(', ')} (default: ${SCENARIO_CHIP.name})
  --board        the image for a Cortex-M3 in QEMU instead of the process
  --sanitize     the process with address and undefined-behaviour sanitizers
  --cycles <n>   how many, from 2 on (default: 100)
  --json         the result as JSON`;

const { json, cycles, more } = optionsOrEnd(USAGE, {
  chip: { type: 'string' },
  board: { type: 'boolean' },
  sanitize: { type: 'boolean' },
});
const chip = chipOrEnd(more.chip ?? SCENARIO_CHIP.name);
const target = more.board === true ? 'board' : 'host';

const say = (text: string): void => {
  if (!json) console.log(text);
};

const folder = mkdtempSync(join(tmpdir(), 'beamrig-firmware-'));
let firmware: RunningFirmware | undefined;
// The firmware ends with this process (run-firmware.ts); what it was built into goes here.
process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(1));

try {
  say(`Building the firmware of ${chip.name} for ${target === 'host' ? 'this machine' : 'the board (lm3s6965evb, Cortex-M3)'} …`);
  const program = buildFirmware({ target, folder, chip: chip.name, sanitize: more.sanitize === true });
  const size = ['--elements', ELEMENTS, '--chains', RF_CHAINS, '--users', USERS].map(String);
  firmware = await startFirmware({ target, program, args: size });
  say(`It runs as process ${firmware.pid}: panel protocol on ${firmware.hostPort}, bench bus on ${firmware.benchPort}.`);
  const loopback = await tellOverLoopback(cycles, chip);
  const told = await tellToFirmware(firmware, cycles, chip);
  const comparison = compare(loopback, told);
  const took = cycleMs(told);
  if (json) console.log(JSON.stringify({ target, chip: chip.name, ...comparison, cycleMs: took }));
  else {
    for (const line of comparisonText(comparison)) console.log(line);
    console.log(`Apply and measure took ${took.median.toFixed(1)} ms a cycle in the median, ${took.most.toFixed(1)} ms at most.`);
    console.log(
      comparison.equal ? 'The firmware does as the simulator does.' : 'The firmware does NOT do as the simulator does.',
    );
  }
  process.exitCode = comparison.equal ? 0 : 1;
} catch (error) {
  const said = firmware?.complaints() ?? '';
  if (said !== '') console.error(`The firmware said:\n${said}`);
  printFailure(error);
  process.exitCode = 1;
} finally {
  await firmware?.stop();
}

function chipOrEnd(name: string | boolean): ChipKind {
  const found = chipNamed(name);
  if (found !== undefined) return found;
  console.error(`--chip ${name} is unknown; known: ${CHIP_NAMES.join(', ')}\nWhat to do: See --help.`);
  process.exit(2);
}
