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
import type { Beam } from '../../core/signal/beam-contract.ts';
import type { CMatrix } from '../../core/signal/complex-matrix.ts';
import { connectionMask } from '../../core/signal/geometry.ts';
import { createRandom } from '../../core/signal/random.ts';
import { OBJECTIVES } from '../../core/signal/objectives/objectives.ts';
import { columnsWeighed } from '../../core/signal/objectives/rate-sensing.ts';
import { createQuantiser } from '../../core/signal/quantisers.ts';
import { fromDb } from '../../core/signal/rate.ts';
import type { Beamformer } from '../beamforming/beamformer.ts';
import { openBeamformer } from '../beamforming/open-beamformer.ts';
import type { BeamformerNeeds } from '../beamforming/onnx-beamformer.ts';
import { beamNames } from '../config/beam-file.ts';
import { mostSoundingSlots } from '../config/channel-schema.ts';
import { elementsOf } from '../config/rig-file.ts';
import type { RigFile } from '../config/rig-file.ts';
import type { ChannelSource } from '../control/channel-source.ts';
import type { CyclePanel } from '../control/control-cycle.ts';
import { createArrayHealth } from '../control/array-health.ts';
import { createControlLoop } from '../control/control-loop.ts';
import type { ControlLoop, RunOutcome } from '../control/control-loop.ts';
import type { RigDescription } from '../control/controller.ts';
import type { RigPanel } from '../control/rig-panel.ts';
import type { PanelCounters } from '../panel/panel.ts';
import { createRigCalibrator } from '../measuring/rig-calibrator.ts';
import { NO_TABLE, type CycleSink, type RigEvent, type Source } from '../telemetry/cycle-record.ts';
import type { RigIdentity } from '../telemetry/run-manifest.ts';
import { beginning } from './beginning.ts';
import { boardsOf } from './boards.ts';
import { calibrationEvents, noTables, openCalibrations } from './calibration.ts';
import { measuredCodebook } from './codebooks.ts';
import { assembleHardware, slowestTransferMs } from './hardware.ts';
import type { CreateLink, Hardware } from './hardware.ts';
import { rehearse } from './rehearsal.ts';
import { beamByHand, requireShowable } from './hand-beam-files.ts';
import { fromMemory } from './panel-memory.ts';
import { describeRig, identityOf } from './rig-description.ts';
import { rigSensing } from './rig-sensing.ts';
import { requireReports, rigSounding } from './rig-sounding.ts';
import { safeChoice, simulatedPanel } from './simulated-panel.ts';
import { assembleSimulator } from './simulator.ts';
import type { Simulator } from './simulator.ts';
import { watchedElements } from './watched-elements.ts';
import { createWorld, type World } from './world.ts';

