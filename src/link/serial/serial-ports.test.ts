import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isPluggedIn, lastingName, listSerialPorts } from './serial-ports.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'beamrig-sys-'));
});
afterEach(() => rmSync(root, { recursive: true }));

/** Folders and files as the kernel lays them out: class/tty/<name>/device leads into the tree of devices. */
function kernelShows(files: Record<string, string>, links: Record<string, string> = {}): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(root, path, '..'), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  for (const [path, target] of Object.entries(links)) {
    mkdirSync(join(root, path, '..'), { recursive: true });
    symlinkSync(join(root, target), join(root, path));
  }
}

describe('serial ports without udev', () => {
  it('says what USB device a port belongs to, adapter and board alike', () => {
    kernelShows(
      {
        'dev/ttyUSB0': '',
        'dev/ttyACM3': '',
        'sys/devices/usb1/1-2/idVendor': '0403\n',
        'sys/devices/usb1/1-2/idProduct': '6001\n',
        'sys/devices/usb1/1-2/serial': 'A50285BI\n',
        'sys/devices/usb1/1-2/1-2:1.0/ttyUSB0/port_number': '0\n',
        'sys/devices/usb1/1-3/idVendor': '2341\n',
        'sys/devices/usb1/1-3/idProduct': '0043\n',
        'sys/devices/usb1/1-3/manufacturer': 'Arduino\n',
        'sys/devices/usb1/1-3/product': 'Uno\n',
        'sys/devices/usb1/1-3/1-3:1.0/bInterfaceClass': '02\n',
      },
      {
        'sys/class/tty/ttyUSB0/device': 'sys/devices/usb1/1-2/1-2:1.0/ttyUSB0',
        'sys/class/tty/ttyACM3/device': 'sys/devices/usb1/1-3/1-3:1.0',
      },
    );
    const ports = listSerialPorts(join(root, 'dev'), join(root, 'sys'));
    expect(ports).toEqual([
      {
        path: join(root, 'dev/ttyACM3'),
        accessible: true,
        usb: { vendorId: '2341', productId: '0043', manufacturer: 'Arduino', product: 'Uno' },
      },
      {
        path: join(root, 'dev/ttyUSB0'),
        accessible: true,
        usb: { vendorId: '0403', productId: '6001', serialNumber: 'A50285BI' },
      },
    ]);
    expect(ports.map(isPluggedIn)).toEqual([true, true]);
  });

  it('lists the UARTs of the machine that are fitted, and takes them for something that is not plugged in', () => {
    kernelShows({
      'dev/ttyS0': '',
      'dev/ttyS1': '',
      'dev/ttyAMA0': '',
      'dev/tty0': '',
      'sys/class/tty/ttyS0/type': '4\n',
      'sys/class/tty/ttyS1/type': '0\n',
    });
    const ports = listSerialPorts(join(root, 'dev'), join(root, 'sys'));
    expect(ports.map(({ path }) => path)).toEqual([join(root, 'dev/ttyAMA0'), join(root, 'dev/ttyS0')]);
    expect(ports.some(isPluggedIn)).toBe(false);
  });

  it('names an adapter without a serial number by its socket, and others by their own names', () => {
    kernelShows(
      {
        'dev/ttyUSB0': '',
        'dev/ttyUSB1': '',
        'dev/ttyUSB2': '',
        'sys/devices/usb1/1-2/idVendor': '1a86\n',
        'sys/devices/usb1/1-2/idProduct': '7523\n',
        'sys/devices/usb1/1-2/1-2:1.0/ttyUSB0/port_number': '0\n',
        'sys/devices/usb1/1-3/idVendor': '0403\n',
        'sys/devices/usb1/1-3/idProduct': '6001\n',
        'sys/devices/usb1/1-3/serial': 'A50285BI\n',
        'sys/devices/usb1/1-3/1-3:1.0/ttyUSB1/port_number': '0\n',
      },
      {
        'sys/class/tty/ttyUSB0/device': 'sys/devices/usb1/1-2/1-2:1.0/ttyUSB0',
        'sys/class/tty/ttyUSB1/device': 'sys/devices/usb1/1-3/1-3:1.0/ttyUSB1',
        'dev/serial/by-id/usb-1a86_USB2.0-Serial-if00-port0': 'dev/ttyUSB0',
        'dev/serial/by-id/usb-FTDI_FT232R_A50285BI-if00-port0': 'dev/ttyUSB1',
        'dev/serial/by-path/pci-0000:00:14.0-usb-0:2:1.0-port0': 'dev/ttyUSB0',
        'dev/serial/by-path/pci-0000:00:14.0-usbv2-0:2:1.0-port0': 'dev/ttyUSB0',
        'dev/serial/by-path/pci-0000:00:14.0-usb-0:3:1.0-port0': 'dev/ttyUSB1',
      },
    );
    const ports = listSerialPorts(join(root, 'dev'), join(root, 'sys'));
    expect(ports.map(lastingName)).toEqual([
      join(root, 'dev/serial/by-path/pci-0000:00:14.0-usb-0:2:1.0-port0'),
      join(root, 'dev/serial/by-id/usb-FTDI_FT232R_A50285BI-if00-port0'),
      undefined,
    ]);
  });

  it('finds ports by name where the kernel shows nothing of them', () => {
    kernelShows({ 'dev/ttyUSB0': '', 'dev/ttyS0': '' });
    const ports = listSerialPorts(join(root, 'dev'), join(root, 'sys'));
    expect(ports).toEqual([{ path: join(root, 'dev/ttyUSB0'), accessible: true }]);
    expect(ports.map(isPluggedIn)).toEqual([true]);
  });

  it('has nothing to list where there is no such folder', () => {
    expect(listSerialPorts(join(root, 'nothing'), join(root, 'nothing'))).toEqual([]);
  });
});
