/**
 * The array of a rig with no loop turning on it: reached as a run reaches it, told its safe state before anything radiates, and made safe at the end.
 */
import type { Clock } from '../../core/clock/clock.ts';
import { BeamrigError } from '../../core/errors/beamrig-error.ts';
import { createRandom } from '../../core/signal/random.ts';
import type { RigFile } from '../config/rig-file.ts';
import type { ArrayCalibration } from '../control/array-calibration.ts';
import type { CyclePanel } from '../control/control-cycle.ts';
import { createPanelRecovery, type PanelRecovery } from '../control/panel-recovery.ts';
import { safeOn, type RigPanel, type SafeChoice } from '../control/rig-panel.ts';
import { silenceMsAt } from '../control/silence-limit.ts';
import { beginning } from '../rig/beginning.ts';
import { assembleHardware, slowestTransferMs, type CreateLink, type Hardware } from '../rig/hardware.ts';
import { safeChoice, simulatedPanel } from '../rig/simulated-panel.ts';
import { assembleSimulator, type Simulator } from '../rig/simulator.ts';
import { createWorld } from '../rig/world.ts';
import type { RigEvent } from '../telemetry/cycle-record.ts';

export interface OpenArrayOptions {
  readonly rig: RigFile;
  readonly clock: Clock;
  /** What a person should know: of the array as it is opened, and while it is used. */
  readonly tell: (event: Omit<RigEvent, 'timeNs'>) => void;
  /** What the panels are known to show, for the safe state's fixed beam; absent: ideal states, as where they are yet to be measured. */
  readonly calibration?: (on: CyclePanel) => ArrayCalibration;
  /** Makes the wire of a link, instead of the port or the broker that the rig file names. */
  readonly createLink?: CreateLink;
}

export interface OpenedArray {
  readonly rigPanel: RigPanel;
  readonly recovery: PanelRecovery;
  /** Why it is the simulator; empty on hardware. */
  readonly reason: string;
  /** Makes it safe and lets go of it. @returns words where it did not confirm its safe state */
  close(): Promise<string | undefined>;
}

/** Settings follow one another as fast as the wire takes them: one a second is slow. */
const SLOWEST_RATE_HZ = 1;

/** @throws {BeamrigError} as `assembleRig` does where no array can be reached, 'safe-state' where it does not take its safe state */
export async function openArray({ rig, clock, tell, createLink, calibration }: OpenArrayOptions): Promise<OpenedArray> {
  const random = createRandom(rig.seed);
  const simulated = random.stream('simulator');
  const world = createWorld({ rig, random: simulated, repeat: true, receiverAtProbe: true });
  let simulator: Simulator | undefined;
  let hardware: Hardware | undefined;
  const letGo = async (): Promise<void> => {
    simulator?.panel.close();
    await hardware?.panel.close();
  };
  try {
    if (rig.links.length > 0) {
      hardware = await assembleHardware({
        ...{ rig, clock, random: random.stream('hardware') },
        ...(createLink === undefined ? {} : { createLink }),
      });
    }
    const standIn = (): RigPanel => {
      const { behaviours, panel } = rig.simulator;
      simulator = assembleSimulator({ rig, random: simulated, clock, noise: 1, world, behaviours, latencyMs: panel.latencyMs });
      return simulatedPanel(rig, simulator, clock, random.stream('driver'));
    };
    const { first: rigPanel, reason } = await beginning(rig, hardware, standIn, world.origin);
    const recovery = createPanelRecovery({
      panel: rigPanel.panel,
      connect: () => rigPanel.connect(),
      makePartsSafe: rigPanel.makePartsSafe && (() => rigPanel.makePartsSafe?.() ?? Promise.resolve()),
      clock,
      random: random.stream('recovery'),
      safe: safeOn(rig.safeState === 'hold' ? MUTE : safeChoice(rig, calibration), rigPanel),
      silenceMs: silenceMsAt(SLOWEST_RATE_HZ, slowestTransferMs(rig)),
      tell,
    });
    await recovery.arm();
    if (!recovery.guarded) throw unguarded(rigPanel.panel.name);
    return {
      ...{ rigPanel, recovery, reason },
      async close() {
        const unsafe = await recovery.makeSafe();
        await rigPanel.panel.close();
        await letGo();
        return unsafe;
      },
    };
  } catch (error) {
    await letGo();
    throw error;
  }
}

/** A setting of a measurement is no beam that anybody chose to go on with. */
const MUTE: SafeChoice = { state: 'mute' };

const unguarded = (panel: string): BeamrigError =>
  new BeamrigError('panel', `${panel} did not take its safe state, so that nothing would make it dark should this program end`, {
    wayOut: 'Look at the panel; `beamrig doctor` says what it answers.',
  });
