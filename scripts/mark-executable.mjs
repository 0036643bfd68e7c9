// tsc writes plain files, and npx links a package of a known path only once: a fresh build at an old path would be refused by the shell.
import { chmodSync } from 'node:fs';

chmodSync(new URL('../dist/src/cli/main.js', import.meta.url), 0o755);
