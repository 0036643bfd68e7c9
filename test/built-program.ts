/**
 * The program `beamrig`, compiled once for all tests that start it as a process: one that is compiled anew at each start takes longer to start
 * than most tests take. Module by module, as `npm run build` does it, but without looking at types.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../core/files/package-root.ts';
import { startPanelProcess, type PanelProcess } from '../scripts/panel-process.ts';
import { builtFolder, builtOnce } from './built-once.ts';

/** What Node is given before the words of a command. */
export const BEAMRIG: readonly string[] = [join(await builtProgram(), 'src', 'cli', 'main.js')];

/** A module of it, by its name in the sources: what that starts is compiled, too. */
export const builtModule = async <Module>(name: string): Promise<Module> =>
  (await import(join(BEAMRIG[0], '..', '..', '..', name.replace(/\.ts$/, '.js')))) as Module;

/** `beamrig panel` as a process of its own, with these words. */
export const startPanels = (words: readonly string[], env?: NodeJS.ProcessEnv): PanelProcess =>
  startPanelProcess(words, env, BEAMRIG);

/** @returns where `dist` would be: src/cli/main.js and all that it imports and starts */
async function builtProgram(): Promise<string> {
  const root = packageRoot();
  const { files } = JSON.parse(readFileSync(join(root, 'tsconfig.build.json'), 'utf8')) as { files: string[] };
  const entries = files.filter((file) => !file.endsWith('.d.ts'));
  const folders = new Set([
    'core',
    'calibration',
    'firmware-protocol',
    'hil-sim',
    'sounding',
    ...entries.map((file) => file.split('/')[0]),
  ]);
  const sources = [...folders].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
      .map((file) => join(root, folder, file)),
  );
  const lock = join(root, 'package-lock.json');
  return builtOnce(join(builtFolder('beamrig-program', [...sources, lock, import.meta.filename], ''), 'dist'), async (outDir) => {
    const { build } = await import('vite');
    await build({
      configFile: false,
      root,
      logLevel: 'warn',
      publicDir: false,
      ssr: { external: true },
      build: {
        ssr: true,
        target: 'node20',
        minify: false,
        outDir,
        rolldownOptions: {
          input: Object.fromEntries(entries.map((file) => [file.replace(/\.ts$/, ''), join(root, file)])),
          treeshake: false,
          output: { preserveModules: true, preserveModulesRoot: root, entryFileNames: '[name].js' },
        },
      },
    });
    // Below node_modules nothing says it for them.
    writeFileSync(join(outDir, 'package.json'), '{ "type": "module" }\n');
  });
}
