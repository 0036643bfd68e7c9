#!/usr/bin/env node
// The command: the built program, built before where a clone has none yet. npx links this file, so that a clone which cannot be built says
// so in words and not as a command that is not found.
import { existsSync } from 'node:fs';

const program = new URL('../dist/src/cli/main.js', import.meta.url);
if (!existsSync(program)) await import(new URL('ensure-built.mjs', import.meta.url).href);
await import(program.href);
