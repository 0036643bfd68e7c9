// `npm ci` builds the project; where install scripts are switched off, `npm start` still has to work.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';

if (
  !existsSync(new URL('../dist/src/cli/main.js', import.meta.url)) ||
  !existsSync(new URL('../dist/dashboard/index.html', import.meta.url))
) {
  console.log('beamrig is not built yet: building once (about 20 s) …');
  const built = spawnSync('npm', ['run', '--silent', 'build'], { stdio: 'inherit', shell: process.platform === 'win32' });
  process.exit(built.status ?? 1);
}
