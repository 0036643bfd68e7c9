/** The rig of a case as it stands in front of a bench, and what benches are opened with. */
import { cpSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { BeamrigError } from '../../core/errors/beamrig-error.ts';
import type { CMatrix } from '../../core/signal/complex-matrix.ts';
import { checkRig, elementsOf, type RigFile } from '../config/rig-file.ts';
import { withArrayFaults } from './array-happenings.ts';
import { merged } from './merged.ts';
import type { Case, Scenario } from './scenario.ts';

export interface BenchOptions {
  scenario: Scenario;
  /** One of the scenario's. */
  one: Case;
  seed: number;
  /** Instead of simulated channels, one a cycle. */
  channels?: CMatrix[];
  /** Something else that takes part needs real time. */
  realTime: boolean;
  /** The rig file of hardware that it is played on, instead of what the case says. */
  hardware?: string;
  /** Where the run writes its records. */
  runFolder: string;
}

/** Only P/σ² counts: the noise is the unit of power. */
export const NOISE = 1;

/**
 * The rig of a case on a bench. What it measures of its array is nobody else's: tables are copied, and new ones go away with the bench.
 * @param folder of the bench
 * @param wire the block of its link, by the name of the panel, and what else is to be said of it
 */
export function benchRig(
  { one, scenario, runFolder }: BenchOptions,
  folder: string,
  wire: (name: string) => object,
  more: Record<string, unknown>,
): RigFile {
  const plain = checkRig(one.rig, scenario.rigFolder);
  if ('problems' in plain) throw new BeamrigError('scenario-file', plain.problems.map(({ text }) => text).join('; '));
  const tables = join(folder, 'tables');
  if (existsSync(plain.rig.calibration.folder)) cpSync(plain.rig.calibration.folder, tables, { recursive: true });
  const each = elementsOf(plain.rig) / one.panels;
  const links = Array.from({ length: one.panels }, (_, i) => {
    const name = `panel-${i}`;
    return { name, panel: `PANEL-${i}`, elements: `${i * each}-${(i + 1) * each - 1}`, ...wire(name) };
  });
  const raw = merged(withArrayFaults(one.rig, scenario.text.timeline), {
    links,
    ...('fallback' in one.rig ? {} : { fallback: 'never' }),
    telemetry: { runFolder, influx: null },
    dashboard: { port: 0 },
    calibration: { folder: tables },
    ...more,
  });
  const checked = checkRig(raw, scenario.rigFolder);
  if ('problems' in checked) throw new BeamrigError('scenario-file', checked.problems.map(({ text }) => text).join('; '));
  return checked.rig;
}
