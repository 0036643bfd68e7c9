/**
 * From a rig file to a rig that runs: reach the hardware it names, fall back to the simulator where the file allows it, check model, rig and
 * panels against one another, and put the control loop on top. Whatever does not fit is an error here, before anything radiates.
 *
 *   rig file ─► links ─► panels there? ── no ─► fallback policy ─► simulator ─┐
 *           │                 └── yes ────────────────────────────────────────┼─► control loop
 *           └─► beamformer, checked against the rig's dimensions ─────────────┘
 */
import { counted } from '../../core/errors/counted.ts';
import type { Clock } from '../../core/clock/clock.ts';
import { BeamrigError } from '../../core/errors/beamrig-error.ts';
import type { Behaviour } from '../../hil-sim/behaviours.ts';
import type { CMatrix } from '../../core/signal/complex-matrix.ts';
import { connectionMask } from '../../core/signal/geometry.ts';
import { createRandom } from '../../core/signal/random.ts';
import { OBJECTIVES } from '../../core/signal/objectives/objectives.ts';
import { columnsWeighed } from '../../core/signal/objectives/rate-sensing.ts';
import { createQuantiser } from '../../core/signal/quantisers.ts';
import { fromDb } from '../../core/signal/rate.ts';
import type { Beamformer } from '../beamforming/beamformer.ts';
import { listFittingBeamformers, openBeamformer } from '../beamforming/open-beamformer.ts';
import type { BeamformerNeeds } from '../beamforming/onnx-beamformer.ts';
import { elementsOf } from '../config/rig-file.ts';
import type { RigFile } from '../config/rig-file.ts';
import type { ChosenBeam } from './kept-beam.ts';
import type { World } from './world.ts';
import { createControlLoop } from '../control/control-loop.ts';
import type { ControlLoop, RunOutcome } from '../control/control-loop.ts';
import type { RigDescription } from '../control/controller.ts';
import type { RigPanel } from '../control/rig-panel.ts';
import { discoverHardware } from '../link/discover.ts';
import { modelUsed, type CycleSink, type ModelUsed, type RigEvent, type Source } from '../telemetry/cycle-record.ts';
import type { RigIdentity } from '../telemetry/run-manifest.ts';
import { assembleHardware, linkText, problemMessage, slowestTransferMs } from './hardware.ts';
import type { CreateLink, Hardware, LinkProblem } from './hardware.ts';
import { rehearse } from './rehearsal.ts';
import { rigSensing } from './rig-sensing.ts';
import { begun, safeChoice, simulatedPanel } from './simulated-panel.ts';
import { assembleSimulator } from './simulator.ts';
import type { Simulator } from './simulator.ts';
import { createWorld } from './world.ts';

export interface AssembleOptions {
  rig: RigFile;
  /** Instead of the rig file's. */
  seed?: number;
  /** Recorded channels instead of moving users, one a cycle. Without `cycles` the run ends after the last one. */
  channels?: { channels: CMatrix[]; file: string };
  /** Instead of the rig file's model and objective. */
  chosen?: ChosenBeam;
  clock: Clock;
  recorder: CycleSink;
  /** Ends the run after so many cycles; more than there are recorded channels begin again with the first. */
  cycles?: number;
  onEvent?: (event: RigEvent) => void;
  /** Where records go, for the description. */
  runFolder?: string;
  /** Instead of the rig file's rate; 'max' runs as fast as it goes. */
  rateHz?: number | 'max';
  /**
   * The model computes the next cycle while this one is on the panel. Default: only at rate 'max', because each channel is then older by up
   * to a cycle when its beam is radiated.
   */
  pipelined?: boolean;
  /** Faults that the simulated panel plays, instead of the rig file's. */
  behaviours?: readonly Behaviour[];
  /** One-way latency of the simulator's link, ms, instead of the rig file's. */
  latencyMs?: number;
  /** Turn cycles on a stand-in while the model is being opened, so that the first is as fast as the thousandth. Of no use on virtual time. */
  rehearse?: boolean;
  /** A model takes as long as it takes, whatever the rig file's deadline: on virtual time no busy machine decides what is recorded. */
  patient?: boolean;
  /** False: run on the simulator without looking for hardware (on virtual time, say). */
  hardware?: boolean;
  /** Makes the wire of a link, instead of the port or the broker that the rig file names. */
  createLink?: CreateLink;
}

export interface Rig {
  controller: ControlLoop;
  /** Runs until the cycles are done, somebody stops the controller, or it faults. A faulted controller is still to be stopped. */
  run: () => Promise<RunOutcome>;
  source: Source;
  /** As the controller describes it at the start. */
  description: RigDescription;
  /** For the manifest of the run. */
  identity: RigIdentity;
  /** Where hardware was looked for and what was found there, one line each. */
  lookedFor: string[];
  /** The simulated half, for tests and benches; undefined where the rig has none. */
  simulator?: Simulator;
}

