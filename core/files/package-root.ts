/** Where this package lies on disk: the sources and the built files under dist/ find the zoo, the examples and the page by it. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BeamrigError } from '../errors/beamrig-error.ts';

let found: { folder: string; version: string } | undefined;

/** Absolute path of the folder that holds beamrig's package.json. */
export const packageRoot = (): string => locate().folder;

/** Version of this program, from package.json. */
export const packageVersion = (): string => locate().version;

function locate(): { folder: string; version: string } {
  if (found) return found;
  let folder = dirname(fileURLToPath(import.meta.url));
  for (;;) {
    const file = join(folder, 'package.json');
    if (existsSync(file)) {
      const content = JSON.parse(readFileSync(file, 'utf8')) as { name?: string; version?: string };
      if (content.name === 'beamrig') return (found = { folder, version: content.version ?? 'unknown' });
    }
    const above = dirname(folder);
    if (above === folder) {
      throw new BeamrigError('internal', 'package.json of beamrig was not found above its own files', {
        wayOut: 'Install beamrig again.',
      });
    }
    folder = above;
  }
}
