/** Why a serial port cannot be opened, in words that name the path, the cause and what to do about it. */
import { readFileSync, statSync } from 'node:fs';
import { distance } from 'fastest-levenshtein';
import { BeamrigError } from '../../../core/errors/beamrig-error.ts';
import { listSerialPorts } from './serial-ports.ts';

/** @throws BeamrigError 'link' when `path` is nothing, or nothing that could be a serial port */
export function requireSerialDevice(path: string): void {
  let found;
  try {
    found = statSync(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') throw missing(path, error);
    if (code === 'EACCES') throw noPermission(path, error);
    throw new BeamrigError('link', `${path}: cannot be looked at (${code ?? 'unknown'}).`, { wayOut: ownPorts(), cause: error });
  }
  if (found.isCharacterDevice()) return;
  const kind = found.isDirectory() ? 'a folder' : found.isFile() ? 'a regular file' : found.isSocket() ? 'a socket' : 'no device';
  throw noPort(path, kind);
}

/** The error for what the operating system answered to opening or setting up `path`; the binding says it in words only. */
export function explainOpenFailure(path: string, baudRate: number, cause: unknown): BeamrigError {
  const said = (cause instanceof Error ? cause.message : String(cause)).replace(/^Error:? /, '');
  if (/no such file/i.test(said)) return missing(path, cause);
  if (/permission denied|not permitted/i.test(said)) return noPermission(path, cause);
  if (/cannot lock port/i.test(said)) {
    return new BeamrigError('link', `${path}: another program uses this port.`, {
      wayOut: `Close the other program (a second beamrig, a terminal, a flash tool); \`fuser -v ${path}\` names it.`,
      cause,
    });
  }
  if (/inappropriate ioctl/i.test(said)) return noPort(path, 'a device of another kind', cause);
  if (/baud ?rate/i.test(said)) return refusedBaudRate(path, baudRate, 'refuses it', cause);
  if (/no such device|input\/output error/i.test(said)) {
    return new BeamrigError('link', `${path}: the name is there, but no device answers behind it.`, {
      wayOut: `Plug the board in again. ${ownPorts()}`,
      cause,
    });
  }
  return new BeamrigError('link', `${path} at ${baudRate} baud: ${said}.`, { wayOut: ownPorts(), cause });
}

/** The port took the rate and runs at another one. */
export const wrongBaudRate = (path: string, wanted: number, actual: number): BeamrigError =>
  refusedBaudRate(path, wanted, `runs at ${actual} baud instead`);

/** @throws BeamrigError 'link' when a baud rate is no number that any port could be asked for */
export function requireBaudRate(path: string, baudRate: number): void {
  if (!Number.isInteger(baudRate) || baudRate < 1) throw refusedBaudRate(path, baudRate, 'cannot be asked for it');
}

function refusedBaudRate(path: string, baudRate: number, verdict: string, cause?: unknown): BeamrigError {
  return new BeamrigError('link', `${path}: baudRate is ${baudRate}, and the port ${verdict}.`, {
    wayOut: 'Set baudRate to one that port and firmware share; 115200 nearly always works.',
    cause,
  });
}

function missing(path: string, cause: unknown): BeamrigError {
  return new BeamrigError('link', `${path}: there is no such port.`, { wayOut: `Plug the board in. ${ownPorts(path)}`, cause });
}

function noPort(path: string, kind: string, cause?: unknown): BeamrigError {
  return new BeamrigError('link', `${path}: this is ${kind}, not a serial port.`, { wayOut: ownPorts(path), cause });
}

function noPermission(path: string, cause: unknown): BeamrigError {
  const group = groupOf(path);
  return new BeamrigError('link', `${path}: no permission to open this port; it belongs to the group '${group}'.`, {
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
