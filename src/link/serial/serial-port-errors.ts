/** Why a serial port cannot be opened: each cause as a code, and its message with the path and what to do about it. */
import { readFileSync, statSync } from 'node:fs';
import { distance } from 'fastest-levenshtein';
import { LinkError } from '../link.ts';
import { bindingText, type OpenCause } from './serial-binding-errors.ts';
import { listSerialPorts } from './serial-ports.ts';

/** @throws {LinkError} when `path` is nothing, or nothing that could be a serial port */
export function requireSerialDevice(path: string): void {
  let found;
  try {
    found = statSync(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') throw missing(path, error);
    if (code === 'EACCES') throw noPermission(path, error);
    throw new LinkError('port-failed', `cannot be looked at (${code ?? 'unknown'}).`, {
      port: path,
      wayOut: ownPorts(),
      cause: error,
    });
  }
  if (found.isCharacterDevice()) return;
  const kind = found.isDirectory() ? 'a folder' : found.isFile() ? 'a regular file' : found.isSocket() ? 'a socket' : 'no device';
  throw noPort(path, kind);
}

/** The error for why the system or the binding would not open or set up `path`. */
export function openError(why: OpenCause, path: string, baudRate: number, cause?: unknown): LinkError {
  switch (why) {
    case 'no-port':
      return missing(path, cause);
    case 'no-permission':
      return noPermission(path, cause);
    case 'port-in-use':
      return new LinkError(why, 'another program uses this port.', {
        port: path,
        wayOut: `Close the other program (a second beamrig, a terminal, a flash tool); \`fuser -v ${path}\` names it.`,
        cause,
      });
    case 'not-a-port':
      return noPort(path, 'a device of another kind', cause);
    case 'baud-rate':
      return refusedBaudRate(path, baudRate, 'refuses it', cause);
    case 'no-device':
      return new LinkError(why, 'the name is there, but no device answers behind it.', {
        port: path,
        wayOut: `Plug the board in again. ${ownPorts()}`,
        cause,
      });
    case 'port-failed':
      return new LinkError(why, `${path} at ${baudRate} baud: ${bindingText(cause)}.`, { wayOut: ownPorts(), cause });
  }
}

/** The port took the rate and runs at another one. */
export const wrongBaudRate = (path: string, wanted: number, actual: number): LinkError =>
  refusedBaudRate(path, wanted, `runs at ${actual} baud instead`);

/** @throws {LinkError} when a baud rate is no number that any port could be asked for */
export function requireBaudRate(path: string, baudRate: number): void {
  if (!Number.isInteger(baudRate) || baudRate < 1) throw refusedBaudRate(path, baudRate, 'cannot be asked for it');
}

function refusedBaudRate(path: string, baudRate: number, verdict: string, cause?: unknown): LinkError {
  return new LinkError('baud-rate', `baudRate is ${baudRate}, and the port ${verdict}.`, {
    port: path,
    wayOut: 'Set baudRate to one that port and firmware share; 115200 nearly always works.',
    cause,
  });
}

function missing(path: string, cause: unknown): LinkError {
  return new LinkError('no-port', 'there is no such port.', {
    port: path,
    wayOut: `Plug the board in. ${ownPorts(path)}`,
    cause,
  });
}

function noPort(path: string, kind: string, cause?: unknown): LinkError {
  return new LinkError('not-a-port', `this is ${kind}, not a serial port.`, {
    port: path,
    wayOut: ownPorts(path),
    cause,
  });
}

function noPermission(path: string, cause: unknown): LinkError {
  const group = groupOf(path);
  return new LinkError('no-permission', `no permission to open this port; it belongs to the group '${group}'.`, {
    port: path,
    wayOut:
      group === 'root'
        ? `Let a udev rule give it to the group 'dialout', or run: sudo chmod a+rw ${path}`
        : `Run \`sudo usermod -aG ${group} $USER\` and log in again.`,
    cause,
  });
}

/** Which ports there are, the likeliest first. */
function ownPorts(path?: string): string {
  const ports = listSerialPorts().flatMap((port) => [port.path, ...(port.byId === undefined ? [] : [port.byId])]);
  if (ports.length === 0) return 'No serial port is attached now; `beamrig panels` lists them.';
  if (path === undefined) return `Ports attached now: ${ports.join(', ')}.`;
  const nearest = [...ports].sort((a, b) => distance(a, path) - distance(b, path))[0];
  return `The nearest that exists is ${nearest}; \`beamrig panels\` lists all.`;
}

/** Name of the group that owns a device node; 'dialout', where nearly all systems put serial ports, when it cannot be found out. */
function groupOf(path: string): string {
  try {
    const { gid } = statSync(path);
    const entry = readFileSync('/etc/group', 'utf8')
      .split('\n')
      .find((line) => line.split(':')[2] === String(gid));
    return entry?.split(':')[0] ?? String(gid);
  } catch {
    return 'dialout';
  }
}
