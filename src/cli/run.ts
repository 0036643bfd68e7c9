/**
 * `beamrig run`: the parts put together, in this order, so that whatever does not fit is said before anything radiates:
 *
 *   rig file ─► channels ─► run folder ─► rig (hardware or simulator) ─► page ─► loop … Ctrl-C ─► safe state ─► summary
 */
import { existsSync } from 'node:fs';
import { dirname, relative, resolve } from 'node:path';
import { quantiserText } from '../../core/signal/quantiser-names.ts';
import { BeamrigError } from '../../core/errors/beamrig-error.ts';
import { counted } from '../../core/errors/counted.ts';
import { createRealClock } from '../../core/clock/real-clock.ts';
import { createVirtualClock } from '../../core/clock/virtual-clock.ts';
import { isModelPath } from '../../models/model-path.ts';
import { createRandom } from '../../core/signal/random.ts';
import { ENGINE_CHOICES } from '../../models/engine/engines.ts';
import { readChannelFile } from '../config/channel-file.ts';
import { rigDoubts } from '../config/rig-doubts.ts';
import { elementsOf, loadRigFile, type RigFile } from '../config/rig-file.ts';
import type { ControlLoop, RunOutcome } from '../control/control-loop.ts';
import { assembleRig, type AssembleOptions, type Rig } from '../rig/assemble.ts';
import { sensingTakesLong } from '../rig/rig-sensing.ts';
import { startServer, type RunningServer } from '../server/server.ts';
import { createInfluxClient } from '../telemetry/influx/influx-client.ts';
import { exportOptions, influxTarget, type InfluxTarget } from '../telemetry/influx/influx-target.ts';
import { startInfluxWriter, type InfluxWriter } from '../telemetry/influx/influx-writer.ts';
import { createRunRecorder, type RunRecorder } from '../telemetry/run-folder.ts';
import { commandName } from './command-name.ts';
import { oneOf, wholeNumber } from './arguments.ts';
import { endHanging, endProcess } from './end-process.ts';
import { finishWell } from './failure.ts';
import { LAST_OUTPUT } from './outlet.ts';
import { boundOutput, stdout } from './output.ts';
import { createPatience, HURRIED, type Patience } from './patience.ts';
import { jsonOutput, textOutput, type RunEnd, type RunOutput, type RunStart } from './run-output.ts';
import { withinTime } from '../control/within-time.ts';
import { partText } from '../rig/link-description.ts';
import { watchStatus } from './status-line.ts';
import { onStopSignal } from './stop-signal.ts';

export interface RunOptions {
  channels?: string;
  conjugate?: boolean;
  cycles?: string;
  seed?: string;
  json?: boolean;
  virtualTime?: boolean;
  engine?: string;
}

/** How long the end of a run may wait for InfluxDB where nobody asked for it: patience.ts has what a signal leaves of that. */
const FLUSH_MS = 5000;
/** And for all of the records, a disk that takes nothing included; for pages that do not let go; and for a rig that is not there yet. */
const RECORDS_MS = 8000;
const PAGE_MS = 200;
const ASSEMBLY_MS = 1500;

