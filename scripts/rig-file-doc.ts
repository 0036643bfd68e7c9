/** Writes docs/rig-file.md from the schema of the rig file. Run it after changing the schema: `npx tsx scripts/rig-file-doc.ts`. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../core/files/package-root.ts';
import { rigFilePage } from '../src/config/rig-file-page.ts';

const file = join(packageRoot(), 'docs', 'rig-file.md');
writeFileSync(file, rigFilePage());
console.log(`wrote ${file}`);
