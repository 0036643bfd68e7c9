/**
 * The serial ports that the system shows, found without opening one and without udev: by the names of device nodes, and by what the kernel
 * says of them in /sys, where that is mounted.
 */
import { accessSync, constants, readFileSync, readdirSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';

export interface SerialPortNode {
  /** '/dev/ttyUSB0' */
  path: string;
  /** The name that stays when ports are renumbered, where the system gives one. */
  byId?: string;
  /** The name of the socket that it is plugged into, which stays as long as nobody plugs it elsewhere. */
  byPath?: string;
  /** Whether this user may read and write it. */
  accessible: boolean;
  /** What is plugged in, where the kernel tells. */
  usb?: UsbDevice;
}

/** As the device describes itself: ids in four hexadecimal digits. */
export interface UsbDevice {
  vendorId: string;
  productId: string;
  manufacturer?: string;
  product?: string;
  serialNumber?: string;
}

/** Ports that somebody plugged in. Others (consoles, modems of the board itself) may be anything. */
export const isPluggedIn = ({ path, byId, usb }: SerialPortNode): boolean =>
  usb !== undefined || byId !== undefined || PLUGGED_IN.test(path);

const PLUGGED_IN = /\/tty(USB|ACM)\d+$/;
const NAMES = /^tty(USB|ACM|AMA|SC|THS|mxc)\d+$/;
/** Every PC has nodes for UARTs that were never fitted. */
const UART_NAMES = /^ttyS\d+$/;

/** In the order of their names and numbers. */
export function listSerialPorts(devFolder = '/dev', sysFolder = '/sys'): SerialPortNode[] {
  const ports = new Map<string, SerialPortNode>();
  for (const name of namesIn(devFolder)) {
    if (!NAMES.test(name) && !(UART_NAMES.test(name) && isFitted(name, sysFolder))) continue;
    ports.set(join(devFolder, name), nodeAt(join(devFolder, name), name, sysFolder));
  }
  const byIdFolder = join(devFolder, 'serial', 'by-id');
  for (const name of namesIn(byIdFolder)) {
    const byId = join(byIdFolder, name);
    const path = targetOf(byId);
    if (path !== undefined) ports.set(path, { ...(ports.get(path) ?? nodeAt(path, undefined, sysFolder)), byId });
  }
  const byPathFolder = join(devFolder, 'serial', 'by-path');
  // One socket may have several names: the first in order is the plainest.
  for (const name of namesIn(byPathFolder).sort().reverse()) {
    const byPath = join(byPathFolder, name);
    const path = targetOf(byPath);
    const node = path === undefined ? undefined : ports.get(path);
    if (node !== undefined) ports.set(node.path, { ...node, byPath });
  }
  return [...ports.values()].sort((a, b) => a.path.localeCompare(b.path, 'en', { numeric: true }));
}

/**
 * What to write into a rig file. Adapters without a serial number of their own have one name under by-id for all of their kind, which leads to
 * whichever was plugged in last: of them only the socket is certain.
 */
export function lastingName({ byId, byPath, usb }: SerialPortNode): string | undefined {
  const alike = usb !== undefined && usb.serialNumber === undefined;
  return alike ? (byPath ?? byId) : (byId ?? byPath);
}

/** Names in a folder; none when there is no such folder (containers often have no /dev/serial). */
function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** Where a link leads; undefined when the port has just gone. */
function targetOf(link: string): string | undefined {
  try {
    return realpathSync(link);
  } catch {
    return undefined;
  }
}

function nodeAt(path: string, name: string | undefined, sysFolder: string): SerialPortNode {
  const usb = name === undefined ? undefined : usbOf(name, sysFolder);
  return { path, accessible: isAccessible(path), ...(usb === undefined ? {} : { usb }) };
}

function isAccessible(path: string): boolean {
  try {
    accessSync(path, constants.R_OK | constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/** Port type 0 is the driver's word for a UART that is not there. */
function isFitted(name: string, sysFolder: string): boolean {
  const type = textOf(join(sysFolder, 'class', 'tty', name, 'type'));
  return type !== undefined && type !== '0';
}

/** How far above a tty its USB device stands: port, interface, device, and one to spare. */
const USB_LEVELS = 4;

function usbOf(name: string, sysFolder: string): UsbDevice | undefined {
  let folder = targetOf(join(sysFolder, 'class', 'tty', name, 'device'));
  for (let level = 0; folder !== undefined && level < USB_LEVELS; level++, folder = dirname(folder)) {
    const vendorId = textOf(join(folder, 'idVendor'));
    const productId = textOf(join(folder, 'idProduct'));
    if (vendorId === undefined || productId === undefined) continue;
    const manufacturer = textOf(join(folder, 'manufacturer'));
    const product = textOf(join(folder, 'product'));
    const serialNumber = textOf(join(folder, 'serial'));
    return {
      vendorId,
      productId,
      ...(manufacturer === undefined ? {} : { manufacturer }),
      ...(product === undefined ? {} : { product }),
      ...(serialNumber === undefined ? {} : { serialNumber }),
    };
  }
  return undefined;
}

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim() || undefined;
  } catch {
    return undefined;
  }
}
