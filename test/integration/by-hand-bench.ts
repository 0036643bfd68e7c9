/** A small rig whose panels are played by a process of their own, and the commands that are typed for it. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { PanelProcess } from '../../scripts/panel-process.ts';
import { startPanels } from '../built-program.ts';
import type { ForOneTest } from '../for-one-test.ts';
import { typed, type TypedCommand } from '../typed-command.ts';

export interface ByHandBench {
  readonly rig: string;
  readonly panel: PanelProcess;
  /** `beamrig WORD RIG …`, of more words behind. */
  readonly beamrig: (word: string, ...words: string[]) => TypedCommand;
}

/**
 * @param links of the rig file @param flags of `beamrig panel`
 * @param more what else the rig file says
 */
export async function byHandBench(
  { folder, later }: ForOneTest,
  links: string,
  { flags = [], more = '', rateHz = 50 }: { flags?: string[]; more?: string; rateHz?: number } = {},
): Promise<ByHandBench> {
  const rig = join(folder, 'rig.yaml');
  writeFileSync(
    rig,
    `name: bench
array: { geometry: { kind: ula, elements: 16 }, rfChains: 2, phaseBits: 6 }
users: { count: 2 }
beamformer: { model: aligned }
loop: { rateHz: ${rateHz} }
fallback: never
links: [ ${links} ]
${more}`,
  );
  const panel = later(startPanels([rig, ...flags]), (it) => it.stop());
  await panel.line(({ type }) => type === 'ready');
  return { rig, panel, beamrig: (word, ...words) => typed(folder, word, rig, ...words) };
}