export async function run(rigPath: string, options: RunOptions): Promise<void> {
  const cycles = options.cycles === undefined ? undefined : wholeNumber('--cycles', options.cycles, { min: 1, max: 1e12 });
  const chosenSeed = options.seed === undefined ? undefined : wholeNumber('--seed', options.seed, { min: 0, max: 2 ** 32 - 1 });
  const { rig, text } = loadRigFile(rigPath);
  requireModelThere(rigPath, rig);
  if (options.engine !== undefined) rig.beamformer.engine = oneOf('--engine', options.engine, ENGINE_CHOICES);
  const seed = chosenSeed ?? rig.seed;
  const recorded = options.channels === undefined ? undefined : readRecorded(options.channels, options.conjugate ?? false, rig);
  const target = rig.telemetry.influx === undefined ? undefined : influxTarget(rig.telemetry.influx);
  const doubts = [...rigDoubts(rig), ...(recorded?.doubts ?? [])];
  const clock = options.virtualTime ? createVirtualClock() : createRealClock();
  boundOutput(options.json ?? false);
  const output = options.json ? jsonOutput(stdout()) : textOutput(stdout());

  const page: { of?: RunningServer } = {};
  const asked: { stop: boolean; of?: ControlLoop } = { stop: false };
  const realClock = createRealClock();
  const patience = createPatience(realClock);
  const release = onStopSignal(
    () => {
      asked.stop = true;
      // Before a word of it: writing may fail, and the array must not wait for it. A run that has ended by itself has done so already.
      const safe = asked.of?.state === 'stopped' && asked.of.unsafe === undefined;
      const commanded = safe || asked.of?.commandSafe();
      void asked.of?.stop();
      output.stopping(commanded);
      patience.lose();
    },
    () => asked.of?.commandSafe(),
  );
  // However this process ends by itself, what it may have left radiating is commanded to be safe.
  process.once('exit', () => asked.of !== undefined && asked.of.state !== 'stopped' && asked.of.commandSafe());

  const recorder = createRunRecorder({
    rig,
    rigText: text,
    rigPath,
    seed,
    clock,
    time: options.virtualTime ? 'virtual' : 'real',
    doubts,
    ...(recorded === undefined ? {} : { channels: recorded.facts }),
    onOwnEvent: (event) => {
      output.event(event);
      page.of?.show(event);
    },
  });
  if (sensingTakesLong(rig)) {
    const message = `Working out what sensing wishes for of ${counted(elementsOf(rig), 'element')}, which takes a while.`;
    recorder.report({ level: 'info', code: 'sensing-prepared', message });
  }
  const assembling = assembleWithPage(recorder, {
    rig,
    seed,
    clock,
    recorder,
    runFolder: recorder.folder,
    hardware: !options.virtualTime,
    rehearse: !options.virtualTime,
    patient: options.virtualTime ?? false,
    ...(recorded === undefined ? {} : { channels: recorded.channels }),
    ...(cycles === undefined ? {} : { cycles }),
  });
  // A run that does not begin has nothing to make safe: from then on a signal ends the process as it ends any other.
  assembling.catch(release);
  const there = await Promise.race([assembling, patience.lost(ASSEMBLY_MS)]);
  if (there === undefined) {
    assembling.catch(() => undefined);
    await withinTime(realClock, PAGE_MS, recorder.discard(), undefined);
    output.neverRan();
    endProcess((await finishWell(patience.forReaders())) ? 0 : 1);
  }
  const { assembled, server } = there;
  asked.of = assembled.controller;
  page.of = server;
  recorder.identify(assembled.identity);
  output.start({
    name: rig.name,
    rigLine: rigLine(rig, assembled.description.engine, seed, recorded?.facts),
    objective: rig.beamformer.objective,
    model: assembled.description.modelId,
    engine: assembled.description.engine,
    source: assembled.source,
    channelSource: assembled.description.channelSource,
    channels: assembled.description.channels,
    sourceLine: sourceLine(rig, assembled),
    lookedFor: assembled.lookedFor,
    calibration: assembled.description.calibration,
    fallback: rig.fallback,
    links: assembled.description.links.map(({ name, kind, source, panel, firmware, elements, users }) => {
      return { name, kind, source, panel, firmware, elements, users };
    }),
    url: server.url,
    runFolder: recorder.folder,
  });
  for (const message of doubts) recorder.report({ level: 'warning', code: 'implausible', message });
  if (!/^(localhost|127\.\d+\.\d+\.\d+|::1)$/.test(rig.dashboard.host)) {
    recorder.report({
      level: 'warning',
      code: 'page-open',
      message: `The page listens on ${rig.dashboard.host} and has no login: whoever reaches it can steer the array.`,
      action: 'Set dashboard.host to 127.0.0.1 to keep it on this machine.',
    });
  }
  if (rig.dashboard.allowedHosts.length > 0) {
    recorder.report({
      level: 'warning',
      code: 'page-open',
      message: `The page answers for ${rig.dashboard.allowedHosts.join(', ')} and has no login: whoever reaches it there can steer the array.`,
      action: 'Let the proxy ask who it is, or remove dashboard.allowedHosts.',
    });
  }
  const writer = target === undefined ? undefined : followIntoInflux(target, recorder, rig, seed);
  if (asked.stop) await assembled.controller.stop();
  const outcome = await runUntilEnd(assembled, output);
  await withinTime(realClock, PAGE_MS, server.close(), undefined);
  const closing = closeRecords(outcome, recorder, rig, writer, target, patience);
  const startedMs = realClock.nowMs();
  const end = await patience.waitFor(closing, RECORDS_MS, HURRIED.closedMs);
  if (end === undefined) {
    output.unclosed(recorder.folder, realClock.nowMs() - startedMs);
    await finishWell(asked.stop ? patience.forReaders() : LAST_OUTPUT);
    endHanging();
  }
  release();
  output.end(end.ended);
  const { summary, problem } = end.ended;
  const complete = (summary.ok > 0 || summary.cycles === 0) && problem === undefined;
  // An array that may still be radiating is no success, whatever was measured before.
  const worked = outcome.reason !== 'faulted' && complete && assembled.controller.unsafe === undefined;
  const ended = await finishWell(patience.forReaders());
  if (end.hangs) endHanging();
  endProcess(worked && ended ? 0 : 1); // a hanging server elsewhere must not keep the command alive
}

function sourceLine(rig: RigFile, { source, description }: Rig): string {
  if (source !== 'simulator') {
    const panels = description.links.map(({ name, panel, ...part }) => `${panel} on ${name} (${partText(part)})`);
    const lost = {
      never: 'when it is lost, cycles are void until it is back',
      'at-start': 'when it is lost, cycles are void until it is back',
      'any-time': 'when it is lost, the simulator stands in',
    }[rig.fallback];
    const what = {
      hardware: description.channelSource === 'simulation' ? 'Hardware, channels simulated' : 'Hardware',
      'played-panel': 'Played panels, no hardware',
    }[source];
    return `${what}: ${panels.join(', ')}; ${lost} (fallback: ${rig.fallback})`;
  }
  return `No hardware found: falling back to the simulator (fallback: ${rig.fallback})`;
}

