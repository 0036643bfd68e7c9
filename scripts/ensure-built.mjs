// Builds where nothing is built yet, or sources are newer than what is: `npm ci` calls this, `npm start` where install scripts are switched
// off, and npx whenever it meets a new clone. A program that runs from `dist` meanwhile is left alone when there is nothing to build.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';

const root = new URL('../', import.meta.url);
const BUILT = ['dist/src/cli/main.js', 'dist/dashboard/index.html'];
const SOURCES = ['core', 'dashboard', 'firmware-protocol', 'hil-sim', 'models', 'src'];
const FILES = ['package.json', 'tsconfig.json', 'tsconfig.build.json', 'vite.config.ts'];

const changedMs = (path) => statSync(new URL(path, root)).mtimeMs;
const newestMs = () => {
  const code = SOURCES.flatMap((folder) =>
    readdirSync(new URL(folder, root), { recursive: true })
      .filter((name) => /\.(ts|css|html)$/.test(name) && !name.endsWith('.test.ts'))
      .map((name) => `${folder}/${name}`),
  );
  return Math.max(...[...code, ...FILES].filter((path) => existsSync(new URL(path, root))).map(changedMs));
};

const TOOLS = ['typescript', 'vite'];
const isInstalled = (name) => {
  try {
    createRequire(import.meta.url).resolve(`${name}/package.json`);
    return true;
  } catch {
    return false;
  }
};

// A package that was installed has no sources, and nothing to build them with.
const isClone = existsSync(new URL('tsconfig.build.json', root));
const built = BUILT.every((path) => existsSync(new URL(path, root)));
if (isClone && !(built && Math.min(...BUILT.map(changedMs)) >= newestMs())) {
  const missing = TOOLS.filter((name) => !isInstalled(name));
  if (missing.length > 0) {
    console.error(
      `beamrig: ${built ? 'older than its sources' : 'not built yet'}, and ${missing.join(' and ')} to build it with are not installed`,
    );
    console.error(
      'What to do: npm ci --include=dev (development packages are left out by --omit=dev and NODE_ENV=production). For a machine that' +
        '\nis to have none of them: npm pack here, and there npm install ./beamrig-*.tgz (README, "Without the internet").',
    );
    // npx hides what a link's own script says, and the command that it links says it anew.
    process.exit(process.argv.includes('--if-possible') ? 0 : 1);
  }
  // Standard output belongs to the command that is run after it.
  console.error(`beamrig is ${built ? 'older than its sources' : 'not built yet'}: building once (about 20 s) …`);
  const build = spawnSync('npm', ['run', '--silent', 'build'], { stdio: ['ignore', 2, 2], shell: process.platform === 'win32' });
  if (build.status !== 0) process.exit(build.status ?? 1);
}