/** What a run begins with. */
interface Beginning {
  first: RigPanel;
  other: RigPanel | undefined;
  /** Why it is the simulator; empty on hardware. */
  reason: string;
  lookedFor: string[];
  events: Omit<RigEvent, 'timeNs'>[];
}

/**
 * Assembles the rig and shakes hands with its panels; nothing is radiated yet.
 * @throws {BeamrigError} 'no-hardware' when there is none and the rig file forbids the simulator; 'link', 'key', 'panel', 'protocol-version'
 *   for hardware that is there and wrong, whatever the policy; 'channel-file' when recorded channels do not fit the rig; 'covariance-file'; 'model-missing',
 *   'model-damaged', 'model-mismatch'
 */
export async function assembleRig(options: AssembleOptions): Promise<Rig> {
  const { rig, clock, channels, cycles } = options;
  const elements = elementsOf(rig);
  const { rfChains, phaseBits, connection } = rig.array;
  const users = rig.users.count;
  const random = createRandom(options.seed ?? rig.seed);
  // Only P/σ² counts: the noise is the unit of power.
  const noise = 1;
  const rateHz = options.rateHz === 'max' ? 0 : (options.rateHz ?? rig.loop.rateHz);
  if (channels !== undefined) requireFitting(channels, users, elements);

  const sensing = rigSensing(rig);
  const simulated = random.stream('simulator');
  const recorded = channels === undefined ? {} : { recorded: channels.channels };
  const world = createWorld({ rig, random: simulated, ...recorded, repeat: cycles !== undefined });
  const { sweeps, sweepStart } = rig.beamformer;
  const objective = options.chosen?.objective ?? OBJECTIVES[rig.beamformer.objective];
  // A beam that is chosen is to be radiated as it is.
  const quantiser = options.chosen === undefined ? rig.beamformer.quantiser : 'nearest';
  const quantise = createQuantiser({ quantiser, sweeps }, objective, sweepStart);
  const sensingColumns = columnsWeighed(objective.name, sensing && [sensing]);
  const needs: BeamformerNeeds = { elements, rfChains, users, connection, sensingColumns };
  const open = (name: string): Promise<Beamformer> =>
    openBeamformer(name, needs, { ...rig.beamformer, ...(options.patient === true ? { deadlineMs: Infinity } : {}) });
  const opening = clock.during(options.chosen ? Promise.resolve(options.chosen.beamformer) : open(rig.beamformer.model));
  if (options.rehearse === true) await rehearse(rig, clock, opening);
  const beamformer = await opening;
  let simulator: Simulator | undefined;
  let hardware: Hardware | undefined;
  try {
    if (rig.links.length > 0 && options.hardware !== false) {
      const { createLink } = options;
      hardware = await assembleHardware({
        rig,
        clock,
        random: random.stream('hardware'),
        ...(createLink === undefined ? {} : { createLink }),
      });
    }
    const standIn = (): RigPanel => {
      const behaviours = options.behaviours ?? rig.simulator.behaviours;
      simulator = assembleSimulator({
        rig,
        random: simulated,
        clock,
        noise,
        world,
        behaviours,
        latencyMs: options.latencyMs ?? rig.simulator.panel.latencyMs,
      });
      return simulatedPanel(rig, simulator, clock, random.stream('driver'));
    };
    const begin = await beginning(options, hardware, standIn, world);
    const description = describe(options, begin, world, { beamformer, needs });
    const controller = createControlLoop({
      setting: {
        clock,
        channels: world,
        rfChains,
        connection: connection === 'full' ? undefined : connectionMask(connection, elements, rfChains),
        panelPhaseBits: phaseBits,
        power: fromDb(rig.snrDb),
        noise,
        objective,
        quantise,
        sensing,
        pilots: rig.loop.pilots,
      },
      panel: begin.first,
      ...(begin.other === undefined ? {} : { otherPanel: begin.other }),
      fallBack: rig.fallback === 'any-time',
      description,
      beamformer,
      openBeamformer: (id) =>
        options.chosen === undefined && id === beamformer.id ? openAgain(id, rig.beamformer.model, open) : open(id),
      rateHz,
      deadlineMs: rig.beamformer.deadlineMs,
      transferMs: slowestTransferMs(rig),
      ...(rig.loop.watchdogMs === undefined ? {} : { watchdogMs: rig.loop.watchdogMs }),
      pipelined: options.pipelined ?? rateHz === 0,
      ...(cycles === undefined ? {} : { cycles }),
      safe: safeChoice(rig),
      random: random.stream('recovery'),
      sink: options.recorder,
      release: () => simulator?.panel.close(),
      firstEvents: [...engineEvents(beamformer), ...begin.events],
    });
    if (options.onEvent !== undefined) controller.onEvent(options.onEvent);
    return {
      controller,
      run: () => controller.start(),
      source: begin.first.source,
      description,
      identity: { ...identityOf(description, beamformer), ...(sensing?.covariance && { covariance: sensing.covariance }) },
      lookedFor: begin.lookedFor,
      ...(simulator === undefined ? {} : { simulator }),
    };
  } catch (error) {
    simulator?.panel.close();
    await hardware?.panel.close();
    await beamformer.close();
    throw error;
  }
}