/** A model that is there from the working folder and not from that of the rig file was meant to be found, and is not. */
function requireModelThere(rigPath: string, { beamformer: { model } }: RigFile): void {
  if (!isModelPath(model) || existsSync(model)) return;
  const folder = dirname(resolve(rigPath));
  const here = resolve(relative(folder, model));
  if (!existsSync(here)) return;
  throw new BeamrigError('model-missing', `model ${model} is not there, and ${here} is`, {
    wayOut: `Paths in a rig file are relative to the rig file: write model: ${relative(folder, here)}.`,
  });
}

/** The rig and its page. Where one of them cannot be had, nothing of the run stays behind. */
async function assembleWithPage(
  recorder: RunRecorder,
  options: AssembleOptions,
): Promise<{ assembled: Rig; server: RunningServer }> {
  const { dashboard } = options.rig;
  let assembled: Rig | undefined;
  try {
    assembled = await assembleRig(options);
    const { controller } = assembled;
    return { assembled, server: await startServer({ controller, ...dashboard, report: (event) => recorder.report(event) }) };
  } catch (error) {
    await assembled?.controller.stop();
    await recorder.discard();
    throw error;
  }
}

/** Runs the loop to its end and shows how it does. */
async function runUntilEnd(rig: Rig, output: RunOutput): Promise<RunOutcome> {
  const { controller } = rig;
  const status = watchStatus(controller);
  const silence = controller.onEvent((event) => output.event(event));
  const show = (): void => {
    const now = status.now();
    if (now) output.status(now);
  };
  const timer = setInterval(show, output.statusEveryMs);
  try {
    const outcome = await rig.run();
    show();
    if (outcome.reason === 'faulted') await controller.stop();
    return outcome;
  } finally {
    clearInterval(timer);
    silence();
    status.stop();
  }
}

function followIntoInflux(target: InfluxTarget, recorder: RunRecorder, rig: RigFile, seed: number): InfluxWriter {
  return startInfluxWriter({
    client: createInfluxClient(target),
    folder: recorder.folder,
    runsFolder: rig.telemetry.runFolder,
    clock: createRealClock(),
    random: createRandom(seed).stream('influx'),
    onEvent: (event) => recorder.report(event),
  });
}

async function closeRecords(
  outcome: RunOutcome,
  recorder: RunRecorder,
  rig: RigFile,
  writer: InfluxWriter | undefined,
  target: InfluxTarget | undefined,
  patience: Patience,
): Promise<{ ended: RunEnd; hangs: boolean }> {
  const { summary, problem, hangs = false } = await recorder.close(outcome.reason, patience.lost(HURRIED.recordsMs));
  const end: RunEnd = { ended: outcome.reason, folder: recorder.folder, summary };
  if (outcome.message !== undefined) end.message = outcome.message;
  if (problem !== undefined) end.problem = problem;
  if (writer === undefined || target === undefined) return { ended: end, hangs };
  const closing = await writer.close(FLUSH_MS, patience.lost(HURRIED.influxMs));
  const replay = `${commandName()} export ${recorder.folder} ${exportOptions(target, rig.telemetry.influx)}`;
  return { ended: { ...end, influx: closing.remaining !== 0 ? { ...closing, replay } : closing }, hangs };
}

function readRecorded(file: string, conjugate: boolean, rig: RigFile) {
  const expected = { users: rig.users.count, elements: elementsOf(rig) };
  const channels = readChannelFile(file, { conjugate, expected });
  const { sha256, doubts } = channels;
  return { channels, doubts, facts: { file, sha256, count: channels.channels.length, conjugated: conjugate } };
}

function rigLine(rig: RigFile, engine: RunStart['engine'], seed: number, channels?: { file: string; count: number }): string {
  const { geometry, rfChains, connection, phaseBits } = rig.array;
  const shape = geometry.kind === 'ula' ? 'in a line' : `in ${geometry.rows} × ${geometry.columns}`;
  return [
    `${counted(elementsOf(rig), 'element')} ${shape}`,
    `${counted(rfChains, 'RF chain')} (${connection === 'full' ? 'fully connected' : 'sub-connected'})`,
    `${counted(rig.users.count, 'user')}`,
    `Q = ${phaseBits}`,
    `SNR ${rig.snrDb} dB`,
    `${rig.beamformer.model}${engine === null ? '' : ` (${engine})`} for ${rig.beamformer.objective}${quantiserText(rig.beamformer)}`,
    channels === undefined ? `seed ${seed}` : `${counted(channels.count, 'channel')} of ${channels.file}`,
  ].join(', ');
}
