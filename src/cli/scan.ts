/**
 * `beamrig scan`: measured SINR against angle beside the calculated pattern, drawn as it comes. Two kinds, and each says which it is:
 *
 *   beams      many beams, one receiver where it stands: what each beam gives at one place
 *   receiver   one beam, one receiver that moves over the angles: the pattern of the beam. In the simulator the scene moves it; elsewhere the operator is asked
 */
import { createInterface } from 'node:readline';
import { BeamrigError } from '../../core/errors/beamrig-error.ts';
import { counted } from '../../core/errors/counted.ts';
import type { Beam } from '../../core/signal/beam-contract.ts';
import { powerTowards } from '../../core/signal/beampattern.ts';
import { matmul, scale, zeros, type CMatrix } from '../../core/signal/complex-matrix.ts';
import { cosinePowerPattern, steeringVector } from '../../core/signal/geometry.ts';
import { toDb } from '../../core/signal/rate.ts';
import { beamTowards, directionOf, steered, type ArrayAtHand } from '../beamforming/hand-beams.ts';
import { fourierStops, scanning, stopsAt, strongest, type ScanPoint, type ScanStop } from '../beamforming/scan-beams.ts';
import { readBeamFolder } from '../config/beam-file.ts';
import { loadRigFile, type RigFile } from '../config/rig-file.ts';
import type { CycleView } from '../control/controller.ts';
import { beamfileBeam, featuresOf, madeByOthers } from '../rig/hand-beam-files.ts';
import type { CycleRecord } from '../telemetry/cycle-record.ts';
import { wholeNumber } from './arguments.ts';
import { arrayOf, steerWish } from './hand-arguments.ts';
import { fittingBeams, usersOf } from './kept-beams.ts';
import { requireWritable, writeOutput } from './output-file.ts';
import { boundOutput, printError } from './output.ts';
import { printable } from '../../core/errors/printable.ts';
import { radiate, safeText } from './radiate.ts';
import { angleOn, cutOf, placeOf, type Axis, type Place } from './scan-cut.ts';
import { agreementOf, cutFigures, levelled, scanCsv, scanSvg } from './scan-figures.ts';
import { scanJson, scanText } from './scan-output.ts';

export interface ScanOptions {
  azimuth?: string;
  elevation?: string;
  codebook?: string;
  beam?: string;
  user: string;
  at?: string;
  pilots?: string;
  fromMemory?: boolean;
  csv?: string;
  svg?: string;
  force?: boolean;
  json?: boolean;
}

/** Rounds over the angles after which what could not be measured is given up. */
const ROUNDS = 5;

/** How long panels that are lost are waited for. */
const PATIENCE_MS = 60_000;

/** What a scan does between its cycles. */
interface Course {
  kind: 'beams' | 'receiver';
  axis: Axis;
  about: string;
  total: number;
  /** That it shows. */
  beams: readonly Beam[];
  chosen: Parameters<typeof radiate>[0]['chosen'];
  channels?: { channels: CMatrix[]; file: string };
  /** Points that are new with this cycle. */
  after: (record: CycleRecord, view: CycleView | undefined) => ScanPoint[];
  /** Begins to ask, where somebody has to do something. */
  begin?: () => void;
  end?: () => void;
  /** The calculated curve has a shape and no level. */
  levelUnknown: boolean;
}

