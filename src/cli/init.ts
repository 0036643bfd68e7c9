/** `beamrig init`: a commented rig file that runs as it is. */
import { readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { BeamrigError } from '../../core/errors/beamrig-error.ts';
import { packageRoot } from '../../core/files/package-root.ts';
import { parseRigFile } from '../config/rig-file.ts';
import { commandName } from './command-name.ts';
import { print } from './output.ts';

export function init(file: string): void {
  const demo = readFileSync(join(packageRoot(), 'examples', 'rigs', 'demo.yaml'), 'utf8');
  const name = basename(file).replace(/\.ya?ml$/, '');
  const fresh = demo
    .replace(/^# The demo rig: (.)/, (_, first: string) => `# ${first.toUpperCase()}`)
    .replace(/; `beamrig init`.*$/m, '.');
  const text = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(name)
    ? fresh.replace(/^name: .*$/m, `name: ${JSON.stringify(name)}`)
    : fresh;
  parseRigFile(text, file);
  try {
    writeFileSync(file, text, { flag: 'wx' });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') {
      throw new BeamrigError('argument', `${file} exists already and is kept as it is`, {
        wayOut: `Give another name: ${commandName()} init other.yaml.`,
      });
    }
    throw new BeamrigError('argument', `${file} cannot be written: ${message}`, {
      wayOut: 'Give a path you may write.',
      cause: error,
    });
  }
  print(`Wrote ${file}. Run it with: ${commandName()} run ${file}`);
  print(`Its array can be measured with: ${commandName()} calibrate ${file} --dry-run; see calibration in the file.`);
}
