/** Faults by hand: lines typed to `beamrig panel`, for one panel by its name or for all of them. */
import { BeamrigError } from '../../core/errors/beamrig-error.ts';
import type { PlayedPanel } from '../rig/played-panels.ts';
import { wholeNumber } from './arguments.ts';

interface PanelCommand {
  usage: string;
  what: string;
  /** `number` is what stands behind the word, if anything. */
  play(panel: PlayedPanel, number: string | undefined): void | Promise<void>;
}

const MOST_MS = 1e9;

const COMMANDS: Record<string, PanelCommand> = {
  reset: {
    usage: 'reset [MS]',
    what: 'power off and on; it boots for so long',
    play: (panel, number) => panel.reset(number === undefined ? 0 : wholeNumber('reset', number, { min: 0, max: MOST_MS })),
  },
  stall: {
    usage: 'stall MS',
    what: 'neither read nor answer for so long',
    play: (panel, number) => panel.stall(wholeNumber('stall', number ?? '', { min: 1, max: MOST_MS })),
  },
  fault: {
    usage: 'fault CODE',
    what: 'find a fault of its own: mute, and refuse beams',
    play: (panel, number) => panel.fault(wholeNumber('fault', number ?? '', { min: 0, max: 0xffff_ffff })),
  },
  recover: { usage: 'recover', what: 'the fault is over', play: (panel) => panel.recover() },
  unplug: { usage: 'unplug', what: 'let go of the wire', play: (panel) => panel.unplug() },
  plug: { usage: 'plug', what: 'and take it again', play: (panel) => panel.plug() },
};

export const panelCommandHelp = (): string =>
  [
    'Of all panels, or of one with its name before it:',
    ...Object.values(COMMANDS).map(({ usage, what }) => `  ${usage.padEnd(12)} ${what}`),
  ].join('\n');

/**
 * Carries out one line.
 * @returns what there is to read about it
 * @throws {BeamrigError} 'argument' for a line that is no command; 'link' when a wire cannot be had
 */
export async function panelCommand(line: string, panels: readonly PlayedPanel[]): Promise<string | undefined> {
  const words = line.trim().split(/\s+/);
  const named = panels.find(({ name }) => name === words[0]);
  const [verb = '', number, ...rest] = named ? words.slice(1) : words;
  if (verb === '' && !named) return undefined;
  if (verb === 'help') return panelCommandHelp();
  if (!Object.hasOwn(COMMANDS, verb) || rest.length > 0) {
    throw new BeamrigError('argument', `'${line.trim()}' is no command; allowed: ${Object.keys(COMMANDS).join(', ')}, help`);
  }
  for (const panel of named ? [named] : panels) await COMMANDS[verb].play(panel, number);
  return undefined;
}
