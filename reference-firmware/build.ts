/**
 * Builds the reference firmware, as a process of this machine or as an image for the board that QEMU emulates:
 *
 *     npx tsx reference-firmware/build.ts --host  -o <folder> [--sanitize]     gcc                → <folder>/firmware
 *     npx tsx reference-firmware/build.ts --board -o <folder>                  arm-none-eabi-gcc  → <folder>/firmware.elf
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { BeamrigError } from '../errors/beamrig-error.ts';

export interface BuildOptions {
  target: 'host' | 'board';
  /** Where the program goes; made when it is not there. */
  folder: string;
  /** Address and undefined-behaviour sanitizers; host only. */
  sanitize?: boolean;
  /** Sources in place of the file of the same name: what mutation tests change. */
  replacements?: Readonly<Record<string, string>>;
}

const FIRMWARE = fileURLToPath(new URL('.', import.meta.url));
const LIBRARY = fileURLToPath(new URL('../firmware-protocol/c/', import.meta.url));
const COMMON = ['adar1000.c', 'bench_bus.c', 'firmware.c'];
const STRICT = ['-std=c99', '-Wall', '-Wextra', '-Werror'];

/**
 * @returns path of the program
 * @throws {BeamrigError} 'argument' when the compiler is missing or refuses; its words are in the message
 */
export function buildFirmware(options: BuildOptions): string {
  const { target, folder, sanitize = false, replacements = {} } = options;
  mkdirSync(folder, { recursive: true });
  const own = (names: string[]): string[] => names.map((name) => replacements[name] ?? join(FIRMWARE, name));
  const library = readdirSync(LIBRARY)
    .filter((name) => name.endsWith('.c'))
    .map((name) => join(LIBRARY, name));
  const includes = [`-I${FIRMWARE}`, `-I${LIBRARY}`];

  if (target === 'host') {
    const program = join(folder, 'firmware');
    const size = ['-DFIRMWARE_PLACES=512u', '-DFIRMWARE_WEIGHTS=64u'];
    const checks = sanitize
      ? ['-g', '-O1', '-fsanitize=address,undefined', '-fno-sanitize-recover=all', '-fno-omit-frame-pointer']
      : ['-O2'];
    const sources = [...own([...COMMON, 'board_host.c']), ...library];
    compile('gcc', [...STRICT, '-D_GNU_SOURCE', ...checks, ...size, ...includes, ...sources, '-lutil', '-o', program]);
    return program;
  }
  const image = join(folder, 'firmware.elf');
  const core = ['-mcpu=cortex-m3', '-mthumb', '-Os', '-ffreestanding', '-ffunction-sections', '-fdata-sections'];
  const linking = ['-nostdlib', '-Wl,--gc-sections', '-T', join(FIRMWARE, 'link.ld')];
  const sources = [...own([...COMMON, 'board_lm3s6965.c', 'startup.c']), ...library];
  compile('arm-none-eabi-gcc', [...STRICT, ...core, ...includes, ...sources, ...linking, '-lc', '-lgcc', '-o', image]);
  return image;
}

function compile(compiler: string, args: string[]): void {
  try {
    execFileSync(compiler, args, { stdio: ['ignore', 'ignore', 'pipe'], encoding: 'utf8' });
  } catch (error) {
    const { code, stderr = '' } = error as { code?: string; stderr?: string };
    if (code === 'ENOENT') {
      throw new BeamrigError('argument', `The firmware needs ${compiler}, which is not installed.`, {
        wayOut:
          compiler === 'gcc'
            ? 'Install gcc (Debian: apt-get install gcc libc6-dev).'
            : 'Install it (Debian: apt-get install gcc-arm-none-eabi libnewlib-arm-none-eabi).',
      });
    }
    throw new BeamrigError('argument', `${compiler} refuses the firmware:\n${stderr}`, { wayOut: 'See its message above.' });
  }
}

function main(args: string[]): void {
  const folderAt = args.indexOf('-o') + 1;
  const folder = folderAt > 0 ? args[folderAt] : undefined;
  const targets = (['host', 'board'] as const).filter((target) => args.includes(`--${target}`));
  if (folder === undefined || targets.length !== 1) {
    console.error('Usage: npx tsx reference-firmware/build.ts --host|--board -o <folder> [--sanitize]');
    process.exitCode = 2;
    return;
  }
  try {
    console.log(buildFirmware({ target: targets[0], folder, sanitize: args.includes('--sanitize') }));
  } catch (error) {
    console.error((error as Error).message);
    process.exitCode = 1;
  }
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) main(process.argv.slice(2));
