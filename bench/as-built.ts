/**
 * Runs a bench as the package is built: `tsx` gives every function its name as it is made, which costs a control cycle a fifth of its time, and
 * nobody runs a rig that way.
 *
 *   npx tsx bench/as-built.ts controller-overhead [its own options]
 */
import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'vite';
import { packageRoot } from '../core/files/package-root.ts';

const [name, ...args] = process.argv.slice(2);
if (name === undefined || !/^[\w-]+$/.test(name)) {
  console.error('Usage: npx tsx bench/as-built.ts BENCH [its options], such as controller-overhead --cycles 5000');
  process.exit(2);
}
// Beside the folders that the bench reads from, as it is itself.
const outDir = join(packageRoot(), `.bench-${process.pid}`);
try {
  await build({
    configFile: false,
    logLevel: 'error',
    publicDir: false,
    build: { ssr: join(packageRoot(), 'bench', `${name}.ts`), outDir, minify: false, target: 'node20' },
  });
  const { status } = spawnSync(process.execPath, [join(outDir, `${name}.js`), ...args], { stdio: 'inherit' });
  process.exitCode = status ?? 1;
} finally {
  rmSync(outDir, { recursive: true, force: true });
}
