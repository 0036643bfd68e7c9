/**
 * Builds the reference firmware, as a process of this machine or as an image for the board that QEMU emulates:
 *
 *     npx tsx firmware-protocol/reference/build.ts --host  -o <folder> [--chip NAME] [--sanitize]   gcc                → <folder>/firmware
 *     npx tsx firmware-protocol/reference/build.ts --board -o <folder> [--chip NAME]                arm-none-eabi-gcc  → <folder>/firmware.elf
 *
 * NAME is a folder of chips/ (default: adar1000), of which the one C file is built in.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { BeamrigError } from '../../core/errors/beamrig-error.ts';
import { packageRoot } from '../../core/files/package-root.ts';

export interface BuildOptions {
  target: 'host' | 'board';
  /** Where the program and its objects go; made when it is not there. */
  folder: string;
  /** A folder of chips/ (default adar1000). */
  chip?: string;
  /** Address and undefined-behaviour sanitizers; host only. */
  sanitize?: boolean;
  /** Another build, of the same kind, of which all is taken but the sources below: what mutation tests change. */
  changed?: { build: string; sources: Readonly<Record<string, string>> };
}

const FIRMWARE = join(packageRoot(), 'firmware-protocol', 'reference');
const LIBRARY = join(packageRoot(), 'firmware-protocol', 'c');
const CHIPS = join(FIRMWARE, 'chips');
const COMMON = ['array.c', 'bench_bus.c', 'chip.c', 'eeprom.c', 'firmware.c'];
/** What the firmware drives where nobody says otherwise. */
export const DEFAULT_CHIP = 'adar1000';
const STRICT = ['-std=c99', '-Wall', '-Wextra', '-Werror', `-I${FIRMWARE}`, `-I${LIBRARY}`];
const SANITIZERS = ['-g', '-O1', '-fsanitize=address,undefined', '-fno-sanitize-recover=all', '-fno-omit-frame-pointer'];

interface Toolchain {
  compiler: string;
  board: readonly string[];
  compiling: readonly string[];
  linking: readonly string[];
  program: string;
}

const toolchain = (target: BuildOptions['target'], sanitize: boolean): Toolchain =>
  target === 'host'
    ? {
        compiler: 'gcc',
        board: ['board_host.c'],
        compiling: ['-D_GNU_SOURCE', '-DFIRMWARE_PLACES=512u', '-DFIRMWARE_WEIGHTS=64u', ...(sanitize ? SANITIZERS : ['-O2'])],
        linking: [...(sanitize ? SANITIZERS : []), '-lutil'],
        program: 'firmware',
      }
    : {
        compiler: 'arm-none-eabi-gcc',
        board: ['board_lm3s6965.c', 'startup.c'],
        compiling: ['-mcpu=cortex-m3', '-mthumb', '-Os', '-ffreestanding', '-ffunction-sections', '-fdata-sections'],
        linking: [
          ...['-mcpu=cortex-m3', '-mthumb', '-nostdlib', '-Wl,--gc-sections', '-T', join(FIRMWARE, 'link.ld')],
          ...['-lc', '-lgcc'],
        ],
        program: 'firmware.elf',
      };

/**
 * @returns path of the program
 * @throws {BeamrigError} 'bench-part' when the compiler is missing; 'argument' when there is no such chip, and when the compiler refuses: its words
 *   are in the message
 */
export function buildFirmware({ target, folder, chip = DEFAULT_CHIP, sanitize = false, changed }: BuildOptions): string {
  const known = readdirSync(CHIPS);
  if (!known.includes(chip)) {
    throw new BeamrigError('argument', `There is no chip ${JSON.stringify(chip)}.`, {
      wayOut: `Take one of ${known.join(', ')}.`,
    });
  }
  const { compiler, board, compiling, linking, program } = toolchain(target, sanitize);
  mkdirSync(folder, { recursive: true });
  const library = readdirSync(LIBRARY)
    .filter((name) => name.endsWith('.c'))
    .map((name) => join(LIBRARY, name));
  const objects = [
    ...[...COMMON, ...board, join('chips', chip, `${chip}.c`)].map((name) => join(FIRMWARE, name)),
    ...library,
  ].map((source) => {
    const name = basename(source);
    const other = changed?.sources[name];
    const object = join(changed !== undefined && other === undefined ? changed.build : folder, `${name}.o`);
    if (changed === undefined || other !== undefined)
      compile(compiler, [...STRICT, ...compiling, '-c', other ?? source, '-o', object]);
    return object;
  });
  const path = join(folder, program);
  compile(compiler, [...objects, ...linking, '-o', path]);
  return path;
}

function compile(compiler: string, args: string[]): void {
  try {
    execFileSync(compiler, args, { stdio: ['ignore', 'ignore', 'pipe'], encoding: 'utf8' });
  } catch (error) {
    const { code, stderr = '' } = error as { code?: string; stderr?: string };
    if (code === 'ENOENT') {
      throw new BeamrigError('bench-part', `The firmware needs ${compiler}, which is not installed.`, {
        wayOut:
          compiler === 'gcc'
            ? 'Install gcc (Debian: apt-get install gcc libc6-dev).'
            : 'Install it (Debian: apt-get install gcc-arm-none-eabi libnewlib-arm-none-eabi).',
      });
    }
    throw new BeamrigError('argument', `${compiler} refuses the firmware:\n${stderr}`, {
      wayOut: `See its message. Headers of the C library come with ${compiler === 'gcc' ? 'libc6-dev' : 'libnewlib-arm-none-eabi'}.`,
    });
  }
}

function main(args: string[]): void {
  const after = (option: string): string | undefined => (args.includes(option) ? args[args.indexOf(option) + 1] : undefined);
  const folder = after('-o');
  const targets = (['host', 'board'] as const).filter((target) => args.includes(`--${target}`));
  if (folder === undefined || targets.length !== 1) {
    console.error('Usage: npx tsx firmware-protocol/reference/build.ts --host|--board -o <folder> [--chip NAME] [--sanitize]');
    process.exitCode = 2;
    return;
  }
  try {
    console.log(
      buildFirmware({ target: targets[0], folder, chip: after('--chip') ?? DEFAULT_CHIP, sanitize: args.includes('--sanitize') }),
    );
  } catch (error) {
    console.error((error as Error).message);
    process.exitCode = 1;
  }
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) main(process.argv.slice(2));
