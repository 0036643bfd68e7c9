/**
 * The common story told to `beamrig panel`: a process of its own plays the panels of the rig at the far ends of its links, and logs every word
 * that it radiates.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BeamrigError } from '../core/errors/beamrig-error.ts';
import type { RigFile } from '../src/config/rig-file.ts';
import { startPanelProcess } from './panel-process.ts';
import type { PanelLine } from './panel-process.ts';
import { ELEMENTS, RF_CHAINS, scenarioRig, scenarioText, tell, voidCycles } from './same-scenario.ts';
import type { Story, Words } from './same-scenario.ts';

export interface PlayedScenario {
  cycles: number;
  /** Of the rig file, as the controller needs it. */
  links: string;
  /** The same as the panels need it, where that is something else: on a broker they are other users. */
  panelLinks?: string;
  /** More flags of `beamrig panel`: --serial [NAME=]PATH. */
  flags?: readonly string[];
  /** Environment of the panels. */
  env?: NodeJS.ProcessEnv;
  /** What Node is given to run `beamrig`; else it is run from its sources. */
  program?: readonly string[];
  onStart?: (pid: number, at: readonly string[]) => void;
}

/**
 * @returns the story, with void cycles when the process has ended early
 * @throws {BeamrigError} 'panel' when the process does not start or ends badly; whatever a rig does that does not start
 */
export async function tellToPanelProcess(options: PlayedScenario): Promise<Story> {
  const { cycles, links, panelLinks = links, flags = [], env = {}, program, onStart } = options;
  const folder = mkdtempSync(join(tmpdir(), 'beamrig-scenario-'));
  const path = join(folder, 'panel.yaml');
  writeFileSync(path, scenarioText(panelLinks), { mode: 0o600 });
  const played = startPanelProcess([path, ...flags], { ...process.env, ...env }, program);
  try {
    const { panels = [] } = await played.line(({ type }) => type === 'start');
    await played.line(({ type }) => type === 'ready');
    onStart?.(
      played.pid,
      (panels as { on: string }[]).map(({ on }) => on),
    );
    const rig = scenarioRig(`fallback: never\n${links}`);
    const story = await tell({ rig }, cycles);
    // All that it has radiated is in its lines when it has said that it ends.
    const { code, errors } = await played.stop();
    if (code !== 0 && voidCycles(story).length === 0)
      throw new BeamrigError('panel', `beamrig panel ended with ${code ?? 'a signal'}: ${errors.trim()}`);
    story.words = radiatedWords(rig, played.lines, story);
    return story;
  } finally {
    await played.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The words of the whole array in each cycle, put together from what each panel said of the cycle's beam: the last it radiated under that id. */
function radiatedWords(rig: RigFile, lines: readonly PanelLine[], { records }: Story): (Words | undefined)[] {
  const radiated = new Map<string, string>();
  for (const { type, panel, beamId, words } of lines) {
    if (type === 'radiates' && words !== undefined) radiated.set(`${panel} ${beamId}`, words);
  }
  return records.map(({ beamId }) => {
    const whole = new Uint16Array(ELEMENTS * RF_CHAINS);
    for (const { name, elements } of rig.links) {
      const hex = radiated.get(`${name} ${beamId}`);
      if (hex === undefined) return undefined;
      elements.forEach((element, own) => {
        for (let chain = 0; chain < RF_CHAINS; chain++) {
          const at = 4 * (own * RF_CHAINS + chain);
          whole[element * RF_CHAINS + chain] = parseInt(hex.slice(at, at + 4), 16);
        }
      });
    }
    return whole;
  });
}
