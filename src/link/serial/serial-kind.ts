/** Links on a serial port of this machine. */
import { realpathSync } from 'node:fs';
import * as z from 'zod';
import { BeamrigError } from '../../../core/errors/beamrig-error.ts';
import { expandHome, pathFrom } from '../../../core/files/home-path.ts';
import { filePath } from '../../config/rig-fields.ts';
import type { LinkKind, Place } from '../link-kind.ts';
import type { Link } from '../link.ts';
import { isPluggedIn, lastingName, listSerialPorts, type SerialPortNode } from './serial-ports.ts';

export interface SerialBlock {
  path: string;
  baudRate: number;
}

const DEFAULT_BAUD_RATE = 921_600;
const MOST_BAUD = 20_000_000;

const schema = z
  .strictObject({
    path: filePath
      .meta({ allowed: 'the path of a port' })
      .describe('The port: /dev/ttyUSB0, or better its name under /dev/serial/by-id, which stays. `beamrig panels` lists them.'),
    baudRate: z.int().min(1).max(MOST_BAUD).default(DEFAULT_BAUD_RATE).describe('Bits a second on the line.'),
  })
  .describe('A serial port.');

export const serialKind: LinkKind<SerialBlock> = {
  schema,
  paths: ['path'],
  defaultName: ({ path }) => (typeof path === 'string' ? path : undefined),
  sameAs: ({ path }, folder) =>
    typeof path === 'string' ? { key: 'path', written: path, same: portPath(path, folder) } : undefined,
  read({ path, baudRate }: SerialBlock, folder) {
    return { path: portPath(path, folder), baudRate };
  },
  *doubts({ baudRate }) {
    if (baudRate < 1200) yield ['baudRate', `${baudRate} bits a second; if kBd is meant, write ${1000 * baudRate}`];
  },

  describe: ({ block: { path, baudRate } }) => `serial ${path} at ${baudRate} baud`,
  place: ({ block: { path } }) => {
    const target = realPath(path) ?? path;
    return { where: path, ...described(listSerialPorts().find((node) => node.path === target)) };
  },
  strangersAction: 'They are thrown away and counted. Look at the line, its baud rate, and what else writes to this port.',
  silentAction: 'Is it a panel, is it on, and is this its baud rate? --baud, or baudRate in the rig file.',

  bitsASecond: ({ baudRate }) => baudRate,
  behind: ({ path }) => realPath(path),
  createLink: ({ name, block }) => createLink(name, block),

  readFlag(text, own) {
    const [, path = text, baud] = /^(.*)@([^@/]*)$/.exec(text) ?? [];
    const baudRate = baud === undefined ? (own?.block.baudRate ?? DEFAULT_BAUD_RATE) : /^\d+$/.test(baud) ? Number(baud) : NaN;
    if (!(baudRate >= 1 && baudRate <= MOST_BAUD)) {
      throw new BeamrigError('argument', `--serial … @BAUD ${baud}: not allowed; allowed: a whole number from 1 to ${MOST_BAUD}`);
    }
    return { path: expandHome(path), baudRate };
  },
  endOf: ({ name, block }) =>
    new BeamrigError('argument', `${name}: ${block.path} is the host’s end of the line, and the panel needs the other`, {
      wayOut: `Give --serial ${name}=PATH. For a line without hardware: socat pty,raw,echo=0,link=A pty,raw,echo=0,link=B`,
    }),
  async createPanelEnd(end) {
    const { createSerialPanelEnd } = await import('./serial-panel-end.ts');
    return createSerialPanelEnd(end);
  },

  /** Every other port that there is. Ports that nobody plugged in (a console, a modem of the machine) are only listed. */
  async elsewhere(links, { baudRate }) {
    const named = links.map(({ block: { path } }) => realPath(path) ?? path);
    return listSerialPorts()
      .filter(({ path }) => !named.includes(path))
      .map((node) => {
        const place: Place = { where: node.path, ...described(node) };
        const open = () => createLink(node.path, { path: node.path, baudRate });
        if (isPluggedIn(node)) return { place, open };
        return { place: { ...place, why: 'not asked: it is no USB port and no rig file names it' } };
      });
  },
};

async function createLink(name: string, block: SerialBlock): Promise<Link> {
  const { createSerialLink } = await import('./serial.ts');
  return createSerialLink({ name, ...block });
}

/** 'COM3' is a name and no path. */
const portPath = (path: string, folder: string): string => (path.includes('/') ? pathFrom(folder, path) : path);

/** The device node behind a path that may be a by-id name; undefined where nothing is: opening says so. */
function realPath(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch {
    return undefined;
  }
}

const described = (node: SerialPortNode | undefined): Omit<Place, 'where'> => {
  const lasting = node && lastingName(node);
  return {
    ...(node?.byId === undefined ? {} : { byId: node.byId }),
    ...(node?.byPath === undefined ? {} : { byPath: node.byPath }),
    ...(lasting === undefined ? {} : { lasting }),
    ...(node?.usb === undefined ? {} : { usb: node.usb }),
  };
};
