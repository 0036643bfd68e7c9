/**
 * What a rig can know about attached hardware before it opens anything: the links its file names, and the serial ports that the system
 * shows. It says what it looked for, so that nobody has to guess whether a board that is plugged in was seen.
 */
import type { SerialPortNode } from './serial/serial-ports.ts';
import { isPluggedIn, listSerialPorts } from './serial/serial-ports.ts';

export interface HardwareSearch {
  /** One line each, for `beamrig doctor` and the start of a run: 'serial ports (…): none found'. */
  lookedFor: string[];
  /** Those that somebody plugged in. */
  serialPorts: SerialPortNode[];
  /** What there is to drive a panel on, or why there is nothing: one sentence without a full stop. */
  reason: string;
}

/**
 * Looks for hardware without opening or changing anything.
 * @param configuredLinks the links of the rig file, as they should be named in messages
 * @param devFolder where device nodes are
 */
export function discoverHardware(configuredLinks: readonly string[], devFolder = '/dev'): HardwareSearch {
  const serialPorts = listSerialPorts(devFolder).filter(isPluggedIn);
  const ports = serialPorts.map((port) => (port.accessible ? port.path : `${port.path} (no permission)`)).join(', ');
  return {
    lookedFor: [
      `serial ports (${devFolder}/ttyUSB*, ${devFolder}/ttyACM*, ${devFolder}/serial/by-id): ${ports || 'none found'}`,
      `links in the rig file: ${configuredLinks.join(', ') || 'none'}`,
    ],
    serialPorts,
    reason: reasonFor(configuredLinks, ports),
  };
}

function reasonFor(configuredLinks: readonly string[], ports: string): string {
  if (configuredLinks.length > 0) return `the rig file names ${configuredLinks.join(', ')}`;
  if (ports === '') return 'no USB or ACM serial port is present and the rig file names no link';
  return `serial ports are present (${ports}), but the rig file names no link`;
}
