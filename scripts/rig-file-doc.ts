/** Writes docs/rig-file.md from the schema of the rig file. Run it after changing the schema: `npx tsx scripts/rig-file-doc.ts`. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { packageRoot } from '../core/files/package-root.ts';
import { rigFileJsonSchema } from '../src/config/rig-file.ts';
import { schemaTables } from './schema-tables.ts';

/** The whole page, Markdown. */
export function rigFilePage(): string {
  const schema = rigFileJsonSchema();
  const example = readFileSync(join(packageRoot(), 'examples', 'rigs', 'demo.yaml'), 'utf8');
  return [
    '# The rig file',
    '',
    '<!-- Written by scripts/rig-file-doc.ts from src/config/rig-file.ts; change the schema and run it again. -->',
    '',
    'One YAML page that says what the rig is. `beamrig init rig.yaml` writes one to start from, `beamrig run rig.yaml` runs it.',
    'Unknown keys are refused with the nearest known one, wrong values with what is allowed, all problems at once.',
    'Keys without a default must be given. Elements, chains and users are counted from 0. Paths are relative to the folder of the rig file',
    '(models, links, keys, certificates), and `runFolder` to the folder you work in; `~/` is your home.',
    '',
    'The file is UTF-8 text of at most 1 MB, or a pipe. YAML takes `8E1`, `00123`, `1.10`, `true` and `~` for something else than text: where',
    'a name is such a word, write it in quotes.',
    '',
    'What fits only together is checked too: `users.count` is at most `array.rfChains`, chains are at most elements, with',
    '`connection: sub` the elements divide by the chains, and dead and stuck elements are elements of the array. With links, every element',
    'is on exactly one of them. Passwords and keys have no place here: name the environment variable or the file that holds them.',
    '',
    '## Example',
    '',
    '```yaml',
    example.trimEnd(),
    '```',
    ...schemaTables(schema),
    '',
  ].join('\n');
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const file = join(packageRoot(), 'docs', 'rig-file.md');
  writeFileSync(file, rigFilePage());
  console.log(`wrote ${file}`);
}