/**
 * The model that the rig file names, once another was chosen instead. The page knows it by the id of its card, which it may share with a file of
 * the zoo, and the zoo may not have it at all.
 */
async function openAgain(id: string, name: string, open: (name: string) => Promise<Beamformer>): Promise<Beamformer> {
  const beamformer = await open(name);
  if (beamformer.id === id) return beamformer;
  await beamformer.close();
  throw new BeamrigError('model-mismatch', `The card of ${name} calls it '${beamformer.id}' by now, and no longer '${id}'.`, {
    wayOut: 'Start the rig again to use it.',
  });
}

/** Hardware or simulator: what is there, and what the policy makes of it. */
async function beginning(
  options: AssembleOptions,
  hardware: Hardware | undefined,
  standIn: () => RigPanel,
  world: World,
): Promise<Beginning> {
  const { rig } = options;
  const search = discoverHardware(rig.links.map(linkText));
  const { lookedFor } = search;
  if (hardware === undefined) {
    const reason =
      rig.links.length === 0 ? search.reason : 'this run keeps simulated time, which hardware does not, so none was looked for';
    if (rig.fallback === 'never') throw noHardware(reason, []);
    return { first: await begun(standIn()), other: undefined, reason, lookedFor, events: [fallbackEvent(reason)] };
  }
  const problems = await hardware.reach();
  const faulty = problems.filter(({ fault }) => fault !== undefined);
  if (faulty.length > 0) throw unusable(faulty);
  if (problems.length > 0) {
    const reason = problems.map((problem) => problemMessage(problem).replace(/\.$/, '')).join('; ');
    if (rig.fallback === 'never') throw noHardware(reason, problems);
    const found = [...lookedFor, ...problems.map((problem) => `${problem.link}: not usable now: ${problemMessage(problem)}`)];
    return { first: await begun(standIn()), other: hardware, reason, lookedFor: found, events: [fallbackEvent(reason)] };
  }
  hardware.connected = true;
  const found = hardware.links().map(({ name, source, panel, firmware }) => {
    return `${name}: ${source === 'played-panel' ? 'played panel' : 'panel'} ${panel}, firmware ${firmware}`;
  });
  return {
    first: hardware,
    other: rig.fallback === 'any-time' ? standIn() : undefined,
    reason: '',
    lookedFor: [...lookedFor, ...found],
    events: hardwareEvents(options, hardware, world),
  };
}

/** An unknown op is nothing to be told of; an engine that computes something else is. */
const engineEvents = ({ id, enginesDiffer, engineReason = '' }: Beamformer): Omit<RigEvent, 'timeNs'>[] =>
  enginesDiffer === true
    ? [{ level: 'warning', code: 'engines-differ', message: `onnxruntime runs the model '${id}': ${engineReason}.` }]
    : [];

/** What a run on hardware should be known for. */
function hardwareEvents(options: AssembleOptions, hardware: Hardware, world: World): Omit<RigEvent, 'timeNs'>[] {
  const events: Omit<RigEvent, 'timeNs'>[] = [];
  if (options.channels === undefined) events.push(channelsSimulated(hardware.source, world.scene.users));
  const phasesOnly = hardware.phasesOnly();
  if (phasesOnly.length > 0) {
    events.push({
      level: 'warning',
      code: 'phases-only',
      message: `${phasesOnly.join(', ')}: the panel takes phases and no digital precoder.`,
      action: 'Its streams are weighted elsewhere, or not at all: measured SNR may differ from predicted.',
    });
  }
  return events;
}

/** In the air it means that the beams are aimed at nobody; a played panel stands in the very scene that they are computed for. */
const channelsSimulated = (source: Source, users: number): Omit<RigEvent, 'timeNs'> =>
  source === 'hardware'
    ? {
        level: 'warning',
        code: 'channels-simulated',
        message: `Beams are computed for the rig file's ${users} simulated users, and radiated by hardware: users in the air are elsewhere.`,
        action: 'Every record says so. Give measured channels with --channels.',
      }
    : {
        level: 'info',
        code: 'channels-simulated',
        message: `Channels are those of the rig file's ${users} simulated users, and the played panels show the same scene.`,
        action: 'For an array in the air give measured channels with --channels.',
      };

