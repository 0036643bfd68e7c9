/**
 * `beamrig panel`: plays the panels of a rig as a process of its own, each at its own end of a serial line or on a broker. For a controller
 * they are hardware; for a firmware author they are what his board should answer.
 *
 *   rig file or flags ─► plan ─► air, one for all ─► virtual panels ─► wires … Ctrl-C ─► muted, detached
 */
import { createInterface } from 'node:readline';
import { createRealClock } from '../../core/clock/real-clock.ts';
import { derivePanelKey } from '../../firmware-protocol/authentication.ts';
import { createRandom } from '../../core/signal/random.ts';
import { elementsOf } from '../config/rig-file.ts';
import { linkKind } from '../link/link-kinds.ts';
import type { PanelEnd } from '../link/panel-end.ts';
import { partOf } from '../rig/link-description.ts';
import { playPanels } from '../rig/played-panels.ts';
import type { PlayedPanel } from '../rig/played-panels.ts';
import { createRigArray, panelSettings } from '../rig/simulator.ts';
import { createWorld } from '../rig/world.ts';
import { counterLimitsInFolder, counterLimitsInMemory } from './counter-limits.ts';
import type { CounterLimits } from './counter-limits.ts';
import { endProcess } from './end-process.ts';
import { finishWell } from './failure.ts';
import { LAST_OUTPUT } from './outlet.ts';
import { boundOutput, printError, stdout } from './output.ts';
import { panelCommand } from './panel-commands.ts';
import { panelOutput } from './panel-output.ts';
import type { PanelOutput } from './panel-output.ts';
import { readPanelPlan } from './panel-plan.ts';
import type { PanelOptions, PanelPlan, PlannedPanel } from './panel-plan.ts';
import { onStopSignal } from './stop-signal.ts';

export type { PanelOptions } from './panel-plan.ts';

/** Ends with the process: at Ctrl-C, or before anything is attached when something does not fit. */
export async function panel(rigPath: string | undefined, options: PanelOptions): Promise<void> {
  const plan = readPanelPlan(rigPath, options);
  const { rig, seed, rigKey, recorded } = plan;
  boundOutput(options.json ?? false);
  const output = panelOutput(stdout(), options.json ?? false, plan.log);
  const limits =
    rigKey === undefined || plan.stateFolder === undefined
      ? counterLimitsInMemory()
      : counterLimitsInFolder(
          plan.stateFolder,
          plan.panels.map(({ panelSerial }) => panelSerial),
        );
  const random = createRandom(seed).stream('simulator');
  const world = createWorld({ rig, random, repeat: true, ...(recorded === undefined ? {} : { recorded }) });
  const ends = await Promise.all(plan.panels.map((planned) => endOf(planned, rigKey)));
  const played = playPanels({
    panels: plan.panels.map((planned, index) => ({
      ...planned,
      settings: panelSettings(rig),
      end: ends[index],
      ...(rigKey === undefined ? {} : { authentication: authenticationOf(planned, rigKey, limits, output) }),
    })),
    array: createRigArray(rig, random),
    world,
    noise: 1, // as in `beamrig run`: only P/σ² counts
    random,
    clock: createRealClock(),
    onEvent: (event) => output.event(event),
  });

  output.start(startOf(plan, played.panels));
  for (const doubt of plan.doubts) output.warning(doubt);
  if (plan.panels.every(({ users }) => users !== undefined)) output.warning(NOTHING_TO_HEAR);
  if (rigKey !== undefined) warnOfReplays(plan, limits, output);
  const stopped = new Promise<void>((resolve) => void onStopSignal(resolve));
  await played.open();
  // Panels may all be off their wires for a while, and standard input at its end: nothing else would keep the process waiting.
  setInterval(() => undefined, 60_000);
  output.ready();
  const hand = listenTo(played.panels, output);
  await stopped;
  output.stopping();
  hand.close();
  await played.close();
  endProcess((await finishWell(LAST_OUTPUT)) ? 0 : 1); // a wire that hangs must not keep the command alive
}

/** Whatever another process plays, the air of this one is its own. */
const NOTHING_TO_HEAR =
  'no panel of the array is played by this process, so its receivers hear noise alone; play both in one, from a rig file that has both links';

function endOf({ wire, panelSerial }: PlannedPanel, rigKey: Uint8Array | undefined): Promise<PanelEnd> {
  const panelKey = rigKey && derivePanelKey(rigKey, panelSerial);
  const panel = { panel: panelSerial, ...(panelKey !== undefined && { panelKey }) };
  return linkKind(wire.kind).createPanelEnd(wire.end, panel);
}

/** Each panel's own; that its limit cannot be kept any more is told once, until it can be kept again. */
function authenticationOf({ name, panelSerial }: PlannedPanel, rigKey: Uint8Array, limits: CounterLimits, output: PanelOutput) {
  let reported = false;
  return {
    panelKey: derivePanelKey(rigKey, panelSerial),
    counterLimit: limits.of(panelSerial),
    storeLimit: (limit: bigint): boolean => {
      const kept = limits.store(panelSerial, limit);
      if (!kept && !reported) {
        output.warning(
          `${name}: the limit of its frame counters cannot be kept in the --state folder, so it takes and answers nothing`,
        );
      }
      reported = !kept;
      return kept;
    },
  };
}

function warnOfReplays({ stateFolder, panels }: PanelPlan, limits: CounterLimits, output: PanelOutput): void {
  if (stateFolder === undefined) {
    output.warning(
      'frame counters are forgotten with this process, so its frames can be replayed to the next one; --state FOLDER keeps them',
    );
    return;
  }
  const anew = panels.filter(({ panelSerial }) => limits.of(panelSerial) === 0n).map(({ name }) => name);
  if (anew.length === 0) return;
  output.warning(
    `${stateFolder} holds no frame counters of ${anew.join(', ')} yet: they begin at 0, and frames that somebody recorded under this key before would be taken`,
  );
}

const startOf = ({ rig, seed, panels, rigKey }: PanelPlan, played: readonly PlayedPanel[]) => ({
  name: rig.name,
  elements: elementsOf(rig),
  rfChains: rig.array.rfChains,
  phaseBits: rig.array.phaseBits,
  users: rig.users.count,
  seed,
  authenticated: rigKey !== undefined,
  panels: panels.map(({ name, panelSerial, elements, users, behaviours }, index) => ({
    name,
    panel: panelSerial,
    ...partOf({ elements: [...elements].sort((a, b) => a - b), ...(users && { users }) }),
    on: played[index].attachedTo,
    behaviours: behaviours.length,
  })),
});

/** Commands typed by hand, one after the other. */
function listenTo(panels: readonly PlayedPanel[], output: PanelOutput): { close(): void } {
  const lines = createInterface({ input: process.stdin });
  let before = Promise.resolve();
  lines.on('line', (line) => {
    before = before
      .then(() => panelCommand(line, panels))
      .then((answer) => answer !== undefined && printError(answer))
      .then(
        () => undefined,
        (error: unknown) => output.warning(error instanceof Error ? error.message : String(error)),
      );
  });
  return lines;
}
