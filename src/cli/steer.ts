/**
 * `beamrig steer`: one beam towards a direction until Ctrl-C, or for so many seconds.
 *
 *   direction ─► phases ─► the states that the array can show ─► radiated, cycle by cycle ─► SINR of the user it carries
 *                                        └─► the figures of its pattern, calculated
 */
import { BeamrigError } from '../../core/errors/beamrig-error.ts';
import { figuresOf, patternMetrics, type PatternFigures } from '../../core/signal/pattern-metrics.ts';
import { matmul } from '../../core/signal/complex-matrix.ts';
import { directionOf, directionText, cannotSteer, steered, type ArrayAtHand, type SteerWish } from '../beamforming/hand-beams.ts';
import { loadRigFile, type RigFile } from '../config/rig-file.ts';
import type { CycleView } from '../control/controller.ts';
import { sourceText, type CycleRecord } from '../telemetry/cycle-record.ts';
import { realNumber, wholeNumber } from './arguments.ts';
import { boundOutput, print, stdout } from './output.ts';
import { printable } from './printable.ts';
import { radiate, safeText, type Radiated } from './radiate.ts';

export interface SteerOptions {
  azimuth: string;
  elevation: string;
  user: string;
  for?: string;
  json?: boolean;
}

const ANY_ANGLE = { min: -90, max: 90 };
const STATUS_MS = { terminal: 200, file: 1000 };

/** Exit code 1: nothing was radiated well, or the array is not certain to be safe. */
export async function steer(rigPath: string, options: SteerOptions): Promise<void> {
  const { rig } = loadRigFile(rigPath);
  const array = arrayOf(rig);
  const wish = steerWish(array, options);
  const seconds = options.for === undefined ? undefined : realNumber('--for', options.for, { min: 0.1, max: 1e9 });
  boundOutput(options.json ?? false);
  const output = options.json ? jsonOutput() : textOutput(rig, array, wish);
  let shown = false;
  let statusMs = -Infinity;
  const radiated = await radiate({
    rig,
    chosen: steered(array, wish),
    ...(seconds === undefined ? {} : { seconds }),
    onCycle: (record, view) => {
      if (record.outcome !== 'ok' || view === undefined) return undefined;
      if (!shown) output.beam(record, figuresOfView(rig, view, wish));
      shown = true;
      if (performance.now() - statusMs < (stdout().isTerminal ? STATUS_MS.terminal : STATUS_MS.file)) return undefined;
      statusMs = performance.now();
      output.status(record, wish.user);
      return undefined;
    },
  });
  output.end(radiated);
  if (radiated.ok === undefined || radiated.faulted || radiated.unsafe !== undefined) process.exitCode = 1;
}

export const arrayOf = ({ array, users }: RigFile): ArrayAtHand => ({
  geometry: array.geometry,
  rfChains: array.rfChains,
  users: users.count,
});

/** @throws {BeamrigError} 'argument' naming the option and what is allowed */
export function steerWish(array: ArrayAtHand, options: Pick<SteerOptions, 'azimuth' | 'elevation' | 'user'>): SteerWish {
  const wish = {
    azimuthDeg: realNumber('--azimuth', options.azimuth, ANY_ANGLE),
    elevationDeg: realNumber('--elevation', options.elevation, ANY_ANGLE),
    user: wholeNumber('--user', options.user, { min: 0, max: array.users - 1 }),
  };
  const why = cannotSteer(array, wish);
  if (why !== undefined) throw new BeamrigError('argument', `--${why}`, { wayOut: 'Leave --elevation out.' });
  return wish;
}

/** Of the states that the elements show, and the very D. */
export function figuresOfView(
  rig: RigFile,
  { analog, digital }: Pick<CycleView, 'analog' | 'digital'>,
  wish: Pick<SteerWish, 'azimuthDeg' | 'elevationDeg'>,
): PatternFigures | undefined {
  const metrics = patternMetrics(rig.array.geometry, matmul(analog, digital), directionOf(wish));
  return metrics && figuresOf(metrics);
}

interface SteerOutput {
  beam(record: CycleRecord, figures: PatternFigures | undefined): void;
  status(record: CycleRecord, user: number): void;
  end(radiated: Radiated): void;
}

function jsonOutput(): SteerOutput {
  const line = (value: object): void => print(JSON.stringify(value));
  return {
    beam: ({ source, channelSource, panels, phaseBits }, figures) =>
      line({ type: 'beam', source, channelSource, panels, phaseBits, calculated: figures ?? null }),
    status: ({ cycle, measuredSnrDb, predictedSnrDb }, user) =>
      line({ type: 'status', cycle, user, measuredDb: measuredSnrDb[user], predictedDb: predictedSnrDb[user] }),
    end: ({ ok, ...radiated }) => line({ type: 'end', ...radiated, ...(ok === undefined ? {} : { newest: ok.cycle }) }),
  };
}

function textOutput(rig: RigFile, array: ArrayAtHand, wish: SteerWish): SteerOutput {
  const out = stdout();
  let statusShown = false;
  const line = (text: string): void => {
    out.write(`${statusShown ? '\r\x1b[K' : ''}${text}\n`);
    statusShown = false;
  };
  return {
    beam: ({ source, channelSource, panels, phaseBits }, figures) => {
      line(
        printable(
          `${rig.name}: steered to ${directionText(array, wish)}, with the stream of user ${wish.user}, Q = ${phaseBits}; ${sourceText(source, channelSource)}, ${panels}`,
        ),
      );
      for (const text of figures === undefined ? ['It radiates nothing.'] : figuresText(figures)) line(text);
      line(`Ctrl-C ends it: the array goes to its safe state '${rig.safeState}'.`);
    },
    status: ({ measuredSnrDb, predictedSnrDb }, user) => {
      const text = `User ${user}: SINR measured ${measuredSnrDb[user].toFixed(1)} dB, expected ${predictedSnrDb[user].toFixed(1)}`;
      if (!out.isTerminal) return out.passing(`${text}\n`);
      out.passing(`\r\x1b[K${text}`, false);
      statusShown = true;
    },
    end: ({ cycles, failure, unsafe, ...radiated }) => {
      const why = radiated.void > 0 && failure !== undefined ? `: ${failure}` : '';
      line(printable(`${cycles} cycles, ${radiated.void} void${why}.`));
      line(safeText(rig, unsafe));
    },
  };
}

/** For people, with what was calculated said to be. */
export function figuresText(figures: PatternFigures): string[] {
  const { peakAzimuthDeg, peakElevationDeg, pointingErrorDeg, beamwidthDeg, sidelobeDb, eirpOverElementDb } = figures;
  const isPlanar = beamwidthDeg.elevation !== undefined;
  const each = ({ azimuth, elevation }: PatternFigures['beamwidthDeg'], unit: string, none: string): string => {
    const one = (value: number | null): string => (value === null ? none : `${value.toFixed(1)}${unit}`);
    return elevation === undefined ? one(azimuth) : `${one(azimuth)} in azimuth, ${one(elevation)} in elevation`;
  };
  return [
    'Calculated, of the states that the elements show:',
    `  points to      ${peakAzimuthDeg.toFixed(2)}°${isPlanar ? `, elevation ${peakElevationDeg.toFixed(2)}°` : ''}; pointing error ${pointingErrorDeg.toFixed(2)}°`,
    `  beamwidth      ${each(beamwidthDeg, '°', 'beyond ±90°')} at −3 dB`,
    `  sidelobes      ${each(sidelobeDb, ' dB', 'none')}`,
    `  EIRP           ${eirpOverElementDb.toFixed(1)} dB above that of one element`,
  ];
}
