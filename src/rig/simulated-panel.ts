/** The simulator as a panel that the control loop can run on, and the safe state that this and the hardware share. */
import type { Clock } from '../../core/clock/clock.ts';
import { BeamrigError } from '../../core/errors/beamrig-error.ts';
import type { Random } from '../../core/signal/random.ts';
import { nearestInPhase, steeringPhases } from '../../core/signal/steering.ts';
import { elementsOf } from '../config/rig-file.ts';
import type { RigFile } from '../config/rig-file.ts';
import { panelFailureMessage } from '../control/watch/failure-messages.ts';
import { uncalibrated, type ArrayCalibration } from '../control/array-calibration.ts';
import type { CyclePanel } from '../control/control-cycle.ts';
import type { SafeChoice } from '../control/rig-panel.ts';
import type { RigPanel } from '../control/rig-panel.ts';
import { createPanel } from '../panel/panel-driver.ts';
import type { BoardUsed, RigEvent } from '../telemetry/cycle-record.ts';
import { remedyOf, safeFeatures } from './hardware.ts';
import { createPanelFaults } from './panel-faults.ts';
import type { Simulator } from './simulator.ts';

/** The simulated panel as the control loop is given it. */
export function simulatedPanel(rig: RigFile, { link }: Simulator, clock: Clock, random: Random): RigPanel {
  const elements = elementsOf(rig);
  const { rfChains, phaseBits } = rig.array;
  const panel = createPanel({
    link,
    clock,
    random,
    expected: {
      role: 'array',
      elements,
      rfChains,
      phaseBits,
      users: rig.users.count,
      features: ['digital-weights', 'snr-report', ...safeFeatures(rig)],
    },
  });
  const board = (): BoardUsed => ({
    link: link.name,
    kind: link.kind,
    source: 'simulator',
    panel: panel.capabilities?.panelSerial ?? '',
    firmware: panel.capabilities?.firmware ?? '',
  });
  let tellNews: ((event: Omit<RigEvent, 'timeNs'>) => void) | undefined;
  const faults = createPanelFaults(clock, () => tellNews);
  return {
    panel,
    source: 'simulator',
    connected: false,
    connect: () => panel.connect(),
    boards: () => [board()],
    fared(failure, tell) {
      tellNews = tell;
      if (failure !== undefined) faults.failed(board(), failure);
    },
    linkDiscarded: () => link.counters.discarded + panel.counters.badFrames,
    links: () => [
      {
        name: link.name,
        kind: link.kind,
        source: 'simulator',
        panel: panel.capabilities?.panelSerial ?? '',
        firmware: panel.capabilities?.firmware ?? '',
        elements: elements === 1 ? '0' : `0-${elements - 1}`,
        users: '',
        state: link.state.state === 'open' ? 'open' : 'lost',
        detail: link.state.state === 'open' ? '' : (link.state.detail ?? link.state.reason),
        retries: panel.counters.retries,
        timeouts: panel.counters.timeouts,
        discarded: link.counters.discarded + panel.counters.badFrames,
        badFrames: panel.counters.badFrames,
        discardedWhy: '',
        unauthenticated: null,
        temperatureC: null,
        reconnects: link.counters.reconnects,
        roundTripMs: panel.counters.roundTripMs,
      },
    ],
  };
}

/** A panel that the run begins on must answer. */
export async function begun(simulated: RigPanel): Promise<RigPanel> {
  const shaken = await simulated.connect();
  if (shaken.ok) return { ...simulated, connected: true };
  await simulated.panel.close();
  const [code = 'panel', wayOut] = remedyOf(shaken.failure);
  throw new BeamrigError(code, `The panel on ${simulated.panel.name} cannot be used: ${panelFailureMessage(shaken.failure)}.`, {
    wayOut,
  });
}

/**
 * What the array shows when nobody steers it; the fixed beam of 'codeword' points every chain the same way, by the tables of the panels that it is for.
 * @param calibration absent: by ideal states
 */
export function safeChoice(rig: RigFile, calibration: (on: CyclePanel) => ArrayCalibration = () => uncalibrated()): SafeChoice {
  const { safeState, safeCodeword } = rig;
  if (safeState !== 'codeword' || safeCodeword === undefined) return { state: safeState };
  const { geometry, rfChains, phaseBits } = rig.array;
  const direction = { azimuthRad: (safeCodeword.azimuthDeg * Math.PI) / 180, elevationRad: 0 };
  const phaseRad = steeringPhases(geometry, direction, rfChains);
  return {
    state: safeState,
    beam: (on) => {
      const states = calibration(on).states(phaseBits);
      return { phaseBits, words: nearestInPhase(phaseRad, states), states };
    },
  };
}
