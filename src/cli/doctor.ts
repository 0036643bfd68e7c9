/** `beamrig doctor`: what is attached, what is missing, and what to do about it. Looks only; links are opened, asked and closed again. */
import { randomInt } from 'node:crypto';
import { accessSync, constants, existsSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { dirname, join, resolve } from 'node:path';
import { createRealClock } from '../../core/clock/real-clock.ts';
import { isBeamrigError } from '../../core/errors/beamrig-error.ts';
import { listModels, verifyModel } from '../../models/zoo.ts';
import { createRandom } from '../../core/signal/random.ts';
import { packageRoot, packageVersion } from '../../core/files/package-root.ts';
import { rigDoubts } from '../config/rig-doubts.ts';
import { readRigFile, type RigFile } from '../config/rig-file.ts';
import { discoverHardware } from '../link/discover.ts';
import { LINK_KIND_NAMES, linkKind, ofKind } from '../link/link-kinds.ts';
import { assembleHardware, linkText, problemMessage, type Hardware } from '../rig/hardware.ts';
import { checkInflux } from '../telemetry/influx/influx-client.ts';
import { influxTarget } from '../telemetry/influx/influx-target.ts';
import { partText } from '../rig/link-description.ts';
import { commandName } from './command-name.ts';
import { print } from './output.ts';

interface Finding {
  what: string;
  /** good: as it should be. doubtful: allowed, and seldom meant. missing: the rig runs without it. broken: something will not work. */
  state: 'good' | 'doubtful' | 'missing' | 'broken';
  detail: string;
  todo?: string;
}

export async function doctor(rigPath: string | undefined, options: { json?: boolean }): Promise<void> {
  const findings = [program(), await onnxRuntime(), ...zoo(), page()];
  const rig = rigPath === undefined ? undefined : rigFinding(rigPath, findings);
  findings.push(...(await hardware(rig)));
  // No link is open any more: the host's topic is nobody's.
  if (rig) findings.push(...(await linkChecks(rig)));
  if (rig) findings.push(runFolder(rig), await port(rig), ...(await influx(rig)));
  if (options.json) print(JSON.stringify({ findings }));
  else for (const finding of findings) printFinding(finding);
  if (findings.some(({ state }) => state === 'broken')) process.exitCode = 1;
}

function printFinding({ what, state, detail, todo }: Finding): void {
  print(`${state.padEnd(8)} ${what}: ${detail}`);
  if (todo !== undefined) print(`${' '.repeat(9)}→ ${todo}`);
}

function program(): Finding {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const recent = major > 20 || (major === 20 && minor >= 19);
  return {
    what: 'program',
    state: recent ? 'good' : 'broken',
    detail: `beamrig ${packageVersion()} on Node ${process.versions.node}`,
    ...(recent ? {} : { todo: 'Install Node 20.19 or later.' }),
  };
}

async function onnxRuntime(): Promise<Finding> {
  try {
    await import('onnxruntime-node');
    return { what: 'model runtime', state: 'good', detail: 'onnxruntime-node loads' };
  } catch (error) {
    return {
      what: 'model runtime',
      state: 'broken',
      detail: `onnxruntime-node does not load: ${(error as Error).message.split('\n', 1)[0] ?? ''}`,
      todo: 'Run npm ci again on this machine; baselines work without it.',
    };
  }
}

function zoo(): Finding[] {
  try {
    const models = listModels();
    if (models.length === 0)
      return [{ what: 'models', state: 'missing', detail: 'none in the zoo', todo: `Train one: ${commandName()} train --help.` }];
    return models.map(({ id, path }) => attempt(`model ${id}`, () => (verifyModel(path), 'file and card agree')));
  } catch (error) {
    return [failed('models', error)];
  }
}

function page(): Finding {
  const built = existsSync(join(packageRoot(), 'dist', 'dashboard', 'index.html'));
  return built
    ? { what: 'page', state: 'good', detail: 'built' }
    : { what: 'page', state: 'missing', detail: 'not built', todo: `Run npm run build in ${packageRoot()}.` };
}

function rigFinding(path: string, findings: Finding[]): RigFile | undefined {
  try {
    const rig = readRigFile(path);
    findings.push({ what: 'rig file', state: 'good', detail: `${path} is rig ${rig.name}` });
    findings.push(...rigDoubts(rig).map((detail) => ({ what: 'rig file', state: 'doubtful' as const, detail })));
    return rig;
  } catch (error) {
    findings.push(failed('rig file', error));
    return undefined;
  }
}

/** Which links the rig has, and what is at their other ends. Each panel is asked who it is, which changes nothing that radiates. */
async function hardware(rig: RigFile | undefined): Promise<Finding[]> {
  const { lookedFor, reason } = discoverHardware((rig?.links ?? []).map(linkText));
  const without =
    rig?.fallback === 'never'
      ? 'This rig forbids the simulator; set fallback: at-start to run on it.'
      : 'Rigs run on the simulator and say so.';
  const absent = rig?.fallback === 'never' ? 'broken' : 'missing';
  if (rig === undefined || rig.links.length === 0) {
    const state = rig === undefined ? 'missing' : absent;
    return [{ what: 'hardware', state, detail: `${reason}. Looked at: ${lookedFor.join('; ')}`, todo: without }];
  }
  let found: Hardware | undefined;
  try {
    found = await assembleHardware({ rig, clock: createRealClock(), random: createRandom(randomInt(2 ** 31)) });
    const problems = await found.reach();
    const findings = found.links().map(({ name, source, panel, firmware, ...part }): Finding => {
      const problem = problems.find(({ link }) => link === name);
      if (problem === undefined) {
        const played = source === 'played-panel' ? 'a played panel (a program, no hardware), ' : '';
        return {
          what: `link ${name}`,
          state: 'good',
          detail: `${played}panel ${panel}, firmware ${firmware}, ${partText(part)}`,
        };
      }
      const { detail, wayOut, fault } = problem;
      return { what: `link ${name}`, state: fault === undefined ? absent : 'broken', detail, todo: wayOut };
    });
    const ofAll = problems.filter(({ link }) => !rig.links.some(({ name }) => name === link));
    const whole = ofAll.map((problem): Finding => ({
      what: 'array',
      state: 'broken',
      detail: problemMessage(problem),
      todo: problem.wayOut,
    }));
    const policy: Finding[] =
      problems.length > 0 ? [{ what: 'fallback', state: absent, detail: rig.fallback, todo: without }] : [];
    return [...findings, ...whole, ...policy];
  } catch (error) {
    return [failed('links', error)];
  } finally {
    await found?.panel.close();
  }
}

/** What only a kind of links knows to look at: each is asked with all links of it. */
async function linkChecks({ links }: RigFile): Promise<Finding[]> {
  const found = LINK_KIND_NAMES.map(async (name): Promise<Finding[]> => {
    const ofThis = links.filter((link) => link.kind === name);
    return ofThis.length === 0 ? [] : ((await linkKind(name).check?.(ofThis.map((link) => ofKind(link).of))) ?? []);
  });
  return (await Promise.all(found)).flat();
}

function runFolder({ telemetry }: RigFile): Finding {
  let folder = resolve(telemetry.runFolder);
  while (!existsSync(folder) && dirname(folder) !== folder) folder = dirname(folder);
  try {
    if (!statSync(folder).isDirectory()) throw new Error('a file is in the way');
    accessSync(folder, constants.W_OK);
    return { what: 'run folder', state: 'good', detail: `${telemetry.runFolder} can be written` };
  } catch (error) {
    return {
      what: 'run folder',
      state: 'broken',
      detail: `${folder} cannot be written: ${(error as Error).message}`,
      todo: 'Set telemetry.runFolder in the rig file to a folder that you may write.',
    };
  }
}

async function port({ dashboard: { host, port: wanted } }: RigFile): Promise<Finding> {
  const what = `port ${wanted}`;
  const error = await new Promise<NodeJS.ErrnoException | undefined>((done) => {
    const server = createServer().once('error', done);
    server.listen(wanted, host, () => server.close(() => done(undefined)));
  });
  if (!error) return { what, state: 'good', detail: `free on ${host}` };
  const detail = error.code === 'EADDRINUSE' ? `taken by another program on ${host}` : `cannot be listened on: ${error.message}`;
  return { what, state: 'broken', detail, todo: 'Stop that program, or set dashboard.port (0 takes any free one).' };
}

async function influx({ telemetry }: RigFile): Promise<Finding[]> {
  if (!telemetry.influx) return [];
  try {
    const check = await checkInflux(influxTarget(telemetry.influx));
    const [what, { detail }] = ['InfluxDB', check];
    switch (check.verdict) {
      case 'good':
        return [{ what, state: 'good', detail }];
      case 'wrong':
        return [{ what, state: 'broken', detail, todo: check.wayOut }];
      case 'away':
        return [
          {
            what,
            state: 'missing',
            detail,
            todo: 'Start it, or go on without: records stay in the run folder and are sent when it is there.',
          },
        ];
    }
  } catch (error) {
    return [failed('InfluxDB', error)];
  }
}

function attempt(what: string, look: () => string): Finding {
  try {
    return { what, state: 'good', detail: look() };
  } catch (error) {
    return failed(what, error);
  }
}

function failed(what: string, error: unknown): Finding {
  const todo = isBeamrigError(error) ? error.wayOut : undefined;
  return {
    what,
    state: 'broken',
    detail: error instanceof Error ? error.message : String(error),
    ...(todo === undefined ? {} : { todo }),
  };
}
