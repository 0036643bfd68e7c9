// `npm run build`: what the command, its processes and other programs import, compiled, with the declarations that the latter need, and the page. What an earlier build left in dist/ and this one does
// not make is removed afterwards: it would be packed with the rest.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const require = createRequire(import.meta.url);
const programOf = (name, bin) => join(dirname(require.resolve(`${name}/package.json`)), bin);

function run(program, args, output = 'inherit') {
  const ran = spawnSync(process.execPath, [program, ...args], {
    cwd: root,
    stdio: ['ignore', output, 'inherit'],
    encoding: 'utf8',
  });
  if (ran.status === 0) return ran.stdout ?? '';
  console.error((ran.stdout ?? '').replace(/^TSFILE: .*\n/gm, ''));
  process.exit(ran.status ?? 1);
}

const said = run(programOf('typescript', 'bin/tsc'), ['-p', 'tsconfig.build.json', '--listEmittedFiles'], 'pipe');
const made = new Set(Array.from(said.matchAll(/^TSFILE: (.*)$/gm), ([, file]) => resolve(root, file)));
const dist = join(root, 'dist');
const declared = new Set();
const declare = (file) => {
  if (declared.has(file) || !existsSync(file)) return;
  declared.add(file);
  for (const [, from] of readFileSync(file, 'utf8').matchAll(/(?:from |import\()['"](\.[^'"]+)\.(?:js|ts)['"]/g)) {
    declare(`${resolve(dirname(file), from)}.d.ts`);
  }
};
const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
for (const { types } of Object.values(exports)) if (types) declare(join(root, types));
for (const file of [...made]) if (file.endsWith('.d.ts') && !declared.has(file)) made.delete(file);
const old = existsSync(dist)
  ? readdirSync(dist, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
      .filter((file) => !made.has(file) && relative(dist, file).split(sep)[0] !== 'dashboard')
  : [];
for (const file of old) rmSync(file);
run(programOf('vite', 'bin/vite.js'), ['build', '--logLevel', 'warn']);
