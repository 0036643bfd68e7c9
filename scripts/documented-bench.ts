/**
 * The broker of examples/mqtt/README.md, made by the very commands of that page: its `sh` blocks are run in a folder of its own, with no
 * change but the port. What the page says therefore works, and tests and the demonstration with TLS and access lists stand on it.
 */
import { execFile, spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BeamrigError } from '../core/errors/beamrig-error.ts';
import { packageRoot } from '../core/files/package-root.ts';
import { freePort } from './free-port.ts';
import { Mosquitto, asOurselves } from './mosquitto.ts';

export interface DocumentedBench {
  /** Where the certificates, passwords and the config are. */
  readonly folder: string;
  readonly port: number;
  readonly broker: Mosquitto;
  path(name: string): string;
  read(name: string): string;
  /** Runs one command block of the page, in the folder. */
  run(block: string): Promise<{ code: number; output: string }>;
  remove(): Promise<void>;
}

/** The `sh` blocks of the page, by the heading they stand under, in order. */
export function documentedCommands(): { heading: string; commands: string }[] {
  const page = readFileSync(join(packageRoot(), 'examples', 'mqtt', 'README.md'), 'utf8');
  return page
    .split(/^## /m)
    .slice(1)
    .flatMap((section) =>
      [...section.matchAll(/^```sh\n(.*?)^```/gms)].map((match) => ({ heading: section.split('\n', 1)[0], commands: match[1] })),
    );
}

export const blockOf = (heading: string, nth = 0): string => {
  const found = documentedCommands().filter((block) => block.heading.includes(heading));
  if (found.length <= nth) throw new BeamrigError('argument', `examples/mqtt/README.md has no block ${nth} under ${heading}`);
  return found[nth].commands;
};

/** A shell's exit code for a command that it does not find. */
const NOT_FOUND = 127;

/** The first program that a block of commands calls and the shell does not find. */
const missingIn = (commands: string): string | undefined =>
  commands
    .split('\n')
    .map((line) => line.trim().split(' ', 1)[0])
    .filter((program) => /^[a-z]/.test(program))
    .find((program) => spawnSync('/bin/sh', ['-c', 'command -v "$1"', 'sh', program]).status !== 0);

/**
 * Folder, certificates and passwords as the page makes them; the broker is not started.
 * @throws {BeamrigError} 'argument' when a command fails or is missing; the folder is gone then
 */
export async function documentedBench(): Promise<DocumentedBench> {
  const root = mkdtempSync(join(tmpdir(), 'beamrig-bench-'));
  const folder = join(root, 'bench-broker');
  const port = await freePort();
  const run = (block: string, cwd = folder): Promise<{ code: number; output: string }> =>
    new Promise((resolve) => {
      const commands = block.replaceAll('8883', String(port));
      execFile('/bin/sh', ['-e', '-c', commands], { cwd, timeout: 60_000 }, (error, stdout, stderr) => {
        resolve({ code: error === null ? 0 : Number(error.code ?? -1), output: stdout + stderr });
      });
    });
  const must = async (heading: string, cwd?: string): Promise<void> => {
    const commands = blockOf(heading);
    const { code, output } = await run(commands, cwd);
    if (code === 0) return;
    const missing = code === NOT_FOUND ? missingIn(commands) : undefined;
    const why = missing === undefined ? `ended with ${code}:\n${output.trim()}` : `need ${missing}, which is not installed.`;
    throw new BeamrigError('argument', `The commands of examples/mqtt/README.md under “${heading}” ${why}`, {
      wayOut: 'Install what they need (Debian: apt-get install mosquitto openssl).',
    });
  };
  // Private keys and passwords are in it: it goes whenever this process does.
  const removeFolder = (): void => rmSync(root, { recursive: true, force: true });
  process.once('exit', removeFolder);
  const leave = (): void => {
    process.removeListener('exit', removeFolder);
    removeFolder();
  };
  try {
    cpSync(join(packageRoot(), 'examples', 'mqtt'), join(root, 'examples', 'mqtt'), { recursive: true });
    await must('1. A folder', root);
    const config = join(folder, 'mosquitto.conf');
    const text = readFileSync(config, 'utf8').replaceAll('8883', String(port));
    writeFileSync(config, [text, ...asOurselves(), ''].join('\n'));
    await must('2. Certificates');
    await must('3. Passwords');
  } catch (error) {
    leave();
    throw error;
  }
  const broker = Mosquitto.by(folder, 'mosquitto.conf', port);
  const path = (name: string): string => join(folder, name);
  return {
    folder,
    port,
    broker,
    path,
    read: (name) => readFileSync(path(name), 'utf8').trim(),
    run: (block) => run(block),
    remove: async () => {
      await broker.kill();
      leave();
    },
  };
}