export interface AssembleOptions {
  rig: RigFile;
  /** Instead of the rig file's. */
  seed?: number;
  /** Recorded channels instead of moving users, one a cycle. Without `cycles` the run ends after the last one. */
  channels?: { channels: CMatrix[]; file: string };
  /** Instead of the rig file's model: beams that somebody chose. */
  chosen?: Beamformer;
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
  /**
   * A model takes as long as it takes, in this thread where it is compiled, whatever the rig file's deadline: on virtual time no busy machine
   * decides what is recorded.
   */
  patient?: boolean;
  /** False: run on the simulator without looking for hardware (on virtual time, say). */
  hardware?: boolean;
  /** The users, instead of those of rig file, seed and recorded channels. */
  world?: World;
  /** Makes the wire of a link, instead of the port or the broker that the rig file names. */
  createLink?: CreateLink;
  /** Those of these beams that were loaded into the panel's memory are switched to there; where none was, the rig is refused. */
  fromMemory?: readonly Beam[];
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
  /** Of the panels that the run begins on. */
  counters: () => Readonly<PanelCounters>;
  /** How many of the beams of `fromMemory` lie in the panel's memory. */
  inMemory: number;
  /** The simulated half, for tests and benches; undefined where the rig has none. */
  simulator?: Simulator;
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
  const world = options.world ?? createWorld({ rig, random: simulated, ...recorded, repeat: cycles !== undefined });
  const { sweeps, sweepStart } = rig.beamformer;
  const objective = OBJECTIVES[rig.beamformer.objective];
  const quantiser = { quantiser: rig.beamformer.quantiser, sweeps };
  const quantise = createQuantiser(quantiser, objective, sweepStart);
  const sensingColumns = columnsWeighed(objective.name, sensing && [sensing]);
  const calibrations = openCalibrations(rig);
  const needs: BeamformerNeeds = { elements, rfChains, users, connection, sensingColumns, phaseBits };
  // What chooses among ideal words knows nothing of measured ones.
  const needsAt = (bits: number): BeamformerNeeds => ({ ...needs, phaseBits: calibrations.some ? undefined : bits });
  const open = async (name: string, bits = phaseBits): Promise<Beamformer> =>
    (name === 'codebook' ? measuredCodebook(rig) : undefined) ??
    openBeamformer(name, needsAt(bits), {
      ...rig.beamformer,
      ...(options.patient === true ? { deadlineMs: Infinity, here: true } : {}),
    });
  const opening = clock.during(options.chosen ? Promise.resolve(options.chosen) : open(rig.beamformer.model));
  if (options.rehearse === true) await rehearse(rig, clock, opening);
  const beamformer = await opening;
  let simulator: Simulator | undefined;
  let hardware: Hardware | undefined;
  const memory = options.fromMemory === undefined ? undefined : fromMemory(rig, clock);
  try {
    if (rig.links.length > 0 && options.hardware !== false) {
      const { createLink } = options;
      hardware = await assembleHardware({
        rig,
        clock,
        random: random.stream('hardware'),
        ...(createLink === undefined ? {} : { createLink }),
        ...(memory === undefined ? {} : { onShaken: (panel, serial) => memory.ask(panel, serial) }),
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
    const setting = {
      ...{ clock, rfChains, noise, objective, quantise, sensing },
      connection: connection === 'full' ? undefined : connectionMask(connection, elements, rfChains),
      panelPhaseBits: phaseBits,
      power: fromDb(rig.snrDb),
      pilots: rig.loop.pilots,
      calibration: (on: CyclePanel) => calibrations.for(on),
    };
    const sounding = rigSounding(rig, setting, channels, random.stream('sounding'));
    const source: ChannelSource = sounding ?? world;
    const begin = await beginning(rig, hardware, standIn, source.origin);
    if (sounding !== undefined) requireReports(rig, begin.first);
    const leftOut = calibrations.leftOut(begin.first);
    const calibration = calibrations.for(begin.first);
    if (rig.calibration.need === 'tables' && calibration.id === NO_TABLE) throw noTables(rig, calibration);
    requireShowable(beamformer, begin.first.panel);
    const inMemory = memory?.require(begin.first, options.fromMemory ?? [], calibration) ?? 0;
    const description = describeRig({
      ...{ rig, clock, rateHz, begin, channels: source, beamformer, needs, quantiser, objective },
      calibration,
      runFolder: options.runFolder,
    });
    const health = createArrayHealth();
    const controller = createControlLoop({
      setting: { ...setting, channels: source },
      panel: begin.first,
      ...(begin.other === undefined ? {} : { otherPanel: begin.other }),
      fallBack: rig.fallback === 'any-time',
      description,
      beamformer,
      openBeamformer: (id, bits) =>
        options.chosen === undefined && id === beamformer.id
          ? openAgain(id, rig.beamformer.model, (name) => open(name, bits))
          : open(id, bits),
      byHand: (wish) => {
        const chosen = beamByHand(rig, wish);
        requireShowable(chosen, begin.first.panel);
        return chosen;
      },
      keptBeams: () => beamNames(rig.beamFolder),
      calibrator: createRigCalibrator(rig, calibrations, clock),
      boards: boardsOf(rig),
      health,
      between: [...(sounding === undefined ? [] : [sounding]), ...watchedElements(rig, calibrations, health)],
      rateHz,
      deadlineMs: rig.beamformer.deadlineMs,
      // A sounding keeps the panel from a cycle for so long.
      transferMs: slowestTransferMs(rig) * (1 + mostSoundingSlots(rig)),
      ...(rig.loop.watchdogMs === undefined ? {} : { watchdogMs: rig.loop.watchdogMs }),
      // Words that stand take no model, and a channel that is sounded is not known a cycle ahead.
      pipelined: sounding === undefined && (options.pipelined ?? rateHz === 0),
      ...(cycles === undefined ? {} : { cycles }),
      safe: safeChoice(rig, (on) => calibrations.for(on)),
      random: random.stream('recovery'),
      sink: options.recorder,
      release: () => simulator?.panel.close(),
      firstEvents: [
        ...engineEvents(beamformer),
        ...begin.events,
        ...leftOut,
        ...calibrationEvents(begin.first.source, calibration),
      ],
    });
    if (options.onEvent !== undefined) controller.onEvent(options.onEvent);
    return {
      controller,
      run: () => controller.start(),
      source: begin.first.source,
      description,
      identity: { ...identityOf(description, beamformer), ...(sensing?.covariance && { covariance: sensing.covariance }) },
      lookedFor: begin.lookedFor,
      counters: () => begin.first.panel.counters,
      inMemory,
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

/** An unknown op is nothing to be told of; an engine that computes something else is. */
const engineEvents = ({ id, enginesDiffer, engineReason = '' }: Beamformer): Omit<RigEvent, 'timeNs'>[] =>
  enginesDiffer === true
    ? [{ level: 'warning', code: 'engines-differ', message: `onnxruntime runs the model '${id}': ${engineReason}.` }]
    : [];

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
