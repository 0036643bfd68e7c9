/** Writes docs/regression-report.schema.json from the schema of reports. Run it after changing the schema: `npx tsx scripts/regression-report-schema.ts`. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { packageRoot } from '../core/files/package-root.ts';
import { reportSchema } from '../src/regression/results.ts';
import { publishedSchema } from './published-schema.ts';

export const REPORT_SCHEMA_FILE = 'docs/regression-report.schema.json';

/** The whole file, JSON Schema (draft 2020-12). */
export function reportSchemaText(): string {
  const title = 'beamrig regression report';
  const description =
    'What came of a regression: of every case each seed with its checks, what is said about all seeds, and the differences to a baseline. All that differs between two runs of the same cases stands in the blocks called times.';
  return publishedSchema(reportSchema, title, description);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  writeFileSync(join(packageRoot(), REPORT_SCHEMA_FILE), reportSchemaText());
}
