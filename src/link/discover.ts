/**
 * What a rig can know about attached hardware before it opens anything: the links its file names, and the serial ports that the system
 * shows. This version drives panels over loopback only, so the search always ends with a reason to fall back; it says what it looked for,
 * so that nobody has to guess whether a board that is plugged in was seen.
 */
import { accessSync, constants, readdirSync, realpathSync } from 'node:fs';
import { join } from 'node:path';

export interface SerialPortNode {
  /** '/dev/ttyUSB0' */
  path: string;
  /** The name that stays when ports are renumbered, where the system gives one. */
  byId?: string;
  /** Whether this user may read and write it. */
  accessible: boolean;
}

export interface HardwareSearch {
  /** One line each, for `beamrig doctor` and the start of a run: 'serial ports (…): none found'. */
  lookedFor: string[];
  serialPorts: SerialPortNode[];
  /** Why no panel on hardware is driven: one sentence. */
  reason: string;
}

/**
 * Looks for hardware without opening or changing anything.
 * @param configuredLinks the links of the rig file, as they should be named in messages
 * @param devFolder where device nodes are
 */
export function discoverHardware(configuredLinks: readonly string[], devFolder = '/dev'): HardwareSearch {
  const serialPorts = listSerialPorts(devFolder);
  const ports = serialPorts.map((port) => (port.accessible ? port.path : `${port.path} (no permission)`)).join(', ');
  return {
    lookedFor: [
      `serial ports (${devFolder}/ttyUSB*, ${devFolder}/ttyACM*, ${devFolder}/serial/by-id): ${ports || 'none found'}`,
      `links in the rig file: ${configuredLinks.join(', ') || 'none'}`,
    ],
    serialPorts,
    reason: reasonFor(configuredLinks, serialPorts),
  };
}

function reasonFor(configuredLinks: readonly string[], serialPorts: readonly SerialPortNode[]): string {
  const only = 'this version drives panels over loopback only';
  if (configuredLinks.length > 0) return `the rig file names ${configuredLinks.join(', ')}, but ${only}`;
  if (serialPorts.length > 0) return `serial ports are present (${serialPorts.map((port) => port.path).join(', ')}), but ${only}`;
  return 'no serial port is present and the rig file names no link';
}

function listSerialPorts(devFolder: string): SerialPortNode[] {
  const ports = new Map<string, SerialPortNode>();
  for (const name of namesIn(devFolder)) {
    if (/^tty(USB|ACM)\d+$/.test(name)) ports.set(join(devFolder, name), nodeAt(join(devFolder, name)));
  }
  const byIdFolder = join(devFolder, 'serial', 'by-id');
  for (const name of namesIn(byIdFolder)) {
    const byId = join(byIdFolder, name);
    const path = targetOf(byId);
    if (path !== undefined) ports.set(path, { ...nodeAt(path), byId });
  }
  return [...ports.values()].sort((a, b) => a.path.localeCompare(b.path, 'en', { numeric: true }));
}

/** Names in a folder; none when there is no such folder (containers often have no /dev/serial). */
function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** Where a by-id link leads; undefined when the port has just gone. */
function targetOf(link: string): string | undefined {
  try {
    return realpathSync(link);
  } catch {
    return undefined;
  }
}

function nodeAt(path: string): SerialPortNode {
  try {
    accessSync(path, constants.R_OK | constants.W_OK);
    return { path, accessible: true };
  } catch {
    return { path, accessible: false };
  }
}
