/**
 * What a rig file says that is allowed and most probably meant in another unit: radians for degrees, millimetres for wavelengths, MHz for
 * GHz, a ratio for decibels; or that does not go with another value. Ranges are those of what is built and of what physics lets work; outside them the rig runs, and a warning says
 * what the value amounts to and what it would be in the unit that fits.
 */
import { ofKind } from '../link/link-kinds.ts';
import { elementsOf, type RigFile } from './rig-file.ts';
import type { RigLink } from './rig-links.ts';

/** A sentence for each, that begins with the key. */
export function rigDoubts(rig: RigFile): string[] {
  return [
    ...arrayDoubts(rig),
    ...simulatorDoubts(rig),
    ...timeDoubts(rig),
    ...countDoubts(rig),
    ...rig.links.flatMap((link) => [...linkDoubts(link)]),
  ];
}

const SPEED_OF_LIGHT_MM_GHZ = 299.792_458;
const short = (value: number): string => String(Number(value.toPrecision(3)));
const degrees = (rad: number): string => short((rad * 180) / Math.PI);

function* arrayDoubts({ array, snrDb, safeCodeword, sensing }: RigFile): Generator<string> {
  const { carrierGhz, geometry } = array;
  const spacing = geometry.spacingWavelengths;
  const wavelengthMm = SPEED_OF_LIGHT_MM_GHZ / carrierGhz;
  // Beyond two wavelengths every beam has grating lobes all around; below a tenth elements do not fit beside each other.
  if (spacing > 2 || spacing < 0.1) {
    const isMetres = spacing < 0.1;
    const meant = (isMetres ? 1000 * spacing : spacing) / wavelengthMm;
    yield (
      `array.geometry.spacingWavelengths: ${spacing} wavelengths are ${short(spacing * wavelengthMm)} mm at ${carrierGhz} GHz; ` +
      `if ${spacing} ${isMetres ? 'm' : 'mm'} is meant, write ${short(meant)}`
    );
  }
  if (carrierGhz > 350)
    yield `array.carrierGhz: ${carrierGhz} GHz is above every array there is; if MHz is meant, write ${carrierGhz / 1000}`;
  if (carrierGhz < 0.1) {
    yield `array.carrierGhz: ${carrierGhz} GHz has a wavelength of ${short(wavelengthMm / 1000)} m; if THz is meant, write ${short(1000 * carrierGhz)}`;
  }
  if (snrDb > 60)
    yield `snrDb: ${snrDb} dB is more than an array can use; if a ratio is meant, write ${short(10 * Math.log10(snrDb))}`;
  if (snrDb < -40) yield `snrDb: ${snrDb} dB leaves nothing to measure; it is P/σ² at one element, not a power in dBm`;
  const azimuth = safeCodeword?.azimuthDeg ?? 0;
  if (looksLikeRadians(azimuth)) {
    yield `safeCodeword.azimuthDeg: ${azimuth} degrees is next to broadside; if radians are meant, write ${degrees(azimuth)}`;
  }
  const directions = sensing?.directionsDeg ?? [];
  if (directions.some(looksLikeRadians) && directions.every((angle) => angle === 0 || looksLikeRadians(angle))) {
    yield (
      `sensing.directionsDeg: ${directions.join(', ')} degrees are next to broadside; ` +
      `if radians are meant, write ${directions.map(degrees).join(', ')}`
    );
  }
}

/** Nobody points a beam by fractions of a degree near broadside, and ±90 degrees are ±1.571. */
const looksLikeRadians = (angle: number): boolean =>
  angle !== 0 && Math.abs(angle) <= Math.PI / 2 + 0.001 && !Number.isInteger(angle);

function* simulatorDoubts({ simulator }: RigFile): Generator<string> {
  const { impairments, userSpeedMps } = simulator;
  for (const key of ['phaseErrorDeg', 'phaseStateErrorDeg'] as const) {
    const value = impairments[key];
    // What is meant by less is less than any phase shifter's own steps show.
    if (value > 0 && value < 0.1) {
      yield `simulator.impairments.${key}: ${value} degrees cannot be seen; if radians are meant, write ${degrees(value)}`;
    }
  }
  if (userSpeedMps > 42) {
    yield `simulator.userSpeedMps: ${userSpeedMps} m/s are ${short(3.6 * userSpeedMps)} km/h; if km/h is meant, write ${short(userSpeedMps / 3.6)}`;
  }
}

function* countDoubts({ array, calibration, channel }: RigFile): Generator<string> {
  const { boardElements } = calibration.watch;
  const left = boardElements === undefined ? 0 : elementsOf({ array }) % boardElements;
  if (left > 0) {
    yield `calibration.watch.boardElements: boards of ${boardElements} leave one of ${left}; boards are mostly alike, so that ${elementsOf({ array })} divide by their elements`;
  }
  const { wholePeriod, effectivePeriod } = channel;
  if (wholePeriod !== undefined && effectivePeriod !== undefined && effectivePeriod > wholePeriod) {
    yield `channel.effectivePeriod: ${effectivePeriod} slots are more than wholePeriod, ${wholePeriod}: digital weights are then solved again by soundings of the whole channel alone`;
  }
}

function* timeDoubts({ loop, beamformer, telemetry }: RigFile): Generator<string> {
  if (loop.rateHz < 0.1) {
    yield `loop.rateHz: ${loop.rateHz} is a cycle every ${short(1 / loop.rateHz)} s; if a period in s is meant, write ${short(1 / loop.rateHz)}`;
  }
  if (beamformer.deadlineMs < 5) {
    yield `beamformer.deadlineMs: ${beamformer.deadlineMs} ms is less than a model takes; if s is meant, write ${1000 * beamformer.deadlineMs}`;
  }
  if (telemetry.syncSeconds > 60) {
    yield `telemetry.syncSeconds: ${telemetry.syncSeconds} s of records are lost with the power; if ms is meant, write ${telemetry.syncSeconds / 1000}`;
  }
}

function* linkDoubts(link: RigLink): Generator<string> {
  const { kind, of } = ofKind(link);
  for (const [key, text] of kind.doubts?.(of.block) ?? []) yield `links (${link.name}).${link.kind}.${key}: ${text}`;
}
