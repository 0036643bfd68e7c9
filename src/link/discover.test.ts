import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { discoverHardware } from './discover.ts';

let dev: string;
beforeEach(() => {
  dev = mkdtempSync(join(tmpdir(), 'beamrig-dev-'));
});
afterEach(() => rmSync(dev, { recursive: true }));

describe('search for hardware', () => {
  it('says what it looked for when nothing is attached and nothing is configured', () => {
    expect(discoverHardware([], dev)).toEqual({
      lookedFor: [
        `serial ports (${dev}/ttyUSB*, ${dev}/ttyACM*, ${dev}/serial/by-id): none found`,
        'links in the rig file: none',
      ],
      serialPorts: [],
      reason: 'no USB or ACM serial port is present and the rig file names no link',
    });
  });

  it('finds serial ports once each, in the order of their numbers, with the name that lasts', () => {
    for (const name of ['ttyUSB10', 'ttyUSB2', 'ttyACM0', 'ttyS0', 'tty1', 'null']) writeFileSync(join(dev, name), '');
    mkdirSync(join(dev, 'serial', 'by-id'), { recursive: true });
    symlinkSync('../../ttyUSB2', join(dev, 'serial', 'by-id', 'usb-FTDI_board-if00'));
    symlinkSync('../../ttyUSB7', join(dev, 'serial', 'by-id', 'usb-gone-if00'));
    const search = discoverHardware([], dev);
    expect(search.serialPorts).toEqual([
      { path: join(dev, 'ttyACM0'), accessible: true },
      { path: join(dev, 'ttyUSB2'), byId: join(dev, 'serial', 'by-id', 'usb-FTDI_board-if00'), accessible: true },
      { path: join(dev, 'ttyUSB10'), accessible: true },
    ]);
    expect(search.reason).toMatch(/^serial ports are present \(.*ttyUSB2.*\), but the rig file names no link$/);
  });

  it('names the links of the rig file', () => {
    expect(discoverHardware(['serial /dev/ttyUSB0'], dev)).toMatchObject({
      lookedFor: [expect.anything(), 'links in the rig file: serial /dev/ttyUSB0'],
      reason: 'the rig file names serial /dev/ttyUSB0',
    });
  });
});
