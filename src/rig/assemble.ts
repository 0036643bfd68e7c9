/**
 * From a rig file to a rig that runs: look for hardware, fall back to the simulator where the file allows it, check model, rig and panel
 * against one another, and put the control loop on top. Whatever does not fit is an error here, before anything radiates.
 *
 *   rig file ─► hardware? ── none ─► fallback policy ─► simulator ─► link ─► panel driver ─► handshake ─┐
 *           └─► beamformer, checked against the rig's dimensions ──────────────────────────────────────┴─► control loop
 */
import type { Clock } from '../../clock/clock.ts';
import { BeamrigError } from '../../errors/beamrig-error.ts';
import type { Capabilities } from '../../firmware-protocol/messages.ts';
import type { Behaviour } from '../../hil-sim/behaviours.ts';
import type { CMatrix } from '../../signal/complex-matrix.ts';
import { connectionMask } from '../../signal/geometry.ts';
import { createRandom } from '../../signal/random.ts';
import { fromDb } from '../../signal/rate.ts';
import type { Beamformer } from '../beamforming/beamformer.ts';
import { listFittingBeamformers, openBeamformer } from '../beamforming/open-beamformer.ts';
import type { BeamformerNeeds } from '../beamforming/onnx-beamformer.ts';
import { elementsOf } from '../config/rig-file.ts';
import type { RigFile } from '../config/rig-file.ts';
import { createControlLoop } from '../control/control-loop.ts';
import type { ControlLoop, RunOutcome } from '../control/control-loop.ts';
import type { RigDescription } from '../control/controller.ts';
import { panelFailureInWords } from '../control/failure-words.ts';
import { discoverHardware } from '../link/discover.ts';
import { createPanel } from '../panel/panel-driver.ts';
import type { PanelFailure } from '../panel/panel.ts';
import type { CycleSink, RigEvent, Source } from '../telemetry/cycle-record.ts';
import type { RigIdentity } from '../telemetry/run-manifest.ts';
import { assembleSimulator } from './simulator.ts';
import type { Simulator } from './simulator.ts';

export interface AssembleOptions {
  rig: RigFile;
  /** Instead of the rig file's. */
  seed?: number;
  /** Recorded channels instead of moving users, one a cycle. Without `cycles` the run ends after the last one. */
  channels?: { channels: CMatrix[]; file: string };
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
  /** One-way latency of the simulator's link, ms. */
  latencyMs?: number;
}

export interface Rig {
  controller: ControlLoop;
  /** Runs until the cycles are done, somebody stops the controller, or it faults. A faulted controller is still to be stopped. */
  run(): Promise<RunOutcome>;
  source: Source;
  /** As the controller describes it at the start. */
  description: RigDescription;
  /** For the manifest of the run. */
  identity: RigIdentity;
  /** The simulated half, for tests and benches; undefined on hardware. */
  simulator?: Simulator;
}

/**
 * Assembles the rig and shakes hands with its panel; nothing is radiated yet.
 * @throws {BeamrigError} 'no-hardware' when there is none and the rig file forbids the simulator; 'channel-file' when recorded channels do not
 *   fit the rig; 'model-missing', 'model-damaged', 'model-mismatch'; 'panel', 'protocol-version' when the handshake fails
 */
