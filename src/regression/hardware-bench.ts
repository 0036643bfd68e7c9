/**
 * A bench of hardware: the panels of a rig file, wherever its links lead, with the rest of the scenario's rig in front of them. What only a bench of
 * our own can do (take power, pull cables, move users) is not done, and told by name. Nobody sees what panels show, or knows what is true.
 */
import { createRealClock } from '../../core/clock/real-clock.ts';
import { BeamrigError } from '../../core/errors/beamrig-error.ts';
import { createRandom } from '../../core/signal/random.ts';
import { checkRig, elementsOf, loadRigFile, type RigFile } from '../config/rig-file.ts';
import { createWorld } from '../rig/world.ts';
import type { BenchOptions } from './bench-rig.ts';
import { OPERATOR, type Bench } from './bench.ts';
import { merged } from './merged.ts';
import { restsOn } from './rests-on.ts';
import { labelOf } from './timeline-schema.ts';

/**
 * @param rigPath the rig file of the bench: of it are links, key, tables and chips
 * @throws {BeamrigError} 'bench-part' where the scenario is for another array, or all that it expects is about what is not done here
 */
export async function openHardwareBench(options: BenchOptions, rigPath: string): Promise<Bench> {
  const { one, scenario, runFolder, channels: recorded } = options;
  const { timeline, expect, sealed, behaviours } = scenario.text;
  const undone = timeline.filter((action) => !OPERATOR.has(action.do));
  if (expect.length > 0 && expect.every((check) => restsOn(check, undone) !== undefined)) {
    const names = [...new Set(undone.map(labelOf))].join(', ');
    throw lacking(`all that is expected rests on ${names}, which cannot be played on attached hardware`);
  }
  const { rig: lab } = loadRigFile(rigPath);
  if (lab.links.length === 0) {
    throw new BeamrigError('rig-file', `${rigPath}: links: there are none, so this is no bench`, {
      wayOut: 'Give the rig file of the bench that is attached.',
    });
  }
  const raw = merged(one.rig, { fallback: 'never', telemetry: { runFolder, influx: null }, dashboard: { port: 0 } });
  const checked = checkRig(raw, scenario.rigFolder);
  if ('problems' in checked) throw new BeamrigError('scenario-file', checked.problems.map(({ text }) => text).join('; '));
  const faults = [...checked.rig.simulator.behaviours, ...behaviours].map((each) => each.do);
  if (faults.length > 0) {
    throw lacking(`behaviours: ${[...new Set(faults)].join(', ')} from the start on cannot be played on attached hardware`);
  }
  requireSameArray(checked.rig, lab, rigPath);
  if (sealed && lab.authentication === undefined) throw lacking(`frames are to be sealed, and ${rigPath} has no authentication`);
  const { links, authentication, calibration } = lab;
  const { phaseShifter } = lab.simulator;
  const rig: RigFile = { ...checked.rig, links, authentication, calibration };
  rig.simulator = { ...rig.simulator, phaseShifter };
  const random = createRandom(options.seed).stream('simulator');
  const assembling = recorded === undefined ? {} : { world: createWorld({ rig, random, repeat: true, recorded }) };
  return {
    ...{ rig, clock: createRealClock(), time: 'real', assembling, panelElements: [], plays: new Set() },
    play: async () => undefined,
    begin: () => undefined,
    truth: () => undefined,
    states: () => undefined,
    onShown: () => undefined,
    facts: { panels: 'hardware', bench: lab.name },
    close: async () => undefined,
  };
}

const lacking = (why: string): BeamrigError =>
  new BeamrigError('bench-part', `${why}.`, { wayOut: 'Play it on a bench of its own, naming no rig of attached hardware.' });

/** Words for one array are none for another. */
function requireSameArray(wanted: RigFile, lab: RigFile, rigPath: string): void {
  const facts = {
    elements: elementsOf,
    'array.rfChains': ({ array }: RigFile) => array.rfChains,
    'array.phaseBits': ({ array }: RigFile) => array.phaseBits,
    'array.connection': ({ array }: RigFile) => array.connection,
    'users.count': ({ users }: RigFile) => users.count,
  };
  for (const [name, of] of Object.entries(facts)) {
    if (of(wanted) !== of(lab)) throw lacking(`${name}: ${of(wanted)}, and the bench of ${rigPath} has ${of(lab)}`);
  }
}
