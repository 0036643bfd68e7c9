/** Writes docs/calibration-table.schema.json from the schema of calibration tables. Run it after changing the schema: `npx tsx scripts/table-schema.ts`. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { TABLE_SCHEMA_FILE, tableSchema } from '../calibration/tables/table-schema.ts';
import { packageRoot } from '../core/files/package-root.ts';
import { publishedSchema } from './published-schema.ts';

/** The whole file, JSON Schema (draft 2020-12). */
export function tableSchemaText(): string {
  const title = 'beamrig calibration table';
  const description =
    'What one panel shows in each state of each of its phase shifters, at one frequency and one temperature. Places (n, m) are at n·M + m, n counting the panel’s own elements; null where nothing was measured.';
  return publishedSchema(tableSchema, title, description);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  writeFileSync(join(packageRoot(), TABLE_SCHEMA_FILE), tableSchemaText());
}
