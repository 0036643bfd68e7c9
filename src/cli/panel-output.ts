/** What `beamrig panel` says while panels are played: lines for a person, or one JSON object a line for a program. */
import { counted } from '../../core/errors/counted.ts';
import type { Outlet } from './outlet.ts';
import { partText } from '../rig/link-description.ts';
import type { PlayedEvent } from '../rig/played-panels.ts';

export interface PanelStart {
  name: string;
  elements: number;
  rfChains: number;
  phaseBits: number;
  users: number;
  seed: number;
  panels: { name: string; panel: string; elements: string; users: string; on: string; behaviours: number }[];
  authenticated: boolean;
}

export interface PanelOutput {
  start(start: PanelStart): void;
  /** All panels are attached. */
  ready(): void;
  event(event: PlayedEvent): void;
  warning(message: string): void;
  stopping(): void;
}

/** @param log 'beams' shows the words of every beam, too */
export function panelOutput(out: Outlet, json: boolean, log: 'events' | 'beams'): PanelOutput {
  return json ? jsonOutput(out, log) : textOutput(out, log);
}

function jsonOutput(out: Outlet, log: 'events' | 'beams'): PanelOutput {
  const line = (value: object): void => void out.write(`${JSON.stringify(value)}\n`);
  return {
    start: (start) => line({ type: 'start', ...start }),
    ready: () => line({ type: 'ready' }),
    event: (event) => {
      if (event.type !== 'radiates') return line(event);
      const { words, wordsCrc32c, ...rest } = event;
      line({ ...rest, wordsCrc32c: crcText(wordsCrc32c), ...(log === 'beams' ? { words: wordsText(words) } : {}) });
    },
    warning: (message) => line({ type: 'warning', message }),
    stopping: () => line({ type: 'stopping' }),
  };
}

function textOutput(out: Outlet, log: 'events' | 'beams'): PanelOutput {
  const line = (text: string): void => void out.write(`${text}\n`);
  return {
    start: ({ name, elements, rfChains, phaseBits, users, panels, authenticated }) => {
      line(
        `${name}: ${counted(elements, 'element')}, ${counted(rfChains, 'RF chain')}, ${counted(users, 'user')}, Q = ${phaseBits}, played by this process`,
      );
      for (const panel of panels) {
        const faults = panel.behaviours === 0 ? '' : `, playing ${counted(panel.behaviours, 'behaviour')}`;
        line(`  ${panel.name}: panel ${panel.panel}, ${partText(panel)}, on ${panel.on}${faults}`);
      }
      line(authenticated ? 'Frames must be authenticated with the rig’s key.' : 'Frames need no authentication.');
    },
    ready: () => line('Attached. Type help for what can be done to the panels; Ctrl-C mutes them and ends.'),
    event: (event) => {
      const text = eventText(event, log);
      if (text !== undefined) line(`${event.panel}: ${text}`);
    },
    warning: (message) => line(`warning: ${message}`),
    stopping: () => line('Muting …'),
  };
}

/** A person is not told of each of a hundred beams a second. */
function eventText(event: PlayedEvent, log: 'events' | 'beams'): string | undefined {
  switch (event.type) {
    case 'opened':
      return `attached (${event.detail})`;
    case 'closed':
      return `detached (${event.detail})`;
    case 'radiates':
      if (log === 'events') return undefined;
      return `beam ${event.beamId} crc ${crcText(event.wordsCrc32c)} words ${wordsText(event.words)}`;
    case 'dark':
      return 'radiates nothing';
    case 'refused':
      return `refused: ${event.code} (${event.detail})${event.times > 1 ? `, ${event.times} times` : ''}`;
    case 'reset':
      return event.bootMs > 0 ? `reset, hears nothing for ${event.bootMs} ms` : 'reset';
    case 'stalled':
      return `stalled for ${event.forMs} ms`;
    case 'fault':
      return `fault ${event.code}`;
    case 'recovered':
      return 'fault over';
  }
}

const crcText = (crc: number): string => crc.toString(16).padStart(8, '0');

/** Four hexadecimal digits a word, in the panel's order. */
const wordsText = (words: Uint16Array): string => Array.from(words, (word) => word.toString(16).padStart(4, '0')).join('');
