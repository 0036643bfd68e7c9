/** An array that is one panel with all elements in order: everything that is asked of it is asked of the panel. */
import type { ArrayMember, PanelGroup } from './panel.ts';

export function arrayOfOne(panel: ArrayMember): PanelGroup {
  return {
    members: [panel],
    makePartsSafe: async () => undefined,
    get name() {
      return panel.name;
    },
    get capabilities() {
      return panel.capabilities;
    },
    get counters() {
      return panel.counters;
    },
    get safeAs() {
      return panel.safeAs;
    },
    onSafe: (listener) => panel.onSafe(listener),
    connect: () => panel.connect(),
    apply: (beam) => panel.apply(beam),
    measureSnr: (beamId, pilots) => panel.measureSnr(beamId, pilots),
    measurePilots: (beamId, user, pilots) => panel.measurePilots(beamId, user, pilots),
    readBack: () => panel.readBack(),
    status: () => panel.status(),
    ping: () => panel.ping(),
    storeBeam: (beam, position, verify) => panel.storeBeam(beam, position, verify),
    foundStored: (contents) => panel.foundStored(contents),
    setSafeState: (state, options) => panel.setSafeState(state, options),
    commandSafe: (state, options) => panel.commandSafe(state, options),
    close: () => panel.close(),
  };
}
