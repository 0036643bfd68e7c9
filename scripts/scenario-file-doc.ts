/** Writes docs/scenario-file.md from the schema of scenario files. Run it after changing the schema: `npx tsx scripts/scenario-file-doc.ts`. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { packageRoot } from '../core/files/package-root.ts';
import { scenarioJsonSchema } from '../src/regression/scenario-file.ts';
import { schemaTables } from './schema-tables.ts';

export const SCENARIO_FILE_PAGE = 'docs/scenario-file.md';

/** The whole page, Markdown. */
export function scenarioFilePage(): string {
  const example = readFileSync(join(packageRoot(), 'examples', 'scenarios', 'cable-pulled.yaml'), 'utf8');
  return [
    '# The scenario file',
    '',
    '<!-- Written by scripts/scenario-file-doc.ts from src/regression/scenario-schema.ts; change the schema and run it again. -->',
    '',
    'One YAML page that says on which rig what happens when, and what is expected of it. `beamrig regress FILE` plays it ([regression.md](regression.md)).',
    'Unknown keys are refused with the nearest known one, wrong values with what is allowed, all problems at once, each with its line. Elements, users,',
    'panels and cycles are counted from 0. Times are seconds after the first cycle began. Paths are relative to the folder of the file.',
    '',
    '## Example',
    '',
    '```yaml',
    example.trimEnd(),
    '```',
    ...schemaTables(scenarioJsonSchema()),
    '',
  ].join('\n');
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const file = join(packageRoot(), SCENARIO_FILE_PAGE);
  writeFileSync(file, scenarioFilePage());
  console.log(`wrote ${file}`);
}
