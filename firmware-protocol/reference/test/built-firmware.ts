/** The firmware as it stands, built once for all tests that run it. */
import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { builtFolder, builtOnce } from '../../../test/built-once.ts';
import { type BuildOptions, DEFAULT_CHIP, buildFirmware } from '../build.ts';

const FIRMWARE = fileURLToPath(new URL('..', import.meta.url));
const LIBRARY = fileURLToPath(new URL('../../c', import.meta.url));

/** @returns path of the program, which others use too; its folder is what `changed.build` of another build takes */
export async function builtFirmware(options: Pick<BuildOptions, 'target' | 'chip' | 'sanitize'>): Promise<string> {
  const { target, chip = DEFAULT_CHIP, sanitize = false } = options;
  const [compiler, program] = target === 'host' ? ['gcc', 'firmware'] : ['arm-none-eabi-gcc', 'firmware.elf'];
  const sources = [FIRMWARE, LIBRARY].flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((name) => /\.(c|h|ld)$/.test(name) || name === 'build.ts')
      .map((name) => join(folder, name)),
  );
  const all = builtFolder('beamrig-firmware', sources, execFileSync(compiler, ['--version'], { encoding: 'utf8' }));
  const name = `${target}-${chip}${sanitize ? '-sanitized' : ''}`;
  const folder = await builtOnce(join(all, name), (to) => buildFirmware({ target, folder: to, chip, sanitize }));
  return join(folder, program);
}