export async function assembleRig(options: AssembleOptions): Promise<Rig> {
  const { rig, clock, channels, cycles } = options;
  const elements = elementsOf(rig);
  const { rfChains, phaseBits, connection } = rig.array;
  const users = rig.users.count;
  const random = createRandom(options.seed ?? rig.seed);
  // Only P/σ² counts: the noise is the unit of power.
  const noise = 1;
  const power = fromDb(rig.snrDb);
  const rateHz = options.rateHz === 'max' ? 0 : (options.rateHz ?? rig.loop.rateHz);

  if (channels !== undefined) requireFitting(channels, users, elements);
  const search = discoverHardware(rig.links.map((link) => JSON.stringify(link)));
  if (rig.fallback === 'never') {
    throw new BeamrigError('no-hardware', `No panel was found: ${search.reason}.`, {
      wayOut: "Attach a panel, or set 'fallback: at-start' in the rig file to run on the simulator.",
    });
  }
  const simulator = assembleSimulator({
    rig,
    random: random.stream('simulator'),
    clock,
    noise,
    ...(channels === undefined ? {} : { recorded: channels.channels }),
    repeat: cycles !== undefined,
    behaviours: options.behaviours ?? rig.simulator.behaviours,
    latencyMs: options.latencyMs ?? 0,
  });
  const { link } = simulator;

  const needs: BeamformerNeeds = { elements, rfChains, users, connection };
  const beamformer = await clock.during(openBeamformer(rig.beamformer.model, needs));
  try {
    const expected = {
      role: 'array',
      elements,
      rfChains,
      phaseBits,
      users,
      features: ['digital-weights', 'snr-report'],
    } as const;
    const panel = createPanel({
      link,
      clock,
      random: random.stream('driver'),
      expected: { ...expected, features: [...expected.features] },
    });
    const shaken = await panel.connect();
    if (!shaken.ok) {
      await panel.close();
      throw handshakeError(panel.name, shaken.failure);
    }
    const description = describe(options, shaken.value, beamformer, search.reason);
    const controller = createControlLoop({
      setting: {
        clock,
        panel,
        channels: simulator.channels,
        source: link.source,
        rfChains,
        connection: connection === 'full' ? undefined : connectionMask(connection, elements, rfChains),
        panelPhaseBits: shaken.value.phaseBits,
        power,
        noise,
        pilots: rig.loop.pilots,
        linkDiscarded: () => link.counters.discarded + panel.counters.badFrames,
      },
      description,
      beamformer,
      openBeamformer: (id) => openBeamformer(id, needs),
      rateHz,
      pipelined: options.pipelined ?? rateHz === 0,
      ...(cycles === undefined ? {} : { cycles }),
      safeState: rig.safeState,
      random: random.stream('recovery'),
      sink: options.recorder,
      release: () => simulator.panel.close(),
      firstEvents: [fallbackEvent(search.reason)],
    });
    if (options.onEvent !== undefined) controller.onEvent(options.onEvent);
    return {
      controller,
      run: () => controller.start(),
      source: link.source,
      description,
      identity: identityOf(description, beamformer),
      simulator,
    };
  } catch (error) {
    simulator.panel.close();
    await beamformer.close();
    throw error;
  }
}

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
    `${file}: channel ${index} is for ${rows} users and ${cols} elements; the rig has ${users} users and ${elements} elements.`,
    { wayOut },
  );
}

function handshakeError(name: string, failure: PanelFailure): BeamrigError {
  const words = `The panel on ${name} cannot be used: ${panelFailureInWords(failure)}.`;
  switch (failure.reason) {
    case 'protocol-version':
      return new BeamrigError('protocol-version', words, {
        wayOut: 'Update the panel’s firmware, or use the version of beamrig that speaks its protocol.',
      });
    case 'wrong-panel':
      return new BeamrigError('panel', words, {
        wayOut: 'Make the rig file say what the panel is, or attach the panel it describes.',
      });
    case 'link-closed':
    case 'no-answer':
    case 'not-staged':
    case 'panel-restarted':
    case 'read-back-differs':
    case 'rejected':
      return new BeamrigError('panel', words, { wayOut: 'Check that the panel is powered and its link is the right one.' });
  }
}

function describe(options: AssembleOptions, panel: Capabilities, beamformer: Beamformer, sourceReason: string): RigDescription {
  const { rig } = options;
  const { geometry, rfChains, connection } = rig.array;
  const elements = elementsOf(rig);
  const users = rig.users.count;
  const fitting = listFittingBeamformers({ elements, rfChains, users, connection });
  const own = { id: beamformer.id, title: beamformer.title, kind: beamformer.kind };
  return {
    name: rig.name,
    source: 'simulator',
    sourceReason,
    elements,
    rfChains,
    users,
    phaseBits: panel.phaseBits,
    modelId: beamformer.id,
    models: fitting.some(({ id }) => id === own.id) ? fitting : [own, ...fitting],
    phaseBitsOptions: Array.from({ length: panel.phaseBits }, (_, index) => index + 1),
    snrDb: rig.snrDb,
    connection,
    loopRateHz: options.rateHz === 'max' ? 0 : (options.rateHz ?? rig.loop.rateHz),
    geometry:
      geometry.kind === 'ula'
        ? { kind: 'ula', spacingWavelengths: geometry.spacingWavelengths }
        : { kind: 'upa', spacingWavelengths: geometry.spacingWavelengths, rows: geometry.rows, columns: geometry.columns },
    calibration: 'none: ideal phase states',
    links: [{ name: 'simulator', kind: 'loopback', panel: panel.panelSerial, firmware: panel.firmware }],
    runFolder: options.runFolder ?? '',
  };
}

function identityOf(description: RigDescription, beamformer: Beamformer & { sha256?: string; cardSha256?: string }): RigIdentity {
  const { id, kind, sha256, cardSha256 } = beamformer;
  return {
    source: description.source,
    sourceReason: description.sourceReason,
    model: { id, kind, ...(sha256 === undefined ? {} : { sha256 }), ...(cardSha256 === undefined ? {} : { cardSha256 }) },
    panels: description.links.map(({ name, kind: linkKind, panel, firmware }) => ({
      link: name,
      kind: linkKind,
      panel,
      firmware,
    })),
    calibration: description.calibration,
  };
}