/** Exit code 1: not all of it could be measured, or the array is not certain to be safe. */
export async function scan(rigPath: string, options: ScanOptions): Promise<void> {
  const { rig } = loadRigFile(rigPath);
  const { csv, svg, force = false, json = false } = options;
  for (const file of [csv, svg]) if (file !== undefined) requireWritable(file, force);
  const array = arrayOf(rig);
  const user = wholeNumber('--user', options.user, { min: 0, max: array.users - 1 });
  if (options.pilots !== undefined) rig.loop.pilots = wholeNumber('--pilots', options.pilots, { min: 3, max: 65_535 });
  const course =
    options.beam === undefined ? beamsCourse(rig, array, user, options) : receiverCourse(rig, array, user, options, options.beam);
  boundOutput(json);
  const output = json ? scanJson() : scanText();
  const points: ScanPoint[] = [];
  let begun = false;
  let okMs = performance.now();
  const radiated = await radiate({
    rig,
    chosen: course.chosen,
    ...(course.channels === undefined ? {} : { channels: course.channels, cycles: ROUNDS * course.total }),
    ...(options.fromMemory === true ? { fromMemory: course.beams } : {}),
    ...(rig.links.length === 0 ? { rateHz: 'max' as const } : {}),
    onBegin: ({ source, description: { channelSource } }) => {
      if (source === 'hardware' && channelSource === 'simulation' && course.kind === 'beams' && options.at === undefined) {
        printError('Where the receiver stands is not known: give it as --at to have what is calculated beside what is measured.');
      }
    },
    onCycle: (record, view) => {
      if (!begun) {
        begun = true;
        if (options.codebook === 'beams') tellOthers(rig, record.calibration);
        const { kind, about, total } = course;
        const topDb = view === undefined ? rig.snrDb : loudestDb(view.channel, user, rig.snrDb);
        output.begin({ rig: rig.name, kind, about, points: total, user, pilots: rig.loop.pilots, topDb });
        course.begin?.();
      }
      for (const point of course.after(record, view)) {
        points.push(point);
        output.point(point);
      }
      if (record.outcome === 'ok') okMs = performance.now();
      const isGivenUp = performance.now() - okMs > PATIENCE_MS;
      return points.length >= course.total || isGivenUp ? 'enough' : undefined;
    },
  });
  course.end?.();
  const { axis } = course;
  const level = course.levelUnknown ? levelled(points) : { points, byDb: undefined };
  const ordered =
    course.kind === 'receiver'
      ? [...level.points].sort((a, b) => (angleOn(axis, a) ?? 0) - (angleOn(axis, b) ?? 0))
      : level.points;
  const measured = points.filter(({ measuredDb }) => Number.isFinite(measuredDb)).length;
  const complete = measured === course.total;
  const lacking = complete ? undefined : `not complete: ${measured} of ${course.total} points were measured`;
  if (csv !== undefined) writeOutput(csv, scanCsv(ordered, lacking), force);
  const of = course.kind === 'beams' ? 'the beam' : 'the receiver';
  const title = `${rig.name}: ${course.about}${lacking === undefined ? '' : `; ${lacking}`}`;
  if (svg !== undefined) writeOutput(svg, scanSvg(ordered, { title, axis, of }), force);
  const { source, channelSource, panels, unsafe, failure, selected } = radiated;
  const best = points.length === 0 ? undefined : points[strongest(points)];
  output.end({
    ...{ source, channelSource, panels, complete, agreement: agreementOf(ordered) },
    ...(level.byDb === undefined ? {} : { levelDb: level.byDb }),
    ...(selected === undefined ? {} : { selected }),
    ...(course.kind === 'receiver' ? { cut: cutFigures(ordered, axis) } : {}),
    strongest: best === undefined || Number.isNaN(best.measuredDb) ? null : `${best.name}, ${best.measuredDb.toFixed(1)} dB`,
    written: [csv, svg].filter((file) => file !== undefined),
    ...{ safe: safeText(rig, unsafe), unsafe, failure: complete ? undefined : failure },
  });
  if (!complete || radiated.faulted || unsafe !== undefined) process.exitCode = 1;
}

/** Many beams at one place. */
function beamsCourse(rig: RigFile, array: ArrayAtHand, user: number, options: ScanOptions): Course {
  const stops = stopsOf(rig, array, user, options);
  // Users who walk on between two beams are not in one place. A panel in a process of its own has a scene of its own, which nobody here can hold.
  const still = rig.links.length === 0;
  if (still) rig.simulator.userSpeedMps = 0;
  const scanned = scanning(array, stops, user);
  const at = options.at === undefined ? undefined : directionOf(placeOf('--at', options.at));
  let told = 0;
  return {
    kind: 'beams',
    axis: options.codebook === undefined ? cutOf(options).axis : 'azimuth',
    about: `${counted(stops.length, 'beam')}, measured at the one place where user ${user} stands${still ? '' : ' (who may move meanwhile)'}`,
    total: stops.length,
    beams: stops.map(({ beam }) => beam),
    chosen: scanned,
    levelUnknown: at !== undefined,
    after: ({ source, channelSource }, view) => {
      const points = scanned.points.slice(told);
      told = scanned.points.length;
      const unknown = source === 'hardware' && channelSource === 'simulation' && at === undefined;
      return points.map((point) => {
        if (unknown) return { ...point, calculatedDb: NaN };
        if (at === undefined || view === undefined) return point;
        const { azimuthRad, elevationRad } = at;
        return {
          ...point,
          calculatedDb: toDb(powerTowards(array.geometry, matmul(view.analog, view.digital), azimuthRad, elevationRad)),
        };
      });
    },
  };
}

function stopsOf(rig: RigFile, array: ArrayAtHand, user: number, { azimuth, elevation, codebook }: ScanOptions): ScanStop[] {
  if ((azimuth !== undefined || elevation !== undefined) && codebook !== undefined) {
    throw new BeamrigError('argument', '--azimuth or --elevation and --codebook are two kinds of beams; allowed: one of them');
  }
  if (codebook === undefined) {
    const { axis, places } = cutOf({ azimuth, elevation });
    return stopsAt(array, places, user, axis);
  }
  if (codebook === 'dft') return fourierStops(array, user);
  if (codebook !== 'beams') {
    throw new BeamrigError('argument', `--codebook ${codebook}: not allowed; allowed: dft | beams, those that are kept by name`);
  }
  const beams = fittingBeams(rig);
  const without = beams.filter((beam) => !usersOf(beam).includes(user)).map(({ name }) => name);
  if (without.length > 0) {
    const named = `${without.slice(0, 5).join(', ')}${without.length > 5 ? `, and ${without.length - 5} more` : ''}`;
    printError(`No stream of user ${user} is in: ${named}. Another user is given by --user.`);
  }
  return beams.map((file) => {
    const { azimuthDeg = null, elevationDeg = null } = file.direction ?? {};
    return { name: file.name, azimuthDeg, elevationDeg, beam: beamfileBeam(file, rig), takes: featuresOf([file]) };
  });
}

