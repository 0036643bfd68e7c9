import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { packageRoot } from '../../core/files/package-root.ts';
import { rigDoubts } from './rig-doubts.ts';
import { parseRigFile, readRigFile } from './rig-file.ts';

const lines = {
  spacingWavelengths: 0.5,
  carrierGhz: 28,
  snrDb: 10,
  azimuthDeg: 20,
  directionsDeg: [-60, 0, 60],
  phaseErrorDeg: 5,
  phaseStateErrorDeg: 1,
  userSpeedMps: 1.4,
  rateHz: 20,
  deadlineMs: 2000,
  syncSeconds: 1,
  baudRate: 921600,
  boardElements: 4,
  effectivePeriod: 16,
};

const doubtsOf = (changed: Partial<typeof lines>): string[] => {
  const v = { ...lines, ...changed };
  const text = `name: bench
array:
  geometry: { kind: ula, elements: 8, spacingWavelengths: ${v.spacingWavelengths} }
  rfChains: 2
  phaseBits: 4
  carrierGhz: ${v.carrierGhz}
users: { count: 2 }
snrDb: ${v.snrDb}
beamformer: { model: aligned, deadlineMs: ${v.deadlineMs} }
loop: { rateHz: ${v.rateHz} }
safeState: codeword
safeCodeword: { azimuthDeg: ${v.azimuthDeg} }
sensing: { directionsDeg: [${v.directionsDeg.join(', ')}] }
simulator:
  userSpeedMps: ${v.userSpeedMps}
  impairments: { phaseErrorDeg: ${v.phaseErrorDeg}, phaseStateErrorDeg: ${v.phaseStateErrorDeg} }
telemetry: { syncSeconds: ${v.syncSeconds} }
calibration: { watch: { boardElements: ${v.boardElements} } }
channel: { source: sounding, wholePeriod: 58, effectivePeriod: ${v.effectivePeriod} }
links: [ { name: bus, serial: { path: /dev/ttyUSB0, baudRate: ${v.baudRate} } } ]
`;
  return rigDoubts(parseRigFile(text, 'rig.yaml'));
};

describe('a value in another unit', () => {
  it.each([
    [
      { spacingWavelengths: 5.35 },
      'array.geometry.spacingWavelengths: 5.35 wavelengths are 57.3 mm at 28 GHz; if 5.35 mm is meant, write 0.5',
    ],
    [{ spacingWavelengths: 0.00535 }, 'if 0.00535 m is meant, write 0.5'],
    [{ carrierGhz: 868 }, 'array.carrierGhz: 868 GHz is above every array there is; if MHz is meant, write 0.868'],
    [{ carrierGhz: 0.028 }, 'if THz is meant, write 28'],
    [{ snrDb: 100 }, 'snrDb: 100 dB is more than an array can use; if a ratio is meant, write 20'],
    [{ snrDb: -45 }, 'snrDb: -45 dB leaves nothing to measure'],
    [{ azimuthDeg: 0.35 }, 'safeCodeword.azimuthDeg: 0.35 degrees is next to broadside; if radians are meant, write 20.1'],
    [{ azimuthDeg: -1.571 }, 'if radians are meant, write -90'],
    [
      { directionsDeg: [-1.047, 0, 1.047] },
      'sensing.directionsDeg: -1.047, 0, 1.047 degrees are next to broadside; if radians are meant, write -60, 0, 60',
    ],
    [
      { phaseErrorDeg: 0.087 },
      'simulator.impairments.phaseErrorDeg: 0.087 degrees cannot be seen; if radians are meant, write 4.98',
    ],
    [{ phaseStateErrorDeg: 0.02 }, 'simulator.impairments.phaseStateErrorDeg: 0.02 degrees'],
    [{ userSpeedMps: 50 }, 'simulator.userSpeedMps: 50 m/s are 180 km/h; if km/h is meant, write 13.9'],
    [{ rateHz: 0.05 }, 'loop.rateHz: 0.05 is a cycle every 20 s; if a period in s is meant, write 20'],
    [{ deadlineMs: 2 }, 'beamformer.deadlineMs: 2 ms is less than a model takes; if s is meant, write 2000'],
    [{ syncSeconds: 1000 }, 'telemetry.syncSeconds: 1000 s of records'],
    [
      { boardElements: 7 },
      'calibration.watch.boardElements: boards of 7 leave one of 1; boards are mostly alike, so that 8 divide',
    ],
    [{ effectivePeriod: 59 }, 'channel.effectivePeriod: 59 slots are more than wholePeriod, 58'],
    [{ baudRate: 921 }, 'links (bus).serial.baudRate: 921 bits a second; if kBd is meant, write 921000'],
  ])('is doubted, with what it amounts to: %j', (changed, doubt) => {
    const found = doubtsOf(changed);
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(doubt);
  });

  it.each([
    {},
    { azimuthDeg: 0 },
    { azimuthDeg: 1 },
    { azimuthDeg: -45.5 },
    { directionsDeg: [0] },
    { directionsDeg: [-1, 0.5, 20] },
    { spacingWavelengths: 0.45 },
    { spacingWavelengths: 1 },
    { carrierGhz: 2.4 },
    { carrierGhz: 300 },
    { snrDb: -10 },
    { snrDb: 40 },
    { userSpeedMps: 0 },
    { userSpeedMps: 33 },
    { phaseErrorDeg: 0, phaseStateErrorDeg: 0 },
    { rateHz: 0.5 },
    { rateHz: 10_000 },
    { baudRate: 9600 },
    { boardElements: 8, effectivePeriod: 58 },
  ])('is not seen where none is: %j', (changed) => {
    expect(doubtsOf(changed)).toEqual([]);
  });

  it('is in none of the examples', () => {
    const folder = join(packageRoot(), 'examples', 'rigs');
    for (const name of readdirSync(folder).filter((file) => file.endsWith('.yaml'))) {
      expect(rigDoubts(readRigFile(join(folder, name))), name).toEqual([]);
    }
  });
});