function noHardware(reason: string, problems: readonly LinkProblem[]): BeamrigError {
  const toAllow = "set 'fallback: at-start' in the rig file to run on the simulator";
  if (problems.length === 0) {
    return new BeamrigError('no-hardware', `No panel was found: ${reason}.`, { wayOut: `Attach a panel, or ${toAllow}.` });
  }
  return new BeamrigError('no-hardware', `The rig's panels are not all there:\n${linesOf(problems)}`, {
    wayOut: `Repair what is named, or ${toAllow}.`,
  });
}

/** What is there and wrong is no reason for a simulator: it would hide that somebody has to repair it. */
const unusable = (problems: readonly LinkProblem[]): BeamrigError =>
  problems.length === 1
    ? new BeamrigError(problems[0].fault ?? 'link', problemMessage(problems[0]), { wayOut: problems[0].wayOut })
    : new BeamrigError(problems[0].fault ?? 'link', `The rig's panels cannot be used:\n${linesOf(problems)}`, {
        wayOut: 'Repair what is named.',
      });

const linesOf = (problems: readonly LinkProblem[]): string =>
  problems.map(({ link, detail, wayOut }) => `  ${link}: ${detail.replace(/[.]$/, '')}. ${wayOut}`).join('\n');

const fallbackEvent = (reason: string): Omit<RigEvent, 'timeNs'> => ({
  level: 'warning',
  code: 'fallback',
  message: `No hardware: ${reason}.`,
  action: 'The rig runs on the simulator; every record says so.',
});

function requireFitting({ channels, file }: { channels: CMatrix[]; file: string }, users: number, elements: number): void {
  const wayOut = `Give channels of shape [n, ${users}, ${elements}], or change the rig file.`;
  if (channels.length === 0) throw new BeamrigError('channel-file', `${file} holds no channels.`, { wayOut });
  const index = channels.findIndex(({ rows, cols }) => rows !== users || cols !== elements);
  if (index < 0) return;
  const { rows, cols } = channels[index];
  throw new BeamrigError(
    'channel-file',
    `${file}: channel ${index} is for ${counted(rows, 'user')} and ${counted(cols, 'element')}; the rig has ${counted(users, 'user')} and ${counted(elements, 'element')}.`,
    { wayOut },
  );
}

function describe(
  options: AssembleOptions,
  { first, reason }: Beginning,
  { origin }: World,
  { beamformer, needs }: { beamformer: Beamformer; needs: BeamformerNeeds },
): RigDescription {
  const { rig } = options;
  const { geometry, phaseBits, connection } = rig.array;
  const { elements, rfChains, users } = needs;
  const fitting = listFittingBeamformers(needs);
  const own = { id: beamformer.id, title: beamformer.title, kind: beamformer.kind };
  return {
    name: rig.name,
    source: first.source,
    channelSource: origin,
    sourceReason: reason,
    sourceSinceMs: Number(options.clock.epochNs() / 1_000_000n),
    elements,
    rfChains,
    users,
    phaseBits,
    modelId: beamformer.id,
    engine: beamformer.engine ?? null,
    models: fitting.some(({ id }) => id === own.id)
      ? fitting.map((other) => (other.id === own.id ? own : other))
      : [own, ...fitting],
    phaseBitsOptions: Array.from({ length: phaseBits }, (_, index) => index + 1),
    snrDb: rig.snrDb,
    connection,
    slow: null,
    loopRateHz: options.rateHz === 'max' ? 0 : (options.rateHz ?? rig.loop.rateHz),
    geometry:
      geometry.kind === 'ula'
        ? { kind: 'ula', spacingWavelengths: geometry.spacingWavelengths }
        : { kind: 'upa', spacingWavelengths: geometry.spacingWavelengths, rows: geometry.rows, columns: geometry.columns },
    calibration: 'none: ideal phase states',
    links: first.links(),
    runFolder: options.runFolder ?? '',
    safe: { state: rig.safeState, azimuthDeg: safeAzimuth(rig), confirmed: false },
  };
}

const safeAzimuth = ({ safeState, safeCodeword }: RigFile): number | null =>
  safeState === 'codeword' ? (safeCodeword?.azimuthDeg ?? null) : null;

function identityOf(description: RigDescription, beamformer: Beamformer & Partial<ModelUsed>): RigIdentity {
  return {
    source: description.source,
    channelSource: description.channelSource,
    sourceReason: description.sourceReason,
    model: modelUsed(beamformer),
    panels: description.links.map(({ name, kind: linkKind, panel, firmware }) => ({
      link: name,
      kind: linkKind,
      panel,
      firmware,
    })),
    calibration: description.calibration,
  };
}