/** Kept beams whose words were chosen by other states. */
function tellOthers(rig: RigFile, now: string): void {
  const other = madeByOthers(readBeamFolder(rig.beamFolder).beams, now);
  if (other !== undefined) printError(printable(other));
}

/** One beam, and the receiver in many places. */
function receiverCourse(rig: RigFile, array: ArrayAtHand, user: number, options: ScanOptions, beam: string): Course {
  const to = placeOf('--beam', beam);
  const wish = steerWish(array, { azimuth: String(to.azimuthDeg), elevation: String(to.elevationDeg), user: String(user) });
  // A cut goes through the main lobe, unless somebody wants another one.
  const { axis, places } = cutOf(options, to);
  for (const place of places) steerWish(array, { azimuth: '0', elevation: String(place.elevationDeg), user: '0' });
  const nameOf = (place: Place): string => `${angleOn(axis, place)}°`;
  const chosen = steered(array, wish);
  const isPlanar = array.geometry.kind === 'upa';
  const direction = isPlanar ? `${to.azimuthDeg}°, elevation ${to.elevationDeg}°` : `${to.azimuthDeg}°`;
  const about = `one beam to ${direction}, its receiver moved over ${places.length} ${isPlanar ? `${axis}s` : 'angles'}`;
  const shared = { kind: 'receiver', axis, about, total: places.length, chosen, beams: [beamTowards(array, wish)] } as const;
  const pointAt = (place: Place, measuredDb: number, calculatedDb: number): ScanPoint => ({
    ...{ name: nameOf(place), ...place, measuredDb, calculatedDb },
  });
  if (rig.links.length === 0) {
    const had = new Set<number>();
    return {
      ...shared,
      about: `${about} by the scene of the simulator, in free space`,
      channels: { channels: places.map((place) => seenFrom(rig, place)), file: 'a receiver that moves over the angles' },
      levelUnknown: false,
      after: (record) => {
        const place = record.cycle % places.length;
        if (record.outcome !== 'ok' || record.doubt !== undefined || had.has(place)) return [];
        had.add(place);
        return [pointAt(places[place], record.measuredSnrDb[user], record.predictedSnrDb[user])];
      },
    };
  }
  // A simulator in place of the hardware has no receiver that anybody could move.
  rig.fallback = 'never';
  let asked = 0;
  let there = false;
  const lines = createInterface({ input: process.stdin });
  const ask = (): void =>
    printError(
      `Put the receiver of user ${user} at ${isPlanar ? `${axis} ` : ''}${nameOf(places[asked])}, then press Enter. (${asked + 1} of ${places.length})`,
    );
  return {
    ...shared,
    about: `${about} by hand`,
    levelUnknown: true,
    begin: () => {
      ask();
      lines.on('line', () => (there = true));
      // Nobody will say that it has been moved.
      lines.on('close', () => asked < places.length && process.kill(process.pid, 'SIGTERM'));
    },
    end: () => {
      lines.removeAllListeners('close');
      lines.close();
    },
    after: (record, view) => {
      if (!there || record.outcome !== 'ok' || record.doubt !== undefined || view === undefined) return [];
      there = false;
      const place = places[asked++];
      if (asked < places.length) ask();
      const { azimuthRad, elevationRad } = directionOf(place);
      const towards = powerTowards(array.geometry, matmul(view.analog, view.digital), azimuthRad, elevationRad);
      return [pointAt(place, record.measuredSnrDb[user], toDb(towards))];
    },
  };
}

/** H of all users at one place in free space, K×N: rows a(θ)ᴴ, times the pattern of an element. */
function seenFrom({ array: { geometry }, users: { count }, simulator }: RigFile, place: Place): CMatrix {
  const { azimuthRad, elevationRad } = directionOf(place);
  const { re, im, rows: elements } = steeringVector(geometry, azimuthRad, elevationRad);
  const channel = zeros(count, elements);
  for (let k = 0; k < count; k++) {
    channel.re.set(re, k * elements);
    channel.im.set(
      im.map((y) => -y),
      k * elements,
    );
  }
  const { elementPattern } = simulator.channel;
  return elementPattern === undefined
    ? channel
    : scale(channel, 10 ** (cosinePowerPattern(elementPattern)(azimuthRad, elevationRad) / 20));
}

/** What a beam for one user alone would give, P·‖h_k‖²/σ², dB. */
function loudestDb({ re, im, cols }: CMatrix, user: number, snrDb: number): number {
  let gain = 0;
  for (let i = user * cols; i < (user + 1) * cols; i++) gain += re[i] ** 2 + im[i] ** 2;
  return snrDb + toDb(gain);
}
